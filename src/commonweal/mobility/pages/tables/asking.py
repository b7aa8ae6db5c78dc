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

    release: int | None = None
    area: str | None = None
    day: str | None = None
    at: int | None = None
    beside: str | None = None
    only: Mapping[str, str] = field(default_factory=dict)


Beside = Annotated[
    str | None,
    Query(description="A release to show beside it by area: its name, @ and its version.", examples=["mobility.home"]),
]
WHICH = "Which table of the page; without it, the first that is published."
_ONLY = "Only this value, where the table is told by it."


def asked_in_address(
    release: Annotated[int | None, RELEASE] = None,
    area: Annotated[str | None, Query(description="Code of the chosen area.", examples=["SL-W"])] = None,
    day: Annotated[str | None, Query(description="Which day; without it, the newest.", examples=["2026-03-02"])] = None,
    at: Annotated[int | None, Query(description="Which hour of that day, from 0.", ge=0, le=24, examples=[8])] = None,
    beside: Beside = None,
    direction: Annotated[str | None, Query(description=_ONLY, examples=["in"])] = None,
    country: Annotated[str | None, Query(description=_ONLY, examples=["GN"])] = None,
    who: Annotated[str | None, Query(description=_ONLY, examples=["resident"])] = None,
    way: Annotated[str | None, Query(description=_ONLY, examples=["across"])] = None,
    nights: Annotated[str | None, Query(description=_ONLY, examples=["1"])] = None,
    rule: Annotated[str | None, Query(description=_ONLY, examples=["majority"])] = None,
    label: Annotated[str | None, Query(description=_ONLY, examples=["home"])] = None,
    origin: Annotated[str | None, Query(description=_ONLY, examples=["visitor"])] = None,
    part: Annotated[str | None, Query(description=_ONLY, examples=["either"])] = None,
    period: Annotated[str | None, Query(description=_ONLY, examples=["day"])] = None,
    lives: Annotated[str | None, Query(description=_ONLY, examples=["here"])] = None,
    days: Annotated[str | None, Query(description=_ONLY, examples=["7"])] = None,
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
        "lives": lives,
        "days": days,
    }
    only = {name: value for name, value in told.items() if value}
    return Asked(release, area or None, day or None, at, beside or None, only)
