"""The quality report of a project: its days, its flags, its files, and a list of findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from commonweal.core.database import Database
from commonweal.core.settings import Settings
from commonweal.mobility.cells import ABROAD, Timeline, read_register
from commonweal.mobility.cleaning.flagging import Flag
from commonweal.mobility.cleaning.parameters import DEFAULT, Cleaning
from commonweal.mobility.quality.clock import shifted_days, shifted_whole
from commonweal.mobility.quality.figures import Saying
from commonweal.mobility.quality.files import FileRows, file_faults, file_rows
from commonweal.mobility.quality.finding import Fault, Finding, Sure, in_runs
from commonweal.mobility.quality.gathering import Gathered, gather
from commonweal.mobility.quality.limits import Limits, control_limits, outside
from commonweal.mobility.quality.mixed_clocks import mixed_clocks
from commonweal.mobility.quality.register_faults import register_faults
from commonweal.mobility.quality.silence import Silence, silence, silent_hours, silent_places
from commonweal.mobility.runs import Plan, plan

FIGURES = ("events", "subscribers", "devices")
INCORRECT, WRONG = 0.2, 0.5
"""Parts of a cell's events that are incorrect, and incorrect or suspicious, from which on the cell is misplaced."""
MACHINES = 0.1
"""Part of all events from which on machines are said."""
ORDER = {kind: number for number, kind in enumerate(Fault)}


@dataclass(frozen=True, eq=False)
class Report:
    """The quality of a project's records over a period.

    Parameters
    ----------
    planned
        The run it was made of.
    gathered
        Raw counts, which `record` rounds or holds back.
    limits
        Of each of `FIGURES`.
    cells, areas
        Which are silent on which days.
    files
        What became of the rows of each imported file.
    findings
        What is wrong, cell files first.
    """

    planned: Plan
    gathered: Gathered
    limits: dict[str, Limits]
    cells: Silence
    areas: Silence
    hours: dict[date, list[int]]
    files: list[FileRows]
    findings: list[Finding] = field(default_factory=list)

    @property
    def saying(self) -> Saying:
        """How figures are said."""
        return Saying(self.planned.project.minimum_people)

    def days(self) -> list[dict[str, Any]]:
        """Give each day's figures, their control limits and its gaps."""
        gathered, saying = self.gathered, self.saying
        edges = {
            name: tuple(saying.limits(values) for values in (limits.centre, limits.low, limits.high))
            for name, limits in self.limits.items()
        }
        rows = []
        for number, day in enumerate(gathered.days):
            people = gathered.subscribers[number]
            row: dict[str, Any] = {"day": day.isoformat()}
            for name in FIGURES:
                row |= saying.record(name, getattr(gathered, name)[number], people)
                for edge, values in zip(("usual", "low", "high"), edges[name], strict=True):
                    row[f"{name}_{edge}"] = values[number]
            events = gathered.events[number]
            told = gathered.with_type[number] / events if people >= saying.k and events else None
            row["share_with_device_type"] = None if told is None else round(float(told), 2)
            row["silent_hours"] = self.hours.get(day, [])
            row["silent_cells"] = int(self.cells.silent[:, number].sum())
            row["empty_cells"] = int(self.cells.empty[:, number].sum())
            row["silent_areas"] = int(self.areas.silent[:, number].sum())
            row["empty_areas"] = int(self.areas.empty[:, number].sum())
            rows.append(row)
        return rows

    def flags(self) -> list[dict[str, Any]]:
        """Give how many events were flagged, by day, flag and cell; the cell is None for all cells together."""
        gathered, saying = self.gathered, self.saying
        rows = []
        for number, day in enumerate(gathered.days):
            for flag in Flag:
                events, people = gathered.flags[number, flag], gathered.flagged_people[number, flag]
                if flag != Flag.NONE and events:
                    rows.append(
                        {"day": day.isoformat(), "cell": None, "flag": flag.name.lower()}
                        | saying.record("events", events, people)
                    )
        columns = [gathered.cell_flags[name].tolist() for name in ("day", "cell", "flag", "events", "people")]
        for number, cell, flag, events, people in zip(*columns, strict=True):
            rows.append(
                {
                    "day": gathered.days[number].isoformat(),
                    "cell": gathered.cells[cell],
                    "flag": Flag(flag).name.lower(),
                }
                | saying.record("events", events, people)
            )
        return [row for row in rows if row["events"] is not None or row["cell"] is None]

    def record(self) -> dict[str, Any]:
        """Give the report as JSON values: no figure behind which fewer than k people stand, the others rounded."""
        from commonweal.mobility.quality.saying import sentence

        planned, saying = self.planned, self.saying
        return {
            "project": planned.project.name,
            "first_day": planned.first.isoformat(),
            "last_day": (planned.last - timedelta(days=1)).isoformat(),
            "time_zone": planned.calendar.time_zone,
            "day_starts": f"{planned.calendar.day_starts:%H:%M}",
            "k": saying.k,
            "rounded_to": saying.base,
            "like_days": {name: limits.like for name, limits in self.limits.items()},
            "inputs": [{"name": one.name, "digest": one.digest} for one in planned.inputs],
            "findings": [finding.record(sentence(finding)) for finding in self.findings],
            "days": self.days(),
            "flags": self.flags(),
            "files": [file.record() for file in self.files],
        }


