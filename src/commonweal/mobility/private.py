"""A private run: bounded counts of each measure, ready to be drawn with noise, each with what it will cost.

Nothing here draws. `private_runs` gives for each measure a request and the one function that draws it; whoever keeps
the ledger books the cost first, then calls that function, once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Input
from commonweal.core.engine import Counts, map_buckets
from commonweal.core.errors import InputError, Refused
from commonweal.core.settings import Settings
from commonweal.disclosure import Keys, Kind, Relations
from commonweal.disclosure.private.bound import Bound
from commonweal.disclosure.private.rule import Rule
from commonweal.disclosure.private.table import Prepared, Private, draw, prepare
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Protection, Unprotected, bounded
from commonweal.mobility.counting import Bucket, derive_bucket, each_window, window_of
from commonweal.mobility.hanging import relate
from commonweal.mobility.measure import Measure, Window, measures
from commonweal.mobility.reach import reach
from commonweal.mobility.runs import Plan


@dataclass(frozen=True)
class Bounding:
    """How one measure's counts are bounded in a run.

    Parameters
    ----------
    measure
        Its name.
    unit
        What is hidden; longer than what was asked for where a person's part is found over a week or the whole run.
    most
        For each level how many counts are kept of a person in a unit, or in the run.
    bounds
        For each level how much the counts can change by one unit of a person.
    edges
        Edges of the units, UTC seconds; they cover the run.
    seed
        Decides which contributions are kept, where there are more than the bound.
    """

    measure: str
    unit: Unit
    most: Mapping[str, int]
    bounds: Mapping[str, Bound]
    edges: np.ndarray
    seed: int


@dataclass(frozen=True)
class PrivateBucket:
    """A reference to a bucket, and how it is bounded: plain data that travels to a worker."""

    bucket: Bucket
    boundings: tuple[Bounding, ...]


@dataclass(frozen=True, eq=False)
class BoundedCounts:
    """A measure's bounded counts.

    Parameters
    ----------
    measure
        Of which measure.
    rule
        The run's rule as it holds for this table: its share of what may be spent, its unit and its bounds.
    counts
        Keys and the measure.
    grid
        Every key, made from areas and periods.
    relations
        Gives, for keys in order, which are wholes of which.
    most
        For each level how many counts were kept of a person in a unit, or in the run.
    """

    measure: Measure
    rule: Rule
    counts: pa.Table
    grid: pa.Table
    relations: Callable[[pa.Table], Relations]
    most: Mapping[str, int]

    @property
    def dataset(self) -> Dataset:
        """What it is published as."""
        assert self.measure.private is not None
        return self.measure.private

    def prepared(self) -> Prepared:
        """Make the table ready to be drawn."""
        level = _protection(self.measure).level
        relations = None if self.rule.selects else self.relations
        return prepare(self.dataset, self.counts, self.grid, self.rule, level=level, relations=relations)


@dataclass(frozen=True, eq=False)
class PrivateRun:
    """A request to publish one measure with noise, and how to draw it.

    Parameters
    ----------
    measure
        Name of the measure.
    dataset
        What it will be.
    prepared
        What it is drawn from; ``prepared.spent`` is what that costs.
    inputs
        What it comes from.
    parameters
        The choices that it depends on (JSON values).
    """

    measure: str
    dataset: Dataset
    prepared: Prepared
    inputs: list[Input]
    parameters: dict[str, Any]

    def draw(self) -> Private:
        """Draw it. Each call spends anew."""
        return draw(self.prepared)


def private_runs(
    settings: Settings, planned: Plan, rule: Rule, on_done: Callable[[int], None] = lambda done: None
) -> list[PrivateRun]:
    """Count with bounds, and make each measure ready to be drawn.

    Parameters are those of `private_counts`.
    """
    runs = []
    for name, counted in private_counts(settings, planned, rule, on_done).items():
        prepared = counted.prepared()
        choices = {chosen: value for chosen, value in planned.parameters_of(name).items() if chosen != "k"}
        said = {"private": counted.rule.record(), "spent": prepared.spent.record(), "kept": dict(counted.most)}
        runs.append(PrivateRun(name, counted.dataset, prepared, planned.inputs, choices | said))
    return runs


def private_counts(
    settings: Settings, planned: Plan, rule: Rule, on_done: Callable[[int], None] = lambda done: None
) -> dict[str, BoundedCounts]:
    """Count each measure of a run with everybody's part in it bounded.

    Parameters
    ----------
    settings
        Threads, or Spark.
    planned
        The run. Its days should be chosen without looking at the records.
    rule
        What the whole run may spend; it is divided evenly among the measures that can be counted so. Its `bounds`
        replace those that measures declare: by ``"flows"``, or ``"presence day"`` where there are levels.
    on_done
        Told how many buckets are done.

    Returns
    -------
    By name. A measure that declares that it cannot be protected is left out.

    Raises
    ------
    Refused
        None of the measures can be counted so.
    InputError
        A bound is given for what is none of the measures.
    """
    wanted = [measures()[name] for name in planned.buckets[0].measures]
    protected = [measure for measure in wanted if isinstance(measure.protection, Protection)]
    if not protected:
        reasons = "; ".join(f"{each.name}: {reason}" for each in wanted if (reason := unprotected(each)))
        raise Refused(f"none of this can be counted with bounds: {reasons}", expected="another measure")
    boundings = tuple(_bounding(planned, measure, rule) for measure in protected)
    known = {name for each in boundings for name, keys in _names(each).items() if set(keys.values()) != {1}}
    if unknown := set(rule.bounds) - known:
        raise InputError(f"there is nothing to bound named {min(unknown)!r}", expected=", ".join(sorted(known)))
    references = [PrivateBucket(bucket, boundings) for bucket in planned.buckets]
    counts = map_buckets(settings, count_bounded, references, on_done)
    share = 1 / len(protected)
    found = {}
    for measure, bounding in zip(protected, boundings, strict=True):
        finished = measure.finish(counts[measure.name], planned.scope).drop_columns("people")
        own = replace(rule.shared(share, bounding.bounds), unit=bounding.unit)
        grid = measure.grid(counts[measure.name], planned.scope).select(measure.dataset.key)
        relations = _relations(planned, measure)
        found[measure.name] = BoundedCounts(measure, own, finished, grid, relations, bounding.most)
    return found


def _relations(planned: Plan, measure: Measure) -> Callable[[pa.Table], Relations]:
    """Give what makes a table agree with itself: its sums, or where it has unions, or sums across, these as unions.

    A sum lies between its largest part and the sum of its parts, as a union does. That all people of one count are in
    another of the table is kept; what holds between tables is not, since each is drawn by itself.
    """

    def relations(keys: pa.Table) -> Relations:
        found = relate(planned.areas, planned.scope, {measure.dataset.name: Keys(keys, 0)})
        found = found.chosen(found.kind != int(Kind.COVER))
        within = found.kind == int(Kind.WITHIN)
        part = found.chosen(~within).part
        if np.all(within | (found.kind == int(Kind.SUM))) and len(np.unique(part)) == len(part):
            return found
        return replace(found, kind=np.where(within, found.kind, int(Kind.UNION)).astype(found.kind.dtype))

    return relations


def unprotected(measure: Measure) -> str | None:
    """Say why a measure is left out of a private run, or None."""
    return measure.protection.reason if isinstance(measure.protection, Unprotected) else None


def count_bounded(reference: PrivateBucket) -> Counts:
    """Count one bucket's measures with bounds. Runs in a thread, or on a worker elsewhere."""
    bucket = reference.bucket
    parts: dict[str, list[pa.Table]] = {each.measure: [] for each in reference.boundings}
    run = np.array([bucket.starts, bucket.ends])
    direct = [each for each in reference.boundings if measures()[each.measure].of is None]
    # A unit never straddles windows: days are whole in each window, weeks and months in the run as a whole.
    for edges, chosen in (
        (bucket.windows, [each for each in direct if each.unit is Unit.DAY]),
        (run, [each for each in direct if each.unit is not Unit.DAY]),
    ):
        items = [measures()[each.measure] for each in chosen]
        for events, window in each_window(bucket, edges, items=items) if chosen else ():
            for each in chosen:
                parts[each.measure].append(_counted(each, events, window))
    for derivation in dict.fromkeys(measures()[each.measure].of for each in reference.boundings):
        if derivation is not None:
            rows = derive_bucket(bucket, derivation)
            for each in reference.boundings:
                if measures()[each.measure].of is derivation:
                    parts[each.measure].append(_counted(each, rows, window_of(bucket, bucket.starts, bucket.ends)))
    return {name: pa.concat_tables(tables) for name, tables in parts.items()}


