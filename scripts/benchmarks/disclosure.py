"""How long it takes to protect tables together and audit them, and what naive suppression lets a reader work out.

Presence of people who really move, by 63 areas, their 10 regions and the country, by hour and day; and flows between 63
areas with margins that add up. The baseline of the audit is two linear programmes for each hidden cell.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter

import numpy as np
import pyarrow as pa

from commonweal import disclosure
from commonweal.core import catalog
from commonweal.core.catalog import Dataset, Dimension, Measure, Privacy
from commonweal.disclosure.linear.bounds import bounds
from commonweal.disclosure.linear.parting import parts
from commonweal.disclosure.linear.programme import Programme
from commonweal.disclosure.linear.relations import Kind, Relations, grouped, joined
from commonweal.disclosure.linear.rows import binding, rows_of, tighten
from commonweal.disclosure.linear.suppression import Cells, counts, suppress, with_differences

AREAS, REGIONS, HOURS, K = 63, 10, 24, 15
LEVELS = AREAS + REGIONS + 1


def main() -> None:
    """Print what was measured for one, ten and thirty days."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--people", type=int, default=20_000, help="how many people are counted")
    asked.add_argument("--days", type=int, nargs="*", default=[1, 10, 30])
    said = asked.parse_args()
    print(f"{'table':<10}{'days':>5}{'cells':>9}{'small':>8}{'naive: worked out':>19}{'hidden too':>12}", end="")
    print(f"{'people kept':>13}{'seconds':>9}{'a day':>7}{'MB':>6}")
    for name, made in (("presence", presence), ("flows", flows)):
        for days in said.days:
            measured(name, days, *made(said.people, days))
    grown(said.people, said.people // 50)
    value, given = flows(said.people, 1)
    ours, theirs = audits(counts(value, K), given)
    print(f"audit of a day's flows: {ours:.1f} s, two programmes a cell: {theirs:.1f} s, ratio {theirs / ours:.0f}")


def measured(name: str, days: int, value: np.ndarray, given: Relations) -> None:
    """Protect a table and print how it went."""
    cells = counts(value, K)
    naive = bounds(rows_of(given), cells.low, cells.high)
    worked_out = int((cells.hidden & (naive.low == naive.high)).sum())
    begun = perf_counter()
    wider, links = with_differences(cells, given, K)
    found = suppress(wider, links)
    seconds = perf_counter() - begun
    hidden, shown = found.hidden[: len(value)], ~cells.hidden
    kept = value[~hidden].sum() / value[shown].sum()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<10}{days:>5}{len(value):>9,}{cells.hidden.sum():>8,}{worked_out:>19,}", end="")
    print(f"{(hidden & shown).sum():>12,}{kept:>13.2%}{seconds:>9.1f}{seconds / days:>7.2f}{peak:>6.0f}", flush=True)


def grown(people: int, more: int) -> None:
    """Release a day of presence, then once more after records of further people came in; print how that went."""
    value, given = presence(people, 1)
    added, _ = presence(more, 1, seed=3)
    cell = pa.array(np.char.zfill(np.arange(len(value)).astype(str), 6))
    measure = Measure("people", "integer", "", "{people}", catalog.Kind.SUM, "people")
    dataset = Dataset(
        name="demo.presence",
        title="",
        description="",
        dimensions=(Dimension("cell", "string", ""),),
        measures=(measure,),
        privacy=Privacy.PEOPLE,
    )

    def relate(keys: Mapping[str, disclosure.Keys]) -> Relations:
        number = np.argsort(keys[dataset.name].table["cell"].to_numpy()) + keys[dataset.name].first
        return replace(given, whole=number[given.whole], part=number[given.part])

    earlier: list[disclosure.Earlier] = []
    for entry, counted in enumerate((value, value + added)):
        raw = pa.table({"cell": cell, "people": counted})
        begun = perf_counter()
        table = disclosure.Counted(dataset, raw, raw.select(["cell"]))
        joint = disclosure.protect_together([table], relate, earlier=earlier, k=K)
        seconds, audit = perf_counter() - begun, joint.audit
        hidden_too = audit.hidden_too[dataset.name]
        earlier.append(disclosure.Earlier("", dataset, joint.tables[dataset.name], K, hidden_too, entry))
        said = f"{more:,} people more" if entry else "a day"
        print(f"{said}: {audit.complementary:,} hidden too, {audit.people_kept:.2%} of people kept, {seconds:.1f} s")


