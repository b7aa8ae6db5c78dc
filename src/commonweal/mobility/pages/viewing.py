"""What a page of presence is asked for, and what it sees: a release, one of its periods, an area, layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from fastapi import Query, Request

from commonweal.core.catalog import Release
from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.pages import parts
from commonweal.mobility.published import (
    FLOWS,
    PRESENCE,
    QUALITY,
    Cell,
    DailySubscribers,
    Moves,
    Presence,
    daily_subscribers_of,
    moves_of,
    presence_of,
    require_area,
)
from commonweal.web.languages import _
from commonweal.web.reading import version_of
from commonweal.web.timeline import Length, Shown, Timeline

ADDRESS = "/mobility/presence"
UNITS: Mapping[Length, str] = {"hour": Wording("Hour by hour"), "day": Wording("Whole days")}
RELEASE = Query(description="Version of the release; without it, the newest.", ge=1, le=2**31 - 1, examples=[1])


@dataclass(frozen=True)
class Asked:
    """What an address of the page asks for."""

    start: str | None = None
    area: str | None = None
    flows: bool = False
    release: int | None = None
    beside: str | None = None

    @property
    def query(self) -> dict[str, str]:
        """The parameters that ask for it."""
        layer = "flows" if self.flows else None
        asked = {
            "release": self.release,
            "start": self.start,
            "area": self.area,
            "layer": layer,
            "beside": self.beside,
        }
        return {name: str(value) for name, value in asked.items() if value}

    def href(self) -> str:
        """Write the address."""
        return f"{ADDRESS}?{urlencode(self.query, safe=':')}#map"


@dataclass(frozen=True, eq=False)
class View:
    """What one page shows: published values, the period and area chosen, and the layers."""

    presence: Presence
    shown: Shown
    asked: Asked
    moves: Moves | None
    daily: DailySubscribers | None

    @property
    def timeline(self) -> Timeline:
        """The release's periods."""
        return self.presence.timeline

    @property
    def cells(self) -> list[Cell]:
        """What is published of each area in the period shown."""
        return self.presence.cells(self.shown)

    @property
    def label(self) -> str:
        """The period, in words."""
        return self.timeline.label(self.shown)

    @property
    def zone(self) -> str:
        """Whose clock it is."""
        return self.timeline.calendar.time_zone

    @property
    def lead(self) -> str:
        """The period, and by whose clock."""
        return " · ".join((self.label, _("time of %(zone)s", zone=self.zone)))

    @property
    def area(self) -> str:
        """The area chosen, or else the one with most people."""
        fullest = max(self.cells, key=lambda cell: -1.0 if cell.value is None else cell.value)
        return self.asked.area or fullest.code

    @property
    def sources(self) -> list[Release]:
        """The releases that it was read from."""
        return [self.presence.release, *([self.moves.release] if self.moves and self.asked.flows else [])]

    @property
    def pinned(self) -> dict[str, str]:
        """What asks for just this again, whatever is published later."""
        return replace(self.asked, release=self.presence.release.version).query

    def at(self, period: Shown) -> str:
        """Write the address of the same view of another period."""
        return replace(self.asked, start=self.timeline.address(period)).href()

    def name(self, code: str) -> str:
        """Name an area."""
        return self.presence.geography.names.get(code, code)


def view(request: Request, asked: Asked, slider: tuple[str, int] | None = None) -> View | None:
    """Read what is asked for; None if nothing is published.

    Parameters
    ----------
    request
        Whose site it is.
    asked
        What the address asks for.
    slider
        Day, and which of its hours, as the slider asks; it goes before ``start``.
    """
    settings, database = request.app.state.settings, request.app.state.database
    version = version_of(request, PRESENCE, asked.release)
    if version is None:
        return None
    presence = presence_of(settings, database, version)
    timeline = presence.timeline
    shown = _by_slider(timeline, *slider) if slider else timeline.choose(asked.start)
    moves = daily = None
    if flows := parts.opened_beside(request, presence.release, FLOWS):
        moves = moves_of(settings, database, flows.version, timeline, shown)
    if quality := parts.opened_beside(request, presence.release, QUALITY):
        daily = daily_subscribers_of(settings, database, quality.version, timeline, shown)
    if asked.area:
        require_area(presence.geography.codes, asked.area)
    chosen = replace(asked, start=timeline.address(shown), flows=asked.flows and moves is not None)
    return View(presence, shown, chosen, moves, daily)


def _by_slider(timeline: Timeline, day: str, place: int) -> Shown:
    try:
        date.fromisoformat(day)
    except ValueError:
        raise InputError(
            Wording("the period is not a date or a time"), where="day", expected=Wording("such as 2024-01-31")
        ) from None
    begins = timeline.choose(day).start
    hours = timeline.hours(timeline.day(begins))
    return hours[min(place, len(hours) - 1)] if hours else timeline.choose(day)
