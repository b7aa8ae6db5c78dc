"""The tables that forecast and nowcast are made of, and how a page is asked for one of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.published import FLOWS, PRESENCE
from commonweal.web.languages import translated

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


def choices(table: str) -> list[tuple[str, str, bool]]:
    """Give each table's name, what people call it, and whether it is the one that is shown."""
    return [(name, translated(text), name == table) for name, text in TABLE_NAMES.items()]
