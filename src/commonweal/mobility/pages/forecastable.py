"""The tables of which one can ask what is usual or expected, and how a page is asked for one of them and a place."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import numpy as np
from fastapi import Query, Request

from commonweal.core.catalog import Release, get
from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.series import Key, Numbers
from commonweal.mobility.forecasts.slots import SlotSeries
from commonweal.mobility.published import FLOWS, PRESENCE, require_area
from commonweal.web.geography import Geography, geography
from commonweal.web.languages import translated
from commonweal.web.reading import version_of

TABLES = {"presence": PRESENCE, "flows-by-hour": "mobility.flows_hourly", "flows": FLOWS}
TABLE_NAMES = {
    "presence": Wording("Presence by hour"),
    "flows-by-hour": Wording("Flows by hour"),
    "flows": Wording("Flows by day"),
}

Table = Annotated[str, Query(description="`presence`, `flows-by-hour` or `flows`.", examples=["presence"])]
Holidays = Annotated[str | None, Query(description="Days unlike others, to leave out.", examples=["2026-03-02"])]
Area = Annotated[str | None, Query(description="The area, or where the flow comes from.", examples=["SL-W"])]
To = Annotated[str | None, Query(description="Where the flow goes to.", examples=["SL-E"])]


def dataset_of(table: str) -> str:
    """Give the dataset that a page is asked for.

    Raises
    ------
    InputError
        It is none of `TABLES`.

    Examples
    --------
    >>> dataset_of("flows-by-hour")
    'mobility.flows_hourly'
    """
    if table not in TABLES:
        raise InputError(
            Wording("there is no table %(name)s", name=repr(table)), where="table", expected=", ".join(TABLES)
        )
    return TABLES[table]


def release_of(request: Request, dataset: str, asked: int | None) -> Release | None:
    """Give the release of a dataset that is asked for, or the newest; None if there is none."""
    version = version_of(request, dataset, asked)
    return None if version is None else get(request.app.state.database, dataset, version)


def places_of(request: Request, release: Release, series: SlotSeries) -> Geography:
    """Give the areas of a table as they were when it was made."""
    stood = release.provenance.parameters.get("areas_at")
    at = date.fromisoformat(stood) if stood else series.dates[0]
    return geography(request.app.state.database, release.area_set, series.areas, at)


def chosen_key(series: SlotSeries, values: Numbers, area: str | None, to: str | None) -> Key:
    """Choose the key that is asked for; where it is not said wholly, that with most of the values.

    Parameters
    ----------
    values
        (s, m), NaN where there is none.
    area, to
        Codes; nothing where it is not said. Of a table by area only the first counts.

    Raises
    ------
    InputError
        No such area, or no such pair, is in the table.

    Examples
    --------
    >>> series = SlotSeries.of([("A", "B"), ("A", "C"), ("B", "A")], date(2024, 1, 1), [[[20, 30, 90]]])
    >>> chosen_key(series, series.values[0], "A", None)
    ('A', 'C')
    """
    for code in (area, to):
        if code:
            require_area(series.areas, code)
    fits = [
        place
        for place, key in enumerate(series.keys)
        if (not area or key[0] == area) and (not to or len(key) == 1 or key[1] == to)
    ]
    if not fits:
        origin, destination = series.keys[0]
        raise InputError(
            Wording("there is no such flow in this release"),
            where="to" if to else "area",
            expected=Wording(
                "two areas such as %(origin)s and %(destination)s", origin=origin, destination=destination
            ),
        )
    totals = np.nansum(values, axis=0)
    return series.keys[max(fits, key=lambda place: totals[place])]


def pinned(release: Release, table: str, key: Key, **others: str) -> dict[str, str]:
    """Give the parameters that make a page show just this again, whatever is published later."""
    ends = dict(zip(("area", "to"), key, strict=False))
    said = {name: text for name, text in others.items() if text}
    return {"release": str(release.version), "table": table, **said, **ends}


def form(series: SlotSeries, places: Geography, asked: dict[str, str], release: int | None) -> dict[str, Any]:
    """Give what a form holds that asks for a table and a place.

    Parameters
    ----------
    asked
        As `pinned`.
    release
        The version that was asked for, which is kept; None where it is the newest.
    """
    return {
        "pinned": asked,
        "kept": [("release", release)] if release else [],
        "tables": [(name, translated(text), name == asked["table"]) for name, text in TABLE_NAMES.items()],
        "flows": series.flows,
        "areas": [(code, places.names[code]) for code in places.codes],
        "days": [series.dates[0].isoformat(), series.dates[-1].isoformat()],
    }
