"""Check what a file holds, and make areas of it: every fault is named by feature and field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from commonweal.core.areas.reading import WGS84, Layer
from commonweal.core.errors import InputError

FAULTS_SHOWN = 5
POLYGONAL = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
REASONS = {
    "Self-intersection": "the outline crosses itself",
    "Ring Self-intersection": "a ring touches itself",
    "Hole lies outside shell": "a hole lies outside its polygon",
    "Nested holes": "a hole lies inside a hole",
    "Nested shells": "a polygon lies inside another of the same area",
    "Interior is disconnected": "a hole cuts the polygon in two",
    "Duplicate Rings": "a ring is drawn twice",
    "Too few points in geometry component": "a ring has fewer than 4 points, or too few that differ",
}


@dataclass(frozen=True)
class Feature:
    """One area of a file, checked."""

    code: str
    name: str
    names: dict[str, str]
    parent: str | None
    outline: shapely.Geometry


@dataclass(frozen=True)
class Fault:
    """What is wrong with one feature, and what would be right."""

    number: int
    about: str
    what: str
    expected: str


def features(
    layer: Layer, path: Path, code_field: str, name_field: str | None, parent_field: str | None
) -> list[Feature]:
    """Make areas of a layer.

    Beside `name_field`, fields that differ from it in a language code only are names in that language:
    ``ADM2_EN`` and ``ADM2_FR``, or ``name``, ``name_fr`` and ``name_ar``.

    Raises
    ------
    InputError
        With every fault counted and the first five told: field not in the file; code or name missing or given twice;
        parent missing; geometry missing, of another kind, with invalid rings, or out of range.
    """
    if not layer.shapes:
        raise InputError("the file holds no features", where=path, expected="at least one area")
    for field in (code_field, name_field, parent_field):
        if field is not None and field not in layer.fields:
            raise InputError(f"there is no field {field!r}", where=path, expected=f"one of: {', '.join(layer.fields)}")
    codes = [_text(value) for value in layer.fields[code_field]]
    names = [_text(value) for value in layer.fields[name_field]] if name_field else codes
    nobody: list[str | None] = [None] * len(codes)
    parents = [_text(value) for value in layer.fields[parent_field]] if parent_field else nobody
    faults = _faults_of_texts(codes, code_field, "code")
    if name_field:
        faults += _faults_of_texts(names, name_field, "name", parents)
    if parent_field:
        faults += [_missing(number, parent_field, "parent") for number, parent in enumerate(parents, 1) if not parent]
    faults += [fault for number, shape in enumerate(layer.shapes, 1) for fault in faults_of_shape(number, shape)]
    refuse(faults, path, codes)
    languages = _languages(layer, name_field)
    made = []
    for k, (code, name, shape) in enumerate(zip(codes, names, layer.shapes, strict=True)):
        by_language = {language: _text(layer.fields[field][k]) for language, field in languages.items()}
        told = {language: text for language, text in by_language.items() if text}
        made.append(Feature(code or "", name or "", told, parents[k], shape))
    return made


def refuse(faults: Sequence[Fault], path: Path, codes: Sequence[str | None]) -> None:
    """Raise the faults of a file as one error, if there are any."""
    if not faults:
        return
    faults = sorted(faults, key=lambda fault: fault.number)
    shown = [f"{_place(fault, codes)}: {fault.what}" for fault in faults[:FAULTS_SHOWN]]
    more = [f"and {len(faults) - FAULTS_SHOWN} more faults"] if len(faults) > FAULTS_SHOWN else []
    expected = dict.fromkeys(fault.expected for fault in faults[:FAULTS_SHOWN])
    raise InputError("; ".join(shown + more), where=path, expected="; ".join(expected))


def _place(fault: Fault, codes: Sequence[str | None]) -> str:
    code = codes[fault.number - 1]
    return f"feature {fault.number}" + (f" (code {code})" if code else "") + f", {fault.about}"


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)  # a number kept as a fraction: 4.0 is the code 4
    return str(value).strip() or None


def _missing(number: int, field: str, what: str) -> Fault:
    return Fault(number, f"field {field!r}", f"the {what} is missing", f"a {what} for each area")


def _faults_of_texts(
    texts: Sequence[str | None], field: str, what: str, parents: Sequence[str | None] | None = None
) -> list[Fault]:
    faults = []
    seen: dict[tuple[str, str | None], int] = {}
    for number, text in enumerate(texts, 1):
        if text is None:
            faults.append(_missing(number, field, what))
            continue
        first = seen.setdefault((text, parents[number - 1] if parents else None), number)
        if first != number:
            once = "a code that is given once" if what == "code" else "names that differ within one parent"
            faults.append(Fault(number, f"field {field!r}", f"the {what} {text!r} is feature {first}'s too", once))
    return faults


def faults_of_shape(number: int, shape: shapely.Geometry | str | None) -> list[Fault]:
    """Say what is wrong with a feature's geometry, if anything is."""

    def fault(what: str, expected: str) -> list[Fault]:
        return [Fault(number, "geometry", what, expected)]

    if shape is None or (not isinstance(shape, str) and shape.is_empty):
        return fault("it is missing", "a polygon for each area")
    if isinstance(shape, str):
        return fault(shape, "closed rings of at least 4 points")
    if shapely.get_type_id(shape) not in POLYGONAL:
        return fault(f"it is a {shape.geom_type}", "polygons or multipolygons")
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        return fault("a coordinate is not a number", WGS84)
    west, south, east, north = shape.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        far = f"({west if west < -180 else east:g}, {south if south < -90 else north:g})"
        return fault(f"a point at {far} lies outside ±180, ±90, so it is probably projected", WGS84)
    if not shape.is_valid:
        reason, point = re.fullmatch(r"(.*?)(?:\[(.*)\])?", shapely.is_valid_reason(shape)).groups()  # type: ignore[union-attr]
        at = " at ({}, {})".format(*point.split()[:2]) if point else ""
        return fault(f"{REASONS.get(reason, reason)}{at}", "rings that neither cross nor touch themselves")
    return []


def _languages(layer: Layer, name_field: str | None) -> dict[str, str]:
    if name_field is None:
        return {}
    stem = re.sub(r"_[A-Za-z]{2}$", "", name_field)
    matches = {field: re.fullmatch(re.escape(stem) + r"_([A-Za-z]{2})", field) for field in layer.fields}
    return {match[1].lower(): field for field, match in matches.items() if match}