def quality(
    settings: Settings,
    database: Database,
    planned: Plan,
    cleaning: Cleaning = DEFAULT,
    on_done: Callable[[int], None] = lambda done: None,
) -> Report:
    """Make the quality report of a run's period.

    Parameters
    ----------
    planned
        The run, as `runs.plan` gives it; its measures do not matter.
    cleaning
        By which events are flagged.
    """
    gathered = gather(settings, planned, cleaning, on_done)
    register = read_register(planned.store.folder.parent)
    files = file_rows(database, planned.project.name)
    return judge(planned, gathered, register_faults(register, planned.areas, planned.calendar.time_zone), files)


def quality_of(
    settings: Settings,
    database: Database,
    name: str,
    first: date | None = None,
    last: date | None = None,
) -> Report:
    """Make the quality report of a project, of all its days if none are said; `last` is included."""
    from commonweal.mobility.projects import get_project

    after = last and last + timedelta(days=1)
    # What is planned is one cheap measure; the report counts for itself.
    planned = plan(settings, database, get_project(database, name), first, after, ["presence"])
    return quality(settings, database, planned)


def judge(planned: Plan, gathered: Gathered, of_cells: list[Finding], files: list[FileRows]) -> Report:
    """Find what is wrong in counts, and put it beside what is wrong with cells and files."""
    days, saying = gathered.days, Saying(planned.project.minimum_people)
    enough = gathered.subscribers >= saying.k
    limits = {name: control_limits(days, getattr(gathered, name).astype(np.float64)) for name in FIGURES}
    by_day = [finding for name in FIGURES for finding in outside(days, limits[name], name, enough)]
    dead = {
        day
        for finding in by_day
        if finding.kind is Fault.DEAD_DAY and finding.since and finding.until
        for day in days
        if finding.since <= day <= finding.until
    }
    judged = np.array([day not in dead for day in days], bool)
    begins = planned.calendar.day_starts.hour
    shifted = shifted_days(days, np.roll(gathered.hours, -begins, axis=1))
    shifted += _else(mixed_clocks(days, gathered.hours, gathered.by_site, gathered.waves, begins), shifted)
    cells = silence(gathered.by_cell, _in_use(planned, gathered), judged)
    areas = silence(gathered.by_area, np.ones(gathered.by_area.shape, bool), judged)
    moved_clock = {day for one in shifted for day in days if one.since and one.until and one.since <= day <= one.until}
    hours = dict(silent_hours(days, gathered.hours, judged & np.array([day not in moved_clock for day in days])))
    findings = [
        *of_cells,
        *_without_version(gathered, saying),
        *_misplaced(gathered, saying),
        *file_faults(files),
        *shifted,
        *shifted_whole(days, gathered.hours),
        *_once(finding for finding in by_day if not _beside(finding, moved_clock) and not _low_and_in(finding, dead)),
        *(
            Finding(Fault.SILENT_HOURS, since=day, until=day, numbers={"hours": list(found)})
            for day, found in hours.items()
        ),
        *_silent(gathered, cells, saying, "cell"),
        *_silent(gathered, areas, saying, "area"),
        *_machines(gathered, saying),
    ]
    findings.sort(key=lambda one: (ORDER[one.kind], one.since or date.min, one.where))
    return Report(planned, gathered, limits, cells, areas, hours, files, findings)


def _else(mixed: list[Finding], shifted: list[Finding]) -> list[Finding]:
    """Leave out what is said of whole days already."""
    return [
        one
        for one in mixed
        if not any(
            one.since
            and one.until
            and other.since
            and other.until
            and other.since <= one.until
            and one.since <= other.until
            for other in shifted
        )
    ]


def _once(by_day: Iterable[Finding]) -> list[Finding]:
    """Say the same of a day once, of the first figure of which it is so."""
    found: dict[tuple[Fault, date | None, date | None], Finding] = {}
    for finding in by_day:
        found.setdefault((finding.kind, finding.since, finding.until), finding)
    return list(found.values())


def _beside(finding: Finding, moved_clock: set[date]) -> bool:
    """Whether days are low or high since the clock of events was moved on them, or on a day beside them."""
    if finding.kind not in (Fault.LOW_DAY, Fault.HIGH_DAY) or finding.since is None or finding.until is None:
        return False
    days = [finding.since + timedelta(n) for n in range((finding.until - finding.since).days + 1)]
    return all(any(day + timedelta(n) in moved_clock for n in (-1, 0, 1)) for day in days)


def _low_and_in(finding: Finding, dead: set[date]) -> bool:
    """Whether a figure is low on days that are dead by another."""
    return finding.kind is Fault.LOW_DAY and finding.since in dead and finding.until in dead


