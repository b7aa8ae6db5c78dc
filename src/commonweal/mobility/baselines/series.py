"""A published table by day, laid out for comparison: a column for each area, or for each pair of areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Release, State
from commonweal.core.errors import InputError
from commonweal.core.periods import Calendar
from commonweal.disclosure.drafts import ROUNDED_TO

Numbers = npt.NDArray[np.float64]
Key = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class DaySeries:
    """Values of n days and m keys, as they were published.

    Parameters
    ----------
    keys
        m keys: (area,), or (origin, destination).
    dates
        n days by the place's clock, ascending; days without any row are not among them.
    values
        (n, m), NaN where nothing was published.
    states
        (n, m), what each value is or why there is none: ``reported``, ``suppressed``, …; ``missing`` where no row is.
    rounded_to
        (n,), the multiple that values of a day are rounded down to; 1 where they are not. None: none is.

    Raises
    ------
    InputError
        Shapes do not agree, or days are not ascending. Negative values, which noise may make, become 0.

    Examples
    --------
    >>> series = DaySeries.of([("A",), ("B",)], [date(2024, 1, 1), date(2024, 1, 2)], [[40, None], [38, 20]])
    >>> series.states.tolist()
    [['reported', 'suppressed'], ['reported', 'reported']]
    """

    keys: tuple[Key, ...]
    dates: tuple[date, ...]
    values: Numbers
    states: npt.NDArray[np.object_]
    rounded_to: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        shape = (len(self.dates), len(self.keys))
        if self.values.shape != shape or self.states.shape != shape:
            raise InputError(f"the values have shape {self.values.shape}", expected=f"{shape}, days by keys")
        if any(one >= other for one, other in zip(self.dates, self.dates[1:], strict=False)):
            raise InputError("the days are not in order", expected="each day once, ascending")
        if (self.values < 0).any():
            # Noise makes counts negative at times; for what is never negative, that is a small number.
            object.__setattr__(self, "values", np.where(self.values < 0, 0.0, self.values))

    @classmethod
    def of(
        cls, keys: Sequence[Key], dates: Sequence[date], values: Sequence[Sequence[float | None]] | npt.ArrayLike
    ) -> DaySeries:
        """Lay values out that are given as such; None and NaN are what is suppressed."""
        laid = np.array(values, dtype=np.float64).reshape(len(dates), len(keys))
        states = np.where(np.isnan(laid), State.SUPPRESSED.value, State.REPORTED.value).astype(object)
        return cls(tuple(keys), tuple(dates), laid, states)

    @property
    def rest(self) -> npt.NDArray[np.int64]:
        """How much more than it was published as each value may be, shape (n, 1)."""
        base = np.ones(len(self.dates), np.int64) if self.rounded_to is None else self.rounded_to
        return (base - 1)[:, None]

    @property
    def flows(self) -> bool:
        """Whether each key is a pair of areas."""
        return bool(self.keys) and len(self.keys[0]) == 2

    @property
    def areas(self) -> tuple[str, ...]:
        """Codes of all areas in the keys."""
        return tuple(sorted({code for key in self.keys for code in key}))

    @property
    def changed_on_purpose(self) -> tuple[str, ...]:
        """Which of its values are not as they were counted: ``rounded``, ``perturbed``."""
        found = set(np.unique(self.states.astype(str)).tolist())
        return tuple(state.value for state in (State.ROUNDED, State.PERTURBED) if state.value in found)

    def only(self, area: str) -> DaySeries:
        """Give what concerns one area."""
        kept = [place for place, key in enumerate(self.keys) if area in key]
        return replace(
            self,
            keys=tuple(self.keys[place] for place in kept),
            values=self.values[:, kept],
            states=self.states[:, kept],
        )


def joined(earlier: DaySeries, later: DaySeries) -> DaySeries:
    """Put the days of two tables of the same kind one after another; of a day in both, the later table's is taken.

    Examples
    --------
    >>> one = DaySeries.of([("A",)], [date(2024, 1, 1)], [[40]])
    >>> other = DaySeries.of([("A",), ("B",)], [date(2024, 1, 2)], [[38, 20]])
    >>> joined(one, other).values.tolist(), joined(one, other).states[0].tolist()
    ([[40.0, nan], [38.0, 20.0]], ['reported', 'missing'])
    """
    keys = tuple(sorted({*earlier.keys, *later.keys}))
    dates = tuple(sorted({*earlier.dates, *later.dates}))
    place, row = {key: at for at, key in enumerate(keys)}, {day: at for at, day in enumerate(dates)}
    values = np.full((len(dates), len(keys)), np.nan)
    states = np.full(values.shape, State.MISSING.value, dtype=object)
    for part in (earlier, later):
        rows = [row[day] for day in part.dates]
        values[rows], states[rows] = np.nan, State.MISSING.value
        where = np.ix_(rows, [place[key] for key in part.keys])
        values[where], states[where] = part.values, part.states
    return DaySeries(keys, dates, values, states)


def day_series(release: Release, table: pa.Table, period: str = "day") -> DaySeries:
    """Lay a release out whose keys are areas and time: presence, flows, or any with area or pair, start and value.

    Parameters
    ----------
    release, table
        What was published, and its rows.
    period
        Where the release has several units of time (column ``period``), which is read.

    Raises
    ------
    InputError
        It has no area, no ``start``, or no value.
    """
    ends, moments = areas_and_start(release)
    if not ends or len(ends) > 2 or moments is None or not release.schema.measures:
        raise InputError(
            f"its keys are {', '.join(release.schema.key)}",
            where=release.label,
            expected="one area, or origin and destination, and a start",
        )
    return _laid(release, table, ends, moments, period)


def total_series(release: Release, table: pa.Table) -> DaySeries:
    """Lay a release out that has one value a day and no areas, such as the daily events: its only key is ``()``.

    Raises
    ------
    InputError
        It has areas, no ``start``, or no value.
    """
    ends, moments = areas_and_start(release)
    if ends or moments is None or not release.schema.measures:
        raise InputError(
            f"its keys are {', '.join(release.schema.key)}", where=release.label, expected="a start and no area"
        )
    return _laid(release, table, (), moments, "day")


def _laid(release: Release, table: pa.Table, ends: tuple[str, ...], moments: str, period: str) -> DaySeries:
    if "period" in release.schema.key:
        table = table.filter(pc.equal(table.column("period"), period))
    if not table.num_rows:
        raise InputError("it has no rows by day", where=release.label, expected="days")
    measure = release.schema.measures[0]
    columns = [table.column(name).cast(pa.string()).to_pylist() for name in ends]
    rows: list[Key] = list(zip(*columns, strict=True)) if ends else [()] * table.num_rows
    keys = sorted(set(rows))
    place = {key: number for number, key in enumerate(keys)}
    at = np.array([place[key] for key in rows])
    dates, day = np.unique(_dates(release, table.column(moments)), return_inverse=True)
    if pc.count_distinct(table.column(moments)).as_py() > len(dates):
        raise InputError("it has several rows a day of one key", where=release.label, expected="days, not hours")
    values = np.full((len(dates), len(keys)), np.nan)
    values[day, at] = table.column(measure.name).cast(pa.float64()).to_numpy(zero_copy_only=False)
    states = np.full(values.shape, State.MISSING.value, dtype=object)
    states[day, at] = table.column(measure.state).to_pylist()
    rounded_to = None
    if ROUNDED_TO in table.column_names:
        rounded_to = np.ones(len(dates), np.int64)
        np.maximum.at(rounded_to, day, pc.fill_null(table.column(ROUNDED_TO), 1).to_numpy(zero_copy_only=False))
    return DaySeries(tuple(keys), tuple(dates.tolist()), values, states, rounded_to)


def areas_and_start(release: Release) -> tuple[tuple[str, ...], str | None]:
    """Name the dimensions of a release that are areas, and the one that is a moment or a day."""
    dimensions = release.schema.dimensions
    ends = tuple(one.name for one in dimensions if one.type == "area")
    order = {"origin": 0, "destination": 1}
    moments = [one.name for one in dimensions if one.type in ("timestamp", "date")]
    return tuple(sorted(ends, key=lambda name: order.get(name, 2))), moments[0] if moments else None


def calendar_of(release: Release) -> Calendar:
    """Give the clock by which a release was counted."""
    said = release.provenance.parameters
    return Calendar(said.get("time_zone", "UTC"), time.fromisoformat(said.get("day_starts", "00:00")))


def _dates(release: Release, column: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    if pa.types.is_date(column.type):
        return np.array(column.to_pylist(), dtype=object)
    seconds = column.cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy()
    starts, which = np.unique(seconds, return_inverse=True)
    shown = calendar_of(release).from_utc(starts)
    return np.array([datetime.fromtimestamp(int(one), UTC).date() for one in shown], dtype=object)[which]
