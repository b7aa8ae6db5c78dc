"""How near each method comes to the truth before anything is protected: homes, presence, flows, borders, the displaced.

Each row is of one method and one truth. Of subscribers with a true and an estimated home the part that is *right*; of
counts the *error* Σ|x − t| / Σ t over all keys of either, and the *total* Σ x / Σ t, so that who is missed everywhere
can be told from who is put elsewhere. Nothing about a single subscriber leaves this module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.database import Database
from commonweal.core.settings import Settings
from commonweal.demo.score import home_accuracy, keyed, main_homes, read_truth
from commonweal.demo.score_changes import flood_day, local_dates, score_displaced, truly_displaced
from commonweal.mobility import inside, runs
from commonweal.mobility.baselines import DaySeries, displaced
from commonweal.mobility.borders.counted import DIRECTIONS
from commonweal.mobility.cells import read_register
from commonweal.mobility.counting import count, derive_bucket
from commonweal.mobility.measure import measures
from commonweal.mobility.measures import home_rules, visits
from commonweal.mobility.projects import get_project
from commonweal.mobility.runs import Plan, buckets_for
from commonweal.mobility.service import pseudonyms
from commonweal.mobility.stays.parameters import BOUNCE

STAYS = "flows_stays"
FLOWS = ("flows", "flows_consecutive", "flows_all_pairs", "flows_lagged")
Counts = Mapping[tuple[Any, ...], float]


@dataclass(frozen=True)
class MethodScore:
    """How near one method comes to one truth.

    Parameters
    ----------
    what
        What is estimated.
    method
        How.
    truth
        What it is compared with.
    right
        Part of subscribers for whom both agree; None for counts.
    error, total
        Σ|x − t| / Σ t and Σ x / Σ t; None for subscribers.
    values
        How many subscribers, or keys of either.
    """

    what: str
    method: str
    truth: str
    right: float | None
    error: float | None
    total: float | None
    values: int


def score_of(what: str, method: str, truth: str, estimate: Counts, true: Counts) -> MethodScore:
    """Score counts by key: who is on one side only counts as a difference too.

    Examples
    --------
    >>> found = score_of("presence", "half", "there", {"a": 10}, {"a": 15, "b": 5})
    >>> found.error, found.total, found.values
    (0.5, 0.5, 2)
    """
    keys = sorted(estimate.keys() | true.keys())
    x, t = (np.array([side.get(key, 0) for key in keys], float) for side in (estimate, true))
    whole = max(float(t.sum()), 1.0)
    return MethodScore(what, method, truth, None, float(np.abs(x - t).sum() / whole), float(x.sum() / whole), len(keys))


def shared(estimate: Counts, true: Counts) -> dict[tuple[Any, ...], float]:
    """Scale an estimate by (area, time) to the true total of each time: what is left says who was put elsewhere.

    >>> shared({("a", 0): 1, ("b", 0): 3}, {("a", 0): 4, ("b", 0): 4})
    {('a', 0): 2.0, ('b', 0): 6.0}
    """
    have: Counter[Any] = Counter()
    want: Counter[Any] = Counter()
    for sums, table in ((have, estimate), (want, true)):
        for (_, time), value in table.items():
            sums[time] += value  # type: ignore[assignment]
    return {(area, time): value * want[time] / have[time] for (area, time), value in estimate.items() if have[time]}


def method_scores(settings: Settings, database: Database, project: str, demo: Path) -> list[MethodScore]:
    """Score every method on a project's private store; its whole newest epoch is counted."""
    of = get_project(database, project)
    planned = runs.plan(settings, database, of, names=("presence", "border_crossings", STAYS, *FLOWS))
    counts = {
        name: measures()[name].finish(table, planned.scope) for name, table in count(settings, planned.buckets).items()
    }
    cells = count(settings, runs.plan(settings, database, of, names=("present",)).buckets)["present"]
    return [
        *_homes(settings, database, project, planned, demo),
        *_presence(planned, counts["presence"], cells, demo),
        *_flows(counts, demo),
        _trips(planned, counts[STAYS], demo),
        *_ping_pong(planned, demo),
        *_crossings(planned, counts["border_crossings"], demo),
        *_displaced(planned, counts["flows"], demo),
    ]


