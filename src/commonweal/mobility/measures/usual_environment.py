"""Usual environment, home, second home and work by permanence: daily scores, added up over months and over the run.

With the daily score of `permanence`, a day from 04:00 to 04:00, and for each of four times::

    all        every hour
    night      hours from 18:00 to 08:00, of the day on which the night begins
    working    hours from 08:00 to 17:00, Monday to Friday
    free       nights that begin on Friday or Saturday

    ps(a)      = Σ over hours of score(a)              days(a) = days with a score
    ps, days   the same of all areas together

added up over the days of the run, so over its months. Seldom seen subscribers, with ps < 12.5 for each day of the run
or days < 5/12 of them, all hours, are left out. Then, for each of the labels, of areas in order of ps, all hours:

1. *Gap.* An area is kept until ps falls from one to the next by at least 20 % of the largest, for the usual
   environment; by at least 1, so only those with the largest, for home; the same of working hours for work.
2. *Usual environment.* Of those kept: with ps(a) ≥ 70 % of ps; or with as large a share of nights; or of working hours;
   or with days(a) ≥ 70 % of days.
3. *Home*, of areas of the usual environment: with ps(a) ≥ 80 % of ps; if there is none, with as large a share of
   nights; if there is none, with as large a share of days with a night.
4. *Work*, of all areas: with ≥ 80 % of working hours; if there is none, with ≥ 80 % of days with a working hour.
5. *Second home.* Of whoever has a home: of areas that are none, the one with the largest ps of free nights (several if
   they have the same), if its days of free nights are ≥ 20 % of all of them, and at least 3, so of two weekends.

::

    people(label, a) = |{ s : a has the label for s }|

Source: Eurostat, *multimno* 1.0, ``MidtermPermanenceScore``, ``LongtermPermanenceScore`` and
``UsualEnvironmentLabeling`` with the thresholds of its documentation (1 500 and 50 for the 120 days of its example);
there of tiles, here of areas, each counted whole. There work is looked for in the usual environment alone. Of tiles the
scores fall bit by bit from home to work, of areas at one stroke that the gap cuts off, so hardly anybody would work
outside the area of home; here work need not be in the usual environment. No holidays are known, and hours abroad or
outside all areas are none of ps. multimno has no label of second homes; the fifth rule is this project's, made of its
scores, with 20 % as its gap of the usual environment. That second homes are where nights and weekends are spent: J.
Raun, R. Ahas, M. Tiru, *Measuring tourism destinations using mobile tracking data* (2016).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Kind, Privacy
from commonweal.core.catalog import Measure as Value
from commonweal.core.engine import keyed_counts
from commonweal.core.kernels import kernel
from commonweal.core.wording import Wording
from commonweal.disclosure.private.unit import Unit
from commonweal.mobility.bounding import Members, Protection
from commonweal.mobility.cleaning.parameters import DEFAULT
from commonweal.mobility.measure import Measure, Scope, Window, product
from commonweal.mobility.measures import permanence
from commonweal.mobility.measures.homes import BEGUN

DAY_BEGINS = 4
NIGHT = (18, 8)
WORKING = (8, 17)
WORKDAYS = 5
SCORE_A_DAY, DAYS_SEEN = 12.5, 5 / 12
"""Below which, for each day of the run, somebody is seldom seen."""
GAP_SHARE = 0.20
USUAL_SHARE, HOME_SHARE, WORK_SHARE = 0.70, 0.80, 0.80
USUAL_DAYS_SHARE, DAYS_SHARE = 0.70, 0.80
FREE_NIGHTS = (4, 5)
"""Weekdays on which a free night begins, 0 Monday."""
FREE_SHARE, FREE_LEAST = 0.20, 3
LABELS = ("usual environment", "home", "work", "second home")
USUAL, HOME, WORK, SECOND = range(4)
TIMES = ("all", "night", "working", "free")
ALL, AT_NIGHT, AT_WORK, AT_LEISURE = range(4)

DATASET = Dataset(
    name="mobility.usual_environment",
    title=Wording("Usual environment, homes and work"),
    description=Wording(
        "Subscribers by the areas of their usual environment, of their home, of their work and of their second home."
    ),
    dimensions=(
        Dimension("area", "area", Wording("The area."), hierarchy="area"),
        Dimension("label", "string", Wording("Usual environment, home, work or second home."), title=Wording("Label")),
        BEGUN,
    ),
    measures=(
        Value(
            "subscribers",
            "integer",
            Wording("Subscribers for whom the area has the label."),
            "{subscribers}",
            Kind.UNION,
            counts="subscribers",
            union_over=("start",),
        ),
    ),
    privacy=Privacy.PEOPLE,
    keywords=("home", "second home", "work", "usual environment", "mobile phone data"),
    theme="SOCI",
)


@dataclass(frozen=True, eq=False)
class Scores:
    """Long-term scores: a row for each subscriber and area, sorted by both, and for each subscriber.

    Parameters
    ----------
    subscriber
        Pseudonyms, int64, ascending, shape (n,).
    first
        Subscriber s has the rows ``first[s]`` to before ``first[s + 1]``.
    area
        int32, shape (rows,).
    score, days
        int64, shape (times, rows).
    whole, seen
        Scores and days of all areas together, int64, shape (times, n).
    """

    subscriber: np.ndarray
    first: np.ndarray
    area: np.ndarray
    score: np.ndarray
    days: np.ndarray
    whole: np.ndarray
    seen: np.ndarray


def scores(rows: pa.Table, begins: int, ends: int) -> Scores:
    """Add daily scores up.

    Parameters
    ----------
    rows
        Of `permanence`, sorted by (subscriber, day).
    begins, ends
        First and last-exclusive date that is added up, days from 1970: of a month, or of a longer time.

    Examples
    --------
    In area 3 from 02:00 to 05:00 and at 10:00 of Friday, 2 January 1970: two hours of the day before.

    >>> found = scores(pa.table({"subscriber": [7], "date": pa.array([1], pa.int32()),
    ...     "begins": pa.array([0], pa.int8()), "area": pa.array([3], pa.int32()),
    ...     "hours": pa.array([0b10000011100], pa.int32())}), 0, 9)
    >>> found.score[:, 0].tolist(), found.days[:, 0].tolist()
    ([4, 3, 1, 0], [2, 1, 1, 0])
    """
    found = _added_up(
        *(rows[name].to_numpy() for name in ("subscriber", "date", "begins", "area", "hours")), begins, ends
    )
    return Scores(*found)


@kernel()
def _added_up(
    subscriber: np.ndarray,
    date: np.ndarray,
    begun: np.ndarray,
    area: np.ndarray,
    hours: np.ndarray,
    begins: int,
    ends: int,
) -> tuple:  # type: ignore[type-arg]
    """Give the fields of `Scores`: an hour of the clock is a bit, and so is a time on a date."""
    night = _hours(NIGHT[0], 24) | _hours(0, NIGHT[1])
    chosen = (_hours(0, 24), night, _hours(WORKING[0], WORKING[1]), night)
    # Of the date before that of the clock: a night is of that on which it begins.
    earlier = (_hours(0, DAY_BEGINS), _hours(0, NIGHT[1]), 0, _hours(0, NIGHT[1]))
    length, areas = max(0, ends - begins), 1
    for a in area:
        areas = max(areas, a + 1)
    whose, first = np.empty(len(area), np.int64), np.zeros(len(area) + 1, np.int64)
    where = np.empty(len(area), np.int32)
    score, days = np.zeros((4, len(area)), np.int64), np.zeros((4, len(area)), np.int64)
    whole, seen = np.zeros((4, len(area)), np.int64), np.zeros((4, len(area)), np.int64)
    slot_of = np.full(areas, -1, np.int64)
    on_date = np.zeros((4, length), np.int64)  # hours of each time and date, of the present subscriber
    there = np.zeros((areas, length), np.uint8)  # times of each of the subscriber's areas and dates
    people, size, start = 0, 0, 0
    while start < len(area):
        end, own = start, size
        while end < len(area) and subscriber[end] == subscriber[start]:
            if slot_of[area[end]] < 0:
                slot_of[area[end]], where[size] = 0, area[end]
                size += 1
            end += 1
        where[own:size].sort()
        for row in range(own, size):
            slot_of[where[row]] = row
        for i in range(start, end):
            row = slot_of[area[i]]
            later = _hours(0, begun[i])
            for time in range(4):
                bits = hours[i] & chosen[time]
                before = earlier[time]
                for off in range(-1, 2):
                    of = bits & (before & ~later, ~(before ^ later), later & ~before)[off + 1]
                    when = date[i] + off
                    if of == 0 or when < begins or when >= ends:
                        continue
                    weekday = (when + 3) % 7
                    if time == AT_WORK and weekday >= WORKDAYS:
                        continue
                    if time == AT_LEISURE and weekday != FREE_NIGHTS[0] and weekday != FREE_NIGHTS[1]:
                        continue
                    score[time, row] += _many(of)
                    # An hour that two areas share is one hour of their subscriber.
                    known = on_date[time, when - begins]
                    whole[time, people] += _many(of & ~known)
                    seen[time, people] += known == 0
                    on_date[time, when - begins] = known | of
                    already = there[row - own, when - begins]
                    days[time, row] += already >> time & 1 == 0
                    there[row - own, when - begins] = already | 1 << time
        for row in range(own, size):
            slot_of[where[row]] = -1
        on_date[:] = 0
        there[: size - own] = 0
        whose[people], first[people] = subscriber[start], own
        people += 1
        start = end
    first[people] = size
    return (
        whose[:people].copy(),
        first[: people + 1].copy(),
        where[:size].copy(),
        score[:, :size].copy(),
        days[:, :size].copy(),
        whole[:, :people].copy(),
        seen[:, :people].copy(),
    )


@kernel(inline="always")
def _hours(begins: int, ends: int) -> int:
    """The bits of hours from one to before another."""
    return (1 << ends) - (1 << begins)


@kernel(inline="always")
def _many(bits: int) -> int:
    """How many of 32 bits are set, by adding neighbours up."""
    bits -= bits >> 1 & 0x55555555
    bits = (bits & 0x33333333) + (bits >> 2 & 0x33333333)
    bits = (bits + (bits >> 4)) & 0x0F0F0F0F
    return bits * 0x01010101 >> 24 & 0xFF


@kernel()
def labelled(
    first: np.ndarray, score: np.ndarray, days: np.ndarray, whole: np.ndarray, seen: np.ndarray, run: int
) -> np.ndarray:
    """Which areas have which label, bool, shape (labels, rows).

    Parameters
    ----------
    first, score, days, whole, seen
        Of `Scores`.
    run
        How many days are looked at.

    Examples
    --------
    Ten days: 200 hours in one area, 40 in another, where 36 of 40 working hours are.

    >>> score = np.array([[200, 40], [120, 0], [4, 36], [40, 0]])
    >>> days = np.array([[10, 5], [10, 0], [2, 5], [3, 0]])
    >>> whole, seen = np.array([[240], [120], [40], [40]]), np.array([[10], [10], [5], [3]])
    >>> found = labelled(np.array([0, 2]), score, days, whole, seen, 10)
    >>> found.astype(int).tolist()
    [[1, 0], [1, 0], [0, 1], [0, 0]]
    """
    found = np.zeros((4, score.shape[1]), np.bool_)
    for s in range(len(first) - 1):
        if whole[ALL, s] < SCORE_A_DAY * run or seen[ALL, s] < DAYS_SEEN * run:
            continue
        low, high = first[s], first[s + 1]
        for label in range(3):
            of = AT_WORK if label == WORK else ALL
            # Where the label is looked for, and what of it the gap leaves.
            kept = score[of, low:high] > 0
            if label == HOME:
                kept &= found[USUAL, low:high]
            order = low + np.argsort(np.where(kept, -score[of, low:high], 1))[: kept.sum()]
            if len(order) == 0:
                continue
            gap = GAP_SHARE * score[of, order[0]] if label == USUAL else 1.0
            for place in range(1, len(order)):
                if score[of, order[place - 1]] - score[of, order[place]] >= gap:
                    order = order[:place]
                    break
            share = (USUAL_SHARE, HOME_SHARE, WORK_SHARE)[label]
            for time in (ALL, AT_NIGHT, AT_WORK):
                if (label == HOME and time == AT_WORK) or (label == WORK and time != AT_WORK):
                    continue
                if label == USUAL or not found[label, low:high].any():
                    for row in order:
                        found[label, row] |= 0 < share * whole[time, s] <= score[time, row]
            share = USUAL_DAYS_SHARE if label == USUAL else DAYS_SHARE
            time = (ALL, AT_NIGHT, AT_WORK)[label]
            if label == USUAL or not found[label, low:high].any():
                for row in order:
                    found[label, row] |= 0 < share * seen[time, s] <= days[time, row]
        if found[HOME, low:high].any():
            most = 1
            for row in range(low, high):
                if not found[HOME, row]:
                    most = max(most, score[AT_LEISURE, row])
            least = max(FREE_LEAST, FREE_SHARE * seen[AT_LEISURE, s])
            for row in range(low, high):
                largest = not found[HOME, row] and score[AT_LEISURE, row] == most
                found[SECOND, row] = largest and days[AT_LEISURE, row] >= least
    return found


def over_run(rows: pa.Table, window: Window) -> tuple[Scores, np.ndarray]:
    """Give the scores of all days of a run, and which of their rows have which label, bool, shape (labels, rows)."""
    assert window.wall is not None
    dates = window.wall[np.searchsorted(window.hours, window.days[:-1])] // permanence.DAY
    of = scores(rows, int(dates[0]), int(dates[-1]) + 1)
    return of, labelled(of.first, of.score, of.days, of.whole, of.seen, len(dates))


def members(rows: pa.Table, window: Window) -> Mapping[str, Members]:
    """Say who has which areas with each label: found over all days, so all stand on the first."""
    of, found = over_run(rows, window)
    members = {}
    for label, name in enumerate(LABELS):
        row = np.flatnonzero(found[label])
        whose = of.subscriber[np.searchsorted(of.first, row, side="right") - 1]
        members[name] = Members(whose, np.zeros(len(row), np.int64), of.area[row].astype(np.int64))
    return members


def counted(keys: Mapping[str, np.ndarray], window: Window) -> pa.Table:
    """Count the keys that were kept."""
    parts = []
    for label, name in enumerate(LABELS):
        area, people = np.unique(keys[name], return_counts=True)
        parts.append(keyed_counts({"area": area, "label": np.full(len(area), label)}, {"people": people}))
    return pa.concat_tables(parts)


def count(rows: pa.Table, window: Window) -> pa.Table:
    """Count a bucket's subscribers by label and area."""
    return counted({label: of.key for label, of in members(rows, window).items()}, window)


