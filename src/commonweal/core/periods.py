"""Periods: hours, days, weeks and months by the clock of a place, safe where the clock is moved.

A period is an interval between two *edges*, instants in UTC seconds; edges of one unit are contiguous, so every
instant lies in exactly one period. The zone is an IANA name and its rules come from the `tzdata` package, so that two
machines with the same lock file draw the same edges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from math import ceil, floor
from typing import Literal

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError
from commonweal.core.time_zones import LAST, Clock, clock, rules_version

Unit = Literal["hour", "day", "week", "month"]
Seconds = npt.NDArray[np.int64]
UNITS: tuple[Unit, ...] = ("hour", "day", "week", "month")
DAY = 86_400
EPOCH = date(1970, 1, 1)
CLOCK_EPOCH = datetime(1970, 1, 1)
FIRST_YEAR, LAST_YEAR = 1900, 2199


@dataclass(frozen=True)
class Calendar:
    """Periods by the clock of a time zone.

    Parameters
    ----------
    time_zone
        IANA name, such as ``Africa/Freetown``.
    day_starts
        Clock time at which a day (and a week, and a month) begins; with 04:00, a night out belongs to the day before.
    week_starts
        Weekday on which a week begins: 0 Monday … 6 Sunday.

    Raises
    ------
    InputError
        The zone is not known, the clock time has a zone or fractions of a second, or the weekday is not 0–6.

    Examples
    --------
    Nepal's hours begin at a quarter past the hour of UTC:

    >>> nepal = Calendar("Asia/Kathmandu")
    >>> edges = nepal.edges(date(2024, 1, 1), date(2024, 1, 2), "hour")
    >>> len(edges) - 1, nepal.labels(edges, "hour")[:2]
    (24, ['2024-01-01T00:00+05:45', '2024-01-01T01:00+05:45'])
    >>> datetime.fromtimestamp(int(edges[0]), UTC).isoformat()
    '2023-12-31T18:15:00+00:00'

    The last Sunday of March has 23 hours in Paris:

    >>> len(Calendar("Europe/Paris").edges(date(2024, 3, 31), date(2024, 4, 1), "hour")) - 1
    23
    """

    time_zone: str
    day_starts: time = time(0)
    week_starts: int = 0

    def __post_init__(self) -> None:
        clock(self.time_zone)
        if self.day_starts.tzinfo is not None or self.day_starts.microsecond:
            raise InputError(f"a day cannot start at {self.day_starts}", expected="a clock time such as 04:00")
        if self.week_starts not in range(7):
            raise InputError(f"a week cannot start on day {self.week_starts}", expected="0 Monday to 6 Sunday")

    @property
    def rules_version(self) -> str:
        """Version of the IANA time zone rules in use, such as ``2025b``; it belongs into a release's provenance."""
        return rules_version()

    def edges(self, start: date | datetime, end: date | datetime, unit: Unit) -> Seconds:
        r"""Give the edges of the periods that cover ``[start, end)``.

        With ``first(L)`` the first instant at which the clock shows L or later:

        - a **day** d begins at ``first(d + day_starts)``: where that time is skipped, the moment the clock jumps;
          where it comes twice, the first time. A day the zone skipped altogether (Samoa, 30 December 2011) has no
          period.
        - a **week** begins with the day that falls on `week_starts`, a **month** with its first day.
        - an **hour** is a stretch in which the clock runs through one hour: it begins when the clock shows a full
          hour, and anew when the clock is moved inside an hour. So it lasts 60 minutes, and less only around a move
          that is not of whole hours (Lord Howe Island moves its clock by half an hour).

        Parameters
        ----------
        start, end
            A date means the beginning of that day; a time without a zone is the place's clock. Years 1900–2199.
        unit
            ``hour``, ``day``, ``week`` or ``month``.

        Returns
        -------
        int64[n + 1], UTC seconds since 1970: strictly increasing; ``edges[0] <= start`` and ``edges[-1] >= end``, and
        no period lies wholly outside.

        Raises
        ------
        InputError
            `end` is not after `start`, a year is out of range, or the unit is not known.
        """
        since, until = floor(self._instant(start)), ceil(self._instant(end))
        if until <= since:
            raise InputError(f"the end {end} is not after the start {start}", expected="a later end")
        if unit == "hour":
            begun = self._clock.hours(since - 2 * 3600, until + 2 * 3600)
        elif unit in UNITS:
            # A move of the clock across the date line shifts dates by a day; two units on either side cover that.
            begun = self._starts(unit, self._date(since), self._date(until))
        else:
            raise InputError(f"there is no unit {unit!r}", expected=", ".join(UNITS))
        first = np.searchsorted(begun, since, side="right") - 1
        last = np.searchsorted(begun, until, side="left")
        edges: Seconds = begun[first : last + 1]
        return edges

    def index(self, times: npt.ArrayLike, edges: Seconds) -> npt.NDArray[np.int64]:
        """Give the period each instant lies in, or -1 where it lies in none.

        Parameters
        ----------
        times
            UTC seconds since 1970.
        edges
            int64[n + 1], as `edges` gives them.

        Examples
        --------
        >>> Calendar("UTC").index([-1, 0, 3599, 3600, 7200], np.array([0, 3600, 7200]))
        array([-1,  0,  0,  1, -1])
        """
        found = np.searchsorted(edges, np.asarray(times), side="right").astype(np.int64) - 1
        found[found == len(edges) - 1] = -1
        return found

    def labels(self, edges: Seconds, unit: Unit) -> list[str]:
        """Name each period by the clock at its beginning.

        Returns
        -------
        n labels: an hour ``2024-01-01T13:00+05:45`` (with the offset, which tells the two apart when an hour comes
        twice), a day ``2024-01-01``, a week by its first day, a month ``2024-01``.
        """
        begun = edges[:-1]
        if unit != "hour":
            days = (self._clock.from_utc(begun) - self._day_starts) // DAY
            form = "%Y-%m" if unit == "month" else "%Y-%m-%d"
            return [_date_of(day).strftime(form) for day in days.tolist()]
        offsets = self._clock.offset(begun).tolist()
        clocks = [CLOCK_EPOCH + timedelta(seconds=local) for local in self._clock.from_utc(begun).tolist()]
        return [
            f"{shown.isoformat(timespec='seconds' if shown.second else 'minutes')}{_offset_text(offset)}"
            for shown, offset in zip(clocks, offsets, strict=True)
        ]

    def to_utc(self, local: npt.ArrayLike) -> tuple[Seconds, npt.NDArray[np.bool_]]:
        """Turn clock times into instants.

        Parameters
        ----------
        local
            int64[n]: seconds the clock shows since its own 1970-01-01T00:00.

        Returns
        -------
        utc, valid
            int64[n] UTC seconds and bool[n]. A time the clock shows twice is its first occurrence (``fold=0``). A
            time the clock skips, or one past the year 2199, is not valid; its instant is the moment of the jump.

        Examples
        --------
        In Paris 02:30 was skipped on 31 March 2024 and came twice on 27 October:

        >>> def clock_shows(text): return int(datetime.fromisoformat(text + "+00:00").timestamp())
        >>> skipped, twice = clock_shows("2024-03-31T02:30"), clock_shows("2024-10-27T02:30")
        >>> utc, valid = Calendar("Europe/Paris").to_utc([skipped, twice])
        >>> valid
        array([False,  True])
        >>> datetime.fromtimestamp(int(utc[1]), UTC).isoformat()
        '2024-10-27T00:30:00+00:00'
        """
        return self._clock.to_utc(np.asarray(local, dtype=np.int64))

    def from_utc(self, utc: npt.ArrayLike) -> Seconds:
        """Give what the clock shows at each instant, in seconds since its own 1970-01-01T00:00.

        Raises
        ------
        InputError
            An instant lies past the year 2199, where this does not know the clock.
        """
        instants = np.asarray(utc, dtype=np.int64)
        if instants.size and instants.max() >= LAST:
            raise InputError("a time lies past the year 2199", expected="UTC seconds since 1970")
        return self._clock.from_utc(instants)

    @cached_property
    def _clock(self) -> Clock:
        return clock(self.time_zone)

    @cached_property
    def _day_starts(self) -> int:
        return self.day_starts.hour * 3600 + self.day_starts.minute * 60 + self.day_starts.second

    def _instant(self, moment: date | datetime) -> float:
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise InputError(f"the year {moment.year} is out of range", expected="a year from 1900 to 2199")
        if not isinstance(moment, datetime):
            return float(self._clock.first(np.array([_number(moment) * DAY + self._day_starts]))[0])
        if moment.tzinfo is not None:
            return moment.timestamp()
        shown = moment.replace(tzinfo=UTC).timestamp()
        return float(self._clock.first(np.array([floor(shown)]))[0]) + shown % 1

    def _date(self, instant: int) -> date:
        shown = int(self._clock.from_utc(np.array([instant]))[0])
        return _date_of((shown - self._day_starts) // DAY)

    def _starts(self, unit: Unit, since: date, until: date) -> Seconds:
        numbers = DATES[unit](since, until, self.week_starts)
        return np.unique(self._clock.first(numbers * DAY + self._day_starts))


def _number(day: date) -> int:
    return day.toordinal() - EPOCH.toordinal()


def _date_of(number: int) -> date:
    return date.fromordinal(number + EPOCH.toordinal())


def _offset_text(seconds: int) -> str:
    minutes, rest = divmod(abs(seconds), 60)
    text = f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{text}:{rest:02d}" if rest else text


def _days(since: date, until: date, week_starts: int) -> Seconds:
    return np.arange(_number(since) - 2, _number(until) + 3, dtype=np.int64)


def _weeks(since: date, until: date, week_starts: int) -> Seconds:
    # 1 January 1970 was a Thursday, weekday 3.
    into_week = (_number(since) + 3 - week_starts) % 7
    return np.arange(_number(since) - into_week - 7, _number(until) + 15, 7, dtype=np.int64)


def _months(since: date, until: date, week_starts: int) -> Seconds:
    first, last = np.datetime64(since, "M"), np.datetime64(until, "M")
    return np.arange(first - 1, last + 3).astype("datetime64[D]").astype(np.int64)


DATES: dict[Unit, Callable[[date, date, int], Seconds]] = {"day": _days, "week": _weeks, "month": _months}