def _people(table: pa.Table, *keys: str) -> dict[tuple[Any, ...], int]:
    """Give raw people by key."""
    return keyed(table, keys, "people")


# Homes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _homes(settings: Settings, database: Database, project: str, planned: Plan, demo: Path) -> Iterator[MethodScore]:
    """Score the home of each rule, subscriber by subscriber."""
    truth = main_homes(read_truth(demo, "homes"))
    numbers = sorted(truth)
    names = pseudonyms(settings, database, project, numbers)
    true = {int(name): truth[number] for name, number in zip(names, numbers, strict=True)}
    codes = planned.areas.codes
    found: dict[str, dict[int, str]] = {rule: {} for rule in home_rules.RULES}
    for bucket in buckets_for(planned, visits.DERIVATION):
        one = home_rules.homes(derive_bucket(bucket, visits.DERIVATION))
        for rule, areas in zip(home_rules.RULES, one.area, strict=True):
            some = areas >= 0
            found[rule] |= {
                int(who): codes[area] for who, area in zip(one.subscriber[some], areas[some].tolist(), strict=True)
            }
    for rule, homes in found.items():
        right, people = home_accuracy(true, homes)
        yield MethodScore("home area", rule, "lived there longest", right, None, None, people)


# Presence ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _presence(planned: Plan, presence: pa.Table, counts: pa.Table, demo: Path) -> Iterator[MethodScore]:
    """Score areas by hour: of those seen there, and of those estimated from cells."""
    truth = read_truth(demo, "presence")
    truth = truth.filter(pc.equal(truth["period"], "hour"))
    there, seen = (keyed(truth, ("area", "start"), name) for name in ("subscribers", "subscribers_seen"))
    by_mast = _people(presence.filter(pc.equal(presence["period"], "hour")), "area", "start")
    yield score_of("presence by hour", "distinct subscribers", "seen", by_mast, seen)
    yield score_of("presence by hour", "distinct subscribers", "there", by_mast, there)
    what = "presence by hour, shares of a day"
    middle = {}
    for method, estimate in _estimates(planned, counts):
        hours = {hour for _, hour in estimate}
        middle = {key: people for key, people in there.items() if key[1] in hours}
        yield score_of(what, method, "there", shared(estimate, middle), middle)
    masts = {key: people for key, people in by_mast.items() if key in middle}
    yield score_of(what, "distinct subscribers", "there", shared(masts, middle), middle)


