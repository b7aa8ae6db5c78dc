"""Special circumstances to choose, alone or together: lockdown, festival, flood, outbreak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from commonweal.core.errors import InputError
from commonweal.demo.cells import Network, Outage
from commonweal.demo.daily_life import Conditions
from commonweal.demo.geography import STEP, Geography, distance_km
from commonweal.demo.jumps import area_at
from commonweal.demo.operators import Operator
from commonweal.demo.people import People, Relocation

SCENARIOS = ("ordinary", "lockdown", "festival", "flood", "outbreak")
LOCKDOWN_DAYS = FESTIVAL_DAYS = 3
FLOOD_RADIUS_KM = 12.0
FLOOD_AFTER = 3
"""The flood comes when the period is this part over."""
DISPLACED = 0.6
SITES_DROWNED = 0.4
TRAVEL_A_FORTNIGHT, ABROAD_A_FORTNIGHT = 0.012, 0.004

REPRODUCTION = 1.46
"""Reproduction number: the median for influenza in 2009 (Biggerstaff et al., BMC Infectious Diseases 14, 2014)."""
LATENT_DAYS, INFECTIOUS_DAYS = 1.5, 3.0
SEEDED, FEWEST_SEEDED = 0.01, 5


@dataclass(frozen=True)
class Plan:
    """What happens, and when, in days of the period."""

    lockdown: range
    festival: range
    festival_lon: float
    festival_lat: float
    elsewhere: Relocation
    outages: tuple[Outage, ...]
    outbreak_area: int
    """Index of the area an outbreak starts in, -1 for none."""

    def conditions(self, day: int, ill: NDArray[np.bool_]) -> Conditions:
        """Give what is special about a day."""
        return Conditions(day in self.lockdown, day in self.festival, self.festival_lon, self.festival_lat, ill)


def parse(text: str) -> frozenset[str]:
    """Read a list of scenarios.

    Examples
    --------
    >>> sorted(parse("flood,lockdown"))
    ['flood', 'lockdown']
    >>> parse("earthquake")
    Traceback (most recent call last):
    ...
    commonweal.core.errors.InputError: --scenario: there is no scenario 'earthquake' (expected: ordinary, ...)
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in SCENARIOS:
            raise InputError(f"there is no scenario {name!r}", where="--scenario", expected=", ".join(SCENARIOS))
    return frozenset(names) - {"ordinary"}


