"""A published table laid out by day, slot of the day and key: an hour is a slot, or a whole day is the only one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Release, State
from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.series import Key, Numbers, areas_and_start, calendar_of

HOURS = 24
DAY = 86_400
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SlotSeries:
    """Values of n days, s slots of a day and m keys, as they were published.

    Parameters
    ----------
    keys
        m keys: (area,), or (origin, destination).
    dates
        n days by the place's clock, one after another without a gap; a day without rows has none published.
    hours
        The hour of the clock of each slot, in the order of the day; none for whole days, which have one slot.
    values
        (n, s, m), NaN where nothing was published.
    states
        (n, s, m), what each value is or why there is none.
    least
        k: what is suppressed is from 0 to before it; None if nobody said, so that nothing is known of it.

    Examples
    --------
    >>> series = SlotSeries.of([("A",)], date(2024, 1, 1), [[[40]], [[None]]], least=15)
    >>> series.below[:, 0, 0].tolist(), series.dates[-1].isoformat()
    ([False, True], '2024-01-02')
    """

    keys: tuple[Key, ...]
    dates: tuple[date, ...]
    hours: tuple[int, ...]
    values: Numbers
    states: npt.NDArray[np.object_]
    least: int | None

    @classmethod
    def of(
        cls,
        keys: Sequence[Key],
        first: date,
        values: Sequence[Sequence[Sequence[float | None]]] | npt.ArrayLike,
        least: int | None = None,
    ) -> SlotSeries:
        """Lay values out that are given as such, (days, slots, keys); None and NaN are what is suppressed."""
        laid = np.array(values, dtype=np.float64)
        states = np.where(np.isnan(laid), State.SUPPRESSED.value, State.REPORTED.value).astype(object)
        dates = tuple(first + timedelta(day) for day in range(len(laid)))
        slots = laid.shape[1]
        return cls(tuple(keys), dates, tuple(range(slots)) if slots > 1 else (), laid, states, least)

    @property
    def below(self) -> Mask:
        """What is known to be below k: suppressed, where k is known."""
        if self.least is None:
            return np.zeros(self.values.shape, bool)
        return np.asarray(self.states == State.SUPPRESSED.value, bool)

    @property
    def flows(self) -> bool:
        """Whether each key is a pair of areas."""
        return bool(self.keys) and len(self.keys[0]) == 2

    @property
    def areas(self) -> tuple[str, ...]:
        """Codes of all areas in the keys."""
        return tuple(sorted({code for key in self.keys for code in key}))

    @property
    def reliable(self) -> float:
        """What is usually at least so much is seldom hidden: 2k, or 1."""
        return 2.0 * self.least if self.least else 1.0

    def before(self, day: date) -> SlotSeries:
        """Give the days before one."""
        end = sum(one < day for one in self.dates)
        return SlotSeries(self.keys, self.dates[:end], self.hours, self.values[:end], self.states[:end], self.least)


def slot_series(release: Release, table: pa.Table) -> SlotSeries:
    """Lay a release out: by hour, if it has hours, else by day.

    Raises
    ------
    InputError
        It has no areas, no start or no value, or it has other columns in its key.
    """
    ends, moments = areas_and_start(release)
    others = set(release.schema.key) - {*ends, "period", moments}
    if not ends or len(ends) > 2 or moments is None or others or not release.schema.measures:
        raise InputError(
            Wording("its keys are %(keys)s", keys=", ".join(release.schema.key)),
            where=release.label,
            expected=Wording("one area, or origin and destination, and a start"),
        )
    if "period" in release.schema.key:
        table = table.filter(pc.equal(table.column("period"), "hour"))
    if not table.num_rows:
        raise InputError(Wording("it has no rows by hour or day"), where=release.label, expected=Wording("some"))
    calendar = calendar_of(release)
    column = table.column(moments)
    if pa.types.is_date(column.type):
        shown, opens = column.cast(pa.int32()).to_numpy().astype(np.int64) * DAY, 0
    else:
        starts, which = np.unique(
            column.cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy(), return_inverse=True
        )
        shown = np.asarray(calendar.from_utc(starts))[which]
        opens = calendar.day_starts.hour * 3600 + calendar.day_starts.minute * 60 + calendar.day_starts.second
    day, second = np.divmod(shown - opens, DAY)
    hourly = bool((second != second[0]).any())
    hour = second // 3600 if hourly else np.zeros(len(second), np.int64)
    codes = [table.column(name).cast(pa.string()).to_pylist() for name in ends]
    rows: list[Key] = list(zip(*codes, strict=True))
    keys = sorted(set(rows))
    place = {key: number for number, key in enumerate(keys)}
    at = np.array([place[key] for key in rows])
    first, last = int(day.min()), int(day.max())
    shape = (last - first + 1, HOURS if hourly else 1, len(keys))
    measure = release.schema.measures[0]
    values, states = np.full(shape, np.nan), np.full(shape, State.MISSING.value, dtype=object)
    # An hour that a moved clock shows twice keeps its later rows; noise may make a count negative, which it never is.
    given = table.column(measure.name).cast(pa.float64()).to_numpy(zero_copy_only=False)
    values[day - first, hour, at] = np.where(given < 0, 0.0, given)
    states[day - first, hour, at] = table.column(measure.state).to_pylist()
    least = release.certificate.parameters.get("k") if release.certificate else None
    return SlotSeries(
        tuple(keys),
        tuple(date(1970, 1, 1) + timedelta(number) for number in range(first, last + 1)),
        tuple((opens // 3600 + slot) % HOURS for slot in range(HOURS)) if hourly else (),
        values,
        states,
        least,
    )
