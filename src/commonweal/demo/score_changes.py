"""How well a lockdown and a displacement that are known are recovered from what was published.

The published change of flows, with its interval, stands beside the true change of the same flows, the true change of
journeys of that length, and what was planted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core import catalog
from commonweal.core.areas import load
from commonweal.core.database import Database
from commonweal.core.errors import NotFound
from commonweal.core.periods import Calendar
from commonweal.core.settings import Settings
from commonweal.demo.scenarios import FLOOD_AFTER, LOCKDOWN_DAYS
from commonweal.demo.score import read_truth
from commonweal.demo.trips import reduction
from commonweal.mobility.baselines import DaySeries, Reference, changes, day_series, displaced
from commonweal.mobility.baselines.baseline import LIKE, Changes, Like
from commonweal.mobility.baselines.censored import WithHidden, with_hidden
from commonweal.mobility.baselines.grouping import Together, together
from commonweal.mobility.baselines.hidden import hidden_to_protect
from commonweal.mobility.flow_models.distances import geodesic_distances

LENGTHS = (("under 15 km", 0.0, 15.0), ("15 to 30 km", 15.0, 30.0), ("over 30 km", 30.0, float("inf")))
MINIMUM = 2


@dataclass(frozen=True)
class LockdownScore:
    """What a method says of journeys of one length, and what is true.

    Parameters
    ----------
    like
        Which days the baseline compares.
    length
        Of the way between the centroids of two areas; of journeys, for what is planted and of all journeys.
    published
        The change of published flows, with its interval.
    same
        The true change of the very same flows and days: distinct subscribers who truly went.
    journeys
        The true change of all journeys of that length.
    planted
        Part of journeys that the lockdown was made to prevent.
    hidden
        The change with what is hidden, which is known to be small.
    seen
        The true change of whom readable records show, over all pairs that were published on some day: what `hidden`
        estimates.
    """

    like: Like
    length: str
    published: Together
    same: float | None
    journeys: float | None
    planted: float
    hidden: WithHidden
    seen: float | None

    def holds(self, truth: float | None, one: Together | WithHidden | None = None) -> bool | None:
        """Whether a truth lies within the interval of what is published, or of another estimate."""
        one = one or self.published
        if truth is None or one.low is None or one.high is None:
            return None
        return one.low <= truth <= one.high


def lockdown_days(demo: Path) -> list[date]:
    """Give the days of the lockdown of a sample country; none if there was none."""
    made = _made(demo)
    if "lockdown" not in made["scenarios"]:
        return []
    first = date.fromisoformat(str(made["start"])) + timedelta(days=made["days"] // 2)
    last = date.fromisoformat(str(made["start"])) + timedelta(days=made["days"])
    return [day for number in range(LOCKDOWN_DAYS) if (day := first + timedelta(days=number)) < last]


def lockdown_scores(settings: Settings, database: Database, demo: Path) -> list[LockdownScore]:
    """Score each baseline on published flows: the days before the lockdown are the reference."""
    days = lockdown_days(demo)
    if not days:
        return []
    release = catalog.latest(database, "mobility.flows")
    flows = day_series(release, release.table(settings))
    areas = load(database, str(release.area_set))
    length = geodesic_distances(areas.centroids())
    place = {code: number for number, code in enumerate(areas.codes)}
    far = np.array([length[place[origin], place[destination]] for origin, destination in flows.keys])
    truth, seen = (true_flows(demo, flows, whom) for whom in ("subscribers", "subscribers_seen"))
    least = int(release.provenance.parameters["k"])
    protecting = hidden_to_protect(settings, database, [release], flows)
    return score_lockdown(flows, truth, true_journeys(demo), far, days, seen=seen, least=least, protecting=protecting)


def score_lockdown(
    flows: DaySeries,
    truth: DaySeries,
    journeys: DaySeries,
    far: npt.NDArray[np.float64],
    days: list[date],
    *,
    seen: DaySeries | None = None,
    least: int = 15,
    protecting: npt.NDArray[np.bool_] | None = None,
) -> list[LockdownScore]:
    """Score each kind of baseline against the truth.

    Parameters
    ----------
    flows, truth
        Published flows, and the true ones of the same keys and days.
    journeys
        True journeys by length, keys as in `LENGTHS`.
    far
        Distance of each key, km.
    days
        Of the lockdown.
    seen
        True flows of whom readable records show, of the same keys and days; `truth` if None.
    least
        The least number of people behind a published value.
    protecting
        Which hidden values were not small.
    """
    found = []
    for like in LIKE:
        reference = Reference(flows.dates[0], days[0] - timedelta(days=1), like, minimum=MINIMUM)
        said, true, all_journeys = (changes(table, reference) for table in (flows, truth, journeys))
        for number, (name, shortest, longest) in enumerate(LENGTHS):
            keys = (far >= shortest) & (far < longest)
            there, all_there = _on(said, days), _on(all_journeys, days)
            one = np.arange(len(LENGTHS)) == number
            found.append(
                LockdownScore(
                    like,
                    name,
                    together(said, there, keys),
                    _same(said, true, there, keys),
                    together(all_journeys, all_there, one).change,
                    -reduction((shortest + min(longest, 100.0)) / 2),
                    with_hidden(flows, there, reference, least, keys=keys, protecting=protecting),
                    _seen(flows, seen or truth, reference, there, keys),
                )
            )
    return found


def true_flows(demo: Path, like: DaySeries, whom: str = "subscribers") -> DaySeries:
    """Give the true flows of the keys and days of a published table: who is in no row of the truth did not go.

    Parameters
    ----------
    whom
        ``subscribers`` who went, or ``subscribers_seen``: whom readable records show.
    """
    table = read_truth(demo, "flows")
    values = np.zeros(like.values.shape)
    place = {key: number for number, key in enumerate(like.keys)}
    row = {day: number for number, day in enumerate(like.dates)}
    columns = (table.column(name).to_pylist() for name in ("origin", "destination", whom))
    for day, origin, destination, subscribers in zip(local_dates(demo, table["start"]), *columns, strict=True):
        if day in row and (origin, destination) in place:
            values[row[day], place[origin, destination]] = subscribers or 0
    return DaySeries.of(like.keys, like.dates, values)


def true_journeys(demo: Path) -> DaySeries:
    """Count true journeys by day and length."""
    table = read_truth(demo, "trips").filter(pc.is_valid(pc.field("distance_km")))
    dates = np.array(local_dates(demo, table["depart"]), dtype=object)
    km = table["distance_km"].to_numpy()
    days = sorted(set(dates.tolist()))
    counts = [
        [float(((dates == day) & (km >= shortest) & (km < longest)).sum()) for _, shortest, longest in LENGTHS]
        for day in days
    ]
    return DaySeries.of([(name,) for name, *_ in LENGTHS], days, counts)


@dataclass(frozen=True)
class DisplacedScore:
    """Displaced subscribers of one origin and host: what flows say at the end of the period, and what is true."""

    origin: str
    host: str
    published: float
    low: float
    high: float
    truly: int

    @property
    def holds(self) -> bool:
        """Whether the truth lies within the interval."""
        return self.low <= self.truly <= self.high


def displaced_scores(settings: Settings, database: Database, demo: Path) -> list[DisplacedScore]:
    """Score displaced people, origin and host, on the last day: only those pairs that are published both ways."""
    if flood_day(demo) is None:
        return []
    release = catalog.latest(database, "mobility.flows")
    return score_displaced(demo, day_series(release, release.table(settings)))


def flood_day(demo: Path) -> date | None:
    """Give the day of the flood of a sample country; None if there was none."""
    made = _made(demo)
    if "flood" not in made["scenarios"]:
        return None
    return date.fromisoformat(str(made["start"])) + timedelta(days=max(1, made["days"] // FLOOD_AFTER))


def score_displaced(demo: Path, flows: DaySeries) -> list[DisplacedScore]:
    """Score displaced people of published flows; the days before the flood are the reference."""
    since = flood_day(demo)
    if since is None:
        return []
    reference = Reference(flows.dates[0], since - timedelta(days=1), "any", minimum=MINIMUM)
    truly = truly_displaced(demo)
    return [
        DisplacedScore(
            one.origin,
            one.host,
            one.people,
            one.low,
            one.high,
            truly.get((one.origin, one.host), 0) - truly.get((one.host, one.origin), 0),
        )
        for one in displaced(flows, since, reference)
        if one.day == flows.dates[-1]
    ]


def truly_displaced(demo: Path) -> dict[tuple[str, str], int]:
    """Count the SIMs of displaced people who had not returned at the end, by origin and host."""
    moved, sims = read_truth(demo, "displaced"), read_truth(demo, "subscribers")
    held: dict[int, int] = {}
    for person in sims["person"].to_pylist():
        held[person] = held.get(person, 0) + 1
    found: dict[tuple[str, str], int] = {}
    columns = (moved.column(name).to_pylist() for name in ("person", "origin", "destination", "returned"))
    for person, origin, destination, returned in zip(*columns, strict=True):
        if returned is None and origin != destination:
            found[origin, destination] = found.get((origin, destination), 0) + held.get(person, 0)
    return found


def _same(said: Changes, true: Changes, days: npt.NDArray[np.bool_], keys: npt.NDArray[np.bool_]) -> float | None:
    given = (said.why == "given") & days[:, None] & keys
    usual = true.expected[given].sum()
    return float(true.series.values[given].sum() / usual - 1) if given.any() and usual > 0 else None


def _seen(
    flows: DaySeries,
    seen: DaySeries,
    reference: Reference,
    days: npt.NDArray[np.bool_],
    keys: npt.NDArray[np.bool_],
) -> float | None:
    """Give the true change of all pairs that were published on some day, against the mean of days of the same kind."""
    inside = np.array([reference.holds(day) for day in flows.dates])
    ever = keys & ~np.isnan(flows.values[inside | days]).all(axis=0)
    kinds = np.array([reference.kind(day) for day in flows.dates])
    asked = np.flatnonzero(days)
    if not all((inside & (kinds == kinds[day])).any() for day in asked):
        return None
    usual = sum(seen.values[np.ix_(inside & (kinds == kinds[day]), ever)].mean(axis=0).sum() for day in asked)
    return float(seen.values[np.ix_(days, ever)].sum() / usual - 1) if ever.any() and usual > 0 else None


def _on(changed: Changes, days: list[date]) -> npt.NDArray[np.bool_]:
    return np.array([day in days for day in changed.series.dates], dtype=bool)


def local_dates(demo: Path, column: pa.ChunkedArray) -> list[date]:
    """Give the day of each moment by the clock of a sample country."""
    zone = str(_made(demo)["time_zone"])
    seconds = column.cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy()
    local = Calendar(zone).from_utc(seconds) // 86_400
    known = {int(day): date(1970, 1, 1) + timedelta(days=int(day)) for day in np.unique(local)}
    return [known[int(day)] for day in local]


def _made(demo: Path) -> dict[str, Any]:
    path = demo / "truth" / "generation.json"
    if not path.is_file():
        raise NotFound("there is no truth here", where=path, expected="a folder that `commonweal demo generate` wrote")
    made: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return made
