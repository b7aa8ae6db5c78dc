"""A published table of pairs of areas, raked to known populations at one end or at both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Release, State, get
from commonweal.core.console import Home
from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.series import areas_and_start
from commonweal.mobility.flow_models.balancing import MOST_ROUNDS
from commonweal.mobility.scaling.asking import People, Question, areas_of, days_of, people_named
from commonweal.mobility.scaling.law import Numbers
from commonweal.mobility.scaling.populations import aged, years_old
from commonweal.mobility.scaling.raking import DRAWS, SEED, Raked, rake

ENDS = ("origin", "destination")
HIDDEN = (State.SUPPRESSED.value, State.WITHHELD.value)
INTERVAL = "quantiles of fits to redrawn counts: Poisson where published, evenly below k where hidden"


@dataclass(frozen=True, eq=False)
class RakedPart:
    """What came of one part of a table, such as a day.

    Parameters
    ----------
    origins, destinations
        The areas that were raked, rows and columns.
    people
        Of all origins together.
    raked
        Their pairs.
    """

    origins: tuple[str, ...]
    destinations: tuple[str, ...]
    people: float
    raked: Raked


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
    day
        To which day people were brought.
    parts
        What came of each part of the table, such as a day.
    """

    release: Release
    table: pa.Table
    origins: People
    destinations: People | None
    asked: Question
    day: date
    parts: Mapping[tuple[Any, ...], RakedPart]

    @property
    def least(self) -> int | None:
        """The least number of distinct subscribers behind a published count."""
        return least_of(self.release)

    @property
    def years_old(self) -> float | None:
        """How old the oldest count of people is that was not brought forward, in years."""
        both = [self.origins, *([self.destinations] if self.destinations else [])]
        ages = [years_old(each.by_area, self.day, self.asked.growth) for each in both]
        return max((age for age in ages if age is not None), default=None)

    def record(self) -> dict[str, Any]:
        """Give all but the rows as JSON values."""
        raked = [part.raked for part in self.parts.values()]
        return {
            "release": self.release.label,
            "digest": self.release.digest,
            "method": "rake",
            "origins": self.origins.source,
            "destinations": self.destinations and self.destinations.source,
            "interval": INTERVAL,
            "level": self.asked.level,
            "draws": DRAWS,
            "seed": SEED,
            "largest_error_of_a_margin": max((one.error for one in raked), default=0.0),
            "largest_share_of_hidden_cells": max((one.left_out for one in raked), default=0.0),
            "choices": {
                "people_brought_to": self.day.isoformat(),
                "growth": self.asked.growth,
                "suppressed": "no number; the least count is of subscribers, before raking",
                "areas_that_hold_others": "left out, as are those without people and those without any flow",
            },
        }

    def lines(self) -> list[str]:
        """Say what was done."""
        said = self.record()
        return [
            f"{self.release.label}, raked to {self.origins.source}"
            + (f" and {self.destinations.source}" if self.destinations else " at the origin")
            + f": {len(self.parts)} tables",
            f"interval of {self.asked.level:.0%}: {said['interval']}",
            f"cells that are not published were given at most {said['largest_share_of_hidden_cells']:.1%} of people",
        ]


def least_of(release: Release) -> int | None:
    """Give the least number of distinct subscribers behind a published count, if the release says."""
    return release.certificate.parameters.get("k") if release.certificate else None


def has_pairs(release: Release) -> bool:
    """Whether a release counts pairs of areas."""
    return areas_and_start(release)[0] == ENDS and bool(release.schema.measures)


def require_pairs(release: Release) -> None:
    """Do nothing if a release counts pairs of areas.

    Raises
    ------
    InputError
        It does not.
    """
    if not has_pairs(release):
        raise InputError(
            Wording("its keys are %(keys)s", keys=", ".join(release.schema.key)),
            where=release.label,
            expected=Wording("origin and destination"),
        )


def rake_named(
    home: Home, name: str, version: int | None, population: str, asked: Question, destinations: str | None = None
) -> RakedRelease:
    """Rake a release by its name; whoever may read the data directory may read all of it.

    Parameters
    ----------
    population, destinations
        A CSV file or a release: people at the origin, and at the destination if that is known.

    Raises
    ------
    NotFound
        There is no such release.
    """
    release = get(home.database, name, version)
    require_pairs(release)
    into = people_named(home, release, destinations) if destinations else None
    origins = people_named(home, release, population)
    return rake_release(home.database, release, release.table(home.settings), origins, into, asked)


