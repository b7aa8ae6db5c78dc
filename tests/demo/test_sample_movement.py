"""People of the sample country move as the published laws say people move."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from commonweal.demo import cells, coverage, daily_life, people, scenarios, trips
from commonweal.demo.generate import Choices, generate
from commonweal.demo.jumps import density, length_quantiles
from commonweal.demo.landscape import Ground, survey
from commonweal.demo.operators import foreign_networks


def law(longest: float) -> tuple[np.ndarray, np.ndarray]:
    """The published law's cumulative distribution on [0, longest] km, integrated here."""
    km = np.linspace(0, longest, 400_001)
    weight = (km + 1.5) ** -1.75 * np.exp(-km / 400)
    below = np.concatenate([[0], np.cumsum((weight[1:] + weight[:-1]) / 2)])
    return km, below / below[-1]


def largest_gap(lengths: np.ndarray, longest: float) -> float:
    """The Kolmogorov-Smirnov distance between lengths and the law on [0, longest]."""
    lengths = np.sort(lengths[lengths <= longest])
    expected = np.interp(lengths, *law(longest))
    steps = np.arange(len(lengths) + 1) / len(lengths)
    return float(max(np.abs(expected - steps[1:]).max(), np.abs(expected - steps[:-1]).max()))


@pytest.fixture(scope="module")
def trips_made(ordinary: Path) -> dict[str, np.ndarray]:
    table = pq.read_table(ordinary / "truth" / "trips.parquet")
    table = table.filter(pc.greater(table["distance_km"], 0.0))
    return {"km": table["distance_km"].to_numpy(), "purpose": table["purpose"].to_numpy()}


def test_the_table_of_lengths_is_the_published_law() -> None:
    lengths = length_quantiles(10_001, 3000.0)
    for longest, at in ((3000.0, 1.0),):
        km, below = law(longest)
        assert np.abs(np.interp(lengths, km, below) - np.linspace(0, at, 10_001)).max() < 1e-4


def test_explorations_follow_the_published_law_of_jump_lengths(trips_made: dict[str, np.ndarray]) -> None:
    jumps = trips_made["km"][trips_made["purpose"] == "explore"]
    assert len(jumps) > 3000
    # The seas and borders of the map cut the longest jumps; up to 100 km the law holds within 2 %.
    assert largest_gap(jumps, 100.0) < 0.02


def test_all_trips_together_fall_off_as_the_law_does(trips_made: dict[str, np.ndarray]) -> None:
    edges = np.geomspace(1, 200, 13)
    middle = np.sqrt(edges[1:] * edges[:-1])
    found = np.histogram(trips_made["km"], edges)[0] / np.diff(edges)

    def slope(values: np.ndarray) -> float:
        return float(np.polyfit(np.log(middle), np.log(values), 1)[0])

    assert slope(found) == pytest.approx(slope(density(middle)), abs=0.25)


@pytest.fixture(scope="module")
def visits() -> np.ndarray:
    """Visits of residents to the places they know, most visited first, after sixty days."""
    geography = survey(Ground())
    network = cells.place(geography, 1)
    stands = geography.areas.locate(network.lon, network.lat)
    foreign = foreign_networks(geography.countries)
    cover = coverage.cover(network, stands, geography.raster, ())
    settled = people.settle(
        geography, network, cover, foreign, subscribers=2000, days=14, events_per_day=15.0, seed=3
    )  # fmt: skip
    plan = scenarios.plan(frozenset(), geography, network, settled, foreign, 14, 3)
    memory = trips.remember(settled)
    count = len(settled.lon)
    person = daily_life.Person(settled.kind, np.full_like(settled.arrives, -(1 << 30)), settled.leaves)
    laws = trips.Laws(geography.raster, length_quantiles(), daily_life.outing_hours())
    calm = plan.conditions(-1, np.zeros(count, bool))
    for day in range(-60, 0):
        daily_life.move(day, day % 7, 3, 0, count, person, memory, plan.elsewhere, laws, calm)
    return memory.visits[~settled.is_visitor].astype(float)


def test_visits_to_explored_places_are_zipf_like(visits: np.ndarray) -> None:
    found = np.sort(visits[:, 3:], axis=1)[:, ::-1]
    frequency = (found / np.maximum(found.sum(axis=1, keepdims=True), 1)).mean(axis=0)[:12]
    slope = np.polyfit(np.log(np.arange(1, 13)), np.log(frequency), 1)[0]
    # Song et al. 2010: f(k) ∝ k^-ζ with ζ = 1.2 ± 0.1 for phone records; among places beside home and work.
    assert -1.4 < slope < -0.9


def test_most_visits_are_to_home_and_half_as_many_to_work(visits: np.ndarray) -> None:
    shares = visits.sum(axis=0) / visits.sum()
    assert 0.35 < shares[0] < 0.6
    assert 0.1 < shares[1] < 0.3


def test_people_go_on_finding_new_places_ever_more_slowly(visits: np.ndarray) -> None:
    # S(t) ∝ t^μ with μ = 1 / (1 + γ) = 0.83 in Song et al. 2010: far fewer places than trips, far more than two.
    places = (visits > 0).sum(axis=1)
    assert 8 < places.mean() < 30
    assert places.mean() < 0.4 * visits.sum(axis=1).mean()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Twenty thousand people who seldom phone, over four days: as they like, and with a lockdown from the third on."""
    free, locked = tmp_path_factory.mktemp("free"), tmp_path_factory.mktemp("locked")
    choices = Choices(subscribers=20_000, days=4, seed=7, events_per_day=0.2)
    generate(free, choices)
    generate(locked, replace(choices, scenarios=frozenset({"lockdown"})))
    return free, locked


def trips_by_length(folder: Path, days: range) -> np.ndarray:
    """Number of trips under 15 km, at 15 to 30 km and beyond, on some days."""
    table = pq.read_table(folder / "truth" / "trips.parquet")
    depart = table["depart"].cast(pa.timestamp("s", tz="UTC")).cast("int64").to_numpy()
    km = table["distance_km"].to_numpy()
    chosen = np.isin((depart - 1_772_323_200) // 86_400, days) & ~np.isnan(km)
    return np.histogram(km[chosen], [0, 15, 30, 3000])[0]


def test_a_lockdown_cuts_trips_as_measured_in_sierra_leone(crowd: tuple[Path, Path]) -> None:
    free, locked = (trips_by_length(folder, range(2, 4)) for folder in crowd)
    cut = 1 - locked / free
    # Peak et al. 2018; the tolerances are some three standard errors of these counts.
    assert cut[0] == pytest.approx(0.31, abs=0.02)
    assert cut[1] == pytest.approx(0.46, abs=0.05)
    assert cut[2] == pytest.approx(0.76, abs=0.05)


def test_before_a_lockdown_nothing_differs(crowd: tuple[Path, Path]) -> None:
    free, locked = (trips_by_length(folder, range(2)) for folder in crowd)
    assert free.tolist() == locked.tolist()
