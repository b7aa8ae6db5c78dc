"""A run is attacked with the store's own subscribers: what is known of each adds up to what the run counts."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from commonweal.disclosure.attacks.membership import Membership
from commonweal.disclosure.attacks.report import AttackReport
from commonweal.disclosure.private import Rule, Unit
from commonweal.disclosure.rounding.ptable import perturb, perturbation_table
from commonweal.disclosure.rounding.record_keys import record_keys
from commonweal.mobility import attacking, counting, runs
from commonweal.mobility.attacking import LEFT_OUT, MEMBER
from commonweal.mobility.attacking_noise import attack_noised
from commonweal.mobility.contributing import MEASURES, cells, contributing, raw_counts
from commonweal.mobility.noising import keys_of_cells
from commonweal.mobility.private import private_runs


def days_of_people(people: int, seed: int) -> Iterator[str]:
    """Each person has an area of its own, and now and then goes elsewhere; two days."""
    generator = random.Random(seed)
    for number in range(people):
        own = generator.choice("abcd")
        for day in (6, 7):
            for hour in sorted(generator.sample(range(24), 6)):
                area = own if generator.random() < 0.7 else generator.choice("abcd")
                yield f"076{number:06},2026-01-{day:02}T{hour:02}:{generator.randrange(60):02}:00,{area}1,call,,"


@pytest.fixture
def counted(start: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function that imports people's days and counts them."""

    def make(people: int, **choices: Any) -> tuple[runs.Plan, Any]:
        operator = start(**choices)
        operator.import_(operator.events("days.csv", days_of_people(people, seed=1)))
        planned = runs.plan(operator.settings, operator.database, operator.project)
        return planned, counting.count(operator.settings, planned.buckets)

    return make


def test_what_is_known_of_everybody_adds_up_to_what_is_counted(counted: Callable[..., Any]) -> None:
    planned, counts = counted(120)
    everybody = attacking.sample(planned, people=10_000)
    raw = raw_counts(planned.scope, counts)
    assert set(raw) == set(MEASURES)
    assert everybody.people == len(everybody.role) + everybody.reference_people == 120
    assert 40 < everybody.reference_people < 80
    for name in MEASURES:
        assert raw[name].sum() > 0
        known = everybody.cells[name].counts(len(raw[name])) + everybody.reference[name]
        assert known.tolist() == raw[name].tolist()


def test_a_sample_is_as_large_as_asked_and_the_same_every_time(counted: Callable[..., Any]) -> None:
    planned, _ = counted(120)
    once, again, other = (attacking.sample(planned, 40, seed) for seed in (0, 0, 9))
    assert len(once.role) == len(once.cells["presence"]) == 40
    assert once.people == 120
    assert once.cells["presence"].cell.tolist() == again.cells["presence"].cell.tolist()
    assert once.cells["presence"].cell.tolist() != other.cells["presence"].cell.tolist()
    assert {MEMBER, LEFT_OUT} == set(once.role.tolist())


def test_nothing_that_was_made_for_an_attack_stays_on_the_disk(counted: Callable[..., Any]) -> None:
    planned, counts = counted(30)
    before = sorted(planned.store.folder.rglob("*"))
    attacking.attack(planned, counts)
    assert sorted(planned.store.folder.rglob("*")) == before


def test_small_raw_counts_give_their_people_away_and_protected_ones_do_not(counted: Callable[..., Any]) -> None:
    planned, counts = counted(120)
    raw = attacking.attack(planned, counts, publish=lambda name, values: values.astype(float))
    protected = attacking.attack(planned, counts, publish=attacking.below_threshold(15))

    def presence(report: AttackReport) -> Membership:
        return next(one.finding for one in report.of("membership") if one.dataset == "mobility.presence")  # type: ignore[return-value]

    assert presence(raw).auc > 0.75
    assert presence(raw).learned
    assert presence(protected).auc < presence(raw).auc - 0.15
    drawn = attacking.sample(planned)
    assert presence(raw).people == int((drawn.role == MEMBER).sum()) == presence(raw).members


