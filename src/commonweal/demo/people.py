"""Who lives in the sample country: homes, work places, kinds of day, and the SIMs people hold.

Homes are drawn by population, coverage and market share, evenly enough that every area gets its due. Work lies at a
jump of the law of ``jumps`` from home. Activity is log-normal over SIMs (heavy-tailed); a quarter of people also hold a
SIM of another operator and use this one less; some hold two of this operator, some change theirs within the period.
Visitors hold foreign SIMs for some days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from commonweal.core.errors import InputError
from commonweal.demo.cells import Network
from commonweal.demo.coverage import Cover, covered
from commonweal.demo.geography import STEP, Geography, Raster
from commonweal.demo.jumps import area_at, destination, length_quantiles
from commonweal.demo.operators import Operator, country_of_mcc, shares_by_area
from commonweal.demo.randomness import begin

CLASSES = ("home-centred", "commuter", "student", "trader", "visitor")
CLASS_SHARES = (0.36, 0.42, 0.12, 0.10)
VISITORS = 0.025
SECOND_SIM = 0.06
REPLACED_SIM = 0.015
SIM_ELSEWHERE = 0.25
JOIN_OR_LEAVE_A_MONTH = 0.03
LONGEST_COMMUTE_KM = 60.0
DEVICES = (
    # TAC, generation, share; TACs that begin with 00 are set apart for test equipment (GSMA TS.06)
    ("00100001", 0, 0.22),
    ("00100002", 0, 0.18),
    ("00100003", 1, 0.16),
    ("00100004", 1, 0.12),
    ("00100005", 2, 0.14),
    ("00100006", 2, 0.11),
    ("00100007", 2, 0.07),
)
ACTIVITY_SIGMA = 1.0


class Relocation(NamedTuple):
    """Nights spent elsewhere, one spell a person at most; arrays over people."""

    first_day: NDArray[np.int32]
    end_day: NDArray[np.int32]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    area: NDArray[np.int32]
    kind: NDArray[np.int8]
    """0 none, 1 displaced, 2 travelling within the countries, 3 abroad."""
    network: NDArray[np.int16]
    """Index of the PLMN that serves a person abroad, -1 otherwise."""


@dataclass(frozen=True)
class People:
    """People and their SIMs as arrays; the SIMs of a person lie side by side.

    Attributes
    ----------
    lon, lat : float64[people], degrees, where they live; area : int32, index of its area.
    kind : int8[people], index in `CLASSES`.
    work_lon, work_lat : float64[people], NaN without a work place; work_area : int32.
    weight : float64[people], people of the population one stands for (0 for visitors).
    arrives, leaves : int32[people], seconds from the start of the period; visitors are there only between them.
    elsewhere : bool[people], also holds a SIM of another operator.
    first_sim : int32[people + 1], the SIMs of person p are first_sim[p] … first_sim[p + 1] - 1.
    sim_person, sim_number, sim_plmn, sim_device, sim_rate, sim_starts, sim_ends : arrays over SIMs.
    """

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    area: NDArray[np.int32]
    kind: NDArray[np.int8]
    work_lon: NDArray[np.float64]
    work_lat: NDArray[np.float64]
    work_area: NDArray[np.int32]
    weight: NDArray[np.float64]
    arrives: NDArray[np.int32]
    leaves: NDArray[np.int32]
    elsewhere: NDArray[np.bool_]
    first_sim: NDArray[np.int32]
    sim_person: NDArray[np.int32]
    sim_number: NDArray[np.int64]
    sim_plmn: NDArray[np.int16]
    sim_device: NDArray[np.int8]
    sim_rate: NDArray[np.float64]
    sim_starts: NDArray[np.int32]
    sim_ends: NDArray[np.int32]

    @property
    def is_visitor(self) -> NDArray[np.bool_]:
        """bool[people], true for inbound roamers."""
        return self.kind == CLASSES.index("visitor")


def settle(
    geography: Geography,
    network: Network,
    cover: Cover,
    foreign: tuple[Operator, ...],
    *,
    subscribers: int,
    days: int,
    events_per_day: float,
    seed: int,
) -> People:
    """Create the people who hold `subscribers` SIMs of the sample group in the period, visitors included.

    Raises
    ------
    InputError
        When nobody lives where a cell reaches.
    """
    draw = np.random.Generator(np.random.Philox(key=[seed, 5]))
    visitors = round(VISITORS * subscribers)
    residents = round((subscribers - visitors) / (1 + SECOND_SIM + REPLACED_SIM))
    second = subscribers - visitors - residents
    lon, lat, area = _homes(geography, cover, residents, seed, draw)
    lodging_lon, lodging_lat, lodging_area = _lodgings(geography, visitors, draw)
    lon, lat = np.concatenate([lon, lodging_lon]), np.concatenate([lat, lodging_lat])
    area = np.concatenate([area, lodging_area])
    people = residents + visitors
    kind = np.concatenate([draw.choice(4, residents, p=CLASS_SHARES), np.full(visitors, 4)]).astype(np.int8)
    works = (kind == 1) | (kind == 2) | ((kind == 3) & (draw.random(people) < 0.5))
    work_lon, work_lat, work_area = _works(geography.raster, length_quantiles(), seed, works, lon, lat)
    of_area = np.bincount(area[:residents], minlength=len(geography.population))
    weight = np.zeros(people)
    weight[:residents] = (geography.population / np.maximum(of_area, 1))[area[:residents]]

    end = days * 86400
    arrives, leaves = np.zeros(people, np.int32), np.full(people, end, np.int32)
    nights = np.minimum(draw.geometric(0.25, visitors), max(days - 1, 1))
    first = draw.integers(-2, max(days - 1, 1), visitors)
    hours = draw.uniform(7, 20, (2, visitors))
    arrives[residents:] = np.clip((first * 86400 + hours[0] * 3600), 0, end - 3600)
    leaves[residents:] = np.clip((first + nights) * 86400 + hours[1] * 3600, arrives[residents:] + 3600, end)
    elsewhere = draw.random(people) < np.where(kind == 4, 0.9, SIM_ELSEWHERE)

    two = np.zeros(people, bool)
    two[draw.choice(residents, min(second, residents), replace=False)] = True
    sims = 1 + two.astype(np.int32)
    first_sim = np.concatenate([[0], np.cumsum(sims)]).astype(np.int32)
    person = np.repeat(np.arange(people, dtype=np.int32), sims)
    is_second = np.arange(len(person)) != first_sim[person]
    starts, ends = arrives[person].copy(), leaves[person].copy()
    _replace_and_churn(starts, ends, first_sim, two, is_second, person >= residents, days, draw)

    plmn_of_person = np.empty(people, np.int16)
    plmn_of_person[:residents] = _home_networks(geography, network, area[:residents], draw)
    chances = np.array([operator.share for operator in foreign])
    plmn_of_person[residents:] = len(network.plmns) + draw.choice(len(foreign), visitors, p=chances)
    shares = np.array([share for *_, share in DEVICES])
    device = draw.choice(len(DEVICES), len(person), p=shares / shares.sum()).astype(np.int8)
    rate = np.exp(draw.normal(-(ACTIVITY_SIGMA**2) / 2, ACTIVITY_SIGMA, people))[person]
    rate = np.minimum(rate * np.where(elsewhere, 0.7, 1.1)[person] * np.where(two, 0.55, 1.0)[person], 12.0)
    rate /= rate.mean()
    return People(
        lon, lat, area, kind, work_lon, work_lat, work_area, weight, arrives, leaves, elsewhere, first_sim, person,
        _numbers(geography, network, foreign, plmn_of_person[person], seed),
        plmn_of_person[person], device, rate * events_per_day, starts, ends,
    )  # fmt: skip


def _homes(
    geography: Geography, cover: Cover, count: int, seed: int, draw: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]:
    raster = geography.raster
    columns = raster.area.shape[1]
    area = raster.area.ravel()
    lived = np.flatnonzero((raster.population.ravel() > 0) & (area >= 0))
    lived = lived[np.argsort(area[lived], kind="stable")]
    lon = raster.west + (lived % columns + 0.5) * STEP
    lat = raster.south + (lived // columns + 0.5) * STEP
    weight = raster.population.ravel()[lived] * covered(cover, lon, lat)
    weight = weight * shares_by_area(len(geography.population), seed)[area[lived], 0]
    if weight.sum() <= 0:
        raise InputError("nobody lives where a cell reaches", where="--cells", expected="cells in the chosen countries")
    total = np.cumsum(weight)
    at = np.searchsorted(total, (np.arange(count) + draw.random(count)) / count * total[-1])
    at = np.minimum(at, len(lived) - 1)
    home_lon, home_lat = lon[at], lat[at]
    moved_lon = home_lon + draw.uniform(-0.5, 0.5, count) * STEP
    moved_lat = home_lat + draw.uniform(-0.5, 0.5, count) * STEP
    inside = geography.areas.locate(moved_lon, moved_lat) == area[lived[at]]
    return np.where(inside, moved_lon, home_lon), np.where(inside, moved_lat, home_lat), area[lived[at]]


def _lodgings(
    geography: Geography, count: int, draw: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]:
    """Visitors stay in towns, in proportion to the square root of their size."""
    towns = geography.towns[:60]
    chance = np.sqrt([town.population for town in towns])
    at = draw.choice(len(towns), count, p=chance / chance.sum())
    lon, lat = np.array([t.lon for t in towns])[at], np.array([t.lat for t in towns])[at]
    moved_lon, moved_lat = lon + draw.normal(0, 0.008, count), lat + draw.normal(0, 0.008, count)
    area = np.array([t.area for t in towns])[at].astype(np.int32)
    inside = geography.areas.locate(moved_lon, moved_lat) == area
    return np.where(inside, moved_lon, lon), np.where(inside, moved_lat, lat), area


@njit(cache=True)
def _works(
    raster: Raster,
    lengths: NDArray[np.float64],
    seed: int,
    works: NDArray[np.bool_],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]:
    work_lon, work_lat = np.full(len(lon), np.nan), np.full(len(lon), np.nan)
    work_area = np.full(len(lon), -1, np.int32)
    stream, place = np.zeros(1, np.uint64), np.zeros(2)
    for person in range(len(lon)):
        if works[person]:
            begin(stream, seed, person, 0, 77)
            if destination(stream, raster, lengths, LONGEST_COMMUTE_KM, lon[person], lat[person], place):
                work_lon[person], work_lat[person] = place[0], place[1]
                work_area[person] = area_at(raster, place[0], place[1])
    return work_lon, work_lat, work_area


def _replace_and_churn(
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    first_sim: NDArray[np.int32],
    two: NDArray[np.bool_],
    is_second: NDArray[np.bool_],
    is_visitor: NDArray[np.bool_],
    days: int,
    draw: np.random.Generator,
) -> None:
    """Let some second SIMs take over from the first, some SIMs start late and some end early."""
    holders = np.flatnonzero(two)
    share = REPLACED_SIM / (SECOND_SIM + REPLACED_SIM)
    replaced = holders[draw.random(len(holders)) < share]
    change = draw.integers(0, days * 86400, len(replaced)).astype(np.int32)
    ends[first_sim[replaced]] = change
    starts[first_sim[replaced] + 1] = change
    plain = np.flatnonzero(~is_second & ~is_visitor & (ends == days * 86400))
    chance = JOIN_OR_LEAVE_A_MONTH * days / 30
    joining = plain[draw.random(len(plain)) < chance]
    starts[joining] = draw.integers(0, days * 86400, len(joining))
    leaving = plain[draw.random(len(plain)) < chance]
    ends[leaving] = np.maximum(draw.integers(0, days * 86400, len(leaving)), starts[leaving])


def _home_networks(
    geography: Geography, network: Network, area: NDArray[np.int32], draw: np.random.Generator
) -> NDArray[np.int16]:
    """Give residents a PLMN of their country, by its share of cells there; one with under 5 % has no subscribers."""
    cells = np.bincount(network.plmn, minlength=len(network.plmns))
    result = np.empty(len(area), np.int16)
    for index, country in enumerate(geography.countries):
        mine = np.array([country_of_mcc(plmn[:3]) == country.code for plmn in network.plmns])
        chance = np.where(mine, cells, 0) / max(cells[mine].sum(), 1)
        chance = np.where(chance < 0.05, 0.0, chance)
        if chance.sum() == 0:
            raise InputError(f"no cell belongs to a network of {country.name}", where="--cells")
        here = np.flatnonzero(geography.country[area] == index)
        result[here] = draw.choice(len(network.plmns), len(here), p=chance / chance.sum())
    return result


def _numbers(
    geography: Geography, network: Network, foreign: tuple[Operator, ...], plmn: NDArray[np.int16], seed: int
) -> NDArray[np.int64]:
    """Give each SIM a number of its country that nobody holds: national numbers there do not begin with 1."""
    from commonweal.demo.geography import read_countries

    calling = {country.code: country.calling_code for country in geography.countries}
    calling |= {c.code: c.calling_code for c in read_countries([operator.country for operator in foreign])}
    first = {country.code for country in geography.countries}
    codes = [country_of_mcc(code[:3]) for code in network.plmns]
    # A foreign network in a cell file has no subscribers here; any prefix serves it.
    prefixes = [int(calling[code]) if code in first and code else 999 for code in codes]
    prefixes += [int(calling[operator.country]) for operator in foreign]
    scrambled = (np.arange(len(plmn), dtype=np.int64) * 61_803_399 + 1000 * (seed % 10_000) + 7) % 99_999_989
    return (np.array(prefixes, np.int64)[plmn] * 10 + 1) * 100_000_000 + scrambled
