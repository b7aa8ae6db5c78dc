"""Work that was killed, and what people do before it is taken up again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from commonweal.core.errors import InputError
from commonweal.mobility import custody, keys, laying, merging, reading, service
from commonweal.mobility.cells import read_register
from commonweal.mobility.epochs import epochs_of
from commonweal.mobility.sorting import REST, arrange
from commonweal.mobility.store import EpochStore, project_folder

WHO = "os:tester"


class Killed(BaseException):
    """What ends a process without a word."""


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let one call of a function end the process."""

    def at(place: Any, name: str) -> None:
        really = getattr(place, name)

        def die(*said: Any, **named: Any) -> Any:
            monkeypatch.setattr(place, name, really)
            raise Killed

        monkeypatch.setattr(place, name, die)

    return at


def day_of_people(number: int, people: int = 40) -> list[str]:
    """Lines of one event each for some people on a day of March."""
    return [
        f"232765500{who:02},2026-03-{number:02}T10:00:{who % 60:02},a1,call,232770000{who:02},5"
        for who in range(people)
    ]


def people_in(operator: Any, **parameters: Any) -> int:
    """How many people the published table of days shows in area A."""
    table = operator.run(measures=["presence"], **parameters)["presence"]
    rows = [row for row in table.to_pylist() if row["area"] == "A" and row["period"] == "day"]
    return sum(row["subscribers"] or 0 for row in rows)


def test_an_import_goes_on_after_the_store_got_more_buckets(operator: Any, kill: Any) -> None:
    staged = operator.events("one.csv", day_of_people(1))
    kill(laying, "merge")
    with pytest.raises(Killed):
        operator.import_(staged)
    store = operator.store()
    merging.split_buckets(store, store.manifest.bucket_bits + 2)
    [report] = operator.import_(staged)
    assert report["accepted"] == 40
    store = operator.store()
    for segment in store.manifest.events():
        store.sequences(segment)  # says so if a subscriber lies in another's bucket
    assert people_in(operator) == 40


def test_of_a_duplicate_is_kept_what_identifies_nobody(operator: Any) -> None:
    line = "23276550001,2026-03-01T10:00:00,a1,call,23277000001,5"
    operator.import_(operator.events("one.csv", [line, line]))
    [reject] = operator.rejects()
    kept = {name: reject[name] for name in ("line", "reason", "time", "cell", "kind", "duration", "tac")}
    assert kept == {
        "line": 3,
        "reason": "duplicate",
        "time": "2026-03-01 10:00:00+00:00",
        "cell": "a1",
        "kind": "call",
        "duration": "5",
        "tac": None,
    }
    assert "2327" not in str(reject)


def test_a_manifest_names_the_cells_that_its_events_refer_to(operator: Any) -> None:
    operator.import_(operator.events("one.csv", day_of_people(1)))
    register = read_register(project_folder(operator.settings.store, operator.project.name))
    assert operator.store().manifest.cells == register.digest


