"""Changes as rows of plain values, and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from commonweal.core.errors import explain
from commonweal.mobility.baselines.baseline import GIVEN, Changes
from commonweal.mobility.baselines.displaced import Displaced


def value_records(changed: Changes) -> list[dict[str, Any]]:
    """Give every value beside its baseline; where there is no number, `why` says the reason.

    Examples
    --------
    >>> from datetime import date
    >>> from commonweal.mobility.baselines import DaySeries, Reference, changes
    >>> days = [date(2024, 1, day) for day in (1, 2, 3, 4)]
    >>> found = changes(DaySeries.of([("A",)], days, [40, 40, 40, None]), Reference(last=days[2], like="any"))
    >>> last = value_records(found)[3]
    >>> last["expected"], last["value"], last["change"], last["why"]
    (40.0, None, None, 'suppressed')
    """
    series, inside = changed.series, changed.in_reference
    ends = ("origin", "destination") if series.flows else ("area",)
    numbers = {
        "value": series.values,
        "expected": changed.expected,
        "spread": changed.spread,
        "change": changed.relative,
        "low": changed.low,
        "high": changed.high,
        "z": changed.z,
    }
    return [
        {
            **dict(zip(ends, key, strict=False)),
            "day": when.isoformat(),
            **{name: _plain(values[day, place]) for name, values in numbers.items()},
            "history": int(changed.history[day, place]),
            "state": series.states[day, place],
            "unusual": bool(changed.unusual[day, place]) if changed.why[day, place] == GIVEN else None,
            "in_baseline": bool(inside[day]),
            "why": changed.why[day, place],
        }
        for place, key in enumerate(series.keys)
        for day, when in enumerate(series.dates)
    ]


def displaced_records(found: Sequence[Displaced], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give displaced people as values."""
    return [
        {
            "origin": one.origin,
            "origin_name": names.get(one.origin, one.origin),
            "host": one.host,
            "host_name": names.get(one.host, one.host),
            "day": one.day.isoformat(),
            "people": round(one.people, 1),
            "low": round(one.low, 1),
            "high": round(one.high, 1),
            "days_known": one.known,
            "days": one.days,
        }
        for one in found
    ]


def write_csv(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV (RFC 4180); what has no value is empty.

    Raises
    ------
    CommonwealError
        The file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.DictWriter(file, list(records[0]) if records else [])
            rows.writeheader()
            rows.writerows(records)
    except OSError as error:
        raise explain(error, path) from error


def _plain(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
