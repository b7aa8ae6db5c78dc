"""Whoever objected stays away: whatever comes in later, in whatever way, and whenever something is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from commonweal.mobility import custody, importing, keys, laying, merging, service
from commonweal.mobility.objecting import objectors
from commonweal.mobility.store import EpochStore

WHO = "os:tester"
PEOPLE = [f"2327655{n:04}" for n in range(8)]
OBJECTOR = PEOPLE[3]


def line(number: str, moment: str, other: str = "", cell: str = "a1") -> str:
    """A line of an event."""
    return f"{number},{moment},{cell},call,{other},5"


def some_lines(seed: int, count: int = 60, years: tuple[int, ...] = (2026,)) -> list[str]:
    """Lines of everybody, calling one another or nobody; some repeat."""
    chance = random.Random(seed)
    return [
        line(
            chance.choice(PEOPLE),
            f"{chance.choice(years)}-01-{chance.randrange(5, 8):02}T{chance.randrange(24):02}:00:00",
            chance.choice([*PEOPLE, ""]),
        )
        for _ in range(count)
    ]


def forget(operator: Any, *numbers: str) -> custody.Forgotten:
    """Let somebody object."""
    return custody.forget(operator.settings, operator.database, operator.project, numbers, WHO)


def whose(operator: Any, number: str = OBJECTOR) -> set[int]:
    """A number's pseudonyms in every readable epoch."""
    book = operator.book()
    return {int(custody.pseudonyms_in(book, epoch, [number], "")[0]) for epoch in book.epochs if not epoch.destroyed}


def is_there(operator: Any, number: str = OBJECTOR) -> bool:
    """Whether the store holds anything of a number."""
    own = whose(operator, number)
    return any(event["subscriber"] in own or event["counterpart"] in own for event in operator.stored())


def has_objected(operator: Any, number: str = OBJECTOR) -> bool:
    """Whether every readable epoch knows that a number objected."""
    stores = [operator.store(n) for n, epoch in enumerate(operator.book().epochs) if not epoch.destroyed]
    listed = {pseudonym for store in stores for pseudonym in objectors(store).to_pylist()}
    return whose(operator, number) <= listed


def same_key(operator: Any, epoch: str = "2026") -> None:
    """Give a project's epoch the key that other projects' have, so that their contents can be compared."""
    keys.create(operator.settings.keys, operator.project.name, epoch)
    keys.key_path(operator.settings.keys, operator.project.name, epoch).write_text("7" * 64)


# Later files ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_objection_outlasts_the_next_files_and_the_same_file_imported_otherwise(operator: Any) -> None:
    first = operator.events("first.csv", some_lines(1))
    operator.import_(first)
    assert is_there(operator)
    forget(operator, OBJECTOR)
    operator.import_(operator.events("next.csv", some_lines(2)))
    operator.import_(first, first="2026-01-01")
    assert not is_there(operator)
    assert is_there(operator, PEOPLE[4])


def test_of_an_objectors_row_only_file_line_and_reason_are_kept(operator: Any) -> None:
    forget(operator, OBJECTOR)
    file = operator.events("calls.csv", [line(PEOPLE[0], "2026-01-05T10:00:00"), line(OBJECTOR, "2026-01-05T11:00:00")])
    [report] = operator.import_(file)
    assert (report["rows"], report["accepted"], report["rejected"]) == (2, 1, {"objected": 1})
    [reject] = operator.rejects()
    said = {name: value for name, value in reject.items() if value is not None}
    assert said == {"file": "calls.csv", "digest": report["digest"], "line": 3, "reason": "objected"}