def finish(counts: pa.Table, scope: Scope) -> pa.Table:
    """Name areas and labels; say from when on days were looked at."""
    return pa.table(
        {
            "area": scope.codes(counts["area"].to_numpy()),
            "label": pa.array(LABELS).take(counts["label"].combine_chunks()),
            "start": scope.times(np.full(counts.num_rows, scope.days[0])),
            "subscribers": counts["people"],
            "people": counts["people"],
        }
    )


def grid(counts: pa.Table, scope: Scope) -> pa.Table:
    """Every area with every label."""
    return product(area=pa.array(scope.areas, pa.string()), label=pa.array(LABELS), start=scope.times(scope.days[:1]))


PROTECTION = Protection(
    title=Wording("Usual environment, homes and work, with noise"),
    description=Wording(
        "Subscribers by the areas of their usual environment, of their home, of their work and of their second "
        "home, with noise that hides any one of them."
    ),
    keys={label: dict.fromkeys(Unit, most) for label, most in zip(LABELS, (6, 2, 2, 1), strict=True)},
    members=members,
    counted=counted,
    level="label",
    whole_run=True,
)
CHOICES = {
    "cleaning": asdict(DEFAULT),
    "flagged_events": Wording("left out"),
    "score": Wording("hours of which at least half is held by events; multimno's limits of gaps and of speed"),
    "day_of_scores": "04:00",
    "night": "18:00–08:00",
    "working": Wording("08:00–17:00, Monday to Friday, no holidays"),
    "free_nights": Wording("18:00–08:00, beginning on Friday or Saturday, no holidays"),
    "second_home": {"free_nights": "20 %", "at_least": FREE_LEAST},
    "seldom_seen": {"score_a_day": SCORE_A_DAY, "days": round(DAYS_SEEN, 4)},
    "gap": {"usual environment": "20 %", "home": 1, "work": 1},
    "share": {"usual environment": "70 %", "home": "80 %", "work": "80 %"},
    "share_of_days": {"usual environment": "70 %", "home": "80 %", "work": "80 %"},
    "looked_for_in": {"home": "usual environment", "work": "all areas"},
    "no_area": Wording("holds no hour"),
}
MEASURE = Measure(
    DATASET,
    count,
    finish,
    grid,
    PROTECTION,
    of=permanence.DERIVATION,
    window="run",
    usual=False,
    choices=CHOICES,
)
