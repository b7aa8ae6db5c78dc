"""Attacking a run's tables with the store's own subscribers, before the tables leave.

Some subscribers are drawn by a hash of their pseudonym and numbered; what leaves this module are numbers, shares and
counts, never a pseudonym. A third of them are *members*, a third is *left out* of the counts that are attacked, and a
third is the adversary's *reference*, left out as well. The counts that are attacked are those of everybody but these
two thirds, protected as the release is: the standard evaluation (Pyrgelis et al. 2018), since of the release itself
nobody in the store is left out. In a large store that makes no difference to the counts; in a small one the counts that
are attacked are smaller than those that leave, and the finding errs on the side of caution.

Cells are numbered from 0::

    presence   hour · areas + area, then hours · areas + day · areas + area
    flows      (day · areas + origin) · areas + destination
    home       area
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from commonweal.core.engine import Counts
from commonweal.disclosure.attacks.membership import Contributions, contributions, membership
from commonweal.disclosure.attacks.report import Attacked, AttackReport
from commonweal.disclosure.attacks.trajectories import NOWHERE, trajectories
from commonweal.disclosure.attacks.uniqueness import (
    POINTS,
    Uniqueness,
    draw,
    matching,
    pairs_in_order,
    share_unique,
)
from commonweal.mobility.counting import Bucket, derive_bucket
from commonweal.mobility.measure import Derivation, Window
from commonweal.mobility.measures import home
from commonweal.mobility.measures.last_location import last_event
from commonweal.mobility.runs import Plan
from commonweal.mobility.sequences import Events

ATTACKED = ("presence", "flows", "home")
MEMBER, LEFT_OUT, REFERENCE = range(3)
WALKED = 300  # people whose ways are looked for: matching them costs the cube of their number
_HOUR, _DAY, _FLOW, _LAST = range(4)

Publish = Callable[[str, np.ndarray], np.ndarray]
"""Gives for a measure's name and its raw counts by cell what is published of them: NaN where hidden."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Subscribers drawn from a store.

    Parameters
    ----------
    role
        Of each: `MEMBER`, `LEFT_OUT` or `REFERENCE`, shape (people,).
    cells
        For each measure, the cells that each of them counts in.
    people
        How many subscribers with a located event the store has in the period.
    """

    role: np.ndarray
    cells: Mapping[str, Contributions]
    people: int


def sample(planned: Plan, people: int = 3000, seed: int = 0) -> Sample:
    """Draw subscribers and find which cells each counts in. Never holds more than one bucket and the sample.

    Parameters
    ----------
    people
        How many are drawn at most.
    seed
        The same seed draws the same subscribers of a store.
    """
    kept, limit, whole = list[pa.Table](), np.uint64(2**64 - 1), 0
    for bucket in planned.buckets:
        rows = _rows(bucket)
        subscriber = rows["subscriber"].to_numpy()
        whole += len(np.unique(subscriber))
        kept.append(rows.filter(pa.array(_hashed(subscriber, seed) <= limit)))
        drawn = np.unique(np.concatenate([np.unique(_hashed(part["subscriber"].to_numpy(), seed)) for part in kept]))
        if len(drawn) > people:
            limit = drawn[people - 1]
            kept = [part.filter(pa.array(_hashed(part["subscriber"].to_numpy(), seed) <= limit)) for part in kept]
    rows = pa.concat_tables(kept)
    who, number = np.unique(rows["subscriber"].to_numpy(), return_inverse=True)
    what, key = rows["what"].to_numpy(), rows["key"].to_numpy()
    areas, hours = len(planned.scope.areas), len(planned.scope.hours) - 1
    seen = (what == _HOUR) | (what == _DAY)
    last = what == _LAST
    resident, area = home.home(number[last], key[last].astype(np.int32))
    found = {
        "presence": contributions(number[seen], key[seen] + np.where(what[seen] == _DAY, hours * areas, 0), len(who)),
        "flows": contributions(number[what == _FLOW], key[what == _FLOW], len(who)),
        "home": contributions(resident, area, len(who)),
    }
    return Sample((_hashed(who, seed + 1) % np.uint64(3)).astype(np.int64), found, whole)


def raw_counts(planned: Plan, counts: Counts) -> dict[str, np.ndarray]:
    """Give the raw counts of a run by cell, int64, for each measure that is attacked and was counted."""
    areas, hours, days = len(planned.scope.areas), planned.scope.hours, planned.scope.days
    sizes = {
        "presence": (len(hours) + len(days) - 2) * areas,
        "flows": (len(days) - 1) * areas**2,
        "home": areas,
    }
    found = {}
    for name in ATTACKED:
        if name not in counts:
            continue
        columns = {column: counts[name][column].to_numpy() for column in counts[name].column_names}
        if name == "presence":
            unit = columns["unit"]
            period = np.where(
                unit == 0, np.searchsorted(hours, columns["start"]), np.searchsorted(days, columns["start"])
            )
            cell = np.where(unit == 0, 0, (len(hours) - 1) * areas) + period * areas + columns["area"]
        elif name == "flows":
            day = np.searchsorted(days, columns["start"])
            cell = (day * areas + columns["origin"]) * areas + columns["destination"]
        else:
            cell = columns["area"]
        found[name] = np.zeros(sizes[name], np.int64)
        found[name][cell] = columns["people"]
    return found


def below_threshold(k: int) -> Publish:
    """Publish as the first rule does: counts of at least *k*.

    >>> below_threshold(15)("home", np.array([14, 15]))
    array([nan, 15.])
    """
    return lambda name, raw: np.where(raw >= k, raw, np.nan)


def attack(
    planned: Plan,
    counts: Counts,
    *,
    publish: Publish | None = None,
    noise_variance: Mapping[str, float] | None = None,
    found: Sequence[Attacked] = (),
    people: int = 3000,
    seed: int = 0,
) -> AttackReport:
    """Attack what would be published of a run.

    Parameters
    ----------
    counts
        What the run counted, by measure.
    publish
        How the release is protected; by the project's threshold if nothing is said.
    noise_variance
        For measures with noise or rounding, its variance.
    found
        Findings of attacks that look at the published tables alone: reconstruction and differencing.
    people
        How many subscribers are drawn at most.
    seed
        The same seed draws the same.
    """
    k = planned.project.minimum_people
    publish = publish or below_threshold(k)
    noise = noise_variance or {}
    drawn = sample(planned, people, seed)
    raw = raw_counts(planned, counts)
    attacked = [*found]
    for name, whole in raw.items():
        cells = drawn.cells[name]
        groups = [cells.of(drawn.role == role) for role in (MEMBER, LEFT_OUT, REFERENCE)]
        if min(int((np.diff(group.first) > 0).sum()) for group in groups) < 2:
            continue
        rest = whole - groups[LEFT_OUT].counts(len(whole)) - groups[REFERENCE].counts(len(whole))
        left = drawn.people - int((drawn.role != MEMBER).sum())
        finding = membership(
            publish(name, rest),
            people=left,
            members=groups[MEMBER],
            others=groups[LEFT_OUT],
            reference=groups[REFERENCE],
            noise_variance=noise.get(name, 0.0),
            threshold=None if noise.get(name) else k,
        )
        attacked.append(Attacked(f"mobility.{name}", finding))
    attacked.append(Attacked("", unique(planned, drawn, seed=seed)))
    if "presence" in raw:
        ways = _ways(planned, drawn, publish("presence", raw["presence"]), seed)
        attacked += [] if ways is None else [ways]
    return AttackReport(tuple(attacked))


def unique(planned: Plan, drawn: Sample, *, people: int = 1000, seed: int = 0) -> Uniqueness:
    """Say how many of the subscribers drawn are alone, of everybody in the store, at 2 and at 4 of their points."""
    hourly = (len(planned.scope.hours) - 1) * len(planned.scope.areas)
    seen = drawn.cells["presence"]
    person = np.repeat(np.arange(len(seen)), np.diff(seen.first))
    asked = [draw(person[seen.cell < hourly], seen.cell[seen.cell < hourly], p, people, seed) for p in POINTS]
    matches = [np.zeros(len(one.points), np.int64) for one in asked]
    for bucket in planned.buckets:
        rows = _rows(bucket)
        rows = rows.filter(pa.array(rows["what"].to_numpy() == _HOUR))
        whose, point = pairs_in_order(rows["subscriber"].to_numpy(), rows["key"].to_numpy())
        for count, one in zip(matches, asked, strict=True):
            count += matching(whose, point, one)
    return Uniqueness(share_unique(matches[0]), share_unique(matches[1]), max(len(one.points) for one in asked))


def _ways(planned: Plan, drawn: Sample, published: np.ndarray, seed: int) -> Attacked | None:
    """Look for people's ways through the hours of the day of which the sample has most points."""
    areas, hours, days = len(planned.scope.areas), planned.scope.hours, planned.scope.days
    seen = drawn.cells["presence"]
    person = np.repeat(np.arange(len(seen)), np.diff(seen.first))
    hourly = seen.cell < (len(hours) - 1) * areas
    person, (hour, area) = person[hourly], np.divmod(seen.cell[hourly], areas)
    if not len(hour):
        return None
    day_of = np.searchsorted(days, hours[:-1], side="right") - 1
    day = np.bincount(day_of[hour]).argmax()
    first, last = np.searchsorted(day_of, [day, day + 1])
    today = (hour >= first) & (hour < last)
    walkers = np.unique(person[today])[:WALKED]
    today &= np.isin(person, walkers)
    truth = np.full((len(walkers), last - first), NOWHERE)
    # Who is in several areas in an hour is taken to have been in the first of them.
    whose, when, where = np.searchsorted(walkers, person[today])[::-1], (hour[today] - first)[::-1], area[today][::-1]
    truth[whose, when] = where
    counts = np.zeros((last - first, areas))
    there = truth != NOWHERE
    np.add.at(counts, (np.broadcast_to(np.arange(last - first), truth.shape)[there], truth[there]), 1)
    counts[np.isnan(published[first * areas : last * areas].reshape(-1, areas))] = np.nan
    centres = np.array([[shape.centroid.x, shape.centroid.y] for shape in planned.areas.polygons])
    return Attacked("mobility.presence", trajectories(counts, truth, centres, seed=seed))


