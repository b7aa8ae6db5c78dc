"""Populations: people by area, with what is known of how many of them are the operator's subscribers."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Attribute, Dataset, Dimension, Kind, Measure, Privacy, Release, State
from commonweal.core.errors import InputError, explain
from commonweal.core.wording import Wording

YEAR = 365.2425
SHARES = ("market_share", "penetration", "sims_per_person")
DATASET = Dataset(
    name="mobility.population",
    title=Wording("Population"),
    description=Wording("People by area, from a census or an estimate, to which counts of subscribers are scaled."),
    dimensions=(Dimension("area", "area", Wording("Where they live."), hierarchy="area"),),
    measures=(Measure("population", "number", Wording("People."), "{people}", Kind.SUM),),
    attributes=(
        Attribute("market_share", "number", Wording("The operator's share of all SIMs, from 0 to 1.")),
        Attribute("penetration", "number", Wording("The share of people who have a SIM of any operator, from 0 to 1.")),
        Attribute("sims_per_person", "number", Wording("SIMs of all operators that each of these has.")),
        Attribute("growth", "number", Wording("By which part the population grows in a year.")),
        Attribute("as_of", "string", Wording("The day at which people were counted.")),
    ),
    privacy=Privacy.OPEN,
    keywords=("population", "census"),
    theme="SOCI",
)


@dataclass(frozen=True)
class Population:
    """The people of one area.

    Parameters
    ----------
    people
        How many, above 0.
    market_share
        The operator's share of all SIMs.
    penetration
        The share of people who have a SIM of any operator.
    sims_per_person
        SIMs of all operators that each of these has.
    growth
        By which part the population grows in a year, such as 0.025.
    as_of
        At which day they were counted.

    Examples
    --------
    >>> round(Population(50_000, market_share=0.4, penetration=0.7, sims_per_person=1.5).coverage, 4)
    0.42
    """

    people: float
    market_share: float | None = None
    penetration: float | None = None
    sims_per_person: float | None = None
    growth: float | None = None
    as_of: date | None = None

    @property
    def stated(self) -> bool:
        """Whether anything is stated of how many are subscribers."""
        return any(getattr(self, name) is not None for name in SHARES)

    @property
    def coverage(self) -> float:
        """Subscribers of the operator for each person: market share × penetration × SIMs per person; 1 if not said."""
        return float(np.prod([1.0 if (said := getattr(self, name)) is None else said for name in SHARES]))

    def completed(self, said: Mapping[str, float]) -> Population:
        """Add shares to what is not stated."""
        share, owning, each = (
            said.get(name) if (own := getattr(self, name)) is None else float(own) for name in SHARES
        )
        return replace(self, market_share=share, penetration=owning, sims_per_person=each)


def aged(population: Population, day: date, growth: float | None = None) -> Population:
    r"""Bring a population to a day: :math:`P (1+g)^t`, with t in years of 365.2425 days since it was counted.

    Parameters
    ----------
    growth
        g, where the area states none. Without either, or without a day of counting, people stay as many.

    Examples
    --------
    >>> census = Population(50_000, as_of=date(2014, 3, 30))
    >>> round(aged(census, date(2024, 3, 30), growth=0.03).people)
    67199
    """
    rate = population.growth if population.growth is not None else growth
    if rate is None or population.as_of is None:
        return population
    years = (day - population.as_of).days / YEAR
    return replace(population, people=population.people * (1 + rate) ** years, as_of=day)


def years_old(populations: Mapping[str, Population], day: date, growth: float | None = None) -> float | None:
    """Say how old on a day the oldest count of people is that is not brought forward, in years; None if there is none.

    Examples
    --------
    >>> census = {"N": Population(50_000, as_of=date(2014, 3, 30)), "S": Population(9_000)}
    >>> round(years_old(census, date(2024, 3, 30))), years_old(census, date(2024, 3, 30), growth=0.03)
    (10, None)
    """
    ages = [
        (day - one.as_of).days / YEAR
        for one in populations.values()
        if one.as_of is not None and one.growth is None and growth is None
    ]
    return max(ages, default=None)


def read_populations(path: Path) -> dict[str, Population]:
    """Read people by area from a CSV file: ``area,population`` and what else of a `Population` is known.

    Raises
    ------
    InputError
        A column is absent, an area comes twice, or a value is none of its kind.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise explain(error, path) from error
    columns = [str(name) for name in rows[0]] if rows else []
    for name in ("area", "population"):
        if name not in columns:
            raise InputError(
                f"there is no column {name!r}", where=path, expected=f"columns area and population; there are {columns}"
            )
    found: dict[str, Population] = {}
    for line, row in enumerate(rows, 2):
        code, where = (row["area"] or "").strip(), f"{path}, line {line}"
        if not code or code in found:
            raise InputError(
                f"the area {code!r} comes twice" if code else "it names no area", where=where, expected="a row an area"
            )
        found[code] = population_of(row, where)
    return found