def _counted(bounding: Bounding, of: Any, window: Window) -> pa.Table:
    protection = _protection(measures()[bounding.measure])
    starts = window.days[:-1] + window.starts
    unit_of_day = np.searchsorted(bounding.edges, starts, side="right") - 1
    keys = {
        level: bounded(members, unit_of_day, bounding.most[level], bounding.seed)
        for level, members in protection.members(of, window).items()
    }
    return protection.counted(keys, window)


def _bounding(planned: Plan, measure: Measure, rule: Rule) -> Bounding:
    protection = _protection(measure)
    unit, edges = _unit(planned, rule.unit, protection)
    far = reach(measure)
    # What is found over the run has one bound for all of it, whichever records change.
    touched = 1 if protection.whole_run else far.units(unit)
    looks_around = far.back + far.ahead > 0
    # Who is left out for a day of a longer unit is counted elsewhere: another home, or keys that had been cut off.
    moves = unit is not Unit.DAY or touched > 1 or (protection.whole_run and looks_around)
    most, bounds = {}, {}
    for name, (level, keys) in zip(_names_of(measure), protection.keys.items(), strict=True):
        most[level] = rule.bounds[name].keys if name in rule.bounds else keys[unit]
        if protection.grows and name not in rule.bounds:
            most[level] *= len(edges) - 1
        bounds[level] = Bound(most[level] * touched, moves)
    return Bounding(measure.name, unit, most, bounds, edges, _seed(planned, measure, unit, most))