def _rows(bucket: Bucket) -> pa.Table:
    """Give all that the subscribers of a bucket count in: ``subscriber``, ``what`` (int8) and ``key`` (int64)."""
    areas = bucket.areas

    def derive(events: Events, window: Window) -> pa.Table:
        first_hour = np.searchsorted(bucket.hours, window.hours[0] + window.starts)
        first_day = np.searchsorted(bucket.days, window.days[0] + window.starts)
        located = events.area >= 0
        whose, area = events.subscriber[located], events.area[located].astype(np.int64)
        hour, day = events.hour[located] + first_hour, events.day[located] + first_day
        own_day = events.subscriber_day[located]
        moved = np.zeros(len(area), bool)
        moved[1:] = (own_day[1:] == own_day[:-1]) & (area[1:] != area[:-1])
        to = np.flatnonzero(moved)
        last = last_event(events.subscriber_day, events.area)
        in_hour = np.unique(events.subscriber_hour[located] * np.int64(areas) + area, return_index=True)[1]
        in_day = np.unique(own_day * np.int64(areas) + area, return_index=True)[1]
        parts = [
            (_HOUR, whose[in_hour], hour[in_hour] * areas + area[in_hour]),
            (_DAY, whose[in_day], day[in_day] * areas + area[in_day]),
            (_FLOW, whose[to], (day[to] * areas + area[to - 1]) * areas + area[to]),
            (_LAST, events.subscriber[last], events.area[last].astype(np.int64)),
        ]
        subscriber = np.concatenate([part for _, part, _ in parts])
        what = np.concatenate([np.full(len(part), kind, np.int8) for kind, part, _ in parts])
        key = np.concatenate([keys for _, _, keys in parts]).astype(np.int64)
        order = np.argsort(subscriber, kind="stable")
        return pa.table({"subscriber": subscriber[order], "what": what[order], "key": key[order]})

    # Nothing of it is kept on the disk.
    return derive_bucket(replace(bucket, keep=False), Derivation("attacked", derive))


def _hashed(pseudonym: np.ndarray, seed: int) -> np.ndarray:
    """Hash pseudonyms to numbers evenly spread over uint64: the finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    mixed = pseudonym.astype(np.int64).view(np.uint64) + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
