"""Which published tables belong to which page, how each is laid out, and where its definition stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
        Kind("presence_by_week", "presence-by-week"),
        Kind("presence_by_home", "residents-and-visitors", across="lives"),
        Kind("presence_by_origin", _BORDERS, across="origin"),
        Kind("device_activity", "device-activity"),
    ),
    "flows": (
        Kind("flows", "flows"),
        Kind("flows_all_pairs", _FLOWS),
        Kind("flows_consecutive", _FLOWS),
        Kind("flows_hourly", _FLOWS),
        Kind("flows_stays", _FLOWS),
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


def kind_of(family: str, name: str) -> Kind | None:
    """Find how a table of a family is shown; one with noise is shown as the one without."""
    plain = name.removesuffix(WITH_NOISE)
    return next((kind for kind in FAMILIES[family] if kind.name == plain), None)
