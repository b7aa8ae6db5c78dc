"""Displaced people by origin and host area over time, from what is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import State
from commonweal.core.errors import InputError
from commonweal.mobility.baselines.baseline import Reference, changes
from commonweal.mobility.baselines.series import DaySeries


@dataclass(frozen=True)
class Displaced:
    """People of one area who are in another more than usual, up to a day.

    Parameters
    ----------
    origin, host
        Where they came from and where they are.
    day
        Up to when.
    people
        How many more went than usual, less those who came back, added up since the first day; below 0: more came back.
    low, high
        Interval.
    known, days
        On how many of the days both directions were published, and how many days there are. What is not published is
        left out, not zero: with few known days the number is a part only.
    """

    origin: str
    host: str
    day: date
    people: float
    low: float
    high: float
    known: int
    days: int


def displaced(
    moves: DaySeries, since: date, reference: Reference | None = None, level: float = 0.95
) -> list[Displaced]:
    r"""Add up, from a day on, how many more people went from one area to another than usual, less those who came back.

        e_ij(d) = x_ij(d) − b_ij(d)                                   excess over the baseline
        D_ij(d) = Σ_{t = since}^{d} e_ij(t) − e_ji(t)                 over days on which both directions are published
        interval: D ± q · √( Σ_t (s_ij² + s_ji²) + T² · π (s_ij²/2n + s_ji²/2n) )

    Any table with origin, destination, start and a value does. Flows need the baseline, since people move every day; a
    table that counts changes of home is given without a reference: each of its values is a move, b = 0 and s = √x.

    Parameters
    ----------
    moves
        Values by (origin, destination) and day.
    since
        First day that is added.
    reference
        What is usual; None if each value counts people who moved home.
    level
        Probability of the interval.

    Raises
    ------
    InputError
        The table has no origin and destination, or nothing from that day on.

    Examples
    --------
    >>> homes = DaySeries.of([("A", "B"), ("B", "A")], [date(2024, 1, 1), date(2024, 1, 2)], [[60, 20], [30, 20]])
    >>> [(one.origin, one.host, one.people) for one in displaced(homes, date(2024, 1, 1))]
    [('A', 'B', 40.0), ('A', 'B', 50.0)]
    """
    if not moves.flows:
        raise InputError(
            "it has no pairs of areas", where="displaced", expected="origin, destination, start and a value"
        )
    span = [number for number, day in enumerate(moves.dates) if day >= since]
    if not span:
        raise InputError(f"there is nothing from {since} on", where="displaced", expected=f"up to {moves.dates[-1]}")
    if reference is None:
        excess, spread = moves.values, np.sqrt(moves.values)
        history = np.full(moves.values.shape, np.inf)
    else:
        compared = changes(moves, reference, level)
        excess = np.where(np.isnan(compared.relative), np.nan, moves.values - compared.expected)
        spread = np.maximum(compared.spread, np.sqrt(compared.expected))
        history = np.maximum(compared.history, 1).astype(np.float64)
    found: list[Displaced] = []
    place = {key: number for number, key in enumerate(moves.keys)}
    for (origin, host), out in place.items():
        back = place.get((host, origin))
        if back is None or origin >= host:
            continue
        found += _added(moves, span, excess, spread, history, (origin, host), (out, back), level)
    return sorted(found, key=lambda one: (one.day, -one.people, one.origin, one.host))


def _added(
    moves: DaySeries,
    span: list[int],
    excess: np.ndarray,
    spread: np.ndarray,
    history: np.ndarray,
    ends: tuple[str, str],
    ways: tuple[int, int],
    level: float,
) -> list[Displaced]:
    from scipy.special import ndtri

    quantile = float(ndtri((1 + level) / 2))
    total, vary, shared, known = 0.0, 0.0, 0.0, 0
    found = []
    for passed, day in enumerate(span, 1):
        there, back = (excess[day, way] for way in ways)
        if not np.isnan(there + back):
            known += 1
            total += float(there - back)
            vary += float(sum(spread[day, way] ** 2 for way in ways))
            shared += float(sum(np.pi * spread[day, way] ** 2 / (2 * history[day, way]) for way in ways))
        if known:
            # Days share the error of their baseline: it grows with their number, not with its root.
            reach = quantile * (vary + known * shared) ** 0.5
            origin, host = ends if total >= 0 else ends[::-1]
            size = abs(total)
            found.append(Displaced(origin, host, moves.dates[day], size, size - reach, size + reach, known, passed))
    return found


@dataclass(frozen=True)
class NetResidents:
    """Home residents of an area before and after.

    Parameters
    ----------
    before, after
        Published counts; None where there is none.
    net, relative
        after − before and its part of `before`; None unless both are published.
    """

    area: str
    before: float | None
    after: float | None
    net: float | None
    relative: float | None


def net_residents(before: Mapping[str, float | None], after: Mapping[str, float | None]) -> list[NetResidents]:
    """Compare two releases of home areas: only net numbers, since they do not say who came from where.

    Both must stand for the same operator; where the number of its subscribers changed between the two, all areas change
    with it, which is no movement.

    Examples
    --------
    >>> for one in net_residents({"A": 200, "B": 100, "C": None}, {"A": 150, "B": 140, "C": 30}): print(one)
    NetResidents(area='A', before=200, after=150, net=-50, relative=-0.25)
    NetResidents(area='B', before=100, after=140, net=40, relative=0.4)
    NetResidents(area='C', before=None, after=30, net=None, relative=None)
    """
    found = []
    for area in sorted({*before, *after}):
        was, now = before.get(area), after.get(area)
        net = None if was is None or now is None else now - was
        found.append(NetResidents(area, was, now, net, net / was if net is not None and was else None))
    return sorted(found, key=lambda one: (one.net is None, one.net or 0.0, one.area))


def residents_of(table: pa.Table, area: str, measure: str) -> dict[str, float | None]:
    """Give the newest published value of each area; None where it is suppressed or missing."""
    rows = table.sort_by("start").to_pylist() if "start" in table.column_names else table.to_pylist()
    has_value = {state.value for state in State if state.has_value}
    return {row[area]: row[measure] if row[f"{measure}_state"] in has_value else None for row in rows}