def test_the_same_file_is_known_another_day_and_the_forgotten_stay_so(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = operator.events("one.csv", day_of_people(1))
    operator.import_(file)
    custody.forget(operator.settings, operator.database, operator.project, ["23276550001"], WHO)

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(days=1)

    monkeypatch.setattr(service, "datetime", Tomorrow)
    assert operator.import_job(file)["known"] == ["one.csv"]
    store = operator.store()
    assert sum(segment.rows for segment in store.manifest.events()) == 39


def test_an_import_taken_up_another_day_accepts_what_it_accepted(
    operator: Any, kill: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = operator.events("one.csv", day_of_people(1))
    kill(laying, "merge")
    with pytest.raises(Killed):
        operator.import_(file)
    read = reading.parse_block
    monkeypatch.setattr(service, "_accepted_period", lambda *_: (0, 2**40))
    monkeypatch.setattr(reading, "parse_block", lambda *_: pytest.fail("the file was read anew"))
    [report] = operator.import_(file)
    assert report["accepted"] == 40
    assert read


def test_forgetting_counterparts_leaves_a_store_that_can_be_added_to(operator: Any) -> None:
    message = "23276550001,2026-03-01T10:00:00,a1,sms,2327700000{},"
    operator.import_(operator.events("one.csv", [message.format(1), message.format(2), *day_of_people(1)]))
    custody.forget(operator.settings, operator.database, operator.project, ["23277000001", "23277000002"], WHO)
    [report] = operator.import_(operator.events("two.csv", ["23276559999,2026-03-01T11:00:00,a1,call,,5"]))
    assert report["accepted"] == 1
    store = operator.store()
    for segment in store.manifest.events():
        store.sequences(segment)


def test_a_key_can_be_rotated_while_an_import_waits(operator: Any, kill: Any) -> None:
    operator.import_(operator.events("early.csv", day_of_people(1)))
    late = operator.events("late.csv", day_of_people(20))
    kill(laying, "merge")
    with pytest.raises(Killed):
        operator.import_(late)
    custody.rotate_key(operator.settings, operator.database, operator.project, date(2026, 3, 10), WHO)
    [report] = operator.import_(late)
    assert report["accepted"] == 40
    assert len(operator.book().epochs) == 2


def test_a_key_whose_destruction_was_not_recorded_does_not_stop_retention(operator: Any, kill: Any) -> None:
    operator.import_(operator.events("one.csv", ["23276550001,2019-03-01T10:00:00,a1,call,,5", *day_of_people(1)]))
    old = epochs_of(operator.database, operator.project.name)[0]
    keys.destroy(operator.settings.keys, operator.project.name, old.name)
    custody.enforce_retention(operator.job(), operator.project, 2000)
    assert [epoch.destroyed for epoch in epochs_of(operator.database, operator.project.name)] == [True, False]


def test_nothing_counted_of_the_forgotten_outlives_a_kill(operator: Any, kill: Any) -> None:
    operator.import_(operator.events("one.csv", day_of_people(1)))
    operator.run()
    store = operator.store()
    assert list(store.folder.glob("derived/*/*.parquet"))
    kill(EpochStore, "commit")
    forgotten = ["23276550001", "23276550002"]  # one alone would be a difference between two releases, and hidden
    with pytest.raises(Killed):
        custody.forget(operator.settings, operator.database, operator.project, forgotten, WHO)
    assert not list(store.folder.glob("derived/*/*.parquet"))
    custody.forget(operator.settings, operator.database, operator.project, forgotten, WHO)
    assert people_in(operator) == 38


def test_a_file_of_events_given_for_cells_is_not_repeated_in_the_error(operator: Any) -> None:
    events = operator.write("calls.csv", "23276550001,2026-03-01T10:00:00,a1,call,23276550002,5\n")
    with pytest.raises(InputError) as caught:
        operator.import_(events, cells=events)
    assert "2327655" not in str(caught.value)
    slipped = operator.write("slipped.csv", "cell,lon,lat\na1,23276550001,0.5\n")
    with pytest.raises(InputError, match="line 2: longitude is no such number") as caught:
        operator.import_(events, cells=slipped)
    assert "2327655" not in str(caught.value)


def test_very_many_events_of_one_moment_are_sorted_like_any(operator: Any) -> None:
    count = 1_000_000
    rng = np.random.default_rng(0)
    columns: dict[str, np.ndarray] = {name: np.zeros(count, np.int32) for name in REST}
    columns |= {"subscriber": np.ones(count, np.int64), "time": np.zeros(count, np.int32)}
    columns |= {"cell": np.zeros(count, np.int32), "counterpart": rng.integers(0, 10**12, count)}
    order, repeated = arrange(columns, np.zeros(1, np.int32))  # takes hours if it grows with the square
    assert (np.diff(columns["counterpart"][order]) > 0).all()
    assert len(order) + len(repeated) == count


def test_identifiers_meet_whatever_blanks_stand_around_them(operator: Any) -> None:
    spelled = ["23276550001", " 23276550001\t", "232-76/550001", "23276550001.0", "\u200e23276550001"]
    made = service.pseudonyms
    operator.import_(operator.events("one.csv", day_of_people(1)))
    found = made(operator.settings, operator.database, operator.project.name, spelled)
    assert len(set(found.tolist())) == 1
