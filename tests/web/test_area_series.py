"""A published table laid out by period and area."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.catalog import State
from commonweal.web.series import area_series

cells = st.dictionaries(
    st.tuples(st.integers(0, 5), st.sampled_from("ABCD")),
    st.one_of(st.none(), st.integers(0, 10**6)),
    min_size=1,
)


@settings(deadline=None)  # the first call loads Arrow's kernels
@given(cells, st.randoms())
def test_every_row_is_found_again_and_what_is_not_there_is_missing(published, shuffle):
    rows = list(published.items())
    shuffle.shuffle(rows)
    table = pa.table(
        {
            "start": pa.array(
                [datetime.fromtimestamp(day * 86400, UTC) for (day, _), _ in rows], pa.timestamp("us", "UTC")
            ),
            "area": [area for (_, area), _ in rows],
            "n": pa.array([value for _, value in rows], pa.int64()),
            "n_state": ["suppressed" if value is None else "reported" for _, value in rows],
        }
    )
    series = area_series(table, start="start", area="area", measure="n", areas="ABCD")
    for day in range(6):
        if day * 86400 not in series.starts:
            continue
        period = series.index(day * 86400)
        for place, area in enumerate("ABCD"):
            if (day, area) not in published:
                assert (series.value(period, place), series.state(period, place)) == (None, State.MISSING)
            elif published[day, area] is None:
                assert (series.value(period, place), series.state(period, place)) == (None, State.SUPPRESSED)
            else:
                assert (series.value(period, place), series.state(period, place)) == (
                    published[day, area],
                    State.REPORTED,
                )
    assert series.counted(State.SUPPRESSED) == sum(value is None for value in published.values())
    assert sorted(series.reported()) == sorted(value for value in published.values() if value is not None)


def test_areas_that_are_not_asked_for_are_left_out():
    table = pa.table(
        {"day": pa.array([0, 0], pa.date32()), "area": ["A", "Z"], "n": [1, 2], "n_state": ["reported"] * 2}
    )
    series = area_series(table, start="day", area="area", measure="n", areas=["A"])
    assert np.array_equal(series.values, [[1.0]])
