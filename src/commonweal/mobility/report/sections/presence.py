"""Results: where people are. A typical day by area, the hours of the day, and the days one after another."""

from __future__ import annotations

from datetime import date
from functools import cached_property

import numpy as np
import pyarrow.compute as pc

from commonweal.core.catalog import State
from commonweal.core.periods import Calendar
from commonweal.mobility.published import PRESENCE, QUALITY
from commonweal.mobility.report import citing
from commonweal.mobility.report.blocks import Absent, Block, Drawn, Listed, Panels, Subheading, Text, picture
from commonweal.mobility.report.gathering import Gathered, Layer, dates_of, seconds_of
from commonweal.mobility.report.maps import area_map, classes_of, legend_of
from commonweal.mobility.report.typical import Laid, Typical, lay
from commonweal.web.chart import Line, time_chart
from commonweal.web.figure import Heading
from commonweal.web.languages import _, ngettext
from commonweal.web.table import Row
from commonweal.web.words import count, day, days_in_words, short_day, state

HOURS_SHOWN = (4, 8, 13, 20)
AREAS_SHOWN = 6
HOUR = 3600


class Present:
    """Presence laid out by day and by hour of the day."""

    def __init__(self, gathered: Gathered, layer: Layer) -> None:
        self.layer, self.calendar = layer, gathered.calendar
        self.codes = [code for code in gathered.places.codes if code in gathered.own]

    @cached_property
    def by_day(self) -> tuple[list[date], Laid | None]:
        """The days, and values by day and area."""
        days, laid = self._laid("day")
        return days, laid

    @cached_property
    def typical_day(self) -> dict[str, Typical]:
        """The typical day's value of each area."""
        _days, laid = self.by_day
        return dict(zip(self.codes, laid.typical(), strict=True)) if laid else {}

    @cached_property
    def typical_hours(self) -> list[dict[str, Typical]] | None:
        """For each hour of the day the typical value of each area; None without hours."""
        days, laid = self._laid("hour")
        if laid is None:
            return None
        places = np.arange(len(days)) * 24
        return [dict(zip(self.codes, laid.typical(places + hour), strict=True)) for hour in range(24)]

    def _laid(self, unit: str) -> tuple[list[date], Laid | None]:
        rows = self.layer.table.filter(pc.equal(self.layer.table.column("period"), unit))
        if not rows.num_rows:
            return [], None
        layer, seconds = self.layer.only(rows), seconds_of(rows)
        dates = dates_of(self.calendar, seconds)
        days = sorted(set(dates))
        place = np.array([days.index(each) for each in dates])
        if unit == "hour":
            place = place * 24 + hour_of(self.calendar, seconds)
        column = {code: number for number, code in enumerate(self.codes)}
        area = np.array([column[code] for code in rows.column("area").to_pylist()])
        return days, lay(layer, place, area, (len(days) * (24 if unit == "hour" else 1), len(self.codes)))


def hour_of(calendar: Calendar, seconds: np.ndarray) -> np.ndarray:
    """Give the hour that the place's clock shows.

    Examples
    --------
    >>> hour_of(Calendar("Africa/Lagos"), np.array([1427414400]))
    array([1])
    """
    return np.asarray(calendar.from_utc(seconds)) % (24 * HOUR) // HOUR


def blocks(gathered: Gathered) -> list[Block]:
    """Say where people are."""
    found: list[Block] = [Subheading(_("Presence by area"))]
    layer = gathered.layers.get(PRESENCE)
    if layer is None:
        found.append(
            Absent(
                _(
                    "No release of presence is published for this period, so this report says nothing of where people "
                    "are."
                )
            )
        )
        return [*found, *_totals(gathered)]
    present = Present(gathered, layer)
    if present.typical_day:
        found += _typical_day(gathered, present)
    else:
        found.append(Absent(_("The release of presence has no whole days, so there is no typical day to show.")))
    found.append(Subheading(_("Change over the day")))
    if present.typical_hours is None:
        found.append(Absent(_("The release of presence has no hours, so the report does not show how a day goes.")))
    else:
        found += _hours(gathered, present, present.typical_hours)
    return [*found, *_totals(gathered)]


