"""Who may read which release, and what is noted of it: the one door to everything that is published.

A role opens a release if it covers the domain that it belongs to and all areas that it is about; an agreement if the
release lies wholly within it. Whatever shows values of a release opens it here, and the look is recorded.
"""

from __future__ import annotations

from datetime import date, time, timedelta
from functools import lru_cache
from typing import Any

import pyarrow.compute as pc
from fastapi import Request

from commonweal.core.areas import levels_of
from commonweal.core.catalog import Privacy, Release, datasets, get, releases
from commonweal.core.database import Database
from commonweal.core.identity import Permission
from commonweal.core.identity.extent import Extent
from commonweal.core.periods import Calendar
from commonweal.core.settings import Settings
from commonweal.web.access import visitor_of
from commonweal.web.looking import opened_by


def domain_of(dataset: str) -> str:
    """Give the domain that a dataset belongs to, the first part of its name."""
    return dataset.partition(".")[0]


def area_of(release: Release) -> str:
    """Give the area set that a release is about; empty if it is about no areas."""
    return release.area_set or str(release.provenance.parameters.get("area_set") or "")


def may_read(request: Request, release: Release) -> bool:
    """Say whether whoever asks may read a release: by a role for all it is about, or by an agreement that covers it."""
    return visitor_of(request).may_read(extent_of(request, release))


def opened(request: Request, release: Release) -> Release:
    """Give a release whose values whoever asks is about to see; the look is recorded before the answer leaves.

    Raises
    ------
    NotSignedIn, Refused
        They may not see it.
    """
    visitor, extent = visitor_of(request), extent_of(request, release)
    visitor.require_read(extent)
    if release.schema.privacy is Privacy.PEOPLE:
        opened_by(request)[release.dataset, release.version] = visitor.agreement_on(extent)
    return release


def extent_of(request: Request, release: Release) -> Extent:
    """Say what a release is about, as far as rights go."""
    state = request.app.state
    return Extent(
        release.dataset,
        area_of(release),
        lambda: _levels(state.settings, state.database, release.dataset, release.version),
        _days(release.provenance.parameters, release),
    )


@lru_cache(maxsize=1024)
def _levels(settings: Settings, database: Database, dataset: str, version: int) -> frozenset[int] | None:
    """Read from a release's own rows how fine its areas are, whatever it says of itself; it never changes."""
    release = get(database, dataset, version)
    if not release.schema.areas:
        return frozenset()
    table = release.table(settings)
    codes = {code for name in release.schema.areas for code in pc.unique(table.column(name)).to_pylist()}
    return levels_of(database, area_of(release), codes)


def _days(said: Any, release: Release) -> tuple[date, date] | None:
    """Give the days that a release says it is about, unless it has a period that lies in none of them."""
    try:
        first, last = date.fromisoformat(said["first_day"]), date.fromisoformat(said["last_day"])
        calendar = Calendar(said.get("time_zone", "UTC"), time.fromisoformat(said.get("day_starts", "00:00")))
        edges = calendar.edges(first, last + timedelta(days=1), "day")
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if release.periods:
        begins, ends = (moment.timestamp() for moment in release.periods)
        if begins < edges[0] or ends >= edges[-1]:
            return None
    return first, last


def readable(request: Request) -> list[Release]:
    """List the newest release of each dataset that whoever asks may read, by name."""
    found = (newest_readable(request, release) for release in datasets(request.app.state.database))
    return [release for release in found if release]


def newest_readable(request: Request, newest: Release) -> Release | None:
    """Give the newest release of a dataset, or the newest of those before it, that whoever asks may read."""
    if may_read(request, newest):
        return newest
    if not visitor_of(request).may_somewhere(Permission.READ, domain_of(newest.dataset)):
        return None
    before = reversed(releases(request.app.state.database, newest.dataset))
    return next((release for release in before if may_read(request, release)), None)


def versions_readable(request: Request, dataset: str) -> list[Release]:
    """List the releases of a dataset that whoever asks may read, the oldest first.

    Raises
    ------
    NotFound
        There is no such dataset.
    NotSignedIn, Refused
        They may read none of them.
    """
    visitor, database = visitor_of(request), request.app.state.database
    if not visitor.may_somewhere(Permission.READ, domain_of(dataset)):
        visitor.require(Permission.READ, domain_of(dataset), what=dataset)
    published = releases(database, dataset) or [get(database, dataset)]
    found = [release for release in published if may_read(request, release)]
    if not found:
        visitor.require_read(extent_of(request, published[-1]))
    return found


def one_readable(request: Request, dataset: str, version: int) -> Release:
    """Open a release by its version.

    Raises
    ------
    NotFound
        There is no such release.
    NotSignedIn, Refused
        They may not read it.
    """
    visitor = visitor_of(request)
    if not visitor.may_somewhere(Permission.READ, domain_of(dataset)):
        visitor.require(Permission.READ, domain_of(dataset), what=dataset)
    return opened(request, get(request.app.state.database, dataset, version))


def version_of(request: Request, dataset: str, asked: int | None) -> int | None:
    """Open the release that a page shows: the one asked for, or the newest that may be read; None if there is none.

    Raises
    ------
    NotFound, NotSignedIn, Refused
        As `one_readable`, for the one asked for.
    """
    if asked is not None:
        return one_readable(request, dataset, asked).version
    found = next((release for release in readable(request) if release.dataset == dataset), None)
    return opened(request, found).version if found else None
