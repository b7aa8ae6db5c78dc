"""A published table of pairs of areas, raked to known populations at one end or at both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Release, State, get
from commonweal.core.console import Home
from commonweal.core.errors import InputError
from commonweal.mobility.baselines.series import areas_and_start
from commonweal.mobility.scaling.asking import People, Question, areas_of, days_of, people_named
from commonweal.mobility.scaling.populations import aged
from commonweal.mobility.scaling.raking import DRAWS, SEED, Raked, rake

HIDDEN = (State.SUPPRESSED.value, State.WITHHELD.value)


@dataclass(frozen=True, eq=False)
class RakedRelease:
    """A release in people, by pairs.

    Parameters
    ----------
    release
        What was raked.
    table
        Its keys, the value and its state as published, and ``people``, ``low``, ``high``; null where there is none.
    origins, destinations
        The margins.
    asked
        What was asked.
    raked
        What came of each part of the table, such as a day.
    """

    release: Release
    table: pa.Table
    origins: People
    destinations: People | None
    asked: Question
    raked: Mapping[tuple[Any, ...], Raked]

    def record(self) -> dict[str, Any]:
        """Give all but the rows as JSON values."""
        return {
            "release": self.release.label,
            "digest": self.release.digest,
            "method": "rake",
            "origins": self.origins.source,
            "destinations": self.destinations and self.destinations.source,
            "interval": "quantiles of fits to redrawn counts: Poisson where published, evenly below k where hidden",
            "level": self.asked.level,
            "draws": DRAWS,
            "seed": SEED,
            "largest_error_of_a_margin": max((one.error for one in self.raked.values()), default=0.0),
            "largest_share_of_hidden_cells": max((one.left_out for one in self.raked.values()), default=0.0),
            "choices": {"suppressed": "no number; the least count is of subscribers, before raking"},
        }

    def lines(self) -> list[str]:
        """Say what was done."""
        said = self.record()
        return [
            f"{self.release.label}, raked to {self.origins.source}"
            + (f" and {self.destinations.source}" if self.destinations else " at the origin")
            + f": {len(self.raked)} tables",
            f"interval of {self.asked.level:.0%}: {said['interval']}",
            f"cells that are not published were given at most {said['largest_share_of_hidden_cells']:.1%} of people",
        ]


def rake_named(
    home: Home, name: str, version: int | None, population: str, asked: Question, destinations: str | None = None
) -> RakedRelease:
    """Rake a release of pairs of areas, each of its days by itself.

    Areas that hold others, and those without population, are left out.

    Parameters
    ----------
    population, destinations
        A CSV file or a release: people at the origin, and at the destination if that is known.

    Raises
    ------
    InputError
        The release is no table of pairs, or raking is not possible.
    """
    release = get(home.database, name, version)
    ends, moments = areas_and_start(release)
    if ends != ("origin", "destination") or not release.schema.measures:
        raise InputError(
            f"its keys are {', '.join(release.schema.key)}", where=release.label, expected="origin and destination"
        )
    table = release.table(home.settings)
    first, last = days_of(release, table, moments)
    origins = people_named(home, release, population)
    into = people_named(home, release, destinations) if destinations else None
    codes = sorted({*table.column("origin").to_pylist(), *table.column("destination").to_pylist()})
    areas = areas_of(home.database, release, codes, first)
    holds = set(areas.parents) if areas else set()
    margins = [
        {code: aged(one, last, asked.growth).people for code, one in each.by_area.items()} if each else None
        for each in (origins, into)
    ]
    rows = [code for code in codes if code not in holds and code in (margins[0] or {})]
    columns = [code for code in codes if code not in holds and (margins[1] is None or code in margins[1])]
    if not rows or not columns:
        raise InputError("none of its areas has a population", where=population, expected=f"areas such as {codes[0]}")
    k = (release.certificate.parameters.get("k") if release.certificate else None) or 0
    measure = release.schema.measures[0]
    parts = [key for key in release.schema.key if key not in ends]
    records = table.to_pylist()
    place = {code: at for at, code in enumerate(rows)}, {code: at for at, code in enumerate(columns)}
    cells: dict[tuple[Any, ...], np.ndarray] = {}
    inside = []
    for record in records:
        part = tuple(record[key] for key in parts)
        at = place[0].get(record["origin"]), place[1].get(record["destination"])
        inside.append((part, at) if None not in at else None)
        if None in at:
            continue
        counts = cells.setdefault(part, np.zeros((len(rows), len(columns))))
        value = record[measure.name]
        counts[at] = value if value is not None else np.nan if record[measure.state] in HIDDEN else 0.0
    found = {
        part: rake(
            counts,
            [(margins[0] or {})[code] for code in rows],
            None if margins[1] is None else [margins[1][code] for code in columns],
            hidden_below=int(k),
            level=asked.level,
        )
        for part, counts in cells.items()
    }
    numbers = np.full((len(records), 3), np.nan)
    for row, (record, where) in enumerate(zip(records, inside, strict=True)):
        if where is not None and record[measure.name] is not None:
            raked = found[where[0]]
            numbers[row] = [each[where[1]] for each in (raked.people, raked.low, raked.high)]
    out = table.select([*release.schema.key, measure.name, measure.state])
    for column, title in enumerate(("people", "low", "high")):
        out = out.append_column(title, pa.array(numbers[:, column], mask=~np.isfinite(numbers[:, column])))
    return RakedRelease(release, out, origins, into, asked, found)