def test_noise_hides_people_as_far_as_it_is_large(start: Callable[..., Any]) -> None:
    operator = start()
    operator.import_(operator.events("days.csv", days_of_people(120, seed=1)))
    planned = runs.plan(operator.settings, operator.database, operator.project, names=["presence"])
    counts = counting.count(operator.settings, planned.buckets)
    drawn, raw = attacking.sample(planned), raw_counts(planned.scope, counts)

    def found(epsilon: float) -> AttackReport:
        runs_with_noise = private_runs(operator.settings, planned, Rule(Unit.DAY, epsilon))
        return attack_noised(planned, drawn, raw, next(one for one in runs_with_noise if one.measure == "presence"))

    little, much = (found(epsilon).of("membership")[0] for epsilon in (1000.0, 0.1))
    assert {one.dataset for one in (little, much)} == {"mobility.presence_private"}
    assert isinstance(little.finding, Membership)
    assert isinstance(much.finding, Membership)
    assert little.finding.learned
    assert not much.finding.learned
    assert much.finding.auc < little.finding.auc - 0.15


def test_a_report_has_every_attack_on_records_and_no_pseudonym(counted: Callable[..., Any]) -> None:
    planned, counts = counted(60)
    report = attacking.attack(planned, counts)
    assert {one.attack for one in report.attacked} == {"membership", "uniqueness", "trajectories"}
    assert {one.dataset for one in report.of("membership")} == {f"mobility.{name}" for name in MEASURES}
    told = json.dumps(report.record())
    assert AttackReport.parsed(json.loads(told)) == report
    pseudonyms = np.concatenate([contributing(bucket)["subscriber"].to_numpy() for bucket in planned.buckets])
    assert not any(str(pseudonym) in told for pseudonym in np.unique(pseudonyms))


def test_people_who_are_seen_often_are_unique_by_four_points(counted: Callable[..., Any]) -> None:
    planned, counts = counted(60)
    (found,) = attacking.attack(planned, counts).of("uniqueness")
    assert found.finding.from_2 < found.finding.from_4  # type: ignore[union-attr]
    assert found.finding.from_4 > 0.9  # type: ignore[union-attr]


def test_keys_of_cells_are_the_sums_of_their_peoples_keys_in_any_bucket(counted: Callable[..., Any]) -> None:
    """Computed once more person by person, over all buckets at once."""
    planned, _ = counted(40)
    secret = bytes(range(32))
    rows = pa.concat_tables([contributing(bucket) for bucket in planned.buckets]).sort_by("subscriber")
    found = keys_of_cells(planned, secret)
    for name, (subscriber, cell) in cells(planned.scope, rows).items():
        expected = [0] * len(found[name])
        for person, place in {(int(p), int(c)) for p, c in zip(subscriber, cell, strict=True)}:
            expected[place] += int(record_keys(secret, f"operator/{planned.epoch.name}", np.array([person]))[0])
        assert found[name].tolist() == [key % 2**64 for key in expected]
    assert np.any(found["presence"] != keys_of_cells(planned, bytes(32))["presence"])


def test_an_hour_has_the_same_noise_in_every_period_it_is_asked_for_in(start: Callable[..., Any]) -> None:
    operator = start()
    operator.import_(operator.events("days.csv", days_of_people(40, seed=1)))
    table = perturbation_table(2, 0.9)
    noised = []
    for days in (1, 2):
        planned = runs.plan(
            operator.settings, operator.database, operator.project, date(2026, 1, 6), date(2026, 1, 6 + days)
        )
        raw = raw_counts(planned.scope, counting.count(operator.settings, planned.buckets))["presence"]
        noised.append(perturb(raw, keys_of_cells(planned, bytes(32))["presence"], table)[: 24 * 4])
    assert noised[0].sum() > 0
    assert noised[0].tolist() == noised[1].tolist()
