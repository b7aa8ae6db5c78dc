"""What columns are called that are declared without a title: here to be found for translation."""

from commonweal.core.wording import Wording

NAMES = (
    Wording("As of"),
    Wording("At least"),
    Wording("Below"),
    Wording("Destination"),
    Wording("Found by"),
    Wording("Growth"),
    Wording("High"),
    Wording("Low"),
    Wording("Market share"),
    Wording("Origin"),
    Wording("Penetration"),
    Wording("Population"),
    Wording("Recorded days"),
    Wording("Sims per person"),
    Wording("Start"),
    Wording("Week"),
)
