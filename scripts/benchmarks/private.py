"""How useful tables with noise are for each ε, on a generated country; and how long noise and consistency take."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

EPSILONS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
AREAS, GROUPS, HOURS, DAYS = 63, 16, 24, 30


def sample(folder: Path, subscribers: int, days: int) -> tuple[Any, Any]:
    """Generate a country and import it; give what was initialised, and the plan of a run."""
    from commonweal.core import audit
    from commonweal.core.jobs import Job, Running
    from commonweal.demo.generate import Choices, generate
    from commonweal.domains import initialise
    from commonweal.mobility import runs, service
    from commonweal.mobility.projects import Project, create_project

    generate(folder / "sample", Choices(subscribers=subscribers, days=days, seed=7, events_per_day=10.0))
    home = initialise(folder / "data", folder / "keys")
    project = create_project(home.database, Project("bench", area_set="natural-earth:GN,LR,SL"), audit.who())
    asked = {
        "project": "bench",
        "files": [str(file) for file in sorted((folder / "sample" / "events").iterdir())],
        "mapping": str(folder / "sample" / "mapping.toml"),
        "cells": str(folder / "sample" / "cells.csv"),
        "first": None,
        "last": None,
    }
    job = Job(id=1, who="os:bench", parameters=asked, saved={}, claim="here", done=0, total=0, doing="")
    service.import_job(Running(home.settings, home.database, job))
    return home, runs.plan(home.settings, home.database, project, names=["presence", "home", "flows"])


def print_utility(home: Any, planned: Any) -> None:
    """Print for each measure, kind of noise and ε the median error of cells above a number of people."""
    from commonweal.disclosure.private import Rule, Unit, utility_curve
    from commonweal.mobility.counting import count
    from commonweal.mobility.measure import measures
    from commonweal.mobility.private import private_counts

    counts = count(home.settings, planned.buckets)
    print(f"{'median relative error':<44}" + "".join(f"{f'ε = {epsilon:g}':>10}" for epsilon in EPSILONS))
    for noise, choices in (("Laplace", {}), ("Gaussian", {"delta": 1e-6, "family": "gaussian"})):
        for name, level, least in (
            ("presence", "day", 1000),
            ("presence", "hour", 300),
            ("home", None, 1000),
            ("flows", None, 100),
        ):
            # Each as if it were the only table of its run.
            plan = type(planned)(**{**vars(planned), "buckets": _only(planned.buckets, name)})
            rule = Rule(Unit.DAY, 1.0, **choices)  # type: ignore[arg-type]
            counted = private_counts(home.settings, plan, rule)[name]
            raw = measures()[name].finish(counts[name], planned.scope).drop_columns("people")

            def chosen(table: pa.Table, level: str | None = level) -> pa.Array:
                return pc.equal(table["period"], level) if level else pa.array([True] * table.num_rows)

            curve = utility_curve(counted.prepared(), raw.filter(chosen(raw)), EPSILONS, at_least=least, only=chosen)
            said = f"{noise}: {name} {level or ''} ≥ {least:,} ({curve[0].cells} cells, {counted.rule.unit.period})"
            print(f"{said:<44}" + "".join(f"{point.error:>10.2%}" for point in curve))


def _only(buckets: Sequence[Any], name: str) -> tuple[Any, ...]:
    from dataclasses import replace

    return tuple(replace(bucket, measures=(name,)) for bucket in buckets)


def print_times() -> None:
    """Print how long noise and consistency take for three levels of areas by hour and day of a month."""
    from commonweal.disclosure.private import sums, unions
    from commonweal.disclosure.private.noise import Noise
    from commonweal.disclosure.private.wholes import Wholes

    rng = np.random.default_rng(1)
    periods, areas = HOURS * DAYS + DAYS, AREAS + GROUPS + 1
    group = np.arange(AREAS) % GROUPS
    place = np.arange(areas * periods).reshape(areas, periods)
    of_areas = [
        pair
        for period in range(periods)
        for pair in (
            *((int(place[AREAS + g, period]), place[:AREAS][group == g, period].tolist()) for g in range(GROUPS)),
            (int(place[-1, period]), place[AREAS:-1, period].tolist()),
        )
    ]
    of_days = [
        (int(place[area, HOURS * DAYS + day]), place[area, day * HOURS : (day + 1) * HOURS].tolist())
        for area in range(areas)
        for day in range(DAYS)
    ]
    truth = rng.integers(50, 3000, (AREAS, 1)) * rng.uniform(0.5, 1, (AREAS, periods))
    truth = np.vstack([truth, [truth[group == g].sum(0) for g in range(GROUPS)], truth.sum(0)[None]])
    counts = np.rint(truth).astype(np.int64).ravel()
    variances = np.full(counts.size, 2500.0)
    print(f"\n{counts.size:,} numbers: {areas} areas of three levels, {HOURS} hours and the day, {DAYS} days")
    for noise in (Noise("laplace", 36.0), Noise("gaussian", 50.0)):
        begun = perf_counter()
        noisy = noise.add(counts)
        print(f"{f'{noise.family} noise':<44}{perf_counter() - begun:>9.2f} s")
    begun = perf_counter()
    tree = Wholes.of(of_areas)
    sums.whole_numbers(sums.least_squares(noisy.astype(float), variances, tree), variances, tree)
    print(f"{f'sums, {len(tree):,} relations':<44}{perf_counter() - begun:>9.2f} s")
    begun = perf_counter()
    web = Wholes.of([*of_areas, *of_days])
    unions.whole_numbers(unions.nearest(noisy.astype(float), variances, web), web)
    print(f"{f'unions, {len(web):,} relations':<44}{perf_counter() - begun:>9.2f} s")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=60_000)
    parser.add_argument("--days", type=int, default=2)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        print_utility(*sample(Path(folder), chosen.subscribers, chosen.days))
    print_times()


if __name__ == "__main__":
    main()
