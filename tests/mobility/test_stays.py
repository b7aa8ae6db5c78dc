"""Ping-pong and time segments: worked by hand, and against a slow copy of the rules that knows nothing of kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from commonweal.mobility import inside, runs
from commonweal.mobility.stays.parameters import DEFAULT
from commonweal.mobility.stays.ping_pong import settled
from commonweal.mobility.stays.segmenting import State, segments

DAY = 86_400
Segment = tuple[int, int, str, tuple[int, ...], int]
# A row of cells, each of which overlaps the next: 0-1-2-3, and 4 that overlaps none.
OVERLAPS = {(0, 1), (1, 2), (2, 3)}
FIRST, OTHER = np.array([0, 1, 3, 5, 6, 6]), np.array([1, 0, 2, 1, 3, 2], np.int32)
ABROAD = -1


def overlap(one: int, other: int) -> bool:
    return one == other or (min(one, other), max(one, other)) in OVERLAPS


def by_rules(events: Sequence[tuple[int, int, int]], days: int, lookback: int = 3) -> list[Segment]:
    """Cut one subscriber's time day by day as the rules say: from `lookback` days before to the first event after it.

    Events are (time, cell, network), with cell -1 abroad.
    """
    found: list[Segment] = []
    for day in range(days):
        heard = [e for e in events if (day - lookback) * DAY <= e[0] < (day + 1) * DAY]
        after = [e for e in events if (day + 1) * DAY <= e[0] < (day + 2) * DAY][:1]
        if heard:
            found += [
                (max(start, day * DAY), min(end, (day + 1) * DAY), state, cells, network)
                for start, end, state, cells, network in chain(heard + after, day)
                if max(start, day * DAY) < min(end, (day + 1) * DAY)
            ]
    return found


def chain(events: list[tuple[int, int, int]], last_day: int) -> list[Segment]:
    least, stay_gap, move_gap, abroad_gap, pad = astuple(DEFAULT)
    done: list[Segment] = []
    start = end = network = 0
    state, cells = "unknown", ()
    last: int | None = None

    def begin(time: int) -> None:
        nonlocal start, end, state, cells, network
        start = time // DAY * DAY
        state, end, cells, network = "unknown", time - min(pad, (time - start) // 2), (), 0

    def finish(day: int) -> None:
        """Nothing more on the day of the last event, nor up to `day`."""
        nonlocal start, end, state, cells, network
        done.append((start, end, state, cells, network))
        for silent in range(last // DAY, day):
            midnight = (silent + 1) * DAY
            if not (state == "abroad" and midnight - last <= abroad_gap):
                state, cells, network = "unknown", (), 0
            done.append((end, midnight, state, cells, network))
            start, end = end, midnight

    for time, cell, plmn in events:
        day = time // DAY
        if last is None:
            begin(time)
        elif day > last // DAY + 1:
            finish(day)
            if state == "abroad" and time - last <= abroad_gap:
                start, end = day * DAY, time
            else:
                begin(time)
        new_day = last is not None and day == last // DAY + 1
        gap = time - end
        joins = bool(cells) and all(overlap(cell, other) for other in cells)
        if cell == ABROAD:
            if state == "abroad" and gap <= abroad_gap and plmn // 1000 == network // 1000:
                end = time
            else:
                done.append((start, end, state, cells, network))
                lost = state == "abroad" and gap > abroad_gap
                start, end, cells = end, time, ()
                state, network = ("unknown", 0) if lost else ("abroad", plmn)
        elif state in ("unknown", "abroad"):
            done.append((start, end, state, cells, network))
            start, end, state, cells, network = end, time, "undetermined", (cell,), 0
        elif joins and gap <= stay_gap:
            if state == "move":
                done.append((start, end, state, cells, network))
                start, end, state, cells = end, time, "undetermined", (cell,)
            else:
                end, cells = time, cells if cell in cells else (*cells, cell)
                state = "stay" if end - start >= least else state
        elif not joins and gap <= move_gap:
            middle = end + gap // 2
            done += [(start, end, state, cells, 0), (end, middle, "move", cells, 0)]
            start, end, state, cells = middle, time, "move", (cell,)
        else:
            done += [(start, end + pad, state, cells, 0), (end + pad, time - pad, "unknown", (), 0)]
            start, end, state, cells = time - pad, time, "undetermined", (cell,)
        if new_day and start < day * DAY:  # what is before midnight is as it is now
            done.append((start, day * DAY, state, cells, network))
            start = day * DAY
        last = time
    if last // DAY <= last_day:
        finish(last_day + 1)
    else:
        done.append((start, end, state, cells, network))
    return done


def by_kernel(people: Sequence[Sequence[tuple[int, int, int]]], days: int, own: tuple[int, int]) -> list[list[Segment]]:
    """What the kernel says of the days `own`, having been given what it may look at."""
    rows = [
        (who, *event)
        for who, events in enumerate(people)
        for event in events
        if (own[0] - 3) * DAY <= event[0] < (own[1] + 1) * DAY
    ]
    who, time, cell, plmn = (np.array([row[k] for row in rows], np.int64) for k in range(4))
    edges = np.arange(days + 1) * DAY
    row, start, end, state, network, begins, cells = segments(
        who, time // DAY, time, np.maximum(cell, 0), cell < 0, plmn, FIRST, OTHER, edges, own, astuple(DEFAULT), 3
    )
    found: list[list[Segment]] = [[] for _ in people]
    for n in range(len(row)):
        spans = tuple(cells[begins[n] : begins[n + 1]].tolist())
        found[who[row[n]]].append((int(start[n]), int(end[n]), State(state[n]).name.lower(), spans, int(network[n])))
    return found


def clock(text: str) -> int:
    day, _, time = text.rpartition(" ")
    hours, minutes = time.split(":")
    return int(day or 0) * DAY + int(hours) * 3600 + int(minutes) * 60


def worked(*lines: str) -> list[Segment]:
    """Segments written as ``1:00 2:00 stay 0,1``."""
    found = []
    for line in lines:
        begin, end, state, *cells = line.split()
        spans = tuple(int(cell) for cell in cells[0].split(",")) if cells else ()
        found.append((clock(begin), clock(end), state, spans, 0))
    return found


def test_a_day_worked_by_hand() -> None:
    # The example of multimno's own test: a in cell 4, b1 and b2 in cells 0 and 1, which overlap.
    seen = [("1:00", 4), ("1:01", 4), ("2:02", 4), ("3:03", 4), ("3:44", 0), ("3:55", 1), ("4:40", 0)]
    seen += [("7:17", 4), ("7:18", 4), ("7:20", 0)]
    found = by_kernel([[(clock(time), cell, 0) for time, cell in seen]], 2, (0, 1))[0]
    assert found[2][1] == clock("3:23") + 30
    minutes = [(start // 60 * 60, end // 60 * 60, *rest) for start, end, *rest in found]
    assert minutes == worked(
        "0:00 0:55 unknown",
        "0:55 3:03 stay 4",
        "3:03 3:23 move 4",
        "3:23 3:44 move 0",
        "3:44 4:45 stay 1,0",
        "4:45 7:12 unknown",
        "7:12 7:18 undetermined 4",
        "7:18 7:19 move 4",
        "7:19 7:20 move 0",
        "7:20 24:00 unknown",
    )


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([("10:00", 0), ("10:10", 0)], ["9:55 10:10 stay 0"]),  # 15 minutes are enough
        ([("10:00", 0), ("10:09", 0)], ["9:55 10:09 undetermined 0"]),
        ([("6:00", 0), ("18:00", 1)], ["5:55 18:00 stay 0,1"]),  # silent for 12 hours
        ([("6:00", 0), ("18:01", 1)], ["5:55 6:05 undetermined 0", "6:05 17:56 unknown", "17:56 18:01 undetermined 1"]),
        ([("6:00", 0), ("8:00", 2)], ["5:55 6:00 undetermined 0", "6:00 7:00 move 0", "7:00 8:00 move 2"]),
        ([("6:00", 0), ("8:01", 2)], ["5:55 6:05 undetermined 0", "6:05 7:56 unknown", "7:56 8:01 undetermined 2"]),
        # The third cell overlaps the second, but not the first.
        ([("6:00", 0), ("7:00", 1), ("8:00", 2)], ["5:55 7:00 stay 0,1", "7:00 7:30 move 0,1", "7:30 8:00 move 2"]),
        ([("0:04", 0), ("0:20", 0)], ["0:02 0:20 stay 0"]),  # the pad is half of what there is
    ],
)
def test_limits_are_inclusive(seen: list[tuple[str, int]], expected: list[str]) -> None:
    found = by_kernel([[(clock(time), cell, 0) for time, cell in seen]], 2, (0, 1))[0]
    assert found[1:-1] == worked(*expected)


def test_a_stay_goes_over_midnight_and_is_cut_there() -> None:
    events = [(clock("0 22:00"), 0, 0), (clock("1 6:00"), 0, 0)]
    (found,) = by_kernel([events], 3, (0, 2))
    assert [segment[:3] for segment in found] == [
        (0, clock("21:55"), "unknown"),
        (clock("21:55"), DAY, "stay"),
        (DAY, clock("1 6:00"), "stay"),
        (clock("1 6:00"), 2 * DAY, "unknown"),
    ]


def test_silence_abroad_is_bridged_for_72_hours_and_no_longer() -> None:
    there = [(clock("0 12:00"), ABROAD, 611001), (clock("3 11:00"), ABROAD, 611002), (clock("3 12:00"), 4, 0)]
    (found,) = by_kernel([there], 6, (0, 4))
    abroad = [(start, end) for start, end, state, *_ in found if state == "abroad"]
    assert (abroad[0][0], abroad[-1][1]) == (clock("11:55"), clock("3 11:00"))
    assert sum(end - start for start, end in abroad) == abroad[-1][1] - abroad[0][0]
    (silent,) = by_kernel([there[:1]], 6, (0, 5))
    assert [(start // DAY, state) for start, _, state, *_ in silent[1:]] == [
        (0, "abroad"),
        (0, "abroad"),
        (1, "abroad"),
        (2, "abroad"),
        (3, "unknown"),
    ]


MOMENTS = st.one_of(st.integers(0, 6 * DAY - 1), st.integers(0, 24 * 6 - 1).map(lambda hour: hour * 3600))
PEOPLE = st.lists(
    st.lists(
        st.tuples(MOMENTS, st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, ABROAD]), st.sampled_from([611001, 618001])).map(
            lambda event: (event[0], event[1], event[2] if event[1] == ABROAD else 0)
        ),
        max_size=40,
    ).map(sorted),
    min_size=1,
    max_size=3,
)


@settings(max_examples=150, deadline=None)
@given(PEOPLE, st.integers(0, 4), st.integers(1, 5))
@example([[(hour * 3600, 0 if hour else 2, 0) for hour in range(0, 140, 7)]], 0, 5)  # at home for longer than is known
@example([[(600, 2, 0), *((hour * 3600, 1, 0) for hour in range(1, 100)), (101 * 3600, 0, 0)]], 0, 6)
def test_segments_are_what_the_rules_say_whichever_days_are_cut_together(
    people: list[list[tuple[int, int, int]]], first: int, count: int
) -> None:
    last = min(first + count, 5)
    expected = [by_rules(events, 6) for events in people]
    together = by_kernel(people, 6, (first, last))
    for own, rules in zip(together, expected, strict=True):
        assert own == [segment for segment in rules if first * DAY <= segment[0] < last * DAY]


@settings(max_examples=30, deadline=None)
@given(PEOPLE)
def test_segments_cover_the_time_from_the_first_event_without_a_gap(people: list[list[tuple[int, int, int]]]) -> None:
    for events, found in zip(people, by_kernel(people, 7, (0, 6)), strict=True):
        if events:
            assert found[0][0] == events[0][0] // DAY * DAY
            assert all(one[1] == after[0] for one, after in pairwise(found) if one[1] % DAY)


# Ping-pong ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def bounced(events: Sequence[tuple[int, int]], window: int = 300, fixed: Sequence[int] = ()) -> list[int]:
    """The cells of one subscriber's events after ping-pong is settled."""
    time, cell = (np.array([event[k] for event in events]) for k in range(2))
    held = np.isin(np.arange(len(time)), fixed)
    place = settled(np.zeros(len(time)), time // DAY, time, cell, held, FIRST, OTHER, window)
    return cell[place].tolist()


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([(0, 0), (100, 1), (300, 0)], [0, 0, 0]),
        ([(0, 0), (100, 1), (301, 0)], [0, 1, 0]),  # too late
        ([(0, 0), (100, 4), (200, 0)], [0, 4, 0]),  # the footprints do not overlap: it moved
        ([(0, 0), (100, 1), (150, 1), (200, 0)], [0, 0, 0, 0]),
        ([(0, 0), (100, 1), (150, 2), (200, 0)], [0, 1, 2, 0]),  # over two cells is no bounce
        ([(0, 0), (60, 1), (120, 0), (180, 1), (240, 0), (300, 1)], [0, 0, 0, 0, 0, 1]),
        ([(0, 0), (0, 1), (0, 0)], [0, 0, 0]),
        ([(DAY - 100, 0), (DAY - 50, 1), (DAY + 50, 0)], [0, 0, 0]),  # over midnight
        ([(DAY - 100, 0), (DAY + 50, 1), (DAY + 100, 0)], [0, 0, 0]),
        ([(DAY - 100, 0), (DAY - 50, 1), (DAY + 50, 1), (DAY + 100, 0)], [0, 0, 1, 0]),  # begun anew at midnight
    ],
)
def test_a_jump_to_an_overlapping_cell_and_soon_back_is_undone(
    events: list[tuple[int, int]], expected: list[int]
) -> None:
    assert bounced(events) == expected


