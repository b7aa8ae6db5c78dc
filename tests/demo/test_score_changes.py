"""A lockdown and a displacement that are known are scored against what was published."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from commonweal.demo import score_changes
from commonweal.mobility.baselines import DaySeries, Reference, with_hidden

FIRST = date(2026, 3, 1)
DAYS = [FIRST + timedelta(day) for day in range(21)]
LOCKED = DAYS[18:]
PLANTED = {"under 15 km": -0.31, "15 to 30 km": -0.46, "over 30 km": -0.76}


@pytest.fixture(scope="module")
def scores() -> dict[tuple[str, str], score_changes.LockdownScore]:
    """Twelve pairs of areas, four of each length; during the lockdown so much fewer go as is planted."""
    draw = np.random.default_rng(4)
    far = np.repeat([8.0, 20.0, 50.0], 4)
    factor = np.repeat([1 + cut for cut in PLANTED.values()], 4)
    level = np.tile([900.0, 400.0, 300.0, 200.0], 3)
    free = np.ones((len(DAYS), 1))
    free[18:] = 0
    mean = np.where(free == 1, level, level * factor)
    keys = [(f"O{place}", "D") for place in range(12)]
    truth = DaySeries.of(keys, DAYS, np.rint(mean))
    flows = DaySeries.of(keys, DAYS, draw.poisson(mean).astype(float))
    lengths = DaySeries.of([(name,) for name in PLANTED], DAYS, np.rint(mean[:, ::4]))
    found = score_changes.score_lockdown(flows, truth, lengths, far, LOCKED)
    return {(one.like, one.length): one for one in found}


@pytest.mark.parametrize("like", ["workday", "any"])
@pytest.mark.parametrize("length", PLANTED)
def test_what_a_lockdown_prevented_lies_within_the_published_interval(scores, like, length):
    one = scores[like, length]
    assert one.planted == PLANTED[length]
    assert one.same == pytest.approx(PLANTED[length], abs=0.005)
    assert one.journeys == pytest.approx(PLANTED[length], abs=0.005)
    assert one.holds(one.planted)
    assert one.published.high - one.published.low < 0.12


def test_what_a_lockdown_hides_for_being_small_does_not_bend_the_change():
    """Forty flows of each length, hidden below 15: one in ten is left where three in four stay away."""
    draw = np.random.default_rng(9)
    far = np.repeat([8.0, 20.0, 50.0], 40)
    factor = np.repeat([1 + cut for cut in PLANTED.values()], 40)
    mean = np.repeat([[20.0, 20.0, 45.0]] * len(DAYS), 40, axis=1)
    mean[18:] *= factor
    keys = [(f"O{place}", "D") for place in range(120)]
    true = draw.poisson(mean).astype(float)
    truth, flows = (DaySeries.of(keys, DAYS, values) for values in (true, np.where(true >= 15, true, np.nan)))
    lengths = DaySeries.of([(name,) for name in PLANTED], DAYS, np.rint(mean[:, ::40]))
    bent = 0
    for one in score_changes.score_lockdown(flows, truth, lengths, far, LOCKED):
        if one.like != "weekday":
            assert one.holds(one.planted, one.hidden), one
            assert one.holds(one.seen, one.hidden), one
            assert one.hidden.high - one.hidden.low < 0.2
            bent += not one.holds(one.planted)
    assert bent == 6  # by what is published alone


def test_what_is_hidden_to_protect_others_is_not_taken_for_small():
    draw = np.random.default_rng(2)
    true = draw.poisson(np.full((20, 12), 40.0)).astype(float)
    hidden = draw.random(true.shape) < 0.3
    series = DaySeries.of([(f"{n}",) for n in range(12)], DAYS[:20], np.where(hidden, np.nan, true))
    asked, reference = np.arange(20) >= 17, Reference(last=DAYS[16], like="any")
    known = with_hidden(series, asked, reference, 15, protecting=hidden)
    assert known.low < 0 < known.high
    assert known.high - known.low < 0.25


def test_without_history_there_is_no_score(scores):
    draw = np.ones((4, 1)) * 50
    one = DaySeries.of([("A", "B")], DAYS[:4], draw)
    lengths = DaySeries.of([(name,) for name in PLANTED], DAYS[:4], np.ones((4, 3)))
    [first, *_] = score_changes.score_lockdown(one, one, lengths, np.array([8.0]), DAYS[3:4])
    assert first.published.change is None
    assert first.holds(-0.31) is None


def test_the_days_of_a_lockdown_are_those_that_it_was_generated_with(tmp_path: Path, ordinary: Path):
    made = {"start": "2026-03-01", "days": 7, "scenarios": ["lockdown"]}
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "generation.json").write_text(json.dumps(made))
    assert score_changes.lockdown_days(tmp_path) == [FIRST + timedelta(day) for day in (3, 4, 5)]
    assert score_changes.lockdown_days(ordinary) == []
    assert score_changes.flood_day(ordinary) is None


def test_true_flows_are_those_of_the_truth(ordinary: Path):
    keys, days = [("GN-C", "GN-CO"), ("GN-CO", "GN-C")], [FIRST, FIRST + timedelta(1)]
    there = score_changes.true_flows(ordinary, DaySeries.of(keys, days, np.zeros((2, 2))))
    rows = score_changes.read_truth(ordinary, "flows").to_pylist()
    said = sum(
        row["subscribers"] for row in rows if (row["origin"], row["destination"]) in keys and row["start"].day < 3
    )
    assert there.values.sum() == said
