"""Import a file of areas into a set: all of it or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from commonweal.core import audit
from commonweal.core.areas.checking import Fault, Feature, features, refuse
from commonweal.core.areas.measuring import overlaps
from commonweal.core.areas.models import AreaRecord, AreaSet
from commonweal.core.areas.reading import read
from commonweal.core.areas.world import NAME as NATURAL_EARTH
from commonweal.core.database import Database
from commonweal.core.errors import Conflict, InputError, explain

SET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
CODES_SHOWN = 5


@dataclass(frozen=True)
class Import:
    """What an import did.

    Parameters
    ----------
    added, unchanged
        Areas newly stored, and areas that were there already, the same in every respect.
    warnings
        Overlaps between areas of one level, as sentences with km²: real outlines overlap by slivers.
    """

    added: int
    unchanged: int
    warnings: tuple[str, ...]


def import_file(
    database: Database,
    path: Path,
    *,
    name: str,
    code_field: str,
    who: str,
    name_field: str | None = None,
    parent_field: str | None = None,
    level: int = 1,
    valid_from: date | None = None,
    valid_to: date | None = None,
    layer: str | None = None,
) -> Import:
    """Store the areas of a file in a set, all or none.

    Importing a file again changes nothing. An area may come again with another outline, name or parent only for a
    time in which it is not yet there: `end` closes the earlier one.

    Parameters
    ----------
    name
        The set; it is made if there is none.
    code_field, name_field, parent_field
        Fields of the file. Without a name field the code is the name; parents are codes of areas already in the set,
        of a level above.
    level
        0 country, 1 the first division below, and so on.
    valid_from, valid_to
        First day on which the areas are valid, and first day on which they are no longer; none is without end.
    layer
        Layer of the file, where it has several.

    Raises
    ------
    InputError
        The file, its fields, codes, names, parents or outlines cannot be taken as they are, or the dates are the
        wrong way round.
    Conflict
        An area of the same code, but not the same, is valid at the same time.
    """
    _require_name(name)
    if valid_from and valid_to and valid_to <= valid_from:
        raise InputError(f"valid to {valid_to} is not after valid from {valid_from}", expected="a later valid-to")
    if level < 0:
        raise InputError(f"the level is {level}", expected="0 for countries, 1 for the first division, and so on")
    given = features(read(path, layer), path, code_field, name_field, parent_field)
    try:
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise explain(error, path) from error
    with database.transaction() as session:
        stored = _set(session, name)
        there = _at_the_same_time(session, stored, valid_from, valid_to)
        _require_parents(given, there, level, path, parent_field)
        new = _new(given, there, level, valid_from, valid_to, name)
        warnings = _overlap_warnings(given, new, [area for area in there if area.level == level])
        session.add_all(
            AreaRecord(
                set_id=stored.id,
                level=level,
                code=feature.code,
                name=feature.name,
                names=feature.names,
                parent=feature.parent,
                valid_from=valid_from,
                valid_to=valid_to,
                outline=_outline(feature),
            )
            for feature in new
        )
        if new:
            audit.record(
                session,
                who=who,
                action="areas.import",
                what=name,
                details={
                    "file": path.name,
                    "sha256": digest,
                    "areas": len(new),
                    "level": level,
                    "valid_from": _iso(valid_from),
                    "valid_to": _iso(valid_to),
                },
            )
    return Import(len(new), len(given) - len(new), warnings)


def _require_name(name: str) -> None:
    if name == NATURAL_EARTH:
        raise InputError(f"{NATURAL_EARTH} is built in", expected="another name for the set")
    if not SET_NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot name a set", expected="small letters, digits, dots and hyphens")


def _set(session: Session, name: str) -> AreaSet:
    """Give the set, made if need be and locked: what is checked next must still hold when it is written."""
    locked = select(AreaSet).where(AreaSet.name == name).with_for_update()
    stored = session.scalar(locked)
    if stored is None:
        stored = AreaSet(name=name)
        try:
            session.add(stored)
            session.flush()
        except IntegrityError:
            raise Conflict("another import has just made this set", where=f"set {name}", expected="again") from None
    return stored


def _at_the_same_time(session: Session, stored: AreaSet, since: date | None, until: date | None) -> list[AreaRecord]:
    query = select(AreaRecord).where(AreaRecord.set_id == stored.id)
    if until:
        query = query.where(AreaRecord.valid_from.is_(None) | (AreaRecord.valid_from < until))
    if since:
        query = query.where(AreaRecord.valid_to.is_(None) | (AreaRecord.valid_to > since))
    return list(session.scalars(query))


def _require_parents(
    given: Iterable[Feature], there: Iterable[AreaRecord], level: int, path: Path, parent_field: str | None
) -> None:
    above = {area.code for area in there if area.level < level}
    rows = list(given)
    faults = [
        Fault(
            number,
            f"field {parent_field!r}",
            f"the parent {feature.parent!r} is not in the set at that time",
            "the areas of the level above imported first, or no parent field",
        )
        for number, feature in enumerate(rows, 1)
        if feature.parent is not None and feature.parent not in above
    ]
    refuse(faults, path, [feature.code for feature in rows])


def _new(
    given: Iterable[Feature],
    there: Iterable[AreaRecord],
    level: int,
    valid_from: date | None,
    valid_to: date | None,
    name: str,
) -> list[Feature]:
    """Give the features that are not stored yet; one that is there differently is a conflict."""
    by_code: dict[str, list[AreaRecord]] = {}
    for area in there:
        by_code.setdefault(area.code, []).append(area)
    new, clashing = [], []
    for feature in given:
        same_code = by_code.get(feature.code, [])
        as_given = (level, feature.name, feature.names, feature.parent, valid_from, valid_to, _outline(feature))
        if not same_code:
            new.append(feature)
        elif [_content(area) for area in same_code] != [as_given]:
            clashing.append(feature.code)
    if clashing:
        raise Conflict(
            f"{len(clashing)} areas are already valid at that time and differ: {', '.join(clashing[:CODES_SHOWN])}",
            where=f"set {name}",
            expected="dates that do not overlap; commonweal areas end closes the earlier ones",
        )
    return new


def _content(area: AreaRecord) -> tuple[Any, ...]:
    return area.level, area.name, area.names, area.parent, area.valid_from, area.valid_to, area.outline


def _outline(feature: Feature) -> bytes:
    return bytes(shapely.to_wkb(shapely.normalize(feature.outline), byte_order=1))


def _overlap_warnings(given: list[Feature], new: list[Feature], same_level: list[AreaRecord]) -> tuple[str, ...]:
    outlines = np.array([feature.outline for feature in given], dtype=object)
    found = [(given[a].code, given[b].code, km2) for a, b, km2 in overlaps(outlines)]
    codes = {feature.code for feature in given}
    others = [area for area in same_level if area.code not in codes]
    if new and others:
        shapes = shapely.from_wkb([area.outline for area in others])
        added = np.array([feature.outline for feature in new], dtype=object)
        found += [(new[a].code, others[b].code, km2) for a, b, km2 in overlaps(added, shapes)]
    return tuple(f"areas {first} and {second} overlap by {km2:,.3f} km²" for first, second, km2 in found)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
