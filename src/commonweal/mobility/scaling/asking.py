"""What somebody asks: a published table in people, by which population, by which method, calibrated on what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.areas import Areas, load
from commonweal.core.areas.measuring import area_km2
from commonweal.core.catalog import Release, get
from commonweal.core.console import Home
from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.asking import named
from commonweal.mobility.baselines.joining import Layer, layer
from commonweal.mobility.baselines.series import areas_and_start, calendar_of
from commonweal.mobility.published import HOMES, beside
from commonweal.mobility.scaling.calibration import Fit, calibrate
from commonweal.mobility.scaling.populations import SHARES, Population, populations_of, read_populations, years_old

Opened = Callable[[Release, str], Release | None]
"""Opens the newest release of a name that goes with another, if whoever asks may read it."""
AWAY = {"controlled-rounding": "base", "cell-key": "D"}
"""By the rule: the parameter that says how far a published number may be from what was counted."""
OLD = 5.0
"""Years after which a census that was not brought forward is said to be old."""


@dataclass(frozen=True)
class Question:
    """What is asked.

    Parameters
    ----------
    method
        A name of `METHODS`.
    growth
        By which part people grow in a year, where their source does not say.
    shares
        Market share, penetration and SIMs per person, where the source does not say.
    level
        Probability of the intervals.
    """

    method: str = "ratio"
    growth: float | None = None
    shares: Mapping[str, float | None] | None = None
    level: float = 0.95

    def completed(self, populations: Mapping[str, Population]) -> dict[str, Population]:
        """Add what is said of all areas to those whose source says nothing.

        Examples
        --------
        >>> Question(shares={"market_share": 0.4}).completed({"N": Population(500, penetration=0.8)})["N"].coverage
        0.32000000000000006
        """
        said = {name: value for name, value in (self.shares or {}).items() if value is not None}
        for name, value in said.items():
            if name not in SHARES or not 0 < value <= (20 if name == "sims_per_person" else 1):
                raise InputError(f"{name} is {value}", where=name, expected="a share above 0, at most 1")
        return {code: one.completed(said) for code, one in populations.items()}


@dataclass(frozen=True, eq=False)
class People:
    """People by area, and where they come from.

    Parameters
    ----------
    source
        The file, or the release's label.
    by_area
        Of each area.
    release
        If they come from one.
    """

    source: str
    by_area: Mapping[str, Population]
    release: Release | None = None


@dataclass(frozen=True, eq=False)
class ScaledRelease:
    """A release in people.

    Parameters
    ----------
    release
        What was scaled.
    table
        Its keys, the value and its state as published, and ``people``, ``low``, ``high``, ``outside``; null where
        nothing is published, or the area cannot be scaled.
    fit
        The method.
    people
        The population.
    calibration
        Subscribers by area that it was calibrated on.
    asked
        What was asked.
    day
        To which day people were brought.
    """

    release: Release
    table: pa.Table
    fit: Fit
    people: People
    calibration: Layer
    asked: Question
    day: date

    @property
    def least(self) -> int | None:
        """The least number of distinct subscribers behind a published count."""
        return self.release.certificate.parameters.get("k") if self.release.certificate else None

    @property
    def years_old(self) -> float | None:
        """How old the oldest count of people is that was not brought forward, in years."""
        return years_old(self.people.by_area, self.day, self.asked.growth)

    def record(self) -> dict[str, Any]:
        """Give all but the rows as JSON values, its choices included."""
        return {
            "release": self.release.label,
            "digest": self.release.digest,
            "population": self.people.source,
            "population_digest": self.people.release and self.people.release.digest,
            "calibrated_on": self.calibration.release.label,
            **self.fit.record(),
            "level": self.asked.level,
            "choices": {
                "people_brought_to": self.day.isoformat(),
                "growth": self.asked.growth,
                "shares": {name: value for name, value in (self.asked.shares or {}).items() if value is not None},
                "calibration_value": f"{self.calibration.measure}, {self.calibration.how}",
                "suppressed": "no number; the least count is of subscribers, before scaling",
                "least_subscribers": self.least,
                "areas_that_hold_others": "not calibrated on",
            },
        }

    def lines(self) -> list[str]:
        """Say what was done."""
        said = {name: f"{value:.4g}" for name, value in self.fit.parameters().items()}
        lines = [
            f"{self.release.label}, people by {self.people.source} as of {self.day}, calibrated on "
            f"{self.calibration.release.label}: {int(self.fit.calibrated.sum())} areas",
            f"{self.fit.method}: " + (", ".join(f"{name} {value}" for name, value in said.items()) or "one an area"),
            f"interval of {self.asked.level:.0%}: {self.fit.record()['interval']}",
            "suppressed counts are not scaled: the least number is of subscribers"
            + (f", {self.least}" if self.least else ""),
        ]
        if (self.years_old or 0) > OLD:
            lines.append(f"people were counted up to {self.years_old:.0f} years before; --growth brings them forward")
        return lines


def scale(
    settings: Settings,
    database: Database,
    release: Release,
    people: People,
    asked: Question,
    open_beside: Opened,
    *,
    calibrate_on: Release | None = None,
) -> ScaledRelease:
    """Scale a release to people.

    Parameters
    ----------
    release
        Any with one area; its first value is scaled.
    people
        By area.
    asked
        The method.
    open_beside
        How home areas of the same project are opened, which are calibrated on if nothing else is said.
    calibrate_on
        Another release to calibrate on. Without either, the release itself.

    Raises
    ------
    InputError
        The release has no area or several, areas cannot be compared, or the method cannot be used.
    """
    ends, moments = areas_and_start(release)
    if len(ends) != 1 or not release.schema.measures:
        raise InputError(
            Wording("its keys are %(keys)s", keys=", ".join(release.schema.key)),
            where=release.label,
            expected=Wording("counts by one area"),
        )
    table = release.table(settings)
    first, last = days_of(release, table, moments)
    from_homes = None if release.dataset == HOMES else open_beside(release, HOMES)
    on = calibrate_on or from_homes or release
    if on.area_set != release.area_set:
        raise InputError(
            Wording("it has other areas than %(label)s", label=release.label), where=on.label, expected=release.area_set
        )
    their = on.table(settings)
    found = layer(on, their, *days_of(on, their, areas_and_start(on)[1]))
    areas = areas_of(database, release, sorted({*table.column(ends[0]).to_pylist(), *found.values}), first)
    size = dict(zip(areas.codes, area_km2(areas.polygons).tolist(), strict=True)) if areas else None
    fit = calibrate(
        asked.method,
        found.values,
        asked.completed(people.by_area),
        day=last,
        growth=asked.growth,
        km2=size,
        leave_out=[code for code in areas.parents if code] if areas else [],
    )
    return ScaledRelease(
        release, scaled_table(release, table, ends[0], fit, asked.level), fit, people, found, asked, last
    )


def scaled_table(release: Release, table: pa.Table, area: str, fit: Fit, level: float) -> pa.Table:
    """Put people beside the rows of a table.

    Where a number was published with an interval of its own, or rounded or noised by no more than is stated, the least
    and the most that it may have been are both scaled, and the outer ends kept.
    """
    measure = release.schema.measures[0]
    codes = table.column(area).to_pylist()
    values = _numbers(table, measure.name)
    scaled = fit.scale(np.maximum(values, 0), codes, level)
    least, most = _between(release, table, values)
    columns = {
        "people": _nulls(scaled.people),
        "low": _nulls(fit.scale(least, codes, level).low),
        "high": _nulls(fit.scale(most, codes, level).high),
        "outside": pa.array(scaled.outside, pa.bool_(), mask=~np.isfinite(scaled.people)),
    }
    published = table.select([*release.schema.key, measure.name, measure.state])
    for name, column in columns.items():
        published = published.append_column(name, column)
    return published


def _between(release: Release, table: pa.Table, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the least and the most that was counted, as far as the release says."""
    if {"low", "high"} <= {one.name for one in release.schema.attributes}:
        return np.maximum(_numbers(table, "low"), 0), np.maximum(_numbers(table, "high"), 0)
    certificate = release.certificate
    away = float(certificate.parameters.get(AWAY.get(certificate.rule, ""), 0)) if certificate else 0.0
    return np.maximum(values - away, 0), np.maximum(values, 0) + away