def test_a_bounce_is_not_looked_for_over_an_event_abroad_nor_over_another_subscriber() -> None:
    assert bounced([(0, 0), (10, 0), (20, 1), (30, 0)], fixed=[1]) == [0, 0, 1, 0]
    place = settled(
        np.array([1, 1, 2]), np.zeros(3), np.array([0, 10, 20]), np.array([0, 1, 0]), np.zeros(3) > 0, FIRST, OTHER, 300
    )
    assert place.tolist() == [0, 1, 2]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3 * DAY - 1), st.sampled_from([0, 0, 1, 2])), min_size=1, max_size=30))
def test_a_days_bounces_depend_on_the_days_beside_it_alone(events: list[tuple[int, int]]) -> None:
    dense = sorted(
        (time // DAY * DAY + (time % DAY) // 40 + (DAY - 1080 if time % 2 else 0), cell) for time, cell in events
    )
    whole = bounced(dense)
    for day in range(1, 4):
        near = [n for n, (time, _) in enumerate(dense) if day - 1 <= time // DAY <= day + 1]
        if near:
            part = bounced([dense[n] for n in near])
            own = [(whole[n], part[k]) for k, n in enumerate(near) if dense[n][0] // DAY == day]
            assert all(one == other for one, other in own)


# From raw files ───────────────────────────────────────────────────────────────────────────────────────────────────────


# Within an area two cells stand 27 km apart; these stand 5 km apart, with the range that makes them overlap.
PLACES = ["cell,longitude,latitude,range", "a,0.10,0.5,4000", "b,0.15,0.5,4000", "c,0.60,0.5,4000", "d,2.60,0.5,4000"]


def line(moment: str, cell: str, number: str = "23276553201") -> str:
    return f"{number},{moment},{cell},call,,"


def told(planned: Any, operator: Any) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [
        (f"{row['start']:%dT%H:%M}", f"{row['end']:%dT%H:%M}", row["state"], tuple(row["cells"]))
        for row in inside.stays(planned).to_pylist()
    ]


@pytest.fixture
def overlapping(operator: Any) -> Any:
    """An operator of whose cells a and b overlap."""
    operator.cells = operator.write("near.csv", "\n".join(PLACES) + "\n")
    return operator


def test_stays_of_a_private_store(overlapping: Any) -> None:
    lines = [line("2026-01-20T08:00:00", "a"), line("2026-01-20T08:01:00", "b"), line("2026-01-20T08:02:00", "a")]
    lines += [line("2026-01-20T20:00:00", "b"), line("2026-01-20T21:00:00", "c"), line("2026-01-22T10:00:00", "c")]
    overlapping.import_(overlapping.events("calls.csv", lines))
    planned = runs.plan(overlapping.settings, overlapping.database, overlapping.project)
    assert told(planned, overlapping) == [
        ("20T00:00", "20T07:55", "unknown", ()),
        ("20T07:55", "20T20:00", "stay", ("a", "b")),
        ("20T20:00", "20T20:30", "move", ("a", "b")),
        ("20T20:30", "20T21:00", "move", ("c",)),
        ("20T21:00", "21T00:00", "unknown", ()),
        ("21T00:00", "22T00:00", "unknown", ()),
        ("22T00:00", "22T09:55", "unknown", ()),
        ("22T09:55", "22T10:00", "undetermined", ("c",)),
        ("22T10:00", "23T00:00", "unknown", ()),
    ]
    events = inside.cleaned_events(planned)
    assert events["cell"].to_pylist()[:3] == ["a", "a", "a"]
    assert events["bounced"].to_pylist()[:3] == [False, True, False]


def random_lines(seed: int, days: int) -> list[str]:
    generator = np.random.default_rng(seed)
    start = datetime(2026, 1, 27, tzinfo=UTC)
    moments = [start + timedelta(seconds=int(s) // 60 * 60) for s in generator.integers(0, days * DAY, 60 * days)]
    who, cell = generator.integers(0, 8, len(moments)), generator.choice(list("aaabbcd"), len(moments))
    return sorted(
        {
            line(f"{moment:%Y-%m-%dT%H:%M:%S}", name, f"2327655320{number}")
            for moment, number, name in zip(moments, who, cell, strict=True)
        }
    )


def test_rows_in_any_order_in_any_number_of_buckets_in_closed_months_give_the_same_stays(
    start: Callable[..., Any],
) -> None:
    from commonweal.mobility.service import compact_store

    lines = random_lines(1, 8)
    found = []
    for bits, name in ((1, "two"), (3, "eight")):
        operator = start(name, bucket_bits=bits)
        operator.cells = operator.write("near.csv", "\n".join(PLACES) + "\n")
        given_ = lines if bits == 1 else lines[::-1]
        operator.import_(operator.events("one.csv", given_[::2]))
        operator.import_(operator.events("other.csv", given_[1::2]))
        planned = runs.plan(operator.settings, operator.database, operator.project)
        found.append([told(planned, operator), inside.cleaned_events(planned).num_rows])
        compact_store(operator.settings, operator.database, operator.project)
        planned = runs.plan(operator.settings, operator.database, operator.project)
        found.append([told(planned, operator), inside.cleaned_events(planned).num_rows])
    two, two_closed, eight, eight_closed = found
    assert two == two_closed
    assert eight == eight_closed
    assert sorted(two[0]) == sorted(eight[0])  # pseudonyms differ from project to project
    assert two[1] == eight[1] > 0.9 * len(lines)


def test_an_appended_day_gives_what_a_whole_recount_gives(overlapping: Any) -> None:
    lines = random_lines(2, 7)
    for day in range(27, 32):
        overlapping.import_(overlapping.events(f"{day}.csv", [one for one in lines if f"2026-01-{day}" in one]))
        planned = runs.plan(overlapping.settings, overlapping.database, overlapping.project)
        appended = inside.stays(planned)
    for path in overlapping.store().folder.glob("derived/**/*.parquet"):
        path.unlink()
    assert inside.stays(planned).equals(appended)


def test_a_day_has_the_same_stays_in_a_run_of_its_own(overlapping: Any) -> None:
    overlapping.import_(overlapping.events("calls.csv", random_lines(3, 7)))
    whole = inside.stays(runs.plan(overlapping.settings, overlapping.database, overlapping.project)).to_pylist()
    first, last = date(2026, 1, 30), date(2026, 1, 31)
    alone = inside.stays(runs.plan(overlapping.settings, overlapping.database, overlapping.project, first, last))
    assert alone.to_pylist() == [row for row in whole if row["start"].date() == first]


def test_an_added_day_makes_only_what_it_touches(overlapping: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from commonweal.mobility import keeping

    made: list[int] = []
    needs = keeping.Kept.needs

    def needing(kept: Any, start: int, depends_on: str) -> bool:
        answer = needs(kept, start, depends_on)
        # A bucket in which nobody lives has one window, and nothing to read.
        if answer and kept.item.name == "stays" and (start, start + DAY) in kept.windows():
            made.append(datetime.fromtimestamp(start, UTC).day)
        return answer

    monkeypatch.setattr(keeping.Kept, "needs", needing)
    lines = [line(f"2026-01-{day:02}T10:00:00", "a") for day in range(10, 18)]
    overlapping.import_(overlapping.events("calls.csv", lines))
    inside.stays(runs.plan(overlapping.settings, overlapping.database, overlapping.project))
    made.clear()
    overlapping.import_(overlapping.events("more.csv", [line("2026-01-18T10:00:00", "a")]))
    inside.stays(runs.plan(overlapping.settings, overlapping.database, overlapping.project))
    assert set(made) == {16, 17, 18}
