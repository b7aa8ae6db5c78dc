"""Crossings: who came in and who went out, in which district, from or to which country, on which day.

Residents leave where they were located last before a visit to another country, on the day it begins, and come in where
they are located first after it. Visitors come in where a visit to the network's country is located first, and leave
where it is located last, on the day on which they are seen elsewhere, or else on that of their last event. Of visitors
who are seen in no country before or after, the country is their home. Only what is entered or left within the run
counts (`trips`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from commonweal.mobility.borders.counted import on_day
from commonweal.mobility.borders.places import countries_around, own_countries
from commonweal.mobility.measure import Window
from commonweal.mobility.mobile_countries import COUNTRIES

RESIDENT, VISITOR = "resident", "visitor"
WHO = (RESIDENT, VISITOR)


@dataclass(frozen=True, eq=False)
class Crossings:
    """One row a crossing; all int64, shape (n,).

    Parameters
    ----------
    subscriber
        Who.
    direction, who
        Places in `DIRECTIONS` and `WHO`.
    country
        The country on the other side, a place in `COUNTRIES`: those that are not around the network's are elsewhere.
    area
        Index of the district.
    start
        UTC second at which the day begins.
    """

    subscriber: np.ndarray
    direction: np.ndarray
    who: np.ndarray
    country: np.ndarray
    area: np.ndarray
    start: np.ndarray


def crossings(trips: pa.Table, window: Window) -> Crossings:
    """Find the crossings of visits over a run.

    Parameters
    ----------
    trips
        As `trips.derive` gives them.
    """
    assert window.network is not None
    rows = {name: trips[name].to_numpy() for name in trips.column_names}
    own = own_countries(window.network)
    here, ours = own[rows["country"]], own[rows["home"]]
    came_from = np.where(rows["before"] >= 0, rows["before"], rows["home"])
    went_to = np.where(rows["after"] >= 0, rows["after"], rows["home"])
    gone = np.where(rows["after"] >= 0, rows["after_start"], rows["end"])
    # A day that does not know whose resident somebody is does not count them abroad, so it does not see them leave.
    leaves = (rows["said"] > 0) & ours & (rows["before"] == rows["home"]) & (rows["before_area"] >= 0)
    returns = ours & (rows["after"] == rows["home"]) & (rows["after_area"] >= 0)
    enters = here & (rows["entered"] > 0) & (rows["entry_area"] >= 0)
    exits = here & (rows["left"] > 0) & (rows["exit_area"] >= 0)
    parts = [
        # direction, who, which, country, area, when
        (0, 1, enters, came_from, rows["entry_area"], rows["entry_at"]),
        (1, 1, exits, went_to, rows["exit_area"], gone),
        (1, 0, leaves, rows["country"], rows["before_area"], rows["start"]),
        (0, 0, returns, rows["country"], rows["after_area"], rows["after_at"]),
    ]
    columns = [
        (
            rows["subscriber"][which],
            np.full(which.sum(), direction),
            np.full(which.sum(), who),
            around(window, country[which]),
            area[which],
            on_day(window, when[which]),
        )
        for direction, who, which, country, area, when in parts
    ]
    return Crossings(*(np.concatenate(values) for values in zip(*columns, strict=True)))


def listed(window: Window) -> np.ndarray:
    """Give the countries by which crossings are counted, places in `COUNTRIES`: those around, the network's, the rest.

    They are known before anybody's records, so that the list of countries says nothing of anybody.
    """
    assert window.network is not None
    return np.append(countries_around(own_countries(window.network)), len(COUNTRIES) - 1)


def around(window: Window, country: np.ndarray) -> np.ndarray:
    """Count countries that are not listed as elsewhere."""
    return np.where(np.isin(country, listed(window)), country, len(COUNTRIES) - 1).astype(np.int64)
