"""What published tables are told by is called, and its values: directions, rules, nights, bins."""

from __future__ import annotations

from collections.abc import Mapping

from commonweal.core.catalog import Dataset
from commonweal.core.catalog.declaration import Column, heading
from commonweal.core.wording import Wording
from commonweal.mobility.quality.saying import FAULTS, FLAGS, SURE
from commonweal.web.languages import _, current, translated
from commonweal.web.words import count, share

MEASURES: Mapping[str, str] = {"subscribers": Wording("Subscribers"), "devices": Wording("Devices")}
"""What is counted."""

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
    "lives": Wording("Home area"),
    "days": Wording("Days counted"),
}
"""What tables are told by besides areas and days."""

_RULES = {
    "last-of-day": Wording("last of day"),
    "night-19-07": Wording("half-hours, 19:00–07:00"),
    "night-22-07": Wording("events, 22:00–07:00"),
    "night-1930-0730": Wording("nights, 19:30–07:30"),
    "majority": Wording("majority of days"),
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
    "lives": {"here": Wording("live here"), "elsewhere": Wording("live elsewhere")},
    "nights": {
        "0": Wording("same day"),
        "1": Wording("1 night"),
        "2": Wording("2 to 3 nights"),
        "4": Wording("4 to 7 nights"),
        "8": Wording("8 to 14 nights"),
        "15": Wording("15 nights or more"),
    },
    "flag": FLAGS,
    "kind": FAULTS,
    "how_sure": SURE,
    "rule": _RULES,
    "other": _RULES,
    "outcome": {
        "same": Wording("same home"),
        "different": Wording("another home"),
        "only first": Wording("only the first"),
        "only second": Wording("only the second"),
        "neither": Wording("neither"),
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


def called(dimension: str, value: str) -> str:
    """Say a value of a dimension in the reader's language."""
    if dimension == "country":
        return _("another country") if value == "ZZ" else current().territory(value)
    known = VALUES.get(dimension, {})
    return translated(known[value]) if value in known else value


def column_meanings(dataset: Dataset) -> list[str]:
    """Say of each column of a table what it is called, its unit, and what it means."""
    return [
        _("%(name)s: %(value)s", name=translated(heading(one)) + _unit(one), value=translated(one.description))
        for one in dataset.declared
    ]


def _unit(column: Column) -> str:
    """Name the unit of a quantity; counts of things have none."""
    return f" ({column.unit})" if column.unit and column.unit != "1" and not column.unit.startswith("{") else ""


def bin_name(low: float, high: float, unit: str, *, last: bool) -> str:
    """Say a bin: its lower edge is in it, its upper one is not.

    Examples
    --------
    >>> bin_name(5, 10, "km", last=False), bin_name(500, 20040, "km", last=True), bin_name(0.9, 1, "1", last=True)
    ('5 – 10', '500 or more', '90% – 100%')
    """
    if unit == "1":
        return f"{share(low)} – {share(high)}"
    decimals = 0 if low == round(low) and high == round(high) else 1
    first, second = count(low, decimals), count(high, decimals)
    if last:
        return _("%(number)s or more", number=first)
    if unit.startswith("{") and high - low == 1:
        return first
    # Numbers of things: the upper edge is the next bin's.
    return f"{first} – {count(high - 1) if unit.startswith('{') else second}"


def bin_heading(unit: str) -> str:
    """Say what bins measure."""
    return {
        "km": _("Kilometres"),
        "bit": _("Bits"),
        "{locations}": _("Locations"),
        "1": _("Share"),
    }.get(unit, unit)