def fullest(present: Present) -> list[str]:
    """Give the areas with a typical value, the largest first."""
    known = [(value.value, code) for code, value in present.typical_day.items() if value.value is not None]
    return [code for _value, code in sorted(known, key=lambda pair: (-pair[0], pair[1]))]


def _typical_day(gathered: Gathered, present: Present) -> list[Block]:
    layer, places, values = present.layer, gathered.own_places, present.typical_day
    days = present.by_day[0]
    classes, span = classes_of(list(values.values())), days_in_words(days[0], days[-1])
    with_value = sum(value.value is not None for value in values.values())
    title = _("Subscribers seen on a typical day")
    caption = ngettext(
        "Distinct subscribers by area: the median over %(num)s day, %(span)s. An area has a value if one is published "
        "on more than half of the days.",
        "Distinct subscribers by area: the median over %(num)s days, %(span)s. An area has a value if one is published "
        "on more than half of the days.",
        len(days),
        span=span,
    )
    said = ngettext(
        "%(some)s of %(num)s area has a typical value.",
        "%(some)s of %(num)s areas have a typical value.",
        len(values),
        some=count(with_value),
    )
    source = citing.source(layer.releases)
    drawn = area_map(places, values, classes, label=title, name="typical-day")
    found: list[Block] = [Text(f"{said} {citing.exactness(layer)} {citing.hidden(layer)}")]
    if drawn is not None:
        shown = legend_of(_("Distinct subscribers per day"), classes, layer)
        found.append(Drawn(picture("typical-day", title, drawn, caption, shown), source))
    headings = [Heading(_("Area")), Heading(_("Typical day"), is_number=True)]
    headings += [Heading(_("Interval"), is_number=True)] if layer.has_interval else []
    headings.append(Heading(_("Days published"), is_number=True))
    rows = [
        Row(
            (
                places.names.get(code, code),
                citing.typical(values[code]),
                *([citing.interval(values[code])] if layer.has_interval else []),
                citing.on_days(values[code]),
            ),
            has_value=values[code].value is not None,
        )
        for code in present.codes
    ]
    found.append(Listed(_("Table: %(title)s", title=title), caption, tuple(headings), rows, source))
    return found


def _hours(gathered: Gathered, present: Present, hours: list[dict[str, Typical]]) -> list[Block]:
    layer, places = present.layer, gathered.own_places
    classes = classes_of([value for hour in hours for value in hour.values()])
    source = citing.source(layer.releases)
    found: list[Block] = [
        Text(
            _(
                "Each value is the median of the same hour over all days. The maps share their classes, so they can be "
                "compared. People who make no call and send no message in an hour are not seen in it: at night most "
                "are not, so fewer subscribers do not mean fewer people."
            )
        )
    ]
    maps = []
    for hour in HOURS_SHOWN:
        label = _clock(hour)
        drawn = area_map(places, hours[hour], classes, label=label, name=f"hour-{hour}")
        if drawn is not None:
            maps.append(picture(f"hour-{hour}", label, drawn))
    title = _("Subscribers seen at four hours of a typical day")
    caption = _("Distinct subscribers per hour and area, times of %(zone)s.", zone=present.calendar.time_zone)
    if maps:
        shown = legend_of(_("Distinct subscribers per hour"), classes, layer)
        found.append(Panels(title, caption, tuple(maps), shown, source))
    rows = [
        Row((places.names.get(code, code), *(citing.typical(hours[hour][code]) for hour in HOURS_SHOWN)))
        for code in present.codes
    ]
    headings = (Heading(_("Area")), *(Heading(_clock(hour), is_number=True) for hour in HOURS_SHOWN))
    found.append(Listed(_("Table: %(title)s", title=title), caption, headings, rows, source))
    chosen = fullest(present)[:AREAS_SHOWN]
    if chosen:
        found += _charts(gathered, hours, chosen, caption, source)
    return found


