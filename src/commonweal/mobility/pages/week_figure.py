"""What is usual of the week of one area or flow, hour after hour, and how such values are said."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from commonweal.core.catalog import Release, State
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.saying import where
from commonweal.mobility.baselines.series import Key
from commonweal.mobility.forecasts.asking import named, pattern_of
from commonweal.mobility.forecasts.forecast import BELOW, GIVEN, NOT_ENOUGH
from commonweal.mobility.forecasts.profile import Profile
from commonweal.mobility.forecasts.slots import SlotSeries
from commonweal.mobility.pages import parts
from commonweal.web.chart import Band, Line, line_legend, time_chart
from commonweal.web.figure import Figure, Heading
from commonweal.web.geography import Geography
from commonweal.web.languages import _, translated
from commonweal.web.table import Row
from commonweal.web.words import count

DAY_NAMES = {
    "Monday": Wording("Monday"),
    "Tuesday": Wording("Tuesday"),
    "Wednesday": Wording("Wednesday"),
    "Thursday": Wording("Thursday"),
    "Friday": Wording("Friday"),
    "Saturday": Wording("Saturday"),
    "Sunday": Wording("Sunday"),
    "Monday to Friday": Wording("Monday to Friday"),
    "Saturday and Sunday": Wording("Saturday and Sunday"),
    "every day": Wording("every day"),
}


@dataclass(frozen=True, eq=False)
class Week:
    """What is usual, and the key of which it is shown."""

    release: Release
    series: SlotSeries
    usual: Profile
    places: Geography
    key: Key

    @property
    def name(self) -> str:
        """The area, or from where to where."""
        return where(self.key, self.places.names)

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """What is usual of the key: one a kind of day and hour."""
        found = []
        for row in pattern_of(self.series, self.usual, self.series.keys.index(self.key)):
            said = f"{row['hour']:02}:00" if self.series.hours else None
            found.append({**named(self.key), "name": self.name, **row, "hour": said})
        return found

    @property
    def gaps(self) -> list[str]:
        """The texture of each record, empty for those with a value."""
        return ["" if record["usual"] is not None else texture(record["why"]) for record in self.records]

    @property
    def gaps_meant(self) -> dict[str, str]:
        """What the textures mean, of those that are there."""
        meant = {
            "suppressed": _("Withheld: usually fewer than %(least)s", least=count(self.series.least or 0)),
            "missing": _("Not enough history"),
        }
        return {pattern: text for pattern, text in meant.items() if pattern in self.gaps}


def texture(why: str) -> str:
    """Give the texture of what has no value."""
    return "suppressed" if why == BELOW else "missing"


def value_said(why: str, value: float | None, least: int | None) -> str:
    """Say a value, that it is below k, or a dash."""
    if why == BELOW:
        return _("fewer than %(least)s", least=count(least or 0))
    return "–" if value is None else count(value)


def interval_said(low: float | None, high: float | None) -> str:
    """Say an interval, or a dash."""
    return "–" if low is None or high is None else f"{count(low)} … {count(high)}"


def quartiles_said(record: dict[str, Any], least: int | None) -> str:
    """Say between what half of the days lie: a quartile of known days that has no number is below k."""
    if record["why"] == NOT_ENOUGH:
        return "–"
    low, high = (
        value_said(BELOW if record[edge] is None else GIVEN, record[edge], least)
        for edge in ("quarter", "three_quarters")
    )
    return low if record["three_quarters"] is None else f"{low} … {high}"


def when_headings(shown: Week) -> tuple[Heading, ...]:
    """Give the heads of the columns of `when_cells`."""
    days = Heading(_("Days"), key="days")
    return (days, Heading(_("Hour"), key="hour", is_time=True)) if shown.series.hours else (days,)


def when_cells(record: dict[str, Any]) -> tuple[str, ...]:
    """Say of which days a record is, and of which hour if it is of one."""
    days = translated(DAY_NAMES[record["days"]])
    return (days, record["hour"]) if record["hour"] else (days,)


def week(shown: Week) -> Figure:
    """Draw the week as a line, with the half of like days that is nearest to what is usual."""
    records, least, hourly = shown.records, shown.series.least, bool(shown.series.hours)
    slots = len(shown.series.hours) or 1
    line = Line(_("Usual"), [record["usual"] for record in records])
    band = Band(
        _("Half of the days"), *([record[edge] for record in records] for edge in ("quarter", "three_quarters"))
    )
    return Figure(
        name="week",
        title=_("What is usual of the week: %(name)s", name=shown.name),
        caption=_("The median of like days and the half of them that is nearest to it, by hour.")
        if hourly
        else _("The median of like days and the half of them that is nearest to it."),
        headings=(
            *when_headings(shown),
            Heading(_("Usual"), is_number=True, key="usual"),
            Heading(_("Half of the days"), is_number=True),
            Heading(_("Days known"), is_number=True, key="known_days"),
        ),
        rows=[
            Row(
                (
                    *when_cells(record),
                    value_said(record["why"], record["usual"], least),
                    quartiles_said(record, least),
                    count(record["known_days"]),
                ),
                has_value=record["usual"] is not None,
            )
            for record in records
        ],
        records=records,
        picture=time_chart(
            [3600 * at for at in range(len(records))],
            [translated(DAY_NAMES[each["days"]]) if at % slots == 0 else "" for at, each in enumerate(records)],
            [line],
            label=_("Chart: what is usual by hour of the week, %(name)s", name=shown.name)
            if hourly
            else _("Chart: what is usual by day, %(name)s", name=shown.name),
            band=band,
            gaps=shown.gaps,
        ),
        legend=line_legend(
            _("Subscribers by hour") if hourly else _("Subscribers"), [line], band=band, gaps=shown.gaps_meant
        ),
        says=parts.beside(shown.release, state=State.MODELLED.value),
    )
