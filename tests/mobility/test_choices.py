"""What a definition leaves open is stamped on every release, and pages have a name for it in every language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from commonweal.mobility import runs
from commonweal.mobility.measure import measures, sources
from commonweal.mobility.measures.home_rules import RULES
from commonweal.mobility.stays.derivations import SETTLED

CATALOG = Path(runs.__file__).parents[1] / "web/locale/fr/LC_MESSAGES/commonweal.po"
SAMPLE = ["2327655001,2026-03-02T10:00:00,a1,call,,", "2327655002,2026-03-02T11:00:00,b1,call,,"]


@pytest.fixture
def stamped(operator: Any) -> dict[str, dict[str, Any]]:
    """The parameters of a release of each measure."""
    operator.import_(operator.events("calls.csv", SAMPLE))
    planned = runs.plan(operator.settings, operator.database, operator.project, names=tuple(measures()))
    return {name: planned.parameters_of(name) for name in measures()}


def names_in(said: Mapping[str, Any]) -> set[str]:
    """What pages write of parameters."""
    inner = {name for value in said.values() if isinstance(value, Mapping) for name in names_in(value)}
    return {name.replace("_", " ") for name in said} | inner


def test_every_release_says_its_clock_its_ties_its_nulls_its_diagonal_and_its_limits(
    stamped: dict[str, dict[str, Any]],
) -> None:
    for name, said in stamped.items():
        assert {"time_zone", "day_starts", "k", "events_of_one_second"} <= set(said), name
        assert {"no_area", "no_position"} & set(said), name
        columns = {dimension.name for dimension in measures()[name].dataset.dimensions}
        assert ("staying" in said) >= ("destination" in columns), name
        if SETTLED in sources(measures()[name]):
            assert said["bounce_seconds"] == 300, name
            assert said["segments_in_seconds"]["stay_gap"] == 12 * 3600, name
    assert stamped["flags"]["cleaning"]["speed"] == stamped["flows_stays"]["cleaning"]["speed"] == 55
    assert stamped["flows"]["staying"] is False


def test_pages_name_every_parameter_in_french(stamped: dict[str, dict[str, Any]]) -> None:
    known = CATALOG.read_text("utf-8")
    asked = {name for said in stamped.values() for name in names_in(said)} - set(RULES)
    assert [name for name in sorted(asked) if f'msgid "{name}"\n' not in known] == []