def scale_named(
    home: Home,
    name: str,
    version: int | None,
    population: str,
    asked: Question,
    calibrate_on: str | None = None,
) -> ScaledRelease:
    """Scale a release by its name; whoever may read the data directory may read all of it.

    Parameters
    ----------
    population
        A CSV file, or a release such as ``mobility.population@1``.

    Raises
    ------
    NotFound
        There is no such release.
    """
    release = get(home.database, name, version)
    people = people_named(home, release, population)
    on = named(home.database, calibrate_on) if calibrate_on else None

    def opened(shown: Release, other: str) -> Release | None:
        return beside(home.database, shown, other, lambda _: True)

    return scale(home.settings, home.database, release, people, asked, opened, calibrate_on=on)


def people_named(home: Home, release: Release, population: str) -> People:
    """Read people by area from a file, if there is one, or else from a release."""
    path = Path(population)
    if path.exists() or path.suffix.lower() == ".csv":
        return People(str(path), read_populations(path))
    return people_of(home.settings, named(home.database, population), release)


def people_of(settings: Settings, population: Release, release: Release) -> People:
    """Read people by area from a release, at the days of the one that is to be scaled."""
    if population.area_set != release.area_set:
        raise InputError(
            Wording("it has other areas than %(label)s", label=release.label),
            where=population.label,
            expected=release.area_set,
        )
    table = release.table(settings)
    _, last = days_of(release, table, areas_and_start(release)[1])
    return People(population.label, populations_of(population, population.table(settings), last), population)


def days_of(release: Release, table: pa.Table, moments: str | None) -> tuple[date, date]:
    """Give the first and the last day of a release by its clock; of one without time, when it was published.

    A table of a whole run, such as homes, has only the first day in its rows; the run's last day counts.
    """
    if moments is None or not table.num_rows:
        day = release.published_at.date()
        return day, day
    ends = pc.min_max(table.column(moments)).as_py()
    if isinstance(ends["min"], datetime):
        seconds = np.array([int(ends[name].timestamp()) for name in ("min", "max")])
        shown = calendar_of(release).from_utc(seconds)
        first, last = (datetime.fromtimestamp(int(one), UTC).date() for one in shown)
        said = release.provenance.parameters.get("last_day")
        return first, max(last, date.fromisoformat(said)) if said else last
    return ends["min"], ends["max"]


def areas_of(database: Database, release: Release, codes: list[str], day: date) -> Areas | None:
    """Look up the areas of a release as they stood when it was made."""
    if release.area_set is None:
        return None
    stood = release.provenance.parameters.get("areas_at")
    areas = load(database, release.area_set, date.fromisoformat(stood) if stood else day)
    return areas.subset([code for code in codes if code in set(areas.codes)])


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    return table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)


def _nulls(values: np.ndarray) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~np.isfinite(values))
