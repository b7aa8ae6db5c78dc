"""PLMN codes: the network a SIM or a cell belongs to (ITU-T E.212: country code MCC, network code MNC).

A PLMN is kept as the integer MCC · 1000 + MNC, so 619-01 and 61901 are the same network.
"""

from __future__ import annotations

import re

_SPELLINGS = re.compile(r"(\d{3})[-_ /]?(\d{1,3})")

UNKNOWN = 0


def parse_plmn(text: str) -> int | None:
    """Read a PLMN in any usual spelling; None when it is not one.

    >>> parse_plmn("619-01"), parse_plmn("61901"), parse_plmn("619001"), parse_plmn("Orange")
    (619001, 619001, 619001, None)
    """
    match = _SPELLINGS.fullmatch(text.strip())
    return None if match is None else int(match[1]) * 1000 + int(match[2])


def country_code(plmn: int) -> int:
    """Give the mobile country code of a PLMN.

    >>> country_code(619001)
    619
    """
    return plmn // 1000
