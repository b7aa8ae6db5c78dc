"""Presence by week: distinct subscribers seen in an area during an ISO week, from Monday to Sunday.

For the days D of a run that lie in a week, by the clock of the place, and an area a::

    presence(week, a) = |{ s(i) : day(i) ∈ D, a(i) = a }|

counted from records, never by adding days. **A week of which not all days are in the run is named by how many days it
has**, ``days``, which is a part of its key, so that it is never taken for a whole one; and ``recorded_days`` says on
how many of these anything at all was recorded in an area, so that a day of outage shows.

Source: ISO 8601-1:2019, 3.1.1.23 (calendar week); UN-CEBD *Handbook on the Use of Mobile Phone Data for Official
Statistics*, presence at several levels of time.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Attribute, Dataset, Dimension, Privacy
from commonweal.core.engine import keyed_counts
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.behind import Behind, protection
from commonweal.mobility.borders.counted import SUBSCRIBERS
from commonweal.mobility.measure import Measure, Scope, Window
from commonweal.mobility.measures import visits
from commonweal.mobility.measures.home_change import DAY, period_of

WEEK = 0
DATASET = Dataset(
    name="mobility.presence_by_week",
    title=Wording("Presence by week"),
    description=Wording("Distinct subscribers seen in an area during an ISO week, or during some days of one."),
    dimensions=(
        Dimension("area", "area", Wording("Where they were seen."), hierarchy="area"),
        Dimension("start", "timestamp", Wording("When the first of the counted days begins."), hierarchy="period"),
        Dimension("days", "integer", Wording("How many days of the week were counted: 7 is a whole week."), unit="d"),
    ),
    measures=(SUBSCRIBERS,),
    attributes=(
        Attribute("week", "string", Wording("The ISO week, such as 2026-W05.")),
        Attribute("recorded_days", "integer", Wording("On how many of the counted days anything was recorded."), "d"),
    ),
    privacy=Privacy.PEOPLE,
    keywords=("presence", "week", "mobile phone data"),
    theme="SOCI",
)


def iso_week(day: int) -> str:
    """Name the ISO week of a day from 1970.

    >>> iso_week(20_483), iso_week(0)
    ('2026-W05', '1970-W01')
    """
    year, week, _ = date.fromordinal(date(1970, 1, 1).toordinal() + day).isocalendar()
    return f"{year}-W{week:02}"


def parts_of_weeks(dates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give for each day of a run where the counted part of its week begins in `dates`, and how many days that has.

    Examples
    --------
    From Saturday, 3 January 1970, to Monday the 5th:

    >>> parts_of_weeks(np.array([2, 3, 4]))
    (array([0, 0, 2]), array([2, 2, 1]))
    """
    _, first, inverse, many = np.unique(
        period_of(dates, WEEK), return_index=True, return_inverse=True, return_counts=True
    )
    return first[inverse], many[inverse]


def _weeks(window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the date of each day of the run, when its part of a week begins, and how many days that has."""
    assert window.wall is not None
    dates = window.wall[np.searchsorted(window.hours, window.days[:-1])] // DAY
    first, days = parts_of_weeks(dates)
    return dates, window.days[first].astype(np.int64) + window.starts, days


def behind(rows: pa.Table, window: Window) -> Behind:
    """Say who was where in which week."""
    dates, starts, days = _weeks(window)
    of = np.searchsorted(dates, rows["date"].to_numpy())
    area = rows["area"].to_numpy()
    named = {"start": starts[of], "days": days[of], "area": area, "date": np.zeros(len(of), np.int64)}
    return Behind(rows["subscriber"].to_numpy(), named)


def unrecorded(window: Window, visits: np.ndarray | None = None) -> pa.Table:
    """Tell of each day of the run, so that the grid has its week though nobody is in it, with its visits if given."""
    dates, starts, days = _weeks(window)
    named = {"start": starts, "days": days, "area": np.full(len(dates), -1), "date": dates}
    return keyed_counts(named, {"people": np.zeros(len(dates), np.int64) if visits is None else visits})


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's presence by week, and its visits by day, which say when anything was recorded."""
    dates = _weeks(window)[0]
    visits = np.bincount(np.searchsorted(dates, rows["date"].to_numpy()), minlength=len(dates))
    return pa.concat_tables([behind(rows, window).people(), unrecorded(window, visits)])


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name areas and times."""
    counts = counts.filter(pa.array(counts["area"].to_numpy() >= 0))
    return pa.table(
        {
            "area": scope.codes(counts["area"].to_numpy()),
            "start": scope.times(counts["start"]),
            "days": counts["days"],
            "subscribers": counts["people"],
            "people": counts["people"],
        }
    )


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every area in every week of which a day is in the run."""
    counts = counts.filter(pa.array(counts["area"].to_numpy() < 0))
    start, days, day, people = (counts[name].to_numpy() for name in ("start", "days", "date", "people"))
    begins, at = np.unique(start, return_index=True)
    recorded = [int((people[start == one] > 0).sum()) for one in begins]
    weeks = [iso_week(int(day[start == one].min())) for one in begins]
    areas, many = len(scope.areas), len(begins)
    return pa.table(
        {
            "area": pa.array(list(scope.areas) * many, pa.string()),
            "start": scope.times(np.repeat(begins, areas)),
            "days": np.repeat(days[at], areas),
            "week": pa.array(np.repeat(np.array(weeks, object), areas), pa.string()),
            "recorded_days": np.repeat(np.array(recorded, np.int64), areas),
        }
    )


# What day of a week puts somebody into it is not told apart, so no single day of it could be hidden.
PROTECTION = protection(
    title=Wording("Presence by week, with noise"),
    description=Wording(
        "Distinct subscribers seen in an area during an ISO week, or during some days of one, with noise that "
        "hides any one of them."
    ),
    behind=behind,
    columns={"days": 8, "area": 0, "date": 1},
    keys={Unit.DAY: 6, Unit.WEEK: 6, Unit.MONTH: 24},
    listed=unrecorded,
    weeks=True,
)
CHOICES = {
    "week_starts": Wording("Monday"),
    "part_of_a_week": Wording("a cell of its own, named by how many days it has"),
    "no_area": Wording("left out"),
}
MEASURE = Measure(DATASET, count, finish, grid, PROTECTION, of=visits.DERIVATION, usual=False, choices=CHOICES)
