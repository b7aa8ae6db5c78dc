"""How the cells of presence by week, by home, and of device activity hang together, with presence and with homes.

presence_by_week   an area and its parts: a union      its days of presence: a union, for all days that it counts
                   fewer days of a week: within more of it     home: covered by the weeks that make up the run
presence_by_home   here and elsewhere: a sum, which is presence of the day
                   here: within home; in an area: holds that of its parts
device_activity    an area and its parts: a union, over which events add up     the same as presence of the hour
flows, their kinds who came somewhere was there in the week
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.areas import Areas
from commonweal.disclosure import Keys, Kind, Relations, grouped
from commonweal.mobility.hanging_flows import chosen, inside, larger
from commonweal.mobility.measure import Scope

DAY = 86_400


def presence_kinds(areas: Areas, scope: Scope, keys: Mapping[str, Keys]) -> list[Relations]:
    """Say which cells of these datasets are parts of which."""
    found: list[Relations] = []
    presence, home, weekly, by_home, activity = (
        keys.get(f"mobility.{name}")
        for name in ("presence", "home", "presence_by_week", "presence_by_home", "device_activity")
    )
    if activity:
        found.append(larger(areas, activity, Kind.UNION, ("area",)))
        if presence:
            found.append(inside(Kind.SUM, presence, activity, period="hour"))
    if by_home:
        here = chosen(by_home, "lives", "here")
        found.append(larger(areas, by_home, Kind.WITHIN, ("area",), here))
        if presence:
            found.append(inside(Kind.SUM, presence, by_home, period="day"))
        if home:
            found.append(_lived(scope, home, by_home, here))
    if weekly:
        found.append(larger(areas, weekly, Kind.UNION, ("area",)))
        weeks = _Weeks(weekly)
        found.append(weeks.shorter())
        if presence:
            found.append(weeks.of_days(presence, "area", Kind.UNION, chosen(presence, "period", "day")))
        if home:
            found.append(weeks.residents(scope, home))
        if by_home:
            found.append(weeks.of_days(by_home, "area", Kind.WITHIN))
        for name, part in (("flows", None), ("flows_all_pairs", None), ("flows_consecutive", None)):
            flows = keys.get(f"mobility.{name}")
            if flows:
                found += [weeks.of_days(flows, end, Kind.WITHIN, part) for end in ("origin", "destination")]
    return found


def _lived(scope: Scope, home: Keys, by_home: Keys, here: np.ndarray) -> Relations:
    """Who was seen where they live has their home there, by the days of the run."""
    start = _seconds(by_home.table["start"])[here]
    here = here[(start >= scope.days[0]) & (start < scope.days[-1])]
    return inside(Kind.WITHIN, home, by_home, here, start=scope.times(np.full(len(here), scope.days[0])))


class _Weeks:
    """Cells of presence by week: (area, first second, days)."""

    def __init__(self, weekly: Keys) -> None:
        self.first = weekly.first
        self.area = np.array(weekly.table["area"].to_pylist(), object)
        self.start, self.days = _seconds(weekly.table["start"]), weekly.table["days"].to_numpy()
        # A clock that is moved makes a day an hour shorter or longer.
        self.until = self.start + self.days * DAY
        self.by_area: dict[str, list[int]] = {}
        for row, code in enumerate(self.area.tolist()):
            self.by_area.setdefault(code, []).append(row)

    def shorter(self) -> Relations:
        """A part of a week lies within what has more of its days."""
        wholes, parts = [], []
        for rows in self.by_area.values():
            for row in rows:
                for other in rows:
                    if self.days[other] > self.days[row] and self._holds(other, self.start[row], self.until[row]):
                        wholes.append(other + self.first)
                        parts.append(row + self.first)
        return _each(Kind.WITHIN, wholes, parts)

    def of_days(self, daily: Keys, column: str, kind: Kind, of: np.ndarray | None = None) -> Relations:
        """Whoever was somewhere on a day was there in the week; all its days together make it up."""
        rows = np.arange(daily.table.num_rows) if of is None else of
        start = _seconds(daily.table["start"])[rows]
        codes = daily.table[column].take(pa.array(rows)).to_pylist()
        wholes, parts = [], []
        for row, code, begins in zip(rows.tolist(), codes, start.tolist(), strict=True):
            for week in self.by_area.get(code, ()):
                if self._holds(week, begins, begins + DAY):
                    wholes.append(week)
                    parts.append(row)
        if kind is not Kind.UNION:
            return _each(kind, [week + self.first for week in wholes], [row + daily.first for row in parts])
        whole = np.array(wholes, np.int64)
        there = np.bincount(whole, minlength=len(self.days)) == self.days
        full = there[whole] if len(whole) else np.zeros(0, bool)
        return grouped(kind, np.where(full, whole + self.first, -1), np.array(parts, np.int64) + daily.first)

    def residents(self, scope: Scope, home: Keys) -> Relations:
        """Whoever lives in an area was there in one of the weeks that make up the run."""
        lived = _seconds(home.table["start"])
        wholes, parts = [], []
        for row, (code, begins) in enumerate(zip(home.table["area"].to_pylist(), lived.tolist(), strict=True)):
            weeks = [
                week
                for week in self.by_area.get(code, ())
                if self.start[week] >= scope.days[0] and self.until[week] <= scope.days[-1] + DAY // 4
            ]
            if begins == scope.days[0] and sum(int(self.days[week]) for week in weeks) == len(scope.days) - 1:
                wholes += [row + home.first] * len(weeks)
                parts += [week + self.first for week in weeks]
        return grouped(Kind.COVER, np.array(wholes, np.int64), np.array(parts, np.int64))

    def _holds(self, week: int, begins: int, ends: int) -> bool:
        slack = DAY // 4
        return bool(self.start[week] <= begins + slack and ends <= self.until[week] + slack)


def _each(kind: Kind, wholes: list[int], parts: list[int]) -> Relations:
    """Relate each part to its whole; the parts of one whole are gathered, which within is indifferent to."""
    return grouped(kind, np.array(wholes, np.int64), np.array(parts, np.int64))


def _seconds(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(pc.cast(column, pa.timestamp("us", tz="UTC")).cast(pa.int64())) // 1_000_000
