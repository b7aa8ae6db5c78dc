"""What the address of such a page asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Query

from commonweal.mobility.pages.viewing import RELEASE


@dataclass(frozen=True)
class Asked:
    """What is asked for; everything may be left out.

    Parameters
    ----------
    table
        Name of the dataset, without the domain.
    release
        Its version.
    area
        Code of the chosen area.
    day, at
        A day, and which of its hours from 0.
    beside
        Another release, by area.
    only
        By dimension, the chosen value.
    """

    table: str | None = None
    release: int | None = None
    area: str | None = None
    day: str | None = None
    at: int | None = None
    beside: str | None = None
    only: Mapping[str, str] = field(default_factory=dict)


Table = Annotated[str | None, Query(description="Which table of the page, such as `homes`; else its first.")]
Beside = Annotated[
    str | None,
    Query(description="A release to show beside it by area: its name, @ and its version.", examples=["mobility.home"]),
]
Only = Annotated[str | None, Query(description="Where the table is told by it: only this value.")]


def asked_in_address(
    table: Table = None,
    release: Annotated[int | None, RELEASE] = None,
    area: Annotated[str | None, Query(description="Code of the chosen area.", examples=["SL-W"])] = None,
    day: Annotated[str | None, Query(description="Which day; without it, the newest.", examples=["2026-03-02"])] = None,
    at: Annotated[int | None, Query(description="Which hour of that day, from 0.", ge=0, le=24, examples=[8])] = None,
    beside: Beside = None,
    direction: Only = None,
    country: Only = None,
    who: Only = None,
    way: Only = None,
    nights: Only = None,
    rule: Only = None,
    label: Only = None,
    origin: Only = None,
    part: Only = None,
    period: Only = None,
) -> Asked:
    """Read what is asked for; what a table is not told by is not looked at."""
    told = {
        "direction": direction,
        "country": country,
        "who": who,
        "way": way,
        "nights": nights,
        "rule": rule,
        "label": label,
        "origin": origin,
        "part": part,
        "period": period,
    }
    only = {name: value for name, value in told.items() if value}
    return Asked(table, release, area or None, day or None, at, beside or None, only)