def _unit(planned: Plan, asked: Unit, protection: Protection) -> tuple[Unit, np.ndarray]:
    """Give the unit that is hidden, and its edges.

    What is found over the whole run is hidden only with all of it: the unit is lengthened until one holds the run. Of a
    run that no month holds, a month is hidden. What is found over a week is hidden with a week at least.
    """
    units = list(Unit)
    if protection.weeks:
        asked = max(asked, Unit.WEEK, key=units.index)
    tried = units[units.index(asked) :] if protection.whole_run else [asked]
    for unit in tried:
        edges = planned.calendar.edges(planned.first, planned.last, unit.period)
        if len(edges) == 2:
            break
    return unit, edges


def _seed(planned: Plan, measure: Measure, unit: Unit, most: Mapping[str, int]) -> int:
    """Make a seed of what is known before any record is read.

    Were it made of records, one person's would decide what is kept of another's.
    """
    choices = [planned.project.name, planned.project.area_set, str(planned.calendar)]
    choices += [planned.first.isoformat(), planned.last.isoformat(), measure.name, unit.value]
    said = json.dumps([*choices, most])
    return int.from_bytes(sha256(said.encode()).digest()[:8], "big")


def _names(bounding: Bounding) -> dict[str, Mapping[Unit, int]]:
    """Give the names by which a measure's levels are bounded, and what is declared of each."""
    measure = measures()[bounding.measure]
    return dict(zip(_names_of(measure), _protection(measure).keys.values(), strict=True))


def _names_of(measure: Measure) -> list[str]:
    return [f"{measure.name} {level}".rstrip() for level in _protection(measure).keys]


def _protection(measure: Measure) -> Protection:
    assert isinstance(measure.protection, Protection)
    return measure.protection