def test_whom_an_objector_called_is_counted_without_them(operator: Any) -> None:
    forget(operator, OBJECTOR)
    operator.import_(
        operator.events(
            "calls.csv",
            [line(PEOPLE[0], "2026-01-05T10:00:00", OBJECTOR), line(PEOPLE[0], "2026-01-05T11:00:00", PEOPLE[1])],
        )
    )
    met = {event["time"] % 86400 // 3600: event["counterpart"] for event in operator.stored()}
    assert met[10] is None
    assert met[11] in whose(operator, PEOPLE[1])


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_same_whether_the_objection_or_the_events_came_first(seed: int, start: Callable[..., Any]) -> None:
    found = []
    for name in ("before", "after"):
        operator = start(name)
        same_key(operator)
        file = operator.events("calls.csv", some_lines(seed, 300))
        steps = [lambda o=operator: forget(o, OBJECTOR, PEOPLE[5]), lambda o=operator, f=file: o.import_(f)]
        for step in steps if name == "before" else reversed(steps):
            step()
        found.append(operator.stored())
    assert found[0] == found[1] != []


def test_a_file_of_objectors_alone_is_no_wrong_mapping(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "HOPELESS", 10)
    forget(operator, OBJECTOR)
    [report] = operator.import_(operator.events("calls.csv", [line(OBJECTOR, "2026-01-05T10:00:00")] * 20))
    assert report["rejected"] == {"objected": 20}


def test_who_was_never_seen_can_object_before_the_first_file(operator: Any) -> None:
    assert operator.book().epochs == []
    forgotten = forget(operator, OBJECTOR)
    assert (forgotten.found, forgotten.events) == (0, 0)
    [epoch] = operator.book().epochs
    assert epoch.starts <= datetime.now(UTC).timestamp() < epoch.ends
    today = f"{datetime.now(UTC):%Y-%m-%dT00:00:00}"
    operator.import_(operator.events("calls.csv", [line(OBJECTOR, today), line(PEOPLE[0], today)]))
    assert len(operator.stored()) == 1
    assert not is_there(operator)


def test_objections_add_up_and_a_repeated_one_changes_nothing(operator: Any) -> None:
    forget(operator, OBJECTOR)
    forget(operator, PEOPLE[5])
    assert has_objected(operator)
    assert has_objected(operator, PEOPLE[5])
    before = operator.store().manifest
    forget(operator, OBJECTOR)
    assert operator.store().manifest == before


def test_the_list_survives_whatever_rewrites_the_store(operator: Any, at: Callable[[str], int]) -> None:
    operator.import_(operator.events("calls.csv", some_lines(1)))
    forget(operator, OBJECTOR)
    operator.import_(operator.events("next.csv", some_lines(2)))
    merging.split_buckets(operator.store(), 4)
    service.compact_store(operator.settings, operator.database, operator.project)
    custody.erasing.erase_before(operator.store(), at("2026-01-06"))
    operator.store().commit(operator.store().manifest)  # which sweeps
    assert has_objected(operator)
    assert not is_there(operator)


def test_data_without_objectors_has_the_digests_it_would_have_had(start: Callable[..., Any]) -> None:
    digests = []
    for name in ("nobody", "somebody"):
        operator = start(name)
        same_key(operator)
        if name == "somebody":
            forget(operator, "23276559999")
        operator.import_(operator.events("calls.csv", some_lines(1)))
        digests.append(replace(operator.store().manifest, project="").digest)
    assert digests[0] == digests[1]


def test_nothing_of_a_number_is_written(operator: Any) -> None:
    forget(operator, OBJECTOR, f"+{OBJECTOR[:3]} {OBJECTOR[3:]}")
    operator.import_(operator.events("calls.csv", some_lines(1)))
    spelled = [OBJECTOR.encode(), OBJECTOR[3:].encode()]
    spelled += [
        pseudonym.to_bytes(8, order, signed=True) for pseudonym in whose(operator) for order in ("little", "big")
    ]
    for path in operator.files():
        assert not [text for text in spelled if text in path.read_bytes()], path


# Epochs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_epoch_that_begins_later_needs_the_numbers_again_and_an_import_says_so(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", some_lines(1)))
    forget(operator, OBJECTOR)
    job = operator.job(
        files=[str(operator.events("old.csv", some_lines(2, years=(2024,))))],
        mapping=str(operator.mapping),
        cells=None,
        first=None,
        last=None,
    )
    said: list[str] = []
    job.log = said.append
    service.import_job(job)
    assert is_there(operator), "other pseudonyms: nobody could know"
    assert any(text.startswith("epoch 2024 knows of fewer objections than another") for text in said)
    forget(operator, OBJECTOR)
    assert not is_there(operator)
    said.clear()
    job.parameters["files"] = [str(operator.events("older.csv", some_lines(3, years=(2024,))))]
    service.import_job(job)
    assert not is_there(operator)
    assert len(said) == 1


def test_an_import_does_not_ask_for_the_key_of_another_epoch(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", some_lines(1, years=(2025, 2026))))
    keys.key_path(operator.settings.keys, "operator", "2025").rename(operator.folder / "elsewhere.key")
    [report] = operator.import_(operator.events("next.csv", some_lines(2)))
    assert report["accepted"] > 0


def test_rotating_says_that_objections_are_not_carried_over(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from commonweal.mobility.keys_cli import app

    monkeypatch.setenv("COMMONWEAL_DATA", str(operator.settings.data))
    said = CliRunner().invoke(app, ["rotate", "-p", "operator", "--from", "2026-05-17"]).output
    assert "epoch 2026-05-17T0000 begins" in said
    assert "give the numbers of those who objected again to commonweal mobility forget" in said


def test_the_list_goes_with_its_epochs_key(operator: Any) -> None:
    forget(operator, OBJECTOR)
    operator.import_(operator.events("calls.csv", some_lines(1, years=(2025, 2026))))
    custody.destroy_key(operator.settings, operator.database, operator.project, "2026", WHO, None)
    assert forget(operator, OBJECTOR).found == 1, "in the other epoch"
    assert [epoch.name for epoch in operator.book().epochs if not epoch.destroyed] == ["2025"]


# What forgetting says ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mistyped_number_is_told_from_an_unknown_one(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", [line(PEOPLE[0], "2026-01-05T10:00:00", PEOPLE[1])]))
    asked = ["", PEOPLE[0], f"+{PEOPLE[1]}", "23276559999", "2327655O001", "", "610 03", "619011234567890"]
    forgotten = forget(operator, *asked)
    assert forgotten == custody.Forgotten(numbers=6, no_numbers=(5, 7), found=2, events=1)


def test_identifiers_that_are_no_numbers_are_forgotten_all_the_same(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", [line("subscriber-a", "2026-01-05T10:00:00")]))
    assert forget(operator, "subscriber-a") == custody.Forgotten(numbers=1, no_numbers=(1,), found=1, events=1)
    assert operator.stored() == []


def test_no_numbers_at_all_are_no_objection(operator: Any) -> None:
    assert forget(operator, "", "\n") == custody.Forgotten(numbers=0, no_numbers=(), found=0, events=0)
    assert operator.store().manifest.segments == ()


def test_the_command_gives_counts_and_the_lines_of_what_is_no_number(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from commonweal.mobility.cli import app

    monkeypatch.setenv("COMMONWEAL_DATA", str(operator.settings.data))
    operator.import_(operator.events("calls.csv", [line(PEOPLE[0], "2026-01-05T10:00:00")]))
    typed = f"{PEOPLE[0]}\n23276559999\n2327655O001\n"
    said = CliRunner().invoke(app, ["forget", "-p", "operator"], input=typed).output
    assert said == (
        "3 numbers, 1 of them with events; 1 events erased or cut from them; releases stand\n"
        "1 of them are no telephone number or IMSI; lines: 3\n"
    )
    assert "2327655" not in said


# Kills ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Killed(BaseException):
    """What ends a process without a word."""


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the n-th call of a function end the process."""

    def at(place: Any, name: str, call: int = 1) -> None:
        really, calls = getattr(place, name), iter(range(1, call))

        def die(*said: Any, **named: Any) -> Any:
            if next(calls, None) is not None:
                return really(*said, **named)
            monkeypatch.setattr(place, name, really)
            raise Killed

        monkeypatch.setattr(place, name, die)

    return at


def test_who_objects_while_an_import_waits_does_not_come_in_with_it(operator: Any, kill: Any) -> None:
    file = operator.events("calls.csv", some_lines(1))
    kill(laying, "merge")
    with pytest.raises(Killed):
        operator.import_(file)
    forget(operator, OBJECTOR)
    operator.import_(file)
    assert not is_there(operator)
    assert is_there(operator, PEOPLE[4])


def test_who_objects_between_two_halves_of_an_import_is_in_neither(operator: Any, kill: Any) -> None:
    file = operator.events("calls.csv", some_lines(1, years=(2025, 2026)))
    operator.import_(operator.events("first.csv", some_lines(2, years=(2025, 2026))))
    kill(EpochStore, "commit", 2)
    with pytest.raises(Killed):
        operator.import_(file)  # the first epoch's events are in, the second one's are not
    forget(operator, OBJECTOR)
    operator.import_(file)
    assert not is_there(operator)
    assert is_there(operator, PEOPLE[4])


KILLED = """
import os, signal, sys
from commonweal.cli import main
from commonweal.mobility.store import EpochStore
really, calls, when = EpochStore.commit, 0, sys.argv.pop(1)
def commit(*said):
    global calls
    calls += 1
    if when == f"before {calls}":
        os.kill(os.getpid(), signal.SIGKILL)
    really(*said)
    if when == f"after {calls}":
        os.kill(os.getpid(), signal.SIGKILL)
EpochStore.commit = commit
main()
"""


@pytest.mark.parametrize("when", ["before 1", "after 1", "before 2", "after 2"])
def test_a_killed_objection_is_whole_or_not_at_all_in_each_epoch_and_a_rerun_completes_it(
    when: str, operator: Any, tmp_path: Path
) -> None:
    operator.import_(operator.events("calls.csv", some_lines(1, years=(2025, 2026))))
    command = [sys.executable, "-c", KILLED, when, "mobility", "forget", "-p", "operator"]
    environment = os.environ | {"COMMONWEAL_DATA": str(operator.settings.data)}
    process = subprocess.run(command, input=OBJECTOR.encode(), env=environment, cwd=tmp_path, capture_output=True)
    assert process.returncode == -signal.SIGKILL
    for number, epoch in enumerate(operator.book().epochs):
        store = operator.store(number)
        [own] = custody.pseudonyms_in(operator.book(), epoch, [OBJECTOR], "").tolist()
        events = [row for segment in store.manifest.events() for row in store.read(segment.file).to_pylist()]
        seen = any(own in (event["subscriber"], event["counterpart"]) for event in events)
        assert seen != (own in objectors(store).to_pylist())
    forget(operator, OBJECTOR)
    assert has_objected(operator)
    assert not is_there(operator)
    assert custody.forget(operator.settings, operator.database, operator.project, [OBJECTOR], WHO).events == 0


def test_rotating_after_an_objection_leaves_it_in_the_epoch_it_was_made_in(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", some_lines(1)))
    forget(operator, OBJECTOR)
    custody.rotate_key(operator.settings, operator.database, operator.project, date(2026, 5, 17), WHO)
    operator.import_(operator.events("late.csv", some_lines(2)))
    assert not is_there(operator)
