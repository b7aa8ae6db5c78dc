"""The figure of scaled numbers: a map of people, and a table with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from commonweal.core.catalog import State
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.in_people import interval, whole
from commonweal.mobility.scaling.asking import ScaledRelease
from commonweal.web import table, words
from commonweal.web.classes import quantile_classes
from commonweal.web.figure import Figure, Heading
from commonweal.web.geography import Geography
from commonweal.web.languages import _
from commonweal.web.map import MapArea, choropleth
from commonweal.web.words import count


@dataclass(frozen=True)
class Row:
    """An area: what is published of it, and that in people."""

    code: str
    published: float | None
    state: State
    people: float | None
    low: float | None
    high: float | None
    outside: bool

    def record(self, name: str) -> dict[str, Any]:
        """Give it as values."""
        return {
            "area": self.code,
            "name": name,
            "published": self.published,
            "state": self.state.value,
            "people": whole(self.people),
            "low": whole(self.low),
            "high": whole(self.high),
            "outside": self.outside,
        }


def figures(scaled: ScaledRelease, rows: Sequence[Row], places: Geography, when: str) -> list[Figure]:
    """Give the map and table of a moment."""
    least = scaled.least
    by_code = {row.code: row for row in rows}
    ordered = [by_code[code] for code in places.codes if code in by_code]
    classes = quantile_classes([row.people for row in ordered if row.people is not None])
    drawn = [
        MapArea(
            row.code,
            places.names[row.code],
            places.outlines[row.code],
            row.people,
            _state(row),
            _says(row, least),
        )
        for row in ordered
        if row.code in places.outlines
    ]
    return [
        Figure(
            name="people",
            title=_("People by area, %(when)s", when=when),
            caption=_(
                "Scaled from published counts, %(when)s, with intervals of %(level)s.",
                when=when,
                level=words.share(scaled.asked.level),
            ),
            headings=(
                Heading(_("Area"), key="name"),
                Heading(_("Published"), is_number=True, key="published"),
                Heading(_("State"), key="state"),
                Heading(_("People"), is_number=True, key="people"),
                Heading(_("Interval"), is_number=True),
                Heading(_("Outside"), key="outside"),
            ),
            rows=[
                table.Row(
                    (
                        places.names[row.code],
                        "–" if row.published is None else count(row.published),
                        words.state(row.state),
                        "–" if row.people is None else count(row.people),
                        interval(row.low, row.high),
                        _("outside") if row.outside else "",
                    ),
                    has_value=row.people is not None,
                )
                for row in ordered
            ],
            records=[row.record(places.names[row.code]) for row in ordered],
            picture=choropleth(
                drawn, classes, label=_("Map: people by area, %(when)s", when=when), projection=places.projection
            )
            if drawn
            else None,
            legend=parts.legend(_("People, scaled"), classes, least),
            geometry=places.outlines,
            areas=("area",),
            says=parts.beside(scaled.release, method=scaled.fit.method, population=scaled.people.source),
        )
    ]


def _state(row: Row) -> str:
    if row.people is not None:
        return State.REPORTED.value
    return row.state.value if row.published is None else State.MISSING.value


def _says(row: Row, least: int | None) -> str:
    if row.people is not None:
        return _("%(people)s people (%(interval)s)", people=count(row.people), interval=interval(row.low, row.high))
    if row.state is State.SUPPRESSED:
        return _("suppressed: fewer than %(least)s subscribers, or none", least=least)
    return _("no data")
