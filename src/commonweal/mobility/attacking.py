"""Attacking a run's tables with the store's own subscribers, before the tables leave.

Subscribers are divided by a hash of their pseudonym. Half of all are the adversary's *reference*; of the other half
some are drawn, half of them *members*, who are counted, and half *left out*. The counts that are attacked are those of
the other half without those left out, protected as the release is: the standard evaluation (Pyrgelis et al. 2018),
since of the release itself nobody in the store is left out. So these counts are of half as many people as those that
leave, which makes each of them easier to find, while more cells are hidden. What leaves this module are numbers, shares
and counts, never a pseudonym. Cells are numbered as in
`contributing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pyarrow as pa

from commonweal.core.engine import Counts
from commonweal.disclosure.attacks.membership import Contributions, Membership, contributions, membership
from commonweal.disclosure.attacks.report import Attacked, AttackReport
from commonweal.disclosure.attacks.trajectories import NOWHERE, trajectories
from commonweal.disclosure.attacks.uniqueness import (
    POINTS,
    Uniqueness,
    draw,
    matching,
    share_unique,
)
from commonweal.disclosure.pairs import pairs_in_order
from commonweal.mobility.contributing import cells, contributing, raw_counts, sizes
from commonweal.mobility.counted_in import Cells, Found, Gathered, attackable, counted_in
from commonweal.mobility.measure import measures
from commonweal.mobility.runs import Plan

MEMBER, LEFT_OUT = range(2)
WALKED = 300  # people whose ways are looked for: matching them costs the cube of their number

Publish = Callable[[str, np.ndarray], np.ndarray]
"""Gives for a measure's name and its raw counts by cell what is published of them: NaN where hidden."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Subscribers drawn from a store.

    Parameters
    ----------
    role
        Of each: `MEMBER` or `LEFT_OUT`, shape (people,).
    cells
        For each measure, the cells that each of them counts in.
    reference
        For each measure, how many of the other half of subscribers each cell has.
    people, reference_people
        How many subscribers with a located event, or counted otherwise, the store has in the period, and how many of
        them are of reference.
    known
        The cells of each measure besides presence, flows and homes.
    """

    role: np.ndarray
    cells: Mapping[str, Contributions]
    reference: Mapping[str, np.ndarray]
    people: int
    reference_people: int
    known: Mapping[str, Cells] = field(default_factory=dict)


def sample(planned: Plan, people: int = 3000, seed: int = 0, counts: Counts | None = None) -> Sample:
    """Draw subscribers and find which cells each counts in. Never holds more than one bucket and the sample.

    Parameters
    ----------
    people
        How many are drawn at most.
    seed
        The same seed draws the same subscribers of a store.
    counts
        What the run counted, by measure: with it, of all measures that say who is counted; else of presence, flows and
        homes.
    """
    kept, limit, whole, half = list[pa.Table](), np.uint64(2**64 - 1), 0, 0
    reference = {name: np.zeros(size, np.int64) for name, size in sizes(planned.scope).items()}
    others = attackable(counts or ())
    everybody, known_before = Gathered(others), Gathered(others)
    pieces = list[Found]()
    for bucket in planned.buckets:
        rows, further = contributing(bucket), counted_in(bucket, others)
        subscriber = rows["subscriber"].to_numpy()
        of_reference = _of_reference(subscriber, seed)
        # Some are counted though they are nowhere, as who is abroad.
        there = np.unique(
            np.concatenate([subscriber, *(pairs[0] for each in further.values() for pairs in each.values())])
        )
        whole += len(there)
        half += int(_of_reference(there, seed).sum())
        for name, pairs in cells(planned.scope, rows.filter(pa.array(of_reference))).items():
            reference[name] += np.bincount(pairs_in_order(*pairs)[1], minlength=len(reference[name]))
        everybody.add(further)
        known_before.add(_chosen(further, partial(_of_reference, seed=seed)))
        kept.append(rows.filter(pa.array(~of_reference & (_hashed(subscriber, seed) <= limit))))
        drawn = np.unique(np.concatenate([np.unique(_hashed(part["subscriber"].to_numpy(), seed)) for part in kept]))
        if len(drawn) > people:
            limit = drawn[people - 1]
            kept = [part.filter(pa.array(_hashed(part["subscriber"].to_numpy(), seed) <= limit)) for part in kept]
        pieces = [_chosen(piece, partial(_asked, seed, limit)) for piece in (*pieces, further)]
    rows = pa.concat_tables(kept)
    further = _together(pieces)
    pseudonyms = [pairs[0] for each in further.values() for pairs in each.values()]
    who = np.unique(np.concatenate([rows["subscriber"].to_numpy(), *pseudonyms]))
    found = cells(planned.scope, rows)
    known = everybody.cells(planned, counts or {})
    for name, of in known.items():
        found = {**found, name: of.number(further[name])}
        reference[name] = known_before.people_in(of)
    seen = {name: contributions(np.searchsorted(who, person), cell, len(who)) for name, (person, cell) in found.items()}
    role = (_hashed(who, seed + 2) % np.uint64(2)).astype(np.int64)
    return Sample(role, seen, reference, whole, half, known)


def _of_reference(subscriber: np.ndarray, seed: int) -> np.ndarray:
    return np.asarray(_hashed(subscriber, seed + 1) % np.uint64(2) == 0)


def _asked(seed: int, limit: np.uint64, subscriber: np.ndarray) -> np.ndarray:
    return np.asarray(~_of_reference(subscriber, seed) & (_hashed(subscriber, seed) <= limit))


def _chosen(found: Found, which: Callable[[np.ndarray], np.ndarray]) -> Found:
    """Give what is known of some subscribers."""
    return {
        name: {
            level: (subscriber[keep], key[keep])
            for level, (subscriber, key) in levels.items()
            for keep in (which(subscriber),)
        }
        for name, levels in found.items()
    }


def _together(pieces: Sequence[Found]) -> Found:
    """Put what is known of several buckets' subscribers together."""
    return {
        name: {
            level: (
                np.concatenate([piece[name][level][0] for piece in pieces]),
                np.concatenate([piece[name][level][1] for piece in pieces]),
            )
            for level in levels
        }
        for name, levels in pieces[0].items()
    }


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
    # Daily totals are rounded down by what stands beside them: nothing is done to each of their cells for itself.
    apart = {name: table for name, table in counts.items() if measures()[name].at_least is None}
    drawn = sample(planned, people, seed, apart)
    raw = raw_counts(planned.scope, counts) | {name: of.people for name, of in drawn.known.items()}
    attacked = [*found]
    for name, whole in raw.items():
        noised = noise.get(name, 0.0)
        finding = told_apart(
            drawn, name, whole, partial(publish, name), noise_variance=noised, threshold=None if noised else k
        )
        if finding is not None:
            attacked.append(Attacked(f"mobility.{name}", finding))
    attacked.append(Attacked("", unique(planned, drawn, seed=seed)))
    if "presence" in raw:
        changed = publish("presence", raw["presence"]) - raw["presence"]
        found_ways = ways(planned, drawn, changed, "mobility.presence", seed=seed)
        attacked += [] if found_ways is None else [found_ways]
    return AttackReport(tuple(attacked))


