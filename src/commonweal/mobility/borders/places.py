"""Where a network stands among countries: its own countries, those around them, and which cells are near a border."""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
import shapely

from commonweal.core.areas.geodesic import circle
from commonweal.core.areas.world import natural_earth
from commonweal.mobility.mobile_countries import COUNTRIES, UNKNOWN, country_index, country_of
from commonweal.mobility.network import PLACED, Network

AT_BORDER = 35.0
"""How far from a country a phone may be that its networks serve by accident, km: farther a GSM cell, whose timing
advance ends there, does not reach (3GPP TS 45.010)."""
CORNERS = 32


@lru_cache(maxsize=8)
def own_countries(network: Network) -> np.ndarray:
    """Say of every country in `COUNTRIES` whether the network is at home there.

    Those of its cells' PLMNs; if the cell register has none, the country in which most of its cells stand.

    Returns
    -------
    bool, shape (countries,)
    """
    found = {country_of(int(code)) for code in network.countries}
    if not found:
        placed = network.state == PLACED
        world = natural_earth()
        where = world.locate(network.longitude[placed], network.latitude[placed])
        assert world.parents is not None
        stand = [world.parents[area] or "" for area in where[where >= 0]]
        found = {max(sorted(set(stand)), key=stand.count)} if stand else set()
    own = np.zeros(len(COUNTRIES), np.bool_)
    own[[country_index(country) for country in found]] = True
    own[-1] = False  # ELSEWHERE is nobody's
    return own


def countries_around(own: np.ndarray) -> np.ndarray:
    """Give the countries that are near a network's own, and these: places in `COUNTRIES`, ascending.

    Parameters
    ----------
    own
        As `own_countries` gives it.

    Examples
    --------
    >>> own = np.array([country == "SL" for country in COUNTRIES])
    >>> [COUNTRIES[index] for index in countries_around(own)]
    ['GN', 'LR', 'SL']
    """
    return np.array(_around(tuple(np.flatnonzero(own).tolist())), np.int64)


@cache
def _around(own: tuple[int, ...]) -> list[int]:
    world = natural_earth()
    countries = np.array([country_index(country or "") for country in world.parents or ()])
    outlines = np.asarray(world.polygons)
    ours = outlines[np.isin(countries, own)]
    degrees = AT_BORDER / 111.0
    _, near = shapely.STRtree(outlines).query(ours, predicate="dwithin", distance=degrees)
    found = {*own, *countries[near].tolist()}
    return sorted(found - {len(COUNTRIES) - 1})


def near_country(network: Network, span: np.ndarray, country: np.ndarray) -> np.ndarray:
    """Say whether the cell of each span stands within `AT_BORDER` km of a country.

    Parameters
    ----------
    span
        Spans, -1 for none, shape (n,).
    country
        Places in `COUNTRIES`, shape (n,).

    Returns
    -------
    bool, shape (n,); False where the cell's place or the country's outline is not known.
    """
    found = np.zeros(len(span), np.bool_)
    for i in np.flatnonzero((span >= 0) & (country != UNKNOWN)):
        if network.state[span[i]] == PLACED:
            at = float(network.longitude[span[i]]), float(network.latitude[span[i]])
            found[i] = _is_near(*at, COUNTRIES[country[i]])
    return found


@lru_cache(maxsize=1 << 17)
def _is_near(longitude: float, latitude: float, country: str) -> bool:
    tree = _outline(country)
    if tree is None:
        return False
    around = shapely.Polygon(circle(longitude, latitude, AT_BORDER, CORNERS))
    return len(tree.query(around, predicate="intersects")) > 0


@cache
def _outline(country: str) -> shapely.STRtree | None:
    world = natural_earth()
    of = [shape for shape, parent in zip(world.polygons, world.parents or (), strict=True) if parent == country]
    return shapely.STRtree(of) if of else None