def populations_of(release: Release, table: pa.Table, day: date) -> dict[str, Population]:
    """Read people by area from a release: the newest of its times until a day, or else its first.

    A release of `mobility.population` brings what else is known; of any other, the first value is read.

    Raises
    ------
    InputError
        Its keys are not an area, and at most a time.
    """
    from commonweal.mobility.baselines.series import areas_and_start

    ends, moments = areas_and_start(release)
    others = [name for name in release.schema.key if name not in (*ends, moments)]
    if len(ends) != 1 or others or not release.schema.measures:
        raise InputError(
            f"its keys are {', '.join(release.schema.key)}",
            where=release.label,
            expected="people by area, and at most by time",
        )
    rows = table.to_pylist()
    counted = None
    if moments is not None and rows:
        said = sorted({_date(row[moments]) for row in rows})
        counted = max((one for one in said if one <= day), default=said[0])
        rows = [row for row in rows if _date(row[moments]) == counted]
    value = release.schema.measures[0].name
    more = [one.name for one in release.schema.attributes if one.name in _MORE]
    found = {}
    for row in rows:
        if row[value] is None or not row[value] > 0:
            continue
        said_more = {name: row[name] for name in more}
        said_more["as_of"] = said_more.get("as_of") or (counted and counted.isoformat())
        found[row[ends[0]]] = population_of({"population": row[value], **said_more}, f"{release.label}, {row[ends[0]]}")
    return found


def population_table(populations: Mapping[str, Population]) -> pa.Table:
    """Give the table that `DATASET` declares."""
    codes = sorted(populations)
    given: Sequence[Population] = [populations[code] for code in codes]
    return pa.table(
        {
            "area": pa.array(codes, pa.string()),
            "population": pa.array([one.people for one in given], pa.float64()),
            "population_state": pa.array([State.REPORTED.value] * len(codes), pa.string()),
            **{
                name: pa.array([getattr(one, name) for one in given], pa.float64())
                for name in ("market_share", "penetration", "sims_per_person", "growth")
            },
            "as_of": pa.array([one.as_of and one.as_of.isoformat() for one in given], pa.string()),
        }
    )


_MORE = tuple(field.name for field in fields(Population) if field.name != "people")
_LIMITS = {
    "population": (0.0, float("inf"), Wording("people, above 0")),
    "market_share": (0.0, 1.0, Wording("a share above 0, at most 1")),
    "penetration": (0.0, 1.0, Wording("a share above 0, at most 1")),
    "sims_per_person": (0.0, 20.0, Wording("SIMs for each person who has one, above 0, at most 20")),
    "growth": (-0.5, 0.5, Wording("a part of the population in a year, such as 0.025")),
}


def population_of(row: Mapping[str, Any], where: str) -> Population:
    """Read the people of an area from texts or numbers by the names of columns.

    Raises
    ------
    InputError
        A value is none of its kind, or there is no number of people.
    """
    numbers = {name: _number(row.get(name), name, where) for name in _LIMITS}
    people = numbers.pop("population")
    if people is None:
        raise InputError(Wording("it says no population"), where=where, expected=_LIMITS["population"][2])
    day = row.get("as_of")
    try:
        as_of = date.fromisoformat(str(day).strip()) if day else None
    except ValueError:
        raise InputError(
            Wording("%(name)s is %(said)s", name="as_of", said=repr(day)),
            where=where,
            expected=Wording("a day such as 2014-03-30"),
        ) from None
    return Population(people, as_of=as_of, **numbers)


def _number(said: Any, name: str, where: str) -> float | None:
    if said is None or not str(said).strip():
        return None
    low, high, expected = _LIMITS[name]
    try:
        number = float(said)
    except ValueError:
        number = float("nan")
    if not (low < number <= high) or number == float("inf"):
        raise InputError(Wording("%(name)s is %(said)s", name=name, said=repr(said)), where=where, expected=expected)
    return number


def _date(moment: Any) -> date:
    return moment.date() if hasattr(moment, "date") else moment
