"""Two operators' views of one border, from what both have published."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.errors import InputError
from commonweal.mobility.borders.joining import View, combined, joined

DAY = datetime(2026, 1, 5, tzinfo=UTC)


def view(country: str, rows: dict[tuple[str, str, str], int | None], **shares: float) -> View:
    """A release's rows: (country, direction, who) to a value, None where it is suppressed."""
    columns = [
        {
            "country": other,
            "direction": direction,
            "who": who,
            "start": DAY,
            "subscribers": value,
            "subscribers_state": "suppressed" if value is None else "reported",
        }
        for (other, direction, who), value in rows.items()
    ]
    return View(country, pa.Table.from_pylist(columns), **shares)


def both(guinea: int | None, sierra_leone: int | None, **shares: float) -> dict[str, Any]:
    """What the two say of Guineans going to Sierra Leone."""
    keys = [("in", "resident"), ("in", "visitor"), ("out", "visitor")]
    one = view("GN", {("SL", "out", "resident"): guinea, **{("SL", *key): 99 for key in keys}}, **shares)
    rest = [("in", "resident"), ("out", "resident"), ("out", "visitor")]
    other = view("SL", {("GN", "in", "visitor"): sierra_leone, **{("GN", *key): 77 for key in rest}}, **shares)
    rows = joined(one, other).to_pylist()
    assert len(rows) == 4
    [row] = [row for row in rows if (row["people_of"], row["from"], row["to"]) == ("GN", "GN", "SL")]
    return row


def test_the_same_people_stand_side_by_side() -> None:
    row = both(40, 30)
    assert (row["one"], row["other"], row["at_least"], row["views"]) == (40, 30, 40, 2)
    assert (row["estimate"], row["agree"], row["state"]) == (None, None, "reported")


def test_shares_make_an_estimate_with_an_interval() -> None:
    row = both(400, 100, share_of_residents=0.4, share_of_visitors=0.1)
    assert row["estimate"] == pytest.approx(1000)
    assert row["low"] < row["estimate"] < row["high"]
    assert row["agree"]
    assert row["state"] == "estimated"
    alone = both(400, None, share_of_residents=0.4, share_of_visitors=0.1)
    assert alone["high"] - alone["low"] > row["high"] - row["low"]


def test_views_that_differ_by_more_than_chance_are_told() -> None:
    assert both(400, 200, share_of_residents=0.4, share_of_visitors=0.1)["agree"] is False


def test_what_is_suppressed_stays_suppressed_and_is_no_zero() -> None:
    row = both(None, None, share_of_residents=0.4, share_of_visitors=0.1)
    assert (row["one"], row["other"], row["at_least"], row["estimate"]) == (None, None, None, None)
    assert row["state"] == "suppressed"
    half = both(None, 100, share_of_residents=0.4, share_of_visitors=0.1)
    assert (half["one_state"], half["views"], half["estimate"]) == ("suppressed", 1, pytest.approx(1000))


@given(st.integers(15, 10**6), st.integers(15, 10**6), st.floats(0.05, 1), st.floats(0.05, 1))
@settings(max_examples=50)
def test_an_estimate_lies_in_its_interval_and_is_no_less_than_what_was_seen(
    one: int, other: int, share: float, other_share: float
) -> None:
    found = combined([one, other], [share, other_share])
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert max(one, other) <= found.low <= found.value <= found.high


def test_views_of_one_country_or_of_other_days_are_refused() -> None:
    one = view("GN", {("SL", "out", "resident"): 20})
    with pytest.raises(InputError, match="both views are of GN"):
        joined(one, one)
    with pytest.raises(InputError, match="no day"):
        joined(one, view("SL", {("LR", "in", "visitor"): 20}))
    with pytest.raises(InputError, match="share of 2"):
        view("GN", {("SL", "out", "resident"): 20}, share_of_residents=2)


def test_two_operators_publish_and_anybody_joins(
    start: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from commonweal.core.catalog import get
    from commonweal.mobility import cli

    views = []
    # Forty Guineans go from Kindia to Kambia; each operator sees those whom it serves.
    for country, cell, place, rows in (
        ("GN", "kindia", "-12.86,10.05,611-01", ["kindia,611-01,611-01", ",611-01,619-01", "kindia,611-01,611-01"]),
        ("SL", "kambia", "-12.92,9.12,619-01", ["kambia,611-01,619-01", "kambia,611-01,619-01"]),
    ):
        operator = start(country.lower(), area_set=f"natural-earth:{country}")
        operator.stands_at([f"{cell},{place}"])
        hours = ("08:00", "12:00", "20:00") if country == "GN" else ("12:00", "18:00")
        lines = [
            f"2246{person:08},2026-01-05T{hour}:00,{row}"
            for person in range(40 if country == "GN" else 25)
            for hour, row in zip(hours, rows, strict=True)
        ]
        ends = [f"2246999999{n},2026-01-0{n}T10:00:00,{cell},619-01,{place[-6:]}" for n in (1, 9)]
        operator.import_roaming([*lines, *ends])
        tables = operator.run(measures=["border_crossings", "border_districts", "outbound", "inbound"])
        views.append(tables["border_crossings"])
        shown = [row for row in views[-1].to_pylist() if row["subscribers"] is not None]
        assert {(row["direction"], row["who"], row["subscribers"]) for row in shown} == (
            {("out", "resident", 40), ("in", "resident", 40)}
            if country == "GN"
            else {("in", "visitor", 25), ("out", "visitor", 25)}
        )
        hidden = [row for row in views[-1].to_pylist() if row["subscribers"] is None]
        assert {row["subscribers_state"] for row in hidden} == {"suppressed"}
    monkeypatch.setenv("COMMONWEAL_DATA", str(operator.settings.data))
    newest = get(operator.database, "mobility.border_crossings").version
    pq.write_table(views[1], tmp_path / "other.parquet")
    for other in (str(newest), str(tmp_path / "other.parquet")):
        cli.join_border(str(newest - 1), other, ("GN", "SL"), (0.4, 0.5), (0.5, 0.25), as_json=True)
        rows = json.loads(capsys.readouterr().out)
        [row] = [
            row
            for row in rows
            if row["start"][:10] == "2026-01-05"
            and (row["from"], row["to"]) == ("GN", "SL")
            and row["people_of"] == "GN"
        ]
        assert (row["one"], row["other"]) == (40, 25)
        assert row["estimate"] == pytest.approx(100)
