"""The way through a release's time: which period is shown, what lies before and after, and what each is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError, NotFound
from commonweal.core.periods import Calendar
from commonweal.core.wording import Wording
from commonweal.web.languages import _
from commonweal.web.words import clock, day_in_words, days_in_words

Length = Literal["hour", "day"]


@dataclass(frozen=True)
class Shown:
    """One period: its unit and its beginning, in UTC seconds since 1970."""

    unit: Length
    start: int


@dataclass(frozen=True, eq=False)
class Timeline:
    """Hours and days of a release, by the clock of its place.

    Parameters
    ----------
    calendar
        Time zone and day boundary of the release.
    starts
        For each unit, the beginnings of its periods: UTC seconds, ascending, at least one in all.

    Examples
    --------
    >>> calendar = Calendar("Asia/Kathmandu")
    >>> hours = calendar.edges(date(2024, 1, 1), date(2024, 1, 3), "hour")[:-1]
    >>> timeline = Timeline(calendar, {"hour": hours})
    >>> shown = timeline.choose("2024-01-01T08:15Z")
    >>> timeline.label(shown)
    'Monday 1 January 2024, 14:00 – 15:00'
    >>> timeline.address(timeline.step(shown, 1))
    '2024-01-01T09:15Z'
    """

    calendar: Calendar
    starts: Mapping[Length, npt.NDArray[np.int64]]

    def choose(self, asked: str | None) -> Shown:
        """Give the period that an address asks for: the one it lies in.

        Parameters
        ----------
        asked
            ``2024-01-01`` for a whole day, ``2024-01-01T08:15Z`` for an hour (without a zone, by the place's clock);
            None for the newest hour, or the newest day where there are no hours.

        Raises
        ------
        InputError
            It is neither.
        NotFound
            The release has nothing of that time.
        """
        if not asked:
            unit: Length = "hour" if len(self.starts.get("hour", ())) else "day"
            return Shown(unit, int(self.starts[unit][-1]))
        try:
            if len(asked) == len("2024-01-01"):
                return self._at("day", self._instant(date.fromisoformat(asked)), asked)
            moment = datetime.fromisoformat(asked)
            instant = int(moment.timestamp()) if moment.tzinfo else self._instant(moment)
        except (ValueError, OverflowError, OSError):
            raise InputError(
                Wording("the period is not a date or a time"),
                where="start",
                expected=Wording("such as 2024-01-31 or 2024-01-31T14:00Z"),
            ) from None
        return self._at("hour", instant, asked)

    def _at(self, unit: Length, instant: int, asked: str) -> Shown:
        found = self._nearest(unit, instant)
        if not found.start <= instant < self.end(found):
            days = self.days()
            raise NotFound(
                Wording("nothing is published of %(asked)s", asked=asked),
                where="start",
                expected=days_in_words(self.date_of(days[0]), self.date_of(days[-1])),
            )
        return found

    def step(self, shown: Shown, by: int) -> Shown | None:
        """Give the period `by` places later, or None past either end."""
        starts = self.starts[shown.unit]
        place = int(np.searchsorted(starts, shown.start)) + by
        return Shown(shown.unit, int(starts[place])) if 0 <= place < len(starts) else None

    def days(self) -> list[int]:
        """Give the beginnings of all days that the release has something of, in UTC seconds."""
        instants = np.concatenate(list(self.starts.values()))
        return [int(self._edges[day]) for day in np.unique(self.calendar.index(instants, self._edges))]

    def day(self, start: int) -> int:
        """Give the beginning of the day an instant lies in."""
        return int(self._edges[np.searchsorted(self._edges, start, side="right") - 1])

    def hours(self, day: int) -> list[Shown]:
        """Give the hours of a day that the release has."""
        hours = self.starts.get("hour", np.array([], np.int64))
        last = self._edges[np.searchsorted(self._edges, day, side="right")]
        return [Shown("hour", int(hour)) for hour in hours[(hours >= day) & (hours < last)]]

    def in_unit(self, shown: Shown, unit: Length) -> Shown:
        """Give the day an hour lies in, or the middle hour of a day."""
        if unit == shown.unit:
            return shown
        day = self.day(shown.start)
        if unit == "day":
            return self._nearest("day", day)
        hours = self.hours(day)
        return hours[len(hours) // 2] if hours else self._nearest("hour", day)

    def address(self, shown: Shown) -> str:
        """Write a period as `choose` reads it. Hours are written in UTC, so an hour that comes twice has two names."""
        if shown.unit == "day":
            return self.date_of(shown.start).isoformat()
        return f"{datetime.fromtimestamp(shown.start, UTC):%Y-%m-%dT%H:%MZ}"

    def label(self, shown: Shown) -> str:
        """Say a period by the place's clock."""
        day = day_in_words(self.date_of(shown.start))
        if shown.unit == "day":
            return day
        return _(
            "%(day)s, %(start)s – %(end)s", day=day, start=self.clock(shown.start), end=self.clock(self.end(shown))
        )

    def end(self, shown: Shown) -> int:
        """Give the end of a period: the beginning of the next, in UTC seconds."""
        moment = datetime.fromtimestamp(shown.start, UTC)
        return int(self.calendar.edges(moment, moment + timedelta(seconds=1), shown.unit)[-1])

    def date_of(self, start: int) -> date:
        """Give the date of the day an instant belongs to; before the day boundary that is the day before."""
        place = int(np.searchsorted(self._edges, start, side="right")) - 1
        return date.fromisoformat(self._labels[place])

    def clock(self, start: int) -> str:
        """Say what the place's clock shows."""
        return clock(self.time(start))

    def time(self, start: int) -> time:
        """Give what the place's clock shows."""
        return datetime.fromtimestamp(int(self.calendar.from_utc([start])[0]), UTC).time()

    def _nearest(self, unit: Length, instant: int) -> Shown:
        unit = unit if len(self.starts.get(unit, ())) else ("hour" if unit == "day" else "day")
        starts = self.starts[unit]
        return Shown(unit, int(starts[max(int(np.searchsorted(starts, instant, side="right")) - 1, 0)]))

    def _instant(self, moment: date | datetime) -> int:
        unit: Length = "hour" if isinstance(moment, datetime) else "day"
        return int(self.calendar.edges(moment, moment + timedelta(days=1), unit)[0])

    @cached_property
    def _edges(self) -> npt.NDArray[np.int64]:
        instants = np.concatenate(list(self.starts.values()))
        first, last = (datetime.fromtimestamp(int(instant), UTC) for instant in (instants.min(), instants.max()))
        return self.calendar.edges(first, last + timedelta(seconds=1), "day")

    @cached_property
    def _labels(self) -> list[str]:
        return self.calendar.labels(self._edges, "day")
