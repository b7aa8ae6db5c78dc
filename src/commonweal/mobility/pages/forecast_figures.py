"""Figures of a forecast: one area or flow hour by hour, what is usual of its week, and all of them at one glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from commonweal.core.catalog import State
from commonweal.mobility.baselines.baseline import Reference
from commonweal.mobility.baselines.saying import where
from commonweal.mobility.baselines.series import Key
from commonweal.mobility.forecasts.asking import Foreseen, named, number
from commonweal.mobility.forecasts.forecast import BELOW, GIVEN, NOT_ENOUGH
from commonweal.mobility.forecasts.profile import profile
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.week_figure import Week, interval_said, texture, value_said, week
from commonweal.web import words
from commonweal.web.chart import Band, Line, line_legend, time_chart
from commonweal.web.figure import Chart, Figure, Heading
from commonweal.web.geography import Geography
from commonweal.web.languages import _, ngettext
from commonweal.web.table import Row
from commonweal.web.words import count, day_in_words, short_day

LISTED = 200


@dataclass(frozen=True, eq=False)
class Shown:
    """A forecast, its areas and the key whose hours are drawn."""

    seen: Foreseen
    places: Geography
    key: Key

    def name(self, key: Key) -> str:
        """Say an area, or from where to where."""
        return where(key, self.places.names)


def figures(shown: Shown) -> list[Figure]:
    """Give the figures of a forecast."""
    seen, plan = shown.seen, shown.seen.found.plan
    usual = profile(seen.series.before(plan.day), without=plan.unlike, like=seen.found.like)
    return [_hours(shown), week(Week(seen.release, seen.series, usual, shown.places, shown.key)), _all(shown)]


def _when(shown: Shown, slot: int) -> datetime:
    """The clock's moment of a slot, as if it were UTC."""
    day, hours = shown.seen.found.plan.day, shown.seen.series.hours
    begins = datetime(day.year, day.month, day.day, hours[0] if hours else 0, tzinfo=UTC)
    return begins + timedelta(hours=slot)


def _seen(shown: Shown) -> tuple[date, list[float | None], list[str]] | None:
    """Give what was published of the day itself, or of the last such day before it: its date, counts and states."""
    series, plan = shown.seen.series, shown.seen.found.plan
    place, kind = series.keys.index(shown.key), Reference(like=shown.seen.found.like).kind

    def such(one: date) -> bool:
        if one >= plan.day:
            return one == plan.day
        return one in plan.event if plan.event else one not in plan.holidays and kind(one) == kind(plan.day)

    for row in range(len(series.dates) - 1, -1, -1):
        if such(series.dates[row]) and not np.isnan(series.values[row, :, place]).all():
            values = [number(value) for value in series.values[row, :, place]]
            return series.dates[row], values, [str(state) for state in series.states[row, :, place]]
    return None


