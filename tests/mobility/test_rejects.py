"""Rejected rows are found by reason and by file, and none is lost from the count."""

from __future__ import annotations

from typing import Any

import pytest

from commonweal.core.errors import NotFound
from commonweal.mobility.blocks import file_digest
from commonweal.mobility.imported import list_rejects


@pytest.fixture
def rejecting(operator: Any) -> Any:
    """An operator two of whose files had rows rejected."""
    good = "23276553201,2026-01-05T10:00:00,a1,call,,5"
    late = "23276553201,never,a1,call,,5"
    operator.import_(operator.events("monday.csv", [good, late, late, good.replace("a1", "zz")]))
    operator.import_(operator.events("tuesday.csv", [good.replace("05T", "06T"), late]))
    return operator


def listed(operator: Any, limit: int = 50, **chosen: str) -> tuple[list[int], int]:
    """Lines of the rejects that are shown, and how many there are in all."""
    found = list_rejects(operator.settings, operator.database, operator.project.name, limit, **chosen)
    return sorted(row["line"] for row in found.rows), found.total


def test_rejects_are_chosen_by_reason_and_by_file(rejecting: Any) -> None:
    monday, tuesday = (file_digest(rejecting.folder / f"{day}.csv") for day in ("monday", "tuesday"))
    assert listed(rejecting) == ([3, 3, 4, 5], 4)
    assert listed(rejecting, reason="bad timestamp") == ([3, 3, 4], 3)
    assert listed(rejecting, reason="duplicate") == ([], 0)
    assert listed(rejecting, file="tuesday.csv") == listed(rejecting, file=tuesday[:12]) == ([3], 1)
    assert listed(rejecting, file=monday) == ([3, 4, 5], 3)
    assert listed(rejecting, file="monday.csv", reason="unknown cell") == ([5], 1)


def test_a_reject_is_shown_with_its_files_names_and_whole_digest(rejecting: Any) -> None:
    content = (rejecting.folder / "tuesday.csv").read_bytes()
    digest = file_digest(rejecting.folder / "tuesday.csv")
    [row] = list_rejects(rejecting.settings, rejecting.database, rejecting.project.name, 1, file="tuesday.csv").rows
    assert list(row)[:2] == ["file", "digest"]
    assert (row["file"], row["digest"]) == ("tuesday.csv", digest)
    rejecting.import_(rejecting.write("again.csv", content), first="2026-01-01")
    found = list_rejects(rejecting.settings, rejecting.database, rejecting.project.name, 9, file="again.csv")
    assert {(row["file"], row["digest"]) for row in found.rows} == {("again.csv, tuesday.csv", digest)}


def test_all_rejects_are_counted_however_few_are_shown(rejecting: Any) -> None:
    shown, total = listed(rejecting, limit=1)
    assert (len(shown), total) == (1, 4)
    assert listed(rejecting, limit=0, reason="bad timestamp") == ([], 3)


def test_a_reason_or_file_that_is_not_there_is_refused(rejecting: Any) -> None:
    for unknown in ("bad timestamps", "accepted"):
        with pytest.raises(NotFound, match="one of: malformed line, bad encoding"):
            listed(rejecting, reason=unknown)
    for unknown in ("wednesday.csv", "day.csv", ""):
        with pytest.raises(NotFound, match="commonweal mobility imports"):
            listed(rejecting, file=unknown)