def rake_release(
    database: Database,
    release: Release,
    table: pa.Table,
    origins: People,
    destinations: People | None,
    asked: Question,
    only: Mapping[str, object] | None = None,
    most_rounds: int = MOST_ROUNDS,
) -> RakedRelease:
    """Rake a release of pairs of areas, each of its days by itself.

    Areas that hold others are left out, those without population, and those of which no flow is published or hidden.
    What noise made negative is a small number, 0.

    Parameters
    ----------
    release, table
        What was published, and all its rows.
    origins, destinations
        People at the origin, and at the destination if that is known.
    only
        By key, the value of the rows that are raked; all are if nothing is said.
    most_rounds
        How many rounds of fitting to try, of each table.

    Raises
    ------
    InputError
        The release is no table of pairs, or raking is not possible.
    """
    require_pairs(release)
    first, last = days_of(release, table, areas_and_start(release)[1])
    codes = sorted({code for end in ENDS for code in pc.unique(table.column(end)).to_pylist()})
    areas = areas_of(database, release, codes, first)
    holds = set(areas.parents) if areas else set()
    ends = [
        {code: aged(one, last, asked.growth).people for code, one in each.by_area.items() if code not in holds}
        if each
        else None
        for each in (origins, destinations)
    ]
    out, into = ends[0] or {}, ends[1]
    rows = [code for code in codes if code in out]
    columns = [code for code in codes if (code in into if into is not None else code not in holds)]
    if not rows or not columns:
        raise InputError(
            Wording("none of its areas has a population"),
            where=(origins if not rows or destinations is None else destinations).source,
            expected=Wording("areas such as %(code)s", code=codes[0]) if codes else None,
        )
    for name, value in (only or {}).items():
        column = table.column(name)
        table = table.filter(pc.equal(column, pa.scalar(value, column.type)))
    keys = [key for key in release.schema.key if key not in ENDS]
    records = table.to_pylist()
    found = {
        part: _raked(release, counts, rows, columns, out, into, asked.level, most_rounds)
        for part, counts in _cells(release, records, keys, rows, columns).items()
    }
    numbers = np.full((len(records), 3), np.nan)
    places = {
        part: [{code: at for at, code in enumerate(codes)} for codes in (one.origins, one.destinations)]
        for part, one in found.items()
    }
    measure = release.schema.measures[0]
    for row, record in enumerate(records):
        part = tuple(record[key] for key in keys)
        at = tuple(place.get(record[end]) for place, end in zip(places.get(part, [{}, {}]), ENDS, strict=True))
        if record[measure.name] is not None and None not in at:
            raked = found[part].raked
            numbers[row] = [each[at] for each in (raked.people, raked.low, raked.high)]
    told = table.select([*release.schema.key, measure.name, measure.state])
    for place, title in enumerate(("people", "low", "high")):
        told = told.append_column(title, pa.array(numbers[:, place], mask=~np.isfinite(numbers[:, place])))
    return RakedRelease(release, told, origins, destinations, asked, last, found)


def _cells(
    release: Release, records: Sequence[Mapping[str, Any]], keys: Sequence[str], rows: list[str], columns: list[str]
) -> dict[tuple[Any, ...], Numbers]:
    """Lay each part of a table out: NaN where a count is hidden, 0 where nothing was counted."""
    measure = release.schema.measures[0]
    row, column = ({code: at for at, code in enumerate(each)} for each in (rows, columns))
    cells: dict[tuple[Any, ...], Numbers] = {}
    for record in records:
        if record["origin"] not in row or record["destination"] not in column:
            continue
        part = tuple(record[key] for key in keys)
        counts = cells.setdefault(part, np.zeros((len(rows), len(columns))))
        value = record[measure.name]
        hidden = value is None and record[measure.state] in HIDDEN
        counts[row[record["origin"]], column[record["destination"]]] = np.nan if hidden else max(value or 0, 0)
    return cells


def _raked(
    release: Release,
    counts: Numbers,
    rows: Sequence[str],
    columns: Sequence[str],
    out: Mapping[str, float],
    into: Mapping[str, float] | None,
    level: float,
    most_rounds: int,
) -> RakedPart:
    least = int(least_of(release) or 0)
    some = np.isnan(counts) & (least > 1) | (counts > 0)
    kept = (
        np.flatnonzero(some.any(axis=1)),
        np.arange(len(columns)) if into is None else np.flatnonzero(some.any(axis=0)),
    )
    origins, destinations = (
        tuple(codes[at] for at in places.tolist()) for codes, places in zip((rows, columns), kept, strict=True)
    )
    margin = [out[code] for code in origins]
    raked = rake(
        counts[np.ix_(*kept)],
        margin,
        None if into is None else [into[code] for code in destinations],
        hidden_below=least,
        level=level,
        most_rounds=most_rounds,
    )
    return RakedPart(origins, destinations, float(sum(margin)), raked)