def _hours(shown: Shown) -> Figure:
    seen, found = shown.seen, shown.seen.found
    place, name = seen.series.keys.index(shown.key), shown.name(shown.key)
    slots = range(len(seen.series.hours) or 1)
    observed = _seen(shown)
    records: list[dict[str, Any]] = []
    for slot in slots:
        why = str(found.why[slot, place])
        known = why in (GIVEN, BELOW)
        records.append(
            {
                **named(shown.key),
                "name": name,
                "start": f"{_when(shown, slot):%Y-%m-%dT%H:%M:%SZ}",
                "expected": number(found.expected[slot, place]),
                "low": number(found.low[slot, place]),
                "high": number(found.high[slot, place]),
                "why": why,
                "state": (State.MODELLED if known else State.MISSING).value,
                "observed": observed[1][slot] if observed else None,
                "observed_state": observed[2][slot] if observed else State.MISSING.value,
                "observed_day": observed[0].isoformat() if observed else None,
            }
        )
    day, hourly, least = found.plan.day, bool(seen.series.hours), seen.series.least
    expected = _("Expected, modelled")
    of_day = _("Observed on %(day)s", day=day_in_words(observed[0])) if observed else ""
    interval = _("Interval that should hold %(level)s of counts", level=words.share(found.plan.level))
    lines = (("expected", expected), *((("observed", of_day),) if observed else ()))
    drawn = [Line(text, [record[column] for record in records]) for column, text in lines]
    given = [record["why"] == GIVEN for record in records]
    band = Band(interval, *([record[edge] for record in records] for edge in ("low", "high")))
    has_interval = any(record["low"] is not None for record in records if record["why"] == GIVEN)
    gaps = ["" if is_given else texture(record["why"]) for is_given, record in zip(given, records, strict=True)]
    withheld = _("Withheld: fewer than %(least)s are expected", least=count(least or 0))
    unknown = _("Not enough history")
    meant = {"suppressed": withheld, "missing": unknown}
    return Figure(
        name="hours",
        title=_("%(name)s, %(day)s", name=name, day=day_in_words(day)),
        caption=_(
            "Subscribers expected on %(day)s, modelled, and the interval that should hold %(level)s of counts.",
            day=day_in_words(day),
            level=words.share(found.plan.level),
        ),
        headings=(
            Heading(_("Hour") if hourly else _("Day"), key="start", is_time=True),
            Heading(_("Expected"), is_number=True, key="expected"),
            Heading(_("Interval"), is_number=True),
            Heading(_("State"), key="state"),
            *(
                (Heading(_("Observed, %(day)s", day=short_day(observed[0])), is_number=True, key="observed"),)
                if observed
                else ()
            ),
        ),
        rows=[
            Row(
                (
                    f"{_when(shown, slot):%H:%M}" if hourly else words.day(day),
                    value_said(record["why"], record["expected"], least),
                    interval_said(record["low"], record["high"]),
                    words.state(State(record["state"])),
                    *((_observed(record),) if observed else ()),
                ),
                has_value=record["why"] == GIVEN,
            )
            for slot, record in zip(slots, records, strict=True)
        ],
        records=records,
        picture=time_chart(
            [int(_when(shown, slot).timestamp()) for slot in slots],
            [f"{_when(shown, slot):%H:%M}" for slot in slots],
            drawn,
            label=_("Chart: subscribers expected by hour, %(name)s, modelled", name=name),
            band=band if has_interval else None,
            gaps=gaps,
        )
        if hourly
        else None,
        legend=line_legend(
            _("Subscribers by hour"),
            drawn,
            band=band if has_interval else None,
            gaps={pattern: text for pattern, text in meant.items() if pattern in gaps},
            note=" ".join(filter(None, [_withheld(shown, gaps), "" if has_interval else _without_interval()])),
        )
        if hourly
        else None,
        chart=Chart(
            "start",
            lines,
            band=("low", "high", interval) if has_interval else None,
            gaps=("expected",),
            why="why",
            words={BELOW: value_said(BELOW, None, least), NOT_ENOUGH: unknown},
        )
        if hourly
        else None,
        says=parts.beside(seen.release, state=State.MODELLED.value),
    )


def _withheld(shown: Shown, gaps: Sequence[str]) -> str:
    """Say at which hours no number is given, so that nobody takes the gap for zero."""
    hours = [f"{_when(shown, slot):%H:%M}" for slot, gap in enumerate(gaps) if gap == "suppressed"]
    if not hours:
        return ""
    return ngettext(
        "At %(num)s hour the line has a gap: fewer people are expected than may be shown. It is not zero. (%(hours)s)",
        "At %(num)s hours the line has a gap: fewer people are expected than may be shown. It is not zero. (%(hours)s)",
        len(hours),
        hours=", ".join(hours),
    )


def _without_interval() -> str:
    return _("No interval is drawn: too few days are known to say how far off such forecasts are.")


def _observed(record: dict[str, Any]) -> str:
    if record["observed"] is not None:
        return count(record["observed"])
    return words.state(State(record["observed_state"]))


def _all(shown: Shown) -> Figure:
    seen, found = shown.seen, shown.seen.found
    series = seen.series
    slots = len(series.hours) or 1
    rows: list[tuple[float, Row, dict[str, Any]]] = []
    for place, key in enumerate(series.keys):
        if np.isnan(found.expected[:, place]).all():
            continue
        slot = int(np.nanargmax(found.expected[:, place]))
        name = shown.name(key)
        expected, low, high = (number(part[slot, place]) for part in (found.expected, found.low, found.high))
        hour = f"{_when(shown, slot):%H:%M}" if slots > 1 else None
        record = {
            **named(key),
            "name": name,
            "hour": hour,
            "expected": expected,
            "low": low,
            "high": high,
            "state": State.MODELLED.value,
        }
        row = Row(
            (name, hour or "–", count(expected or 0), interval_said(low, high), words.state(State.MODELLED)),
            current=key == shown.key,
        )
        rows.append((expected or 0.0, row, record))
    rows.sort(key=lambda one: -one[0])
    return Figure(
        name="all",
        title=_("The fullest hour of each"),
        caption=_(
            "Of each area or flow the hour of which most is expected, modelled; the largest first, %(listed)s at most.",
            listed=count(LISTED),
        ),
        headings=(
            Heading(_("Flow") if series.flows else _("Area"), key="name"),
            Heading(_("Hour"), key="hour", is_time=True),
            Heading(_("Expected"), is_number=True, key="expected"),
            Heading(_("Interval"), is_number=True),
            Heading(_("State"), key="state"),
        ),
        rows=[row for _expected, row, _record in rows[:LISTED]],
        records=[record for _expected, _row, record in rows[:LISTED]],
        geometry=shown.places.outlines,
        areas=("origin", "destination") if series.flows else ("area",),
        says=parts.beside(seen.release, state=State.MODELLED.value),
    )
