"""Whatever is published of people is attacked before it leaves: weak protection is found out, and ours is not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commonweal.core.areas import import_file
from commonweal.disclosure.attacks.membership import Membership
from commonweal.disclosure.attacks.report import AttackReport
from commonweal.disclosure.private import Rule, Unit
from commonweal.mobility import attacking, counting, runs
from commonweal.mobility.attacking_noise import attack_noised
from commonweal.mobility.contributing import raw_counts
from commonweal.mobility.counted_in import attackable
from commonweal.mobility.measure import measures
from commonweal.mobility.private import private_runs

FIRST, LAST = date(2026, 1, 20), date(2026, 1, 23)
SIDE = 7
PLMN = {"SL": "619-01", "GN": "611-01", "LR": "618-01"}
FAMILIES = {
    "borders": ("border_districts", "border_pairs", "inbound", "presence_by_origin"),
    "weeks": ("presence_by_week",),
    "residents and visitors": ("presence_by_home",),
    "stays": ("flows_stays",),
    "other flows": ("flows_all_pairs", "flows_lagged", "commuting"),
    "walks": ("radius_of_gyration", "locations", "real_entropy"),
    "homes": ("homes", "home_agreement"),
}
ASKED = ("home", *(name for names in FAMILIES.values() for name in names))
NOISED = ("home", "border_districts", "presence_by_week", "presence_by_home", "locations")
TOLD_APART = set(ASKED) - {"home_agreement"}
"""Those that have so many cells of few people that exact counts give them away, whoever falls into which half."""


def tiles(folder: Path) -> Path:
    """Squares of a tenth of a degree by the border, a cell in each."""
    features = []
    for place in range(SIDE * SIDE):
        west, south = -11 + place % SIDE / 10, 8 + place // SIDE / 10
        ring = [[west, south], [west + 0.1, south], [west + 0.1, south + 0.1], [west, south + 0.1], [west, south]]
        geometry = {"type": "Polygon", "coordinates": [[[round(x, 3), round(y, 3)] for x, y in ring]]}
        properties = {"code": f"t{place:02}", "name": f"Tile {place}"}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    path = folder / "tiles.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def people(many: int) -> Iterator[str]:
    """Each has three places of their own, stays an hour or two in one, and is abroad now and then."""
    draw = random.Random(8)
    for person in range(many):
        home = "GN" if person % 3 == 0 else "SL"
        own = draw.sample(range(SIDE * SIDE), 3)
        moment = datetime(2026, 1, 19, draw.randrange(12), tzinfo=UTC)
        while moment < datetime(2026, 1, 25, tzinfo=UTC):
            abroad = draw.random() < 0.15
            cell = "" if abroad else f"c{draw.choice(own)}"
            for _ in range(6):
                serving = "LR" if abroad else "SL"
                yield f"23276{person:06},{moment:%Y-%m-%dT%H:%M:%S},{cell},{PLMN[home]},{PLMN[serving]}"
                moment += timedelta(minutes=draw.randrange(5, 19))
            moment += timedelta(minutes=draw.choice([20, 90, 400]))


@pytest.fixture
def counted(start: Callable[..., Any], home: Any, tmp_path: Path) -> Callable[..., Any]:
    import_file(home.database, tiles(tmp_path), name="tiles", code_field="code", name_field="name", who="os:tester")

    def make(many: int, names: Sequence[str] = ASKED) -> tuple[Any, runs.Plan, Any]:
        operator = start(area_set="tiles", minimum_people=15, bucket_bits=1)
        operator.stands_at(
            f"c{n},{-11 + n % SIDE / 10 + 0.05:.3f},{8 + n // SIDE / 10 + 0.05:.3f},{PLMN['SL']}"
            for n in range(SIDE * SIDE)
        )
        operator.import_roaming(sorted(set(people(many))))
        planned = runs.plan(operator.settings, operator.database, operator.project, FIRST, LAST, names)
        return operator, planned, counting.count(operator.settings, planned.buckets)

    return make


def found(report: AttackReport) -> dict[str, Membership]:
    said = {one.dataset.partition(".")[2]: one.finding for one in report.of("membership")}
    return {name: finding for name, finding in said.items() if isinstance(finding, Membership)}


def test_what_is_known_of_everybody_adds_up_to_what_is_counted(counted: Callable[..., Any]) -> None:
    _, planned, counts = counted(40)
    everybody = attacking.sample(planned, people=10_000, counts=counts)
    assert everybody.people == 40
    assert set(everybody.known) == set(attackable(ASKED)) == set(ASKED) - {"home"}
    for name, cells in everybody.known.items():
        known = everybody.cells[name].counts(len(cells.people)) + everybody.reference[name]
        assert known.tolist() == cells.people.tolist(), name
        # Rows of the table are found again by their keys.
        measure = measures()[name]
        grid = measure.grid(counts[name], planned.scope).select(measure.dataset.key)
        number = cells.numbers(planned, grid)
        assert sorted(number.tolist()) == list(range(grid.num_rows))
        keys = list(measure.dataset.key)
        said = dict(zip((tuple(row.values()) for row in grid.to_pylist()), cells.people[number].tolist(), strict=True))
        for row in measure.finish(counts[name], planned.scope).to_pylist():
            assert said[tuple(row[key] for key in keys)] == row["people"], name


def test_exact_counts_give_people_away_and_protected_ones_do_not(counted: Callable[..., Any]) -> None:
    _, planned, counts = counted(200)
    weak = found(attacking.attack(planned, counts, publish=lambda name, values: values.astype(float)))
    ours = found(attacking.attack(planned, counts))
    assert set(weak) == set(ours) == set(ASKED)
    for family, names in FAMILIES.items():
        assert max(weak[name].auc for name in names) > 0.6, family
    for name in TOLD_APART:
        assert weak[name].auc > 0.6, (name, weak[name])
    for name, finding in ours.items():
        assert abs(finding.auc - 0.5) <= 4.5 * finding.standard_error, (name, finding)
    assert np.mean([finding.auc for finding in ours.values()]) == pytest.approx(0.5, abs=0.08)


def test_noise_hides_people_as_far_as_it_is_large(counted: Callable[..., Any]) -> None:
    operator, planned, counts = counted(200, NOISED)
    drawn, raw = attacking.sample(planned, counts=counts), raw_counts(planned.scope, counts)

    def told(epsilon: float) -> dict[str, Membership]:
        rule = Rule(Unit.DAY, epsilon)
        runs_with_noise = private_runs(operator.settings, planned, rule)
        reports = {run.measure: attack_noised(planned, drawn, raw, run) for run in runs_with_noise}
        return {name: found(report)[f"{name}_private"] for name, report in reports.items()}

    little, much = told(1e5), told(1.0)
    assert set(little) == set(much) == set(NOISED)
    for name in TOLD_APART & set(NOISED):
        assert little[name].auc > 0.6, (name, little[name])
    for name, finding in much.items():
        assert abs(finding.auc - 0.5) <= 4.5 * finding.standard_error, (name, finding)
    assert np.mean([finding.auc for finding in much.values()]) == pytest.approx(0.5, abs=0.12)
