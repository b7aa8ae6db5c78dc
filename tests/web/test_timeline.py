"""Finding one's way through the hours and days of a release."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.core.errors import InputError, NotFound
from commonweal.core.periods import Calendar
from commonweal.web.timeline import Shown, Timeline


def timeline(zone="Africa/Freetown", first=date(2015, 3, 27), end=date(2015, 3, 30), units=("hour", "day"), **options):
    calendar = Calendar(zone, **options)
    return Timeline(calendar, {unit: calendar.edges(first, end, unit)[:-1] for unit in units})


ROUND_THE_WORLD = [
    timeline(),
    timeline("Asia/Kathmandu"),
    timeline("Europe/Paris", date(2024, 10, 26), date(2024, 10, 29)),
    timeline("Europe/Paris", date(2024, 3, 30), date(2024, 4, 2)),
    timeline("Australia/Lord_Howe", date(2024, 4, 6), date(2024, 4, 9)),
    timeline("America/Sao_Paulo", day_starts=time(4)),
]


@pytest.mark.parametrize("line", ROUND_THE_WORLD)
def test_the_address_of_every_period_leads_back_to_it(line):
    for unit, starts in line.starts.items():
        for start in starts.tolist():
            shown = Shown(unit, start)
            assert line.choose(line.address(shown)) == shown


@pytest.mark.parametrize("line", ROUND_THE_WORLD)
def test_every_hour_is_in_the_day_that_the_page_lists_it_under(line):
    hours = [hour for day in line.days() for hour in line.hours(day)]
    assert [hour.start for hour in hours] == line.starts["hour"].tolist()


def test_the_hour_that_comes_twice_has_two_addresses():
    line = timeline("Europe/Paris", date(2024, 10, 27), date(2024, 10, 28))
    hours = line.hours(line.days()[0])
    assert len(hours) == 25
    assert [line.clock(hour.start) for hour in hours[1:5]] == ["01:00", "02:00", "02:00", "03:00"]
    assert len({line.address(hour) for hour in hours}) == 25


def test_without_an_address_the_newest_hour_is_shown():
    assert timeline().label(timeline().choose(None)) == "Sunday 29 March 2015, 23:00 – 00:00"


def test_without_hours_the_newest_day_is_shown():
    line = timeline(units=("day",))
    assert line.choose(None).unit == "day"
    assert line.choose("2015-03-28T10:00Z").unit == "day"


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1))
    | st.datetimes(datetime(2015, 3, 26), datetime(2015, 3, 31))
)
def test_a_time_leads_to_the_hour_it_lies_in_or_is_not_found(moment):
    line = timeline()
    asked = moment.replace(tzinfo=UTC)
    if datetime(2015, 3, 27) <= moment < datetime(2015, 3, 30):
        shown = line.choose(asked.isoformat())
        assert shown.start <= asked.timestamp() < shown.start + 3600
        assert shown.start in line.starts["hour"]
    else:
        with pytest.raises(NotFound, match="27 – 29 March 2015"):
            line.choose(asked.isoformat())


@pytest.mark.parametrize("asked", ["2015-03-26", "2015-03-30", "2015-03-30T00:00"])
def test_a_day_that_is_not_there_is_not_found(asked):
    with pytest.raises(NotFound, match="nothing is published of"):
        timeline().choose(asked)


@pytest.mark.parametrize(
    "asked", ["yesterday", "2015-13-01", "2015-02-30", "1", "9999-99-99T99:99Z", "2015-03-27T25:00"]
)
def test_what_is_no_time_is_refused_with_what_would_be_right(asked):
    with pytest.raises(InputError, match="2024-01-31"):
        timeline().choose(asked)


def test_a_year_that_no_calendar_has_is_refused():
    with pytest.raises(InputError, match="1900 to 2199"):
        timeline().choose("0001-01-01")


def test_a_time_without_a_zone_is_the_clock_of_the_place():
    line = timeline("Asia/Kathmandu")
    assert line.choose("2015-03-27T14:00") == line.choose("2015-03-27T08:15Z")


def test_before_the_day_boundary_it_is_still_the_day_before():
    line = timeline(day_starts=time(4))
    shown = line.choose("2015-03-28T02:00")
    assert line.label(shown) == "Friday 27 March 2015, 02:00 – 03:00"


def test_steps_end_at_the_ends():
    line = timeline()
    first, last = (Shown("hour", int(line.starts["hour"][place])) for place in (0, -1))
    assert line.step(first, -1) is None
    assert line.step(last, 1) is None
    assert line.step(first, 1) == line.step(Shown("hour", first.start + 7200), -1)
