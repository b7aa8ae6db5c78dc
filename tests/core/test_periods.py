"""Periods by the clock of a place, against the standard library asked one time at a time."""

from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.core.errors import InputError
from commonweal.core.periods import UNITS, Calendar

# Zones whose clocks do what breaks simple code: offsets of 45 minutes, moves of half an hour, moves at midnight,
# a day left out, moves twice in a spring, a standing rule that differs from the listed moves.
ZONES = [
    "UTC",
    "Africa/Freetown",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/Paris",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Asia/Tehran",
    "Asia/Kolkata",
    "Antarctica/Troll",
]
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 12, 31, tzinfo=UTC)
zones = st.sampled_from(ZONES)
instants = st.integers(int(FIRST.timestamp()), int(LAST.timestamp()))
day_starts = st.sampled_from([time(0), time(4), time(2, 30), time(23, 59, 59)])


def reference_zone(name: str) -> ZoneInfo:
    """The standard library on the same rules, not on the machine's."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def shown(instant: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(instant, UTC).astimezone(zone).replace(tzinfo=None, fold=0)


def clock_seconds(naive: datetime) -> int:
    return int(naive.replace(tzinfo=UTC).timestamp())


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text + "+00:00").timestamp())


def hours_of_the_day(zone: str, day: date, **choice: time) -> int:
    edges = Calendar(zone, **choice).edges(day, day + timedelta(days=1), "day")
    assert len(edges) == 2
    hours, rest = divmod(int(edges[1] - edges[0]), 1800)
    assert rest == 0
    return hours / 2


@given(zones, st.lists(instants, min_size=1, max_size=50))
def test_the_clock_shows_what_the_standard_library_says(name, times):
    zone = reference_zone(name)
    expected = [clock_seconds(shown(instant, zone)) for instant in times]
    assert Calendar(name).from_utc(times).tolist() == expected


@given(zones, instants)
def test_a_clock_time_leads_back_to_its_first_occurrence_or_is_not_valid(name, local):
    zone = reference_zone(name)
    naive = datetime.fromtimestamp(local, UTC).replace(tzinfo=None)
    expected = int(naive.replace(tzinfo=zone).timestamp())
    (instant,), (valid,) = Calendar(name).to_utc([local])
    assert valid == (shown(expected, zone) == naive)
    if valid:
        assert instant == expected
    else:
        assert shown(int(instant), zone) > naive > shown(int(instant) - 1, zone)


@given(zones, instants)
def test_from_utc_and_back_is_the_same_instant_or_the_earlier_of_two(name, instant):
    calendar = Calendar(name)
    local = calendar.from_utc([instant])
    (back,), (valid,) = calendar.to_utc(local)
    assert valid
    assert back <= instant
    assert calendar.from_utc([back]) == local


@pytest.mark.parametrize("name", ZONES)
def test_around_every_move_of_the_clock_from_1970_to_2100_it_agrees_with_the_standard_library(name):
    zone = reference_zone(name)
    calendar = Calendar(name)
    six_hourly = np.arange(int(FIRST.timestamp()), int(LAST.timestamp()), 6 * 3600)
    ahead = [clock_seconds(shown(at, zone)) - at for at in six_hourly.tolist()]
    for at in np.flatnonzero(np.diff(ahead)):
        near = np.linspace(six_hourly[at], six_hourly[at + 1], 25).astype(np.int64)
        assert calendar.from_utc(near).tolist() == [clock_seconds(shown(int(n), zone)) for n in near]
    assert (calendar.from_utc(six_hourly) - six_hourly).tolist() == ahead


def test_every_zone_there_is_can_be_read():
    names = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})
    instant = utc("2050-07-01T00:00")
    for name in names:
        assert Calendar(name).from_utc([instant]).tolist() == [clock_seconds(shown(instant, reference_zone(name)))]


@given(zones, instants, st.integers(1, 40 * 86_400), st.sampled_from(UNITS), day_starts, st.integers(0, 6))
def test_periods_are_contiguous_and_cover_what_was_asked_and_nothing_more(name, start, length, unit, begin, week):
    calendar = Calendar(name, begin, week)
    since, until = (datetime.fromtimestamp(at, UTC) for at in (start, start + length))
    edges = calendar.edges(since, until, unit)
    assert edges.dtype == np.int64
    assert (np.diff(edges) > 0).all()
    assert edges[0] <= start < edges[1]
    assert edges[-2] < start + length <= edges[-1]
    assert len(calendar.labels(edges, unit)) == len(edges) - 1


@given(zones, instants, st.sampled_from(UNITS), day_starts, st.integers(0, 6))
def test_every_instant_lies_in_exactly_one_period(name, instant, unit, begin, week):
    calendar = Calendar(name, begin, week)
    at = datetime.fromtimestamp(instant, UTC)
    alone = calendar.edges(at, at + timedelta(seconds=1), unit)
    assert len(alone) == 2
    among = calendar.edges(at - timedelta(days=40), at + timedelta(days=40), unit)
    (found,) = calendar.index([instant], among)
    assert among[found : found + 2].tolist() == alone.tolist()


@given(zones, instants, day_starts)
def test_a_day_begins_when_the_clock_first_shows_its_hour_or_a_later_one(name, instant, begin):
    zone = reference_zone(name)
    at = datetime.fromtimestamp(instant, UTC)
    calendar = Calendar(name, begin)
    edges = calendar.edges(at, at + timedelta(days=3), "day")
    for edge, label in zip(edges[:-1].tolist(), calendar.labels(edges, "day"), strict=True):
        begins = datetime.combine(date.fromisoformat(label), begin)
        assert shown(edge, zone) >= begins
        assert shown(edge - 1, zone) < begins


@given(zones, instants)
def test_within_an_hour_the_clock_runs_through_one_hour_without_a_jump(name, instant):
    zone = reference_zone(name)
    at = datetime.fromtimestamp(instant, UTC)
    calendar = Calendar(name)
    edges = calendar.edges(at, at + timedelta(days=2), "hour")
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        first, last = shown(begin, zone), shown(end - 1, zone)
        assert last - first == timedelta(seconds=end - 1 - begin)
        assert first.replace(minute=0, second=0) == last.replace(minute=0, second=0)
    assert len(set(calendar.labels(edges, "hour"))) == len(edges) - 1


def test_days_in_which_the_clock_is_moved_have_23_and_25_hours():
    assert hours_of_the_day("Europe/Paris", date(2024, 3, 31)) == 23
    assert hours_of_the_day("Europe/Paris", date(2024, 10, 27)) == 25
    assert hours_of_the_day("Europe/Paris", date(2024, 10, 28)) == 24
    assert hours_of_the_day("Europe/Paris", date(2099, 3, 29)) == 23


def test_a_move_of_half_an_hour_makes_an_hour_of_half_an_hour():
    assert hours_of_the_day("Australia/Lord_Howe", date(2024, 4, 7)) == 24.5
    calendar = Calendar("Australia/Lord_Howe")
    edges = calendar.edges(date(2024, 4, 7), date(2024, 4, 8), "hour")
    assert calendar.labels(edges, "hour")[:4] == [
        "2024-04-07T00:00+11:00",
        "2024-04-07T01:00+11:00",
        "2024-04-07T01:30+10:30",
        "2024-04-07T02:00+10:30",
    ]
    assert np.diff(edges)[:4].tolist() == [3600, 3600, 1800, 3600]
    edges = calendar.edges(date(2024, 10, 6), date(2024, 10, 7), "hour")
    assert calendar.labels(edges, "hour")[1:4] == [
        "2024-10-06T01:00+10:30",
        "2024-10-06T02:30+11:00",
        "2024-10-06T03:00+11:00",
    ]


def test_nepal_hours_begin_a_quarter_past_the_hour_of_utc():
    edges = Calendar("Asia/Kathmandu").edges(date(2024, 5, 1), date(2024, 5, 2), "hour")
    assert edges[0] == utc("2024-04-30T18:15")
    assert np.unique(np.diff(edges)).tolist() == [3600]


def test_a_day_that_starts_at_four_keeps_the_night_with_the_day_before():
    calendar = Calendar("Africa/Freetown", day_starts=time(4))
    edges = calendar.edges(date(2015, 3, 27), date(2015, 3, 30), "day")
    assert calendar.labels(edges, "day") == ["2015-03-27", "2015-03-28", "2015-03-29"]
    nights = [utc("2015-03-28T03:59"), utc("2015-03-28T04:00"), utc("2015-03-27T03:59"), utc("2015-03-30T04:00")]
    assert calendar.index(nights, edges).tolist() == [0, 1, -1, -1]


def test_a_day_starts_at_the_jump_where_its_hour_is_skipped():
    edges = Calendar("Europe/Paris", day_starts=time(2, 30)).edges(date(2024, 3, 31), date(2024, 4, 1), "day")
    assert edges.tolist() == [utc("2024-03-31T01:00"), utc("2024-04-01T00:30")]


def test_a_day_starts_the_first_time_where_its_hour_comes_twice():
    edges = Calendar("Europe/Paris", day_starts=time(2, 30)).edges(date(2024, 10, 27), date(2024, 10, 28), "day")
    assert edges.tolist() == [utc("2024-10-27T00:30"), utc("2024-10-28T01:30")]


def test_samoa_had_no_30_december_2011():
    calendar = Calendar("Pacific/Apia")
    edges = calendar.edges(date(2011, 12, 29), date(2012, 1, 1), "day")
    assert calendar.labels(edges, "day") == ["2011-12-29", "2011-12-31"]


def test_a_week_starts_on_the_chosen_weekday():
    monday = Calendar("Africa/Monrovia")
    saturday = Calendar("Africa/Monrovia", week_starts=5)
    asked = date(2024, 2, 28), date(2024, 3, 1)
    assert monday.labels(monday.edges(*asked, "week"), "week") == ["2024-02-26"]
    assert saturday.labels(saturday.edges(*asked, "week"), "week") == ["2024-02-24"]
    assert np.diff(saturday.edges(date(2024, 1, 1), date(2024, 12, 31), "week")).tolist() == [7 * 86_400] * 53


def test_months_have_their_days_and_labels():
    calendar = Calendar("Africa/Conakry")
    edges = calendar.edges(date(2024, 1, 15), date(2024, 3, 1), "month")
    assert calendar.labels(edges, "month") == ["2024-01", "2024-02"]
    assert (np.diff(edges) // 86_400).tolist() == [31, 29]


def test_a_time_without_a_zone_is_the_clock_of_the_place():
    calendar = Calendar("Asia/Kathmandu")
    by_clock = calendar.edges(datetime(2024, 1, 1, 12), datetime(2024, 1, 1, 13), "hour")
    by_utc = calendar.edges(datetime(2024, 1, 1, 6, 15, tzinfo=UTC), datetime(2024, 1, 1, 7, 15, tzinfo=UTC), "hour")
    assert by_clock.tolist() == by_utc.tolist() == [utc("2024-01-01T06:15"), utc("2024-01-01T07:15")]


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "..", "../__init__", "Africa", "zone.tab", "/etc/passwd"])
def test_an_unknown_zone_is_refused_by_name(name):
    with pytest.raises(InputError, match="there is no time zone"):
        Calendar(name)


def test_what_cannot_be_is_refused():
    calendar = Calendar("UTC")
    with pytest.raises(InputError, match="is not after the start"):
        calendar.edges(date(2024, 1, 2), date(2024, 1, 2), "day")
    with pytest.raises(InputError, match=r"no unit 'fortnight' \(expected: hour, day, week, month\)"):
        calendar.edges(date(2024, 1, 1), date(2024, 1, 2), "fortnight")
    with pytest.raises(InputError, match="the year 2200 is out of range"):
        calendar.edges(date(2199, 1, 1), date(2200, 1, 2), "day")
    with pytest.raises(InputError, match="past the year 2199"):
        calendar.from_utc([2**40])
    with pytest.raises(InputError, match="a week cannot start on day 7"):
        Calendar("UTC", week_starts=7)
    assert calendar.to_utc([2**62])[1].tolist() == [False]


def test_the_last_year_known_can_be_cut_into_every_unit():
    for name in ZONES:
        for unit in UNITS:
            assert len(Calendar(name).edges(date(2199, 12, 1), date(2199, 12, 31), unit)) >= 2


@pytest.mark.parametrize("name", ZONES[:5])
def test_a_million_times_turn_to_the_clock_and_back(name):
    calendar = Calendar(name)
    times = np.random.default_rng(1).integers(0, 2**31, 1_000_000)
    local = calendar.from_utc(times)
    back, valid = calendar.to_utc(local)
    assert valid.all()
    assert (calendar.from_utc(back) == local).all()
    assert ((times - back == 0) | (times > back)).all()
