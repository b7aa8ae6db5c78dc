"""How the values of a published table stand side by side in rows, and how each is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonweal.mobility.pages.tables.reading import NOT_THERE, Shown, Told
from commonweal.mobility.telling import MEASURES, called
from commonweal.web.figure import Heading
from commonweal.web.languages import _, translated
from commonweal.web.words import count, state


def title_of(shown: Shown) -> str:
    """Name the table, and what of it is chosen."""
    title = translated(shown.published.release.schema.title)
    chosen = [
        called(name, value) for name, value in shown.only.items() if name not in (shown.kind.across, "period", "days")
    ]
    return _("%(title)s: %(chosen)s", title=title, chosen=", ".join(chosen)) if chosen else title


def say(told: Told) -> str:
    """Say a value, or a dash."""
    return "–" if told.value is None else count(told.value)


def columns_of(shown: Shown) -> list[tuple[str, str, str]]:
    """Give (value, key of a record, heading) of each column that stands side by side."""
    name = translated(MEASURES.get(shown.published.value.name, shown.published.value.name))
    if shown.across == ("",):
        return [("", shown.published.value.name, name)]
    return [
        (one, one.replace(" ", "_").replace("-", "_"), called(shown.kind.across, one).capitalize())
        for one in shown.across
    ]


def cells_of(shown: Shown, by_column: Mapping[str, Told]) -> tuple[list[str], dict[str, Any]]:
    """Say the values of a row, and give them with their states and intervals."""
    said: list[str] = []
    record: dict[str, Any] = {}
    columns = columns_of(shown)
    for value, key, _name in columns:
        told = by_column.get(value, NOT_THERE)
        said.append(say(told))
        record |= {key: told.value, f"{key}_state": told.state.value}
    if len(columns) == 1:
        told = by_column.get(columns[0][0], NOT_THERE)
        if shown.published.has_interval:
            said.append(said_interval(told))
            record |= {"low": told.low, "high": told.high}
        said.append(state(told.state))
    return said, record


def headings_of(shown: Shown) -> list[Heading]:
    """Give the heads of the columns of values."""
    columns = columns_of(shown)
    found = [Heading(name, is_number=True, key=key) for _value, key, name in columns]
    if len(columns) == 1:
        if shown.published.has_interval:
            found.append(Heading(_("Interval"), is_number=True))
        found.append(Heading(_("State"), key=f"{columns[0][1]}_state"))
    return found


def said_interval(told: Told) -> str:
    if told.low is None or told.high is None:
        return "–"
    return _("%(low)s to %(high)s", low=count(told.low), high=count(told.high))