def told_apart(
    drawn: Sample,
    name: str,
    whole: np.ndarray,
    publish: Callable[[np.ndarray], np.ndarray],
    *,
    noise_variance: float = 0.0,
    threshold: int | None = None,
) -> Membership | None:
    """Ask of a measure's counts who of the sample is in them; None if there are too few people to try it with.

    Parameters
    ----------
    whole
        Raw counts by cell, of everybody.
    publish
        Gives what is published of the counts that are attacked: NaN where hidden.
    noise_variance, threshold
        As `membership`.
    """
    others = drawn.people - drawn.reference_people - int((drawn.role == LEFT_OUT).sum())
    if min(others, drawn.reference_people) <= 0:
        return None
    known = drawn.cells[name]
    members, left_out = (known.of(drawn.role == role) for role in (MEMBER, LEFT_OUT))
    if min(int((np.diff(group.first) > 0).sum()) for group in (members, left_out)) < 2:
        return None
    return membership(
        publish(whole - drawn.reference[name] - left_out.counts(len(whole))),
        people=others,
        members=members,
        others=left_out,
        reference=drawn.reference[name],
        reference_people=drawn.reference_people,
        noise_variance=noise_variance,
        threshold=threshold,
    )


def unique(planned: Plan, drawn: Sample, *, people: int = 1000, seed: int = 0) -> Uniqueness:
    """Say how many of the subscribers drawn are alone, of everybody in the store, at 2 and at 4 of their points."""
    hourly = (len(planned.scope.hours) - 1) * len(planned.scope.areas)
    seen = drawn.cells["presence"]
    person = np.repeat(np.arange(len(seen)), np.diff(seen.first))
    asked = [draw(person[seen.cell < hourly], seen.cell[seen.cell < hourly], p, people, seed) for p in POINTS]
    matches = [np.zeros(len(one.points), np.int64) for one in asked]
    for bucket in planned.buckets:
        rows = contributing(bucket)
        whose, point = cells(planned.scope, rows)["presence"]
        whose, point = pairs_in_order(whose[point < hourly], point[point < hourly])
        for count, one in zip(matches, asked, strict=True):
            count += matching(whose, point, one)
    return Uniqueness(share_unique(matches[0]), share_unique(matches[1]), max(len(one.points) for one in asked))


def ways(planned: Plan, drawn: Sample, changed: np.ndarray, dataset: str, *, seed: int = 0) -> Attacked | None:
    """Look for people's ways through the hours of the day of which the sample has most points.

    Parameters
    ----------
    changed
        By how much presence is changed before it is published, by cell, NaN where hidden: the counts of the sample are
        changed as much and attacked.
    """
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
    counts = np.maximum(counts + changed[first * areas : last * areas].reshape(-1, areas), 0)
    centres = np.array([[shape.centroid.x, shape.centroid.y] for shape in planned.areas.polygons])
    return Attacked(dataset, trajectories(counts, truth, centres, seed=seed))


def _hashed(pseudonym: np.ndarray, seed: int) -> np.ndarray:
    """Hash pseudonyms to numbers evenly spread over uint64: the finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    mixed = pseudonym.astype(np.int64).view(np.uint64) + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