def _charts(
    gathered: Gathered, hours: list[dict[str, Typical]], chosen: list[str], caption: str, source: str
) -> list[Block]:
    names = gathered.own_places.names
    charts = []
    for code in chosen:
        values = [hours[hour][code].value for hour in range(24)]
        marks = [_clock(hour)[:5] if hour % 6 == 0 else "" for hour in range(24)]
        drawn = time_chart([hour * HOUR for hour in range(24)], marks, [Line(names[code], values)], label=names[code])
        charts.append(picture(f"day-of-{code}", names[code], drawn))
    title = ngettext(
        "The hours of a typical day in the area with most subscribers",
        "The hours of a typical day in the %(num)s areas with most subscribers",
        len(chosen),
    )
    headings = (Heading(_("Hour")), *(Heading(names[code], is_number=True) for code in chosen))
    rows = [Row((_clock(hour), *(citing.typical(hours[hour][code]) for code in chosen))) for hour in range(24)]
    return [
        Panels(title, caption, tuple(charts), None, source),
        Listed(_("Table: %(title)s", title=title), caption, headings, rows, source),
    ]


def _clock(hour: int) -> str:
    first, last = f"{hour:02}:00", f"{(hour + 1) % 24:02}:00"
    return _("%(first)s – %(last)s", first=first, last=last)


def _totals(gathered: Gathered) -> list[Block]:
    """Show the days' totals, if they are published."""
    found: list[Block] = [Subheading(_("Subscribers day by day"))]
    layer = gathered.layers.get(QUALITY)
    if layer is None:
        found.append(
            Absent(
                _(
                    "No total of subscribers by day is published. Counts of areas must not be added up for one: "
                    "whoever is seen in two areas is counted in both."
                )
            )
        )
        return found
    seconds = seconds_of(layer.table)
    order = np.argsort(seconds)
    dates = dates_of(gathered.calendar, seconds)
    rows = layer.table.to_pylist()
    name = layer.value.name
    values = [None if rows[place][name] is None else float(rows[place][name]) for place in order]
    days = [dates[place] for place in order]
    zone = gathered.calendar.time_zone
    title = _("Subscribers seen on each day")
    caption = _(
        "Distinct subscribers in all areas of the records, %(span)s, days of %(zone)s.",
        span=days_in_words(days[0], days[-1]),
        zone=zone,
    )
    drawn = time_chart(
        [int(seconds[place]) for place in order], [short_day(each) for each in days], [Line(title, values)], label=title
    )
    source = citing.source(layer.releases)
    headings = (Heading(_("Day"), is_time=True), Heading(_("Subscribers"), is_number=True), Heading(_("How exact")))
    listed = [
        Row(
            (
                day(each),
                "–" if value is None else count(value),
                _exact(rows[place], name, layer),
            ),
            has_value=value is not None,
        )
        for each, value, place in zip(days, values, order, strict=True)
    ]
    found += [
        Text(citing.exactness(layer)),
        Drawn(picture("daily-subscribers", title, drawn, caption), source),
        Listed(_("Table: %(title)s", title=title), caption, headings, listed, source),
    ]
    return found


def _exact(row: dict[str, object], name: str, layer: Layer) -> str:
    said = State(str(row[f"{name}_state"]))
    if row[name] is None:
        return state(said)
    if layer.has_interval:
        return _("%(first)s – %(last)s", first=count(int(str(row["low"]))), last=count(int(str(row["high"]))))
    base = row.get("rounded_to")
    if base:
        return _("rounded down to a multiple of %(base)s", base=count(int(str(base))))
    return state(said)