def _estimates(planned: Plan, counts: pa.Table) -> Iterator[tuple[str, dict[tuple[Any, ...], float]]]:
    """Estimate devices by area and hour of a day in the middle with each footprint: a week would take minutes."""
    from commonweal.mobility.coverage import METHODS, coverage
    from commonweal.mobility.footprint import present_by_area

    days = planned.scope.days
    starts, ends = days[(len(days) - 1) // 2 :][:2]
    kind, cell, start, people = (counts[name].to_numpy() for name in ("kind", "place", "start", "people"))
    hours, own = planned.scope.hours, (kind == 0) & (start >= starts) & (start < ends)
    timeline = planned.buckets[0].timeline
    by_cell = np.zeros((len(timeline.first) - 1, len(hours) - 1))
    by_cell[cell[own], np.searchsorted(hours, start[own])] = people[own]
    register = read_register(planned.store.folder.parent)
    for method in METHODS:
        covered = coverage(register, timeline, planned.areas, days[:-1], method)
        version = covered.meeting.versions(hours[:-1])
        found: dict[tuple[Any, ...], float] = {}
        for number, footprint in enumerate(covered.footprints):
            at = np.flatnonzero((version == number) & by_cell.any(axis=0))
            if not len(at):
                continue
            devices = present_by_area(covered.grid, footprint, by_cell[:, at]).devices
            for area, code in enumerate(covered.grid.codes):
                for place, hour in enumerate(at.tolist()):
                    if devices[area, place] > 0:
                        found[code, int(hours[hour])] = float(devices[area, place])
        yield f"EM, {method}", found


# Flows and ping-pong ──────────────────────────────────────────────────────────────────────────────────────────────


def _flows(counts: Mapping[str, pa.Table], demo: Path) -> Iterator[MethodScore]:
    """Score each kind of flow, staying left out, against who truly went from area to area on the day."""
    truth = read_truth(demo, "flows")
    there, seen = (
        keyed(truth, ("origin", "destination", "start"), name) for name in ("subscribers", "subscribers_seen")
    )
    for name in FLOWS:
        table = counts[name]
        parts = sorted(set(table["part"].to_pylist())) if "part" in table.column_names else [""]
        for part in parts:
            rows = table if not part else table.filter(pc.equal(table["part"], part))
            found = {k: n for k, n in _people(rows, "origin", "destination", "start").items() if k[0] != k[1]}
            label = f"{name}, {part}" if part else name
            if name == "flows":
                yield score_of("flows by day", label, "seen", found, seen)
            yield score_of("flows by day", label, "there", found, there)


def _trips(planned: Plan, table: pa.Table, demo: Path) -> MethodScore:
    """Score flows from stay to stay against the trips that end on the day, of the subscribers of whoever made them."""
    days, sims = planned.scope.days, Counter(read_truth(demo, "subscribers")["person"].to_pylist())
    trips = read_truth(demo, "trips")
    trips = trips.filter(pc.and_(pc.is_valid(trips["origin"]), pc.is_valid(trips["destination"])))
    arrive = trips["arrive"].cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy()
    day = days[np.searchsorted(days, arrive, side="right") - 1].tolist()
    ends = zip(*(trips[name].to_pylist() for name in ("person", "origin", "destination")), day, strict=True)
    true: Counter[tuple[Any, ...]] = Counter()
    for person, origin, destination, on in set(ends):
        if origin != destination:
            true[origin, destination, on] += sims[person]
    found = {k: n for k, n in _people(table, "origin", "destination", "start").items() if k[0] != k[1]}
    return score_of("flows by day", STAYS, "trips", found, true)


def _ping_pong(planned: Plan, demo: Path) -> Iterator[MethodScore]:
    """Score consecutive flows of cleaned events, with jumps between overlapping cells undone and left."""
    there = keyed(read_truth(demo, "flows"), ("origin", "destination", "start"), "subscribers")
    days = planned.scope.days
    codes = pa.array(planned.areas.codes)
    for label, bounce in (("none", 0), ("removed", BOUNCE)):
        events = inside.cleaned_events(planned, bounce)
        events = events.filter(pc.is_valid(events["area"]))
        who = events["subscriber"].to_numpy()
        day = np.searchsorted(days, events["time"].cast(pa.int64()).to_numpy() // 1_000_000, side="right") - 1
        area = pc.index_in(events["area"], value_set=codes).to_numpy()
        moved = (who[1:] == who[:-1]) & (day[1:] == day[:-1]) & (area[1:] != area[:-1])
        went = np.unique(np.column_stack([who[1:], day[1:], area[:-1], area[1:]])[moved], axis=0)
        found = Counter(
            (codes[origin].as_py(), codes[destination].as_py(), int(days[on]))
            for _, on, origin, destination in went.tolist()
        )
        yield score_of("flows by day", f"flows, ping-pong {label}", "there", found, there)


# Borders ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _crossings(planned: Plan, table: pa.Table, demo: Path) -> Iterator[MethodScore]:
    """Score crossings into and out of the network's countries by day, of the subscribers of whoever crossed."""
    found: Counter[tuple[Any, ...]] = Counter()
    rows = zip(*(table[name].to_pylist() for name in ("direction", "start", "people")), strict=True)
    for direction, start, people in rows:
        found[direction, int(start.timestamp())] += people
    sims = Counter(read_truth(demo, "subscribers")["person"].to_pylist())
    own = {str(code)[:2] for code in read_truth(demo, "areas")["country"].to_pylist()}
    true: Counter[tuple[Any, ...]] = Counter()
    truth, days = read_truth(demo, "crossings").to_pylist(), planned.scope.days
    for row in truth:
        for direction, country, moment in (
            (DIRECTIONS[0], row["to_country"], row["arrive"]),
            (DIRECTIONS[1], row["from_country"], row["depart"]),
        ):
            if country in own:
                day = np.searchsorted(days, moment.timestamp(), side="right") - 1
                true[direction, int(days[day])] += sims[row["person"]]
    yield score_of("border crossings by day", "border_crossings", "crossed", found, true)


# Displaced people ─────────────────────────────────────────────────────────────────────────────────────────────────


def _displaced(planned: Plan, flows: pa.Table, demo: Path) -> Iterator[MethodScore]:
    """Score who is displaced by a flood on the last day, by origin and host, those who came the other way taken off."""
    since = flood_day(demo)
    if since is None:
        return
    what, truth = "displaced people by origin and host", "displaced at the end"
    true = _net(truly_displaced(demo))
    by_flows = score_displaced(demo, _series(planned, demo, flows))
    found = {(one.origin, one.host): one.published for one in by_flows if one.low > 0}
    yield score_of(what, "flows above what was usual, where surely so", truth, found, true)
    moved: Counter[tuple[str, str]] = Counter()
    codes = planned.areas.codes
    for bucket in buckets_for(planned, visits.DERIVATION):
        changed = homes_changed(derive_bucket(bucket, visits.DERIVATION), since)
        moved += Counter({(codes[origin], codes[host]): people for (origin, host), people in changed.items()})
    pairs = _both_ways(moved)
    by_homes = displaced(DaySeries.of(pairs, [since], [[moved[pair] for pair in pairs]]), since) if pairs else []
    found = {(one.origin, one.host): one.people for one in by_homes if one.low > 0}
    yield score_of(what, f"change of home by {home_rules.RULES[0]}, where surely so", truth, found, true)


def homes_changed(rows: pa.Table, since: date) -> Counter[tuple[int, int]]:
    """Count subscribers by their home area before a day and from it on, by the last locations of days, if it changed.

    Parameters
    ----------
    rows
        Of `visits`, sorted by (subscriber, day, last event).

    Examples
    --------
    Two days that end in area 2, then two in area 5:

    >>> rows = {name: np.zeros(4, np.int32) for name in ("late", "halves", "since", "works")}
    >>> rows |= {"subscriber": np.full(4, 7), "start": np.arange(4), "date": np.arange(4), "events": np.ones(4, int),
    ...          "area": np.array([2, 2, 5, 5]), "evening": np.ones(4, bool), "morning": np.zeros(4, bool)}
    >>> homes_changed(pa.table(rows), date(1970, 1, 3))
    Counter({(2, 5): 1})
    >>> homes_changed(pa.table(rows), date(1970, 1, 5))
    Counter()
    """
    day = (since - date(1970, 1, 1)).days
    before, after = (
        home_rules.homes(rows.filter(part))
        for part in (pc.less(rows["date"], day), pc.greater_equal(rows["date"], day))
    )
    _, one, other = np.intersect1d(before.subscriber, after.subscriber, assume_unique=True, return_indices=True)
    pairs = zip(before.area[0][one].tolist(), after.area[0][other].tolist(), strict=True)
    return Counter((origin, host) for origin, host in pairs if origin != host and min(origin, host) >= 0)


def _both_ways(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted({pair for one, other in pairs if one != other for pair in ((one, other), (other, one))})


def _net(people: Mapping[tuple[str, str], int]) -> dict[tuple[Any, ...], float]:
    """Take off whoever went the other way.

    >>> _net({("A", "B"): 5, ("B", "A"): 2, ("A", "C"): 0})
    {('A', 'B'): 3}
    """
    left = {(one, other): n - people.get((other, one), 0) for (one, other), n in people.items()}
    return {key: n for key, n in left.items() if n > 0}


def _series(planned: Plan, demo: Path, flows: pa.Table) -> DaySeries:
    """Lay raw flows out by day: none is hidden, so a pair without a row is nobody."""
    days = planned.scope.days[:-1].tolist()
    dates = local_dates(demo, pa.chunked_array([pa.array(days, pa.timestamp("s", tz="UTC"))]))
    people = _people(flows, "origin", "destination", "start")
    pairs = _both_ways((origin, destination) for origin, destination, _ in people)
    values = [[people.get((*pair, start), 0) for pair in pairs] for start in days]
    return DaySeries.of(pairs, dates, values)
