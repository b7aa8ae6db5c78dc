"""Imputing gaps: what a silent area, or one on a dead day, is expected to have, marked as modelled."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from commonweal.core.catalog import State
from commonweal.mobility.quality.finding import Fault
from commonweal.mobility.quality.limits import control_limits
from commonweal.mobility.quality.report import Report


@dataclass(frozen=True)
class Imputed:
    """Subscribers and events of an area on a day.

    Parameters
    ----------
    subscribers, events
        Rounded; None where too few people stand behind them.
    low, high
        Control limits of the subscribers of such a day, where they are modelled.
    state
        ``rounded``: counted; ``modelled``: the area is silent, and this is expected; ``suppressed``: too few people, or
        nobody; ``missing``: the area is silent, and there is not history enough.
    """

    day: date
    area: str
    subscribers: int | None
    events: int | None
    low: int | None
    high: int | None
    state: State

    def record(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {**self.__dict__, "day": self.day.isoformat(), "state": self.state.value}


def impute(report: Report) -> list[Imputed]:
    """Give every area and day of a report, gaps filled with what is expected.

    A gap is an area without an event of which many are expected (`silence`), or with what a dead day has left of them.
    It gets the median of its days of the same kind with events (`control_limits`), which leaves dead days out, and
    their limits. An empty area, in which nothing is expected, is suppressed as ever: it is not filled, and it is no
    zero.
    """
    gathered, saying = report.gathered, report.saying
    days = gathered.days
    dead = [(one.since, one.until) for one in report.findings if one.kind is Fault.DEAD_DAY and one.since and one.until]
    is_dead = [any(since <= day <= until for since, until in dead) for day in days]
    rows: list[Imputed] = []
    for place, area in enumerate(gathered.areas):
        people, events = (table[place].astype(np.float64) for table in (gathered.people_by_area, gathered.by_area))
        expected, of_events = control_limits(days, people), control_limits(days, events)
        for number, day in enumerate(days):
            counted = saying.say(people[number], people[number]), saying.say(events[number], people[number])
            awaited = not np.isnan(report.areas.expected[place])
            gap = report.areas.silent[place, number] or (awaited and is_dead[number])
            if not gap:
                state = State.SUPPRESSED if counted[0] is None else State.ROUNDED
                rows.append(Imputed(day, area, *counted, None, None, state))
                continue
            centre = expected.centre[number]
            usual = None if np.isnan(centre) else saying.say(centre, centre)
            if usual is None:
                state = State.MISSING if np.isnan(centre) else State.SUPPRESSED
                rows.append(Imputed(day, area, None, None, None, None, state))
                continue
            [low], [high] = (saying.limits(edge[[number]]) for edge in (expected.low, expected.high))
            usual_events = saying.say(of_events.centre[number], centre)
            rows.append(Imputed(day, area, usual, usual_events, low, high, State.MODELLED))
    return rows


def write_imputed(path: Path, rows: list[Imputed]) -> int:
    """Write rows as CSV; give how many are modelled."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["day", "area", "subscribers", "events", "low", "high", "state"])
        writer.writeheader()
        writer.writerows(row.record() for row in rows)
    return sum(row.state is State.MODELLED for row in rows)