def audits(cells: Cells, given: Relations) -> tuple[float, float]:
    """Give the seconds of an audit with witnesses, and of one with two programmes for each hidden cell."""
    rows = rows_of(given)
    begun = perf_counter()
    bounds(rows, cells.low, cells.high, enough=cells.need, table=cells.value)
    ours = perf_counter() - begun
    begun = perf_counter()
    low, high = cells.low.copy(), cells.high.copy()
    tighten(rows, low, high)
    for part in parts(binding(rows, low, high), low < high, low):
        programme = Programme(part.rows, low[part.cells], high[part.cells])
        for cell in range(len(part.cells)):
            for way in (1.0, -1.0):
                programme.extreme({cell: way})
    return ours, perf_counter() - begun


def presence(people: int, days: int, seed: int = 1) -> tuple[np.ndarray, Relations]:
    """Count people who live somewhere and move about, six events a day each."""
    chance = np.random.default_rng(1)
    size = chance.lognormal(0, 1.2, AREAS)
    size /= size.sum()
    region = np.sort(np.concatenate([np.arange(REGIONS), chance.integers(0, REGIONS, AREAS - REGIONS)]))
    chance = chance if seed == 1 else np.random.default_rng(seed)
    above = np.concatenate([AREAS + region, np.full(REGIONS, LEVELS - 1), [-1]])
    home = chance.choice(AREAS, people, p=size)
    value = np.zeros((days, LEVELS, HOURS + 1), np.int64)
    for day in range(days):
        many = chance.poisson(6, people)
        who = np.repeat(np.arange(people), many)
        hour = np.clip(chance.normal(14, 5, len(who)).astype(int), 0, HOURS - 1)
        away = chance.random(len(who)) >= 0.85
        area = np.where(away, chance.choice(AREAS, len(who), p=size), home[who])
        for place in (area, above[area], np.full(len(area), LEVELS - 1)):
            for period in (hour, np.full(len(who), HOURS)):
                key = np.unique((who * LEVELS + place) * (HOURS + 1) + period) % (LEVELS * (HOURS + 1))
                value[day] += np.bincount(key, minlength=LEVELS * (HOURS + 1)).reshape(LEVELS, -1)
    number = np.arange(value.size).reshape(value.shape)
    whole = number[:, above[:-1], :].ravel()
    links = [
        grouped(Kind.UNION, whole, number[:, :-1, :].ravel()),
        grouped(Kind.UNION, np.repeat(number[:, :, HOURS].ravel(), HOURS), number[:, :, :HOURS].ravel()),
    ]
    return value.ravel(), joined(links)


def flows(people: int, days: int) -> tuple[np.ndarray, Relations]:
    """Count moves between areas, more between larger and nearer ones, with margins that add up."""
    chance = np.random.default_rng(2)
    size, place = chance.lognormal(0, 1.0, AREAS), chance.random((AREAS, 2))
    apart = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1)) + 0.05
    pull = size[:, None] * size[None] / apart**2
    np.fill_diagonal(pull, 0)
    other = ~np.eye(AREAS, dtype=bool)
    values, links, first = [], [], 0
    for _ in range(days):
        count = chance.poisson(pull / pull.sum() * 5 * people)
        number = np.full((AREAS, AREAS), -1)
        number[other] = first + np.arange(other.sum())
        out = first + other.sum() + np.arange(AREAS)
        into, whole = out + AREAS, out[-1] + AREAS + 1
        links += [
            grouped(Kind.SUM, np.repeat(out, AREAS), number.ravel()),
            grouped(Kind.SUM, np.tile(into, AREAS), number.ravel()),
            grouped(Kind.SUM, np.full(AREAS, whole), out),
            grouped(Kind.SUM, np.full(AREAS, whole), into),
        ]
        values += [count[other], count.sum(1), count.sum(0), [count.sum()]]
        first = whole + 1
    return np.concatenate(values).astype(np.int64), joined(links)


if __name__ == "__main__":
    main()
