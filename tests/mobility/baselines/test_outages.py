"""An area without events is told apart from an area without people."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from commonweal.mobility.baselines import (
    DaySeries,
    Failure,
    HourSeries,
    Reference,
    What,
    changes,
    failures,
    notice,
)

FIRST = date(2024, 1, 1)
DAYS = [FIRST + timedelta(day) for day in range(12)]
REFERENCE = Reference(last=DAYS[8], like="any")
LAST = DAYS[11]
RHYTHM = np.array(
    [
        100,
        90,
        80,
        80,
        90,
        100,
        150,
        200,
        250,
        260,
        270,
        280,
        280,
        270,
        260,
        250,
        250,
        260,
        250,
        200,
        160,
        140,
        120,
        110.0,
    ]
)
K = 15


@pytest.fixture
def hours() -> np.ndarray:
    """Twelve days, two areas, an ordinary rhythm that varies a little from day to day."""
    vary = np.array([0, 2, -2, 1, -1, 2, -2, 0, 1, -1, 1, 0])
    return np.repeat((RHYTHM[None, :] + vary[:, None])[:, :, None], 2, axis=2)


def by_day(hours: np.ndarray) -> DaySeries:
    values = 4 * np.nanmax(np.nan_to_num(hours), axis=1)
    return DaySeries.of([("A",), ("B",)], DAYS, np.where(values < K, np.nan, values))


def found(hours: np.ndarray, **more: DaySeries) -> dict:
    return failures(by_day(hours), REFERENCE, hours=HourSeries(("A", "B"), tuple(DAYS), hours), least=K, **more)


def test_an_ordinary_day_is_no_failure(hours):
    assert found(hours) == {}


def test_hours_that_fall_away_at_once_and_come_back_at_once_are_an_outage(hours):
    hours[11, 8:14, 0] = np.nan
    assert found(hours) == {("A", LAST): Failure.HOURS}


def test_a_part_of_the_network_that_fails_is_seen_too(hours):
    hours[11, 8:14, 0] *= 0.3
    assert found(hours) == {("A", LAST): Failure.HOURS}


def test_people_who_leave_over_a_day_are_none(hours):
    hours[11, :, 0] *= np.linspace(1, 0.2, 24)
    assert found(hours) == {}


def test_an_area_whose_people_left_keeps_the_night_and_the_day_low(hours):
    hours[10:, :, 0] *= 0.3
    assert found(hours) == {}


def test_a_day_without_any_value_is_silence(hours):
    hours[11, :, 1] = np.nan
    assert found(hours) == {("B", LAST): Failure.SILENT}


def test_hours_that_are_usually_hidden_say_nothing(hours):
    hours[:, :, 0] = hours[:, :, 0] / 8
    hours[hours < K] = np.nan
    hours[11, :6, 0] = np.nan
    assert found(hours) == {}


def test_fewer_events_than_those_who_are_seen_should_make_are_an_outage(hours):
    presence = by_day(hours)
    people = presence.values.copy()
    people[11] *= 0.6
    presence = DaySeries.of(presence.keys, DAYS, people)
    events = 20 * people
    events[11, 0] *= 0.5  # in B those who are left make as many as ever
    made = failures(presence, REFERENCE, events=DaySeries.of(presence.keys, DAYS, events))
    assert made == {("A", LAST): Failure.ACTIVITY}


def test_a_failure_of_the_whole_network_concerns_every_area(hours):
    presence = by_day(hours)
    subscribers = DaySeries.of([()], DAYS, [[5000]] * 11 + [[4900]])
    events = DaySeries.of([()], DAYS, [[60000 + 10 * day] for day in range(11)] + [[20000]])
    made = failures(presence, REFERENCE, all_events=events, all_subscribers=subscribers)
    assert made == {("A", LAST): Failure.NETWORK, ("B", LAST): Failure.NETWORK}


def test_rounding_is_not_taken_for_a_failure(hours):
    """480 subscribers every day, rounded down to 455 (base 35) and then to 475 (base 25), with as many events."""
    presence, base = by_day(hours), [35] * 9 + [25] * 3
    total = DaySeries.of([()], DAYS, [[480 // one * one] for one in base])
    subscribers = replace(total, rounded_to=np.array(base))
    events = DaySeries.of([()], DAYS, [[9600 + day % 2] for day in range(12)])
    assert failures(presence, REFERENCE, all_events=events, all_subscribers=subscribers) == {}
    assert failures(presence, REFERENCE, all_events=events, all_subscribers=total) != {}
    quiet = DaySeries.of([()], DAYS, [[9600 + day % 2] for day in range(11)] + [[4000]])
    made = failures(presence, REFERENCE, all_events=quiet, all_subscribers=subscribers)
    assert set(made.values()) == {Failure.NETWORK}
    assert {day for _, day in made} == {LAST}


def test_a_fall_on_a_day_of_failure_is_listed_as_an_outage(hours):
    hours[11, 8:20, 0] = np.nan
    presence = by_day(hours)
    values = presence.values.copy()
    values[11] *= 0.5
    changed = changes(DaySeries.of(presence.keys, DAYS, values), REFERENCE)
    listed = {one.key: one for one in notice(changed, found(hours), least=K)}
    assert listed[("A",)].what is What.OUTAGE
    assert listed[("A",)].failure is Failure.HOURS
    assert listed[("B",)].what is What.FALL
