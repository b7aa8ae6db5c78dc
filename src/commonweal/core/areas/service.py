"""What people do with stored areas: list, load, end, and ask when they change. `importing` is how they come in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from commonweal.core import audit
from commonweal.core.areas.models import AreaRecord, AreaSet
from commonweal.core.areas.polygons import Areas
from commonweal.core.areas.world import NAME as NATURAL_EARTH
from commonweal.core.areas.world import natural_earth
from commonweal.core.database import Database
from commonweal.core.errors import InputError, NotFound


@dataclass(frozen=True)
class Stretch:
    """The areas of one level of a set that share the time they are valid."""

    level: int
    valid_from: date | None
    valid_to: date | None
    areas: int


def end(database: Database, name: str, *, on: date, level: int, who: str, codes: Sequence[str] | None = None) -> int:
    """End areas that have no end yet, so that others can follow them.

    Parameters
    ----------
    on
        First day on which they are no longer valid.
    level, codes
        Which areas: all of a level, or those of it that have these codes.

    Returns
    -------
    How many areas were ended.

    Raises
    ------
    NotFound
        The set has no such areas without an end.
    InputError
        An area begins on that day or later.
    """
    with database.transaction() as session:
        stored = _stored(session, name)
        query = select(AreaRecord).where(
            AreaRecord.set_id == stored.id, AreaRecord.level == level, AreaRecord.valid_to.is_(None)
        )
        ended = [area for area in session.scalars(query) if codes is None or area.code in codes]
        unknown = set(codes or ()) - {area.code for area in ended}
        if unknown or not ended:
            raise NotFound(
                f"there is no area {', '.join(sorted(unknown)[:5]) or f'of level {level}'} without an end",
                where=f"set {name}",
            )
        for area in ended:
            if area.valid_from and area.valid_from >= on:
                raise InputError(
                    f"area {area.code} begins on {area.valid_from}", where=f"set {name}", expected="a later day"
                )
            area.valid_to = on
        audit.record(
            session,
            who=who,
            action="areas.end",
            what=name,
            details={"level": level, "on": on.isoformat(), "areas": len(ended)},
        )
    return len(ended)


def load(database: Database, name: str, at: date | None = None, level: int | None = None) -> Areas:
    """Give the areas of a set as they stood at a date.

    Parameters
    ----------
    name
        A stored set; or ``natural-earth`` for the world's admin-1 areas, ``natural-earth:GN,LR,SL`` for those of
        some countries.
    at
        The date; today if none. Natural Earth has one state only.
    level
        The level; the deepest that has areas at the date if none.

    Returns
    -------
    Areas in the order of their codes.

    Raises
    ------
    NotFound
        There is no such set, or it has no areas of that level at that date.

    Examples
    --------
    >>> from commonweal.core.database import Database
    >>> areas = load(Database("sqlite://"), "natural-earth:GN,LR,SL")
    >>> len(areas), areas.level
    (53, 1)
    """
    if _is_natural_earth(name):
        chosen = name.partition(":")[2]
        if level not in (None, 1):
            raise NotFound(f"{NATURAL_EARTH} has no level {level}", expected="level 1")
        return natural_earth([code.strip() for code in chosen.split(",")] if chosen else None)
    day = at or datetime.now(UTC).date()
    with database.reading() as session:
        stored = _stored(session, name)
        valid = list(session.scalars(select(AreaRecord).where(AreaRecord.set_id == stored.id, *_valid_on(day))))
    wanted = max((area.level for area in valid), default=None) if level is None else level
    found = sorted((area for area in valid if area.level == wanted), key=lambda area: area.code)
    if not found:
        level_asked = "" if level is None else f" of level {level}"
        raise NotFound(
            f"there is no area{level_asked} at {day}", where=f"set {name}", expected="see: commonweal areas show"
        )
    return _areas(found)


def changes(database: Database, name: str, first: date, last: date, level: int) -> list[date]:
    """Give the days of a period, after its first, on which areas of a level begin or are no longer valid.

    Parameters
    ----------
    name
        As for `load`. Natural Earth has one state only, so it never changes.
    first, last
        First and last-exclusive day.

    Raises
    ------
    NotFound
        There is no such set.
    """
    if _is_natural_earth(name):
        return []
    with database.reading() as session:
        stored = _stored(session, name)
        query = select(AreaRecord.valid_from, AreaRecord.valid_to).where(
            AreaRecord.set_id == stored.id, AreaRecord.level == level
        )
        edges = {day for area in session.execute(query.distinct()) for day in area if day is not None}
    return sorted(day for day in edges if first < day < last)


def sets(database: Database) -> list[tuple[str, int]]:
    """Give each set and how many areas it has over all time; Natural Earth, which is built in, comes first."""
    with database.reading() as session:
        query = (
            select(AreaSet.name, func.count(AreaRecord.id))
            .join(AreaRecord, AreaRecord.set_id == AreaSet.id)
            .group_by(AreaSet.name)
            .order_by(AreaSet.name)
        )
        return [(NATURAL_EARTH, len(natural_earth())), *((name, count) for name, count in session.execute(query))]


def stretches(database: Database, name: str) -> list[Stretch]:
    """Give which levels a stored set has, and from when to when.

    Raises
    ------
    NotFound
        There is no such set.
    """
    with database.reading() as session:
        stored = _stored(session, name)
        grouped = (AreaRecord.level, AreaRecord.valid_from, AreaRecord.valid_to)
        query = select(*grouped, func.count()).where(AreaRecord.set_id == stored.id).group_by(*grouped)
        found = [Stretch(*row) for row in session.execute(query)]
    return sorted(found, key=lambda s: (s.level, s.valid_from or date.min, s.valid_to or date.max))


def levels_of(database: Database, name: str, codes: Collection[str]) -> frozenset[int] | None:
    """Give the levels on which areas of a set have ever stood; None if one of them, or the set, is not known.

    Parameters
    ----------
    name
        As for `load`.
    codes
        Of the areas.

    Examples
    --------
    >>> from commonweal.core.database import Database
    >>> levels_of(Database("sqlite://"), "natural-earth:SL", ["SL-N"])
    frozenset({1})
    """
    if _is_natural_earth(name):
        return frozenset({1}) if set(codes) <= set(natural_earth().codes) else None
    with database.reading() as session:
        stood = select(AreaRecord.code, AreaRecord.level).join(AreaSet, AreaSet.id == AreaRecord.set_id).distinct()
        found = [row for row in session.execute(stood.where(AreaSet.name == name)).tuples() if row[0] in codes]
    return frozenset(level for _, level in found) if set(codes) <= {code for code, _ in found} else None


def _is_natural_earth(name: str) -> bool:
    return name == NATURAL_EARTH or name.startswith(f"{NATURAL_EARTH}:")


def _stored(session: Session, name: str) -> AreaSet:
    stored = session.scalar(select(AreaSet).where(AreaSet.name == name))
    if stored is None:
        names = session.scalars(select(AreaSet.name).order_by(AreaSet.name))
        raise NotFound(f"there is no area set {name!r}", expected="one of: " + ", ".join([NATURAL_EARTH, *names]))
    return stored


def _valid_on(day: date) -> tuple[Any, Any]:
    return (
        AreaRecord.valid_from.is_(None) | (AreaRecord.valid_from <= day),
        AreaRecord.valid_to.is_(None) | (AreaRecord.valid_to > day),
    )


def _areas(found: list[AreaRecord]) -> Areas:
    languages = sorted({language for area in found for language in area.names})
    return Areas(
        codes=tuple(area.code for area in found),
        names=tuple(area.name for area in found),
        polygons=shapely.from_wkb([area.outline for area in found]),
        parents=tuple(area.parent for area in found),
        names_by_language=MappingProxyType(
            {language: tuple(area.names.get(language) for area in found) for language in languages}
        ),
        level=found[0].level,
    )
