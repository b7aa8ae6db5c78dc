"""To which day people are brought that a table is compared with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from commonweal.core.catalog import latest
from commonweal.mobility.baselines.series import areas_and_start
from commonweal.mobility.scaling.asking import days_of


def test_homes_of_a_run_are_of_its_last_day_though_their_rows_begin_with_its_first(start: Callable[..., Any]) -> None:
    operator = start()
    lines = [
        f"2327600000{who},2026-01-{day:02}T08:00:00,a1,call,,5" for who in range(4) for day in (5, 6, 7, 8, 9, 10, 11)
    ]
    operator.import_(operator.events("calls.csv", lines))
    operator.run(measures=["presence", "home"], first="2026-01-05", last="2026-01-11")
    for name in ("mobility.home", "mobility.presence"):
        release = latest(operator.database, name)
        found = days_of(release, release.table(operator.settings), areas_and_start(release)[1])
        assert found == (date(2026, 1, 5), date(2026, 1, 10)), name
