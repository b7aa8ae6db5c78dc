"""Who may read which release: a role must cover the domain that it belongs to and all areas that it is about."""

from __future__ import annotations

from fastapi import Request

from commonweal.core.catalog import Release, datasets, get, releases
from commonweal.core.identity import Permission, Visitor
from commonweal.web.access import visitor_of


def domain_of(dataset: str) -> str:
    """Give the domain that a dataset belongs to, the first part of its name."""
    return dataset.partition(".")[0]


def area_of(release: Release) -> str:
    """Give the area set that a release is about; empty if it is about no areas."""
    return release.area_set or str(release.provenance.parameters.get("area_set") or "")


def may_read(visitor: Visitor, release: Release) -> bool:
    """Say whether a visitor may read a release. A role for one area set opens releases of just that set."""
    return visitor.may(Permission.READ, domain_of(release.dataset), area_of(release))


def require_read(visitor: Visitor, release: Release) -> None:
    """Do nothing if a visitor may read a release.

    Raises
    ------
    NotSignedIn, Refused
        They may not.
    """
    visitor.require(Permission.READ, domain_of(release.dataset), area_of(release), what=release.dataset)


def readable(request: Request) -> list[Release]:
    """List the newest release of each dataset that whoever asks may read, by name."""
    found = (newest_readable(request, release) for release in datasets(request.app.state.database))
    return [release for release in found if release]


def newest_readable(request: Request, newest: Release) -> Release | None:
    """Give the newest release of a dataset, or the newest of those before it, that whoever asks may read."""
    visitor = visitor_of(request)
    if may_read(visitor, newest):
        return newest
    if not visitor.may_somewhere(Permission.READ, domain_of(newest.dataset)):
        return None
    before = reversed(releases(request.app.state.database, newest.dataset))
    return next((release for release in before if may_read(visitor, release)), None)


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
    found = [release for release in published if may_read(visitor, release)]
    if not found:
        require_read(visitor, published[-1])
    return found


def one_readable(request: Request, dataset: str, version: int) -> Release:
    """Give a release that whoever asks may read.

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
    found = get(request.app.state.database, dataset, version)
    require_read(visitor, found)
    return found


def version_of(request: Request, dataset: str, asked: int | None) -> int | None:
    """Give the version that a page shows: the one asked for, or the newest that may be read; None if there is none.

    Raises
    ------
    NotFound, NotSignedIn, Refused
        As `one_readable`, for the one asked for.
    """
    if asked is not None:
        return one_readable(request, dataset, asked).version
    return next((release.version for release in readable(request) if release.dataset == dataset), None)
