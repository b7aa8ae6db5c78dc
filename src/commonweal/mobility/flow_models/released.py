"""A published table of flows, laid out for models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Release, State
from commonweal.core.errors import InputError, NotFound
from commonweal.core.periods import Calendar
from commonweal.core.wording import Wording
from commonweal.mobility.flow_models.places import Numbers

ENDS = ("origin", "destination", "start")


@dataclass(frozen=True, eq=False)
class ReleasedFlows:
    """Flows by day.

    Parameters
    ----------
    codes
        (n,) the areas.
    dates
        (days,) by the clock of the release.
    flows
        (days, n, n); NaN where nothing was published: suppressed, missing, or no row.
    states
        (days, n, n) what each is, such as "suppressed"; "missing" where there is no row.
    measure
        Name of the column that was read.
    """

    codes: tuple[str, ...]
    dates: tuple[date, ...]
    flows: Numbers
    states: npt.NDArray[np.object_]
    measure: str

    @property
    def hidden(self) -> int:
        """How many flows between different areas were not published, of all days."""
        off = ~np.eye(len(self.codes), dtype=bool)
        return int(np.isnan(self.flows[:, off]).sum())

    @property
    def known_pairs(self) -> int:
        """Of how many pairs of different areas a flow was published on some day."""
        off = ~np.eye(len(self.codes), dtype=bool)
        return int((~np.isnan(self.flows[:, off])).any(axis=0).sum())

    def on(self, days: Sequence[date]) -> ReleasedFlows:
        """Give some days only; all if none is named.

        Raises
        ------
        NotFound
            The release has nothing of such a day.
        """
        absent = [day for day in days if day not in self.dates]
        if absent:
            raise NotFound(
                Wording("there are no flows of %(day)s", day=str(absent[0])),
                expected=Wording(
                    "a day from %(first)s to %(last)s", first=str(self.dates[0]), last=str(self.dates[-1])
                ),
            )
        at = [k for k, day in enumerate(self.dates) if not days or day in days]
        return ReleasedFlows(
            self.codes, tuple(self.dates[k] for k in at), self.flows[at], self.states[at], self.measure
        )

    def together(self) -> tuple[Numbers, Numbers]:
        """Add days up: (n, n) flows, NaN where never known; and (n, n) on how many days each was known, at least 1."""
        known = ~np.isnan(self.flows)
        times = known.sum(axis=0)
        return np.where(times > 0, np.nansum(self.flows, axis=0), np.nan), np.maximum(times, 1).astype(np.float64)


def released_flows(release: Release, table: pa.Table) -> ReleasedFlows:
    """Lay out a release that has origin, destination, start and one value.

    Raises
    ------
    InputError
        It is no table of flows by day, or it is empty.
    """
    names = [dimension.name for dimension in release.schema.dimensions]
    if sorted(names) != sorted(ENDS) or not release.schema.measures:
        raise InputError(
            f"its keys are {', '.join(names)}", where=release.label, expected=f"flows, with keys {', '.join(ENDS)}"
        )
    if not table.num_rows:
        raise InputError("it has no rows", where=release.label, expected="flows")
    measure = release.schema.measures[0]
    origin, destination = (table.column(name).combine_chunks().cast(pa.string()) for name in ENDS[:2])
    codes = sorted({*pc.unique(origin).to_pylist(), *pc.unique(destination).to_pylist()})
    seconds = table.column("start").cast(pa.timestamp("s", tz="UTC")).cast(pa.int64()).to_numpy()
    starts, day = np.unique(seconds, return_inverse=True)
    flows = np.full((len(starts), len(codes), len(codes)), np.nan)
    places = pa.array(codes, pa.string())
    i, j = (pc.index_in(column, places).to_numpy(zero_copy_only=False) for column in (origin, destination))
    flows[day, i, j] = table.column(measure.name).cast(pa.float64()).to_numpy(zero_copy_only=False)
    states = np.full(flows.shape, State.MISSING.value, dtype=object)
    states[day, i, j] = table.column(measure.state).to_pylist()
    said = release.provenance.parameters
    calendar = Calendar(said.get("time_zone", "UTC"), time.fromisoformat(said.get("day_starts", "00:00")))
    dates = tuple(datetime.fromtimestamp(int(shown), UTC).date() for shown in calendar.from_utc(starts))
    if len(set(dates)) < len(dates):
        raise InputError("it has flows by hour", where=release.label, expected="flows by day")
    return ReleasedFlows(tuple(codes), dates, flows, states, measure.name)