def _in_use(planned: Plan, gathered: Gathered) -> npt.NDArray[np.bool_]:
    """bool[cells, days]: whether a version of the cell holds for all of the day."""
    timeline: Timeline = planned.buckets[0].timeline
    edges = planned.scope.days
    used = np.zeros((len(gathered.cells), len(edges) - 1), bool)
    for cell, identifier in enumerate(gathered.cells):
        if identifier == ABROAD:
            continue
        spans = np.arange(timeline.first[cell], timeline.first[cell + 1])
        starts, row = timeline.starts[spans], timeline.row[spans]
        held_first = np.maximum(np.searchsorted(starts, edges[:-1], side="right") - 1, 0)
        held_last = np.maximum(np.searchsorted(starts, edges[1:] - 1, side="right") - 1, 0)
        used[cell] = (row[held_first] >= 0) & (row[held_last] >= 0)
    return used


def _without_version(gathered: Gathered, saying: Saying) -> list[Finding]:
    """Events outside every version's life, by cell; cells with too few people behind them are said together."""
    columns = gathered.cell_flags
    chosen = columns["flag"] == Flag.OUT_OF_LIFE
    order = {day: number for number, day in enumerate(gathered.days)}
    found, few = [], 0
    for cell in np.unique(columns["cell"][chosen]).tolist():
        rows = chosen & (columns["cell"] == cell)
        if columns["people"][rows].max() < saying.k:
            few += 1
            continue
        events = dict(zip(columns["day"][rows].tolist(), columns["events"][rows].tolist(), strict=True))
        for first, last in in_runs([gathered.days[day] for day in events], order):
            inside = sum(n for day, n in events.items() if first <= gathered.days[day] <= last)
            share = inside / gathered.by_cell[cell, order[first] : order[last] + 1].sum()
            numbers = {"events": saying.say(inside, saying.k), "share": round(float(share), 2)}
            found.append(
                Finding(Fault.MISSING_VERSION, gathered.cells[cell], "cell", first, last, Sure.CERTAIN, numbers)
            )
    if few:
        days = gathered.days
        found.append(
            Finding(Fault.MISSING_VERSION, since=days[0], until=days[-1], sure=Sure.CERTAIN, numbers={"cells": few})
        )
    return found


def _misplaced(gathered: Gathered, saying: Saying) -> list[Finding]:
    columns = gathered.cell_flags
    total = gathered.by_cell.sum(axis=1)
    by_flag = np.zeros((len(gathered.cells), len(Flag)), np.int64)
    np.add.at(by_flag, (columns["cell"], columns["flag"]), columns["events"])
    people = np.zeros(len(gathered.cells), np.int64)
    wrong = columns["flag"] == Flag.INCORRECT_PLACE
    np.maximum.at(people, columns["cell"][wrong], columns["people"][wrong])
    incorrect = by_flag[:, Flag.INCORRECT_PLACE]
    both = incorrect + by_flag[:, Flag.SUSPICIOUS_PLACE]
    judged = total - by_flag[:, [Flag.NETWORK_OF_NO_COUNTRY, Flag.OUT_OF_LIFE, Flag.NO_POSITION, Flag.MACHINE]].sum(1)
    chosen = (people >= saying.k) & (incorrect >= INCORRECT * judged) & (both >= WRONG * judged)
    return [
        Finding(
            Fault.MISPLACED_CELL,
            gathered.cells[cell],
            "cell",
            gathered.days[0],
            gathered.days[-1],
            Sure.POSSIBLE,
            {"share": round(float(both[cell] / judged[cell]), 2)},
        )
        for cell in np.flatnonzero(chosen).tolist()
    ]


def _silent(gathered: Gathered, found: Silence, saying: Saying, place: str) -> list[Finding]:
    by_cell = place == "cell"
    names = gathered.cells if by_cell else gathered.areas
    people = gathered.people_by_cell if by_cell else gathered.people_by_area
    usual: list[int | None] = []
    for row, expected in enumerate(found.expected.tolist()):
        behind = people[row][people[row] > 0]
        usual.append(None if np.isnan(expected) else saying.say(expected, float(np.median(behind))))
    kind = Fault.SILENT_CELL if by_cell else Fault.SILENT_AREA
    many = np.array([one is not None for one in usual], bool)[:, None]  # few people behind it are named by no silence
    return silent_places(gathered.days, names, replace(found, silent=found.silent & many), kind, place, usual)


def _machines(gathered: Gathered, saying: Saying) -> list[Finding]:
    machines, total = gathered.flags[:, Flag.MACHINE].sum(), gathered.events.sum()
    if machines < MACHINES * total or gathered.flagged_people[:, Flag.MACHINE].max(initial=0) < saying.k:
        return []
    numbers = {"share": round(float(machines / total), 2)}
    return [Finding(Fault.MACHINES, since=gathered.days[0], until=gathered.days[-1], numbers=numbers)]
