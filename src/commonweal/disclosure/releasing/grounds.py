"""On what grounds a release may say that its rule was kept.

Of the rules that the house knows, those without noise that is drawn are proven by an audit of exactly these tables;
noise must spend of a budget, and leaves no count as it was. Any other rule is a steward's to judge, and whatever tells
of it says so: its certificate, its page.
"""

from __future__ import annotations

from commonweal.core.wording import Wording
from commonweal.disclosure.rounding.rules import CELL_KEY, CONTROLLED_ROUNDING
from commonweal.disclosure.service import ROUNDED_TOTALS, THRESHOLD

DIFFERENTIAL_PRIVACY = Wording("differential-privacy")
CHANGING = frozenset({CONTROLLED_ROUNDING, CELL_KEY})
"""Rules that hide nothing and leave no count as it was."""
KNOWN = frozenset({THRESHOLD, ROUNDED_TOTALS, DIFFERENTIAL_PRIVACY, *CHANGING})


def is_known(rule: str) -> bool:
    """Say whether a rule is one of the house, which sees to it itself; others a steward judges.

    Examples
    --------
    >>> is_known("threshold"), is_known("Threshold")
    (True, False)
    """
    return rule in KNOWN
