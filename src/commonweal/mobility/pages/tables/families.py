"""Which published tables belong to which page, how each is laid out, and where its definition stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from commonweal.core.wording import Wording

WITH_NOISE = "_private"


@dataclass(frozen=True)
class Kind:
    """How a table is shown.

    Parameters
    ----------
    name
        The dataset's, without the domain.
    section
        Of the methods, where the definition is.
    across
        The dimension whose values stand side by side, each a column; empty if none does.
    rows
        Where the table has no areas: dimensions that its rows are told by.
    """

    name: str
    section: str
    across: str = ""
    rows: tuple[str, ...] = ()

    @property
    def dataset(self) -> str:
        """The dataset's whole name."""
        return f"mobility.{self.name}"


_WALKS = "walks"
_BORDERS = "across-borders"
_FLOWS = "other-kinds-of-flows"
FAMILIES: Mapping[str, tuple[Kind, ...]] = {
    "presence": (
        Kind("presence", "presence"),
        Kind("present", "present-population"),
        Kind("presence_by_origin", _BORDERS, across="origin"),
    ),
    "flows": (
        Kind("flows", "flows"),
        Kind("flows_all_pairs", _FLOWS),
        Kind("flows_consecutive", _FLOWS),
        Kind("flows_lagged", _FLOWS),
        Kind("commuting", _FLOWS),
    ),
    "homes": (
        Kind("home", "home-area"),
        Kind("homes", "homes-by-rule", across="rule"),
        Kind("home_agreement", "homes-by-rule", across="outcome", rows=("rule", "other")),
        Kind("home_confidence", "homes-by-rule", across="share", rows=("rule",)),
        Kind("usual_environment", "usual-environment", across="label"),
        Kind("internal_migration", "usual-environment"),
        Kind("home_change", _FLOWS),
    ),
    "movement": (
        Kind("radius_of_gyration", _WALKS),
        Kind("radius_of_gyration_by_time", _WALKS),
        Kind("k_radius_of_gyration", _WALKS),
        Kind("jump_length", _WALKS),
        Kind("longest_jump", _WALKS),
        Kind("distance_from_home", _WALKS),
        Kind("share_at_home", _WALKS),
        Kind("locations", _WALKS),
        Kind("random_entropy", _WALKS),
        Kind("uncorrelated_entropy", _WALKS),
        Kind("real_entropy", _WALKS),
        Kind("regularity", _WALKS),
    ),
    "borders": (
        Kind("border_crossings", _BORDERS, across="direction", rows=("country", "who")),
        Kind("border_districts", _BORDERS, across="direction"),
        Kind("border_pairs", _BORDERS),
        Kind("inbound", _BORDERS),
        Kind("outbound", _BORDERS, rows=("country",)),
        Kind("transit", _BORDERS),
        Kind("visitor_nights", _BORDERS),
        Kind("visit_nights", _BORDERS, across="nights", rows=("country",)),
        Kind("accidental_roaming", _BORDERS, across="direction"),
    ),
}
"""By the last part of a page's address; the first table is the one that is shown unless another is asked for."""

DIMENSIONS: Mapping[str, str] = {
    "direction": Wording("Direction"),
    "country": Wording("Country"),
    "who": Wording("Who"),
    "way": Wording("Way"),
    "nights": Wording("Nights"),
    "rule": Wording("Rule"),
    "other": Wording("Other rule"),
    "outcome": Wording("Outcome"),
    "share": Wording("Share"),
    "label": Wording("Label"),
    "origin": Wording("Who"),
    "part": Wording("When"),
    "period": Wording("Unit of time"),
}
"""What tables are told by besides areas and days."""

_RULES = {
    "last-of-day": Wording("where most days end"),
    "night-19-07": Wording("most half-hours, 19:00 to 07:00"),
    "night-22-07": Wording("most events, 22:00 to 07:00"),
    "night-1930-0730": Wording("most nights, 19:30 to 07:30"),
    "majority": Wording("where more than half of days end"),
}
VALUES: Mapping[str, Mapping[str, str]] = {
    "direction": {"in": Wording("coming in"), "out": Wording("going out")},
    "who": {"resident": Wording("residents"), "visitor": Wording("visitors")},
    "way": {
        "across": Wording("from one country to another"),
        "back": Wording("back into the same country"),
    },
    "origin": {
        "resident": Wording("residents"),
        "visitor": Wording("visitors"),
        "unknown": Wording("not known"),
    },
    "nights": {
        "0": Wording("same day"),
        "1": Wording("1 night"),
        "2": Wording("2 to 3 nights"),
        "4": Wording("4 to 7 nights"),
        "8": Wording("8 to 14 nights"),
        "15": Wording("15 nights or more"),
    },
    "rule": _RULES,
    "other": _RULES,
    "outcome": {
        "same": Wording("the same home"),
        "different": Wording("different homes"),
        "only first": Wording("only the first finds one"),
        "only second": Wording("only the second finds one"),
        "neither": Wording("neither finds one"),
    },
    "share": {
        "at most 25 %": Wording("at most 25 %"),
        "at most 50 %": Wording("at most 50 %"),
        "at most 75 %": Wording("at most 75 %"),
        "below 100 %": Wording("below 100 %"),
        "100 %": Wording("all of it"),
    },
    "label": {
        "usual environment": Wording("usual environment"),
        "home": Wording("home"),
        "work": Wording("work"),
    },
    "part": {
        "within-day": Wording("within the day"),
        "inter-day": Wording("since an earlier day"),
        "either": Wording("either"),
    },
    "period": {
        "hour": Wording("hour"),
        "day": Wording("day"),
        "week": Wording("week"),
        "month": Wording("month"),
    },
}
"""What their values are called, in the order in which they are listed."""


def kind_of(family: str, name: str) -> Kind | None:
    """Find how a table of a family is shown; one with noise is shown as the one without."""
    plain = name.removesuffix(WITH_NOISE)
    return next((kind for kind in FAMILIES[family] if kind.name == plain), None)