def plan(
    names: frozenset[str],
    geography: Geography,
    network: Network,
    people: People,
    foreign: Sequence[Operator],
    days: int,
    seed: int,
) -> Plan:
    """Decide who is displaced or travels, where the festival is, and which sites the water takes.

    The lockdown begins half way through the period, the festival two days earlier, the flood a third into it. The
    festival is held in the second largest town, the flood comes to the third, the outbreak starts where the flood
    would.
    """
    draw = np.random.Generator(np.random.Philox(key=[seed, 6]))
    elsewhere = _nowhere(len(people.lon))
    _travel(elsewhere, geography, people, network, foreign, days, draw)
    festival_town = geography.towns[min(1, len(geography.towns) - 1)]
    town = geography.towns[min(2, len(geography.towns) - 1)]
    failures: tuple[Outage, ...] = ()
    if "flood" in names:
        day = max(1, days // FLOOD_AFTER)
        _displace(elsewhere, geography, people, town.lon, town.lat, day, days, draw)
        sites, first = np.unique(network.site, return_index=True)
        near = distance_km(network.lon[first], network.lat[first], town.lon, town.lat) <= FLOOD_RADIUS_KM
        drowned = sites[near & (draw.random(len(sites)) < SITES_DROWNED)]
        end = min(day + 4, days) * 86400
        failures = tuple(Outage(int(site), day * 86400 + 5 * 3600, end, "flood") for site in drowned)
    middle = days // 2
    return Plan(
        lockdown=range(middle, middle + LOCKDOWN_DAYS) if "lockdown" in names else range(0),
        festival=range(max(middle - 2, 0), max(middle - 2, 0) + FESTIVAL_DAYS) if "festival" in names else range(0),
        festival_lon=festival_town.lon,
        festival_lat=festival_town.lat,
        elsewhere=elsewhere,
        outages=failures,
        outbreak_area=town.area if "outbreak" in names else -1,
    )


def _nowhere(people: int) -> Relocation:
    return Relocation(
        np.full(people, 1 << 30, np.int32),
        np.full(people, 1 << 30, np.int32),
        np.full(people, np.nan),
        np.full(people, np.nan),
        np.full(people, -1, np.int32),
        np.zeros(people, np.int8),
        np.full(people, -1, np.int16),
    )


def _travel(
    elsewhere: Relocation,
    geography: Geography,
    people: People,
    network: Network,
    foreign: Sequence[Operator],
    days: int,
    draw: np.random.Generator,
) -> None:
    """Send some residents to a town of any of the countries, and some abroad, for some nights."""
    residents = np.flatnonzero(~people.is_visitor)
    pick = draw.random(len(residents))
    within = TRAVEL_A_FORTNIGHT * days / 14
    abroad = within + ABROAD_A_FORTNIGHT * days / 14
    towns = geography.towns[:40]
    chance = np.sqrt([town.population for town in towns])
    to = draw.choice(len(towns), len(residents), p=chance / chance.sum())
    network_to = draw.choice(len(foreign), len(residents), p=np.array([o.share for o in foreign]))
    first = draw.integers(0, max(days - 1, 1), len(residents))
    nights = 1 + draw.geometric(0.3, len(residents))
    shift = draw.normal(0, 0.006, (2, len(residents)))
    for i, person in enumerate(residents):
        if pick[i] >= abroad:
            continue
        elsewhere.first_day[person], elsewhere.end_day[person] = first[i], first[i] + nights[i]
        if pick[i] < within:
            town = towns[to[i]]
            lon, lat = town.lon + shift[0, i], town.lat + shift[1, i]
            if area_at(geography.raster, lon, lat) < 0:
                lon, lat = town.lon, town.lat
            elsewhere.kind[person] = 2
            elsewhere.lon[person], elsewhere.lat[person] = lon, lat
            elsewhere.area[person] = area_at(geography.raster, lon, lat)
        else:
            elsewhere.kind[person] = 3
            elsewhere.network[person] = len(network.plmns) + network_to[i]


def _displace(
    elsewhere: Relocation,
    geography: Geography,
    people: People,
    lon: float,
    lat: float,
    day: int,
    days: int,
    draw: np.random.Generator,
) -> None:
    """Move six in ten of those who live within reach of the water to a place 15 to 60 km away, for some nights."""
    near = (distance_km(people.lon, people.lat, lon, lat) <= FLOOD_RADIUS_KM) & ~people.is_visitor
    raster = geography.raster
    rows, columns = np.nonzero((raster.population > 20) & (raster.area >= 0))
    x, y = raster.west + (columns + 0.5) * STEP, raster.south + (rows + 0.5) * STEP
    away = distance_km(x, y, lon, lat)
    ring = np.flatnonzero((away > 15) & (away < 60))
    if len(ring) == 0:
        return
    weight = raster.population[rows[ring], columns[ring]].astype(float) / away[ring]
    moved = np.flatnonzero(near & (draw.random(len(people.lon)) < DISPLACED))
    to = draw.choice(ring, len(moved), p=weight / weight.sum())
    elsewhere.kind[moved], elsewhere.network[moved] = 1, -1
    elsewhere.first_day[moved] = day
    elsewhere.end_day[moved] = day + draw.integers(4, max(days, 6), len(moved))
    elsewhere.lon[moved], elsewhere.lat[moved] = x[to], y[to]
    elsewhere.area[moved] = raster.area[rows[to], columns[to]]


class Outbreak:
    """An infection that spreads between people whose day is spent in the same area.

    Each day a susceptible person in area a is infected with probability 1 - exp(-R/D · I_a/N_a), where I_a of the N_a
    people there are infectious, D is the infectious period in days and R the reproduction number. Half of the
    infectious are ill and stay at home.
    """

    def __init__(self, area: int, people: People, days: int, seed: int) -> None:
        self._draw = np.random.Generator(np.random.Philox(key=[seed, 8]))
        count = len(people.lon)
        self.infected = np.full(count, np.inf)
        self.infectious = np.full(count, np.inf)
        self.recovered = np.full(count, np.inf)
        self.area = np.full(count, -1, np.int32)
        self.symptoms = self._draw.random(count) < 0.5
        if area >= 0:
            here = np.flatnonzero(people.area == area)
            first = min(len(here), max(FEWEST_SEEDED, round(SEEDED * len(here))))
            chosen = np.sort(self._draw.choice(here, first, replace=False))
            self._infect(chosen, people.area[chosen], 0)

    def _infect(self, who: NDArray[np.int64], area: NDArray[np.int32], day: int) -> None:
        self.infected[who], self.area[who] = day, area
        self.infectious[who] = day + self._draw.exponential(LATENT_DAYS, len(who))
        self.recovered[who] = self.infectious[who] + self._draw.exponential(INFECTIOUS_DAYS, len(who))

    def ill(self, day: int) -> NDArray[np.bool_]:
        """bool[people], who stays at home ill on a day."""
        return self.symptoms & (self.infectious <= day) & (day < self.recovered)

    def spread(self, day: int, at: NDArray[np.int32], areas: int) -> None:
        """Infect people by the area they spent the day in, int32[people], -1 for none."""
        here = at >= 0
        present = np.bincount(at[here], minlength=areas)
        shedding = here & (self.infectious <= day) & (day < self.recovered)
        pressure = np.bincount(at[shedding], minlength=areas) / np.maximum(present, 1)
        chance = 1 - np.exp(-REPRODUCTION / INFECTIOUS_DAYS * pressure)
        caught = here & np.isinf(self.infected) & (self._draw.random(len(at)) < chance[np.maximum(at, 0)])
        who = np.flatnonzero(caught)
        self._infect(who, at[who], day)
