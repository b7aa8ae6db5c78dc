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


# Networks of these countries have codes of three digits, so an IMSI shows six digits of PLMN there, five elsewhere.
_THREE_DIGITS = frozenset(
    {302, 334, 338, 342, 344, 346, 348, 350, 352, 354, 356, 358, 360, 365, 366, 376, 405, 708, 714, 722, 732, 750}
    | set(range(310, 317))
)


def plmn_of_text(text: str) -> int:
    """Read the PLMN from a PLMN, or from the first seven signs of an IMSI; 0 when empty, -1 when it is neither.

    >>> plmn_of_text("619-01"), plmn_of_text("6190112"), plmn_of_text("3102601"), plmn_of_text(""), plmn_of_text("x")
    (619001, 619001, 310260, 0, -1)
    """
    if not text:
        return UNKNOWN
    if len(text) == 7 and text.isascii() and text.isdigit():
        text = text[:6] if int(text[:3]) in _THREE_DIGITS else text[:5]
    found = parse_plmn(text)
    return -1 if found is None else found
