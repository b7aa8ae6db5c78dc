"""Epochs, keys, retention and objection: how long a pseudonym lasts, and what is left when it ends."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core import audit
from commonweal.core.catalog import latest
from commonweal.core.catalog.certificate import read_public_key
from commonweal.core.errors import NotFound, Refused, Unavailable
from commonweal.core.periods import Calendar
from commonweal.disclosure import destruction
from commonweal.disclosure.certificate import PRIVATE_KEY
from commonweal.mobility import custody, keys, laying, protecting, runs, service
from commonweal.mobility.epochs import MONTHS, epochs_of, natural_span
from commonweal.mobility.store import project_folder

WHO = "os:tester"


def line(number: int, moment: str, other: int | str = "", cell: str = "a1") -> str:
    """A line of an event."""
    return f"2327655{number:04},{moment},{cell},call,{f'2327655{other:04}' if isinstance(other, int) else other},5"


def forget(operator: Any, *numbers: str) -> custody.Forgotten:
    """Erase subscribers."""
    return custody.forget(operator.settings, operator.database, operator.project, numbers, WHO)


def entries(operator: Any, action: str) -> list[Any]:
    """What the audit log says of an action."""
    from sqlalchemy import select

    with operator.database.reading() as session:
        found = session.scalars(select(audit.AuditEntry).where(audit.AuditEntry.action == action)).all()
        session.expunge_all()
    return list(found)


# Spans ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(
    moment=st.integers(631152000, 2524608000),  # 1990 to 2050
    length=st.sampled_from(list(MONTHS)),
    zone=st.sampled_from(["UTC", "Asia/Kathmandu", "America/New_York", "Pacific/Auckland"]),
    hour=st.integers(0, 23),
)
@settings(deadline=None, max_examples=60)
def test_spans_hold_their_moment_and_follow_one_another_without_a_gap(
    moment: int, length: str, zone: str, hour: int
) -> None:
    calendar = Calendar(zone, time(hour))
    name, starts, ends = natural_span(calendar, length, moment)
    assert starts <= moment < ends
    assert natural_span(calendar, length, starts)[0] == natural_span(calendar, length, ends - 1)[0] == name
    assert natural_span(calendar, length, ends)[1] == ends
    assert natural_span(calendar, length, starts - 1)[2] == starts


@pytest.mark.parametrize(
    ("length", "names"),
    [("year", ["2025", "2026"]), ("quarter", ["2025-Q4", "2026-Q1"]), ("month", ["2025-12", "2026-01"])],
)
def test_a_day_that_begins_at_four_belongs_to_the_year_before_until_four(
    length: str, names: list[str], at: Any
) -> None:
    calendar = Calendar("UTC", time(4))
    moments = [at("2026-01-01T03:59:59"), at("2026-01-01T04:00:00")]
    assert [natural_span(calendar, length, moment)[0] for moment in moments] == names


def test_pseudonyms_last_as_long_as_the_project_chose(start: Callable[..., Any]) -> None:
    operator = start(epoch_length="month")
    operator.import_(operator.events("calls.csv", [line(1, f"2026-0{month}-15T10:00:00") for month in (1, 1, 2, 3)]))
    assert [epoch.name for epoch in operator.book().epochs] == ["2026-01", "2026-02", "2026-03"]
    assert len({event["subscriber"] for event in operator.stored()}) == 3


def test_a_period_that_crosses_epochs_is_refused_and_told_why(start: Callable[..., Any]) -> None:
    operator = start(epoch_length="month")
    operator.import_(operator.events("calls.csv", [line(n, f"2026-0{m}-15T10:00:00") for n in (1, 2) for m in (1, 2)]))
    with pytest.raises(Refused, match="other pseudonyms") as caught:
        operator.run(first="2026-01-10", last="2026-02-20")
    assert "crosses the end of epoch 2026-01" in str(caught.value)
    assert "a run for each epoch" in str(caught.value)
    assert operator.run(first="2026-01-10", last="2026-01-20")


def test_without_a_period_the_newest_epoch_is_counted(start: Callable[..., Any]) -> None:
    operator = start(epoch_length="month")
    operator.import_(operator.events("calls.csv", [line(n, f"2026-0{m}-15T10:00:00") for n in (1, 2) for m in (1, 2)]))
    days = {row["start"].date() for row in operator.run()["quality"].to_pylist()}
    assert days == {date(2026, 2, 15)}


def test_without_a_period_the_days_with_events_are_counted_also_of_a_closed_month(operator: Any) -> None:
    operator.import_(
        operator.events("calls.csv", [line(n, f"2025-03-{day:02}T10:00:00") for n in (1, 2) for day in (4, 9)])
    )
    before = operator.run()
    assert service.compact_store(operator.settings, operator.database, operator.project) > 0
    after = operator.run()
    assert {row["start"].date() for row in after["quality"].to_pylist()} == {date(2025, 3, day) for day in range(4, 10)}
    assert {name: table.to_pylist() for name, table in after.items()} == {
        name: table.to_pylist() for name, table in before.items()
    }


def test_a_period_without_events_is_not_found_and_those_there_are_said(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", [line(1, "2026-01-15T10:00:00")]))
    with pytest.raises(NotFound, match="days within 2026-01-15 to 2026-01-15"):
        operator.run(first="2026-03-01", last="2026-03-02")


# Rotating ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def rotate(operator: Any, day: date) -> Any:
    """Begin a new epoch."""
    return custody.rotate_key(operator.settings, operator.database, operator.project, day, WHO)


def test_from_a_rotation_on_people_have_other_pseudonyms(operator: Any, at: Callable[[str], int]) -> None:
    operator.import_(operator.events("before.csv", [line(1, "2026-05-16T23:59:59")]))
    epoch = rotate(operator, date(2026, 5, 17))
    operator.import_(operator.events("after.csv", [line(1, "2026-05-17T00:00:00"), line(1, "2026-05-10T00:00:00")]))
    first, second = operator.book().epochs
    assert (first.name, first.ends, second.starts) == ("2026", at("2026-05-17"), at("2026-05-17"))
    assert second == epoch
    assert second.ends == at("2027-01-01")
    old, older, new = sorted(operator.stored(), key=lambda event: (event["time"] >= at("2026-05-17"), event["time"]))
    assert old["subscriber"] == older["subscriber"] != new["subscriber"]
    assert operator.store(0).manifest.ends == at("2026-05-17")
    [entry] = entries(operator, "mobility.keys.rotate")
    assert entry.details == {"epoch": epoch.name}


def test_a_key_that_events_were_stored_under_cannot_be_rotated_away(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", [line(1, "2026-05-17T10:00:00")]))
    with pytest.raises(Refused, match="the store holds events until 2026-05-18"):
        rotate(operator, date(2026, 5, 17))


def test_rotating_twice_on_a_day_is_rotating_once(operator: Any) -> None:
    assert rotate(operator, date(2026, 5, 17)) == rotate(operator, date(2026, 5, 17))
    assert len(operator.book().epochs) == 2


# Destroying ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_a_destroyed_epoch_nothing_can_be_read_or_added_or_made_again(operator: Any) -> None:
    file = operator.events("calls.csv", [line(n, "2026-01-05T10:00:00") for n in range(3)])
    operator.import_(file)
    operator.run()
    secret = keys.key_path(operator.settings.keys, "operator", "2026").read_text().strip()
    release = latest(operator.database, "mobility.presence")

    custody.destroy_key(operator.settings, operator.database, operator.project, "2026", WHO, "the law says so")

    with pytest.raises(NotFound, match="no events"):
        operator.run()
    for first, last in (("2026-01-05", "2026-01-06"), ("2026-01-01", "2026-02-01")):
        with pytest.raises(Refused, match="key of epoch 2026 has been destroyed"):
            operator.run(first=first, last=last)
    with pytest.raises(Refused, match="cannot be read or added to"):
        operator.import_(operator.events("more.csv", [line(1, "2026-01-06T10:00:00")]))
    assert operator.rejects() == []
    assert forget(operator, "23276550001").events == 0
    with pytest.raises(Refused, match="no epoch '2026' with a key"):
        custody.destroy_key(operator.settings, operator.database, operator.project, "2026", WHO, None)
    assert not any(secret.encode() in path.read_bytes() for path in operator.files())
    assert release.table(operator.settings).num_rows, "what was published stands"
    [entry] = entries(operator, "mobility.keys.destroy")
    assert (entry.details["epoch"], entry.why) == ("2026", "the law says so")


def test_a_destroyed_key_leaves_a_certificate_that_anybody_verifies(operator: Any, tmp_path: Path) -> None:
    operator.import_(operator.events("calls.csv", [line(n, "2026-01-05T10:00:00") for n in range(3)]))
    stored = operator.store().manifest.segments
    before = datetime.now(UTC)

    custody.destroy_key(operator.settings, operator.database, operator.project, "2026", WHO, "the law says so")

    paper = custody.certificate_of(operator.database, operator.project, "2026")
    [entry] = entries(operator, "mobility.keys.destroy")
    [epoch] = epochs_of(operator.database, "operator")
    said = paper.statement
    assert (said["project"], said["epoch"], said["key"]) == ("operator", "2026", epoch.fingerprint)
    assert (said["destroyed_by"], said["why"]) == (WHO, "the law says so")
    assert before <= datetime.fromisoformat(said["destroyed_at"]) <= datetime.now(UTC)
    assert [each["file"] for each in said["unreadable"]] == [segment.file for segment in stored]
    assert sum(each["rows"] for each in said["unreadable"]) == 3
    assert paper.ledger_entry == {"sequence": entry.sequence, "hash": entry.hash}, "chained into the audit log"
    assert entry.details["statement"] == destruction.digest_of(said), "and the log into it"

    printed, public = tmp_path / "certificate.json", tmp_path / "public.pem"
    printed.write_text(json.dumps(paper.record()))
    public.write_bytes(read_public_key(operator.settings.keys))
    destruction.verify(destruction.read(printed), public.read_bytes())
    for place, other in (("key", "0" * 16), ("destroyed_at", "2020-01-01T00:00:00+00:00"), ("unreadable", [])):
        altered = destruction.parse(paper.record() | {"statement": {**said, place: other}})
        with pytest.raises(Refused, match="does not verify"):
            destruction.verify(altered, public.read_bytes())
    elsewhere = destruction.parse(paper.record() | {"ledger_entry": {"sequence": 1, "hash": entry.hash}})
    with pytest.raises(Refused, match="does not verify"):
        destruction.verify(elsewhere, public.read_bytes())


def test_no_key_is_destroyed_that_could_not_be_certified(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", [line(1, "2026-01-05T10:00:00")]))
    signing = operator.settings.keys / PRIVATE_KEY
    signing.rename(signing.with_name("elsewhere"))
    with pytest.raises(Unavailable, match="signing key is missing"):
        custody.destroy_key(operator.settings, operator.database, operator.project, "2026", WHO, None)
    assert keys.key_path(operator.settings.keys, "operator", "2026").exists()
    with pytest.raises(NotFound, match="no certificate"):
        custody.certificate_of(operator.database, operator.project, "2026")


def test_a_destruction_that_was_interrupted_is_certified_by_the_next(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", [line(1, "2026-01-05T10:00:00")]))
    keys.destroy(operator.settings.keys, "operator", "2026")  # and then the machine stopped
    custody.destroy_key(operator.settings, operator.database, operator.project, "2026", WHO, None)
    paper = custody.certificate_of(operator.database, operator.project, "2026")
    destruction.verify(paper, read_public_key(operator.settings.keys))
    assert len(paper.statement["unreadable"]) == 1


def test_an_epoch_that_is_not_there_cannot_be_destroyed(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", [line(1, "2026-01-05T10:00:00")]))
    with pytest.raises(Refused, match="one of: 2026"):
        custody.destroy_key(operator.settings, operator.database, operator.project, "2025", WHO, None)


# Retention ────────────────────────────────────────────────────────────────────────────────────────────────────────


def days_ago(days: int) -> str:
    """The time of day now, some days ago."""
    return f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%dT%H:%M:%S}"


def kept_for(operator: Any, days: int) -> None:
    """Change how long a project keeps its events."""
    from dataclasses import replace

    from commonweal.mobility.models import ProjectRecord

    with operator.database.transaction() as session:
        session.get_one(ProjectRecord, operator.project.name).retention_days = days
    operator.project = replace(operator.project, retention_days=days)


def test_events_older_than_the_retention_are_erased_and_their_counts_with_them(operator: Any) -> None:
    ages = (400, 40, 31, 29, 3)
    operator.import_(operator.events("calls.csv", [line(n, days_ago(age)) for n, age in enumerate(ages)]))
    planned = runs.plan(operator.settings, operator.database, operator.project)
    protecting.protect_and_release(operator.settings, operator.database, planned, WHO)
    assert list(operator.store().folder.glob("derived/**/*.parquet"))
    old = operator.book().epochs[0].name
    kept_for(operator, 30)
    result = custody.retain_job(operator.job())
    assert result["events"] == 3
    oldest = (datetime.now(UTC) - timedelta(days=30)).date()
    assert result["before"] == oldest.isoformat()
    assert len(operator.stored()) == 2
    assert not list(operator.store().folder.glob("derived/**/*.parquet"))
    destroyed = {epoch.name: epoch.destroyed for epoch in operator.book().epochs}
    assert destroyed[old], "an epoch that is over with its retention needs no key"
    assert not keys.key_path(operator.settings.keys, "operator", old).exists()
    [entry] = entries(operator, "mobility.retain")
    assert entry.details == {"before": oldest.isoformat(), "events": 3, "rejects": 0}
    assert custody.retain_job(operator.job())["events"] == 0


def test_retention_cuts_through_a_closed_month(operator: Any) -> None:
    today = datetime.now(UTC).date()
    first = today.replace(day=1) - timedelta(days=40)
    days = [first.replace(day=1) + timedelta(days=n) for n in range(28)]
    lines = [line(n, f"{day}T12:00:00") for n, day in enumerate(days)]
    operator.import_(operator.events("calls.csv", [*lines, line(99, days_ago(1))]))
    kept_for(operator, (today - days[14]).days)
    assert custody.retain_job(operator.job())["events"] == sum(day < days[14] for day in days)
    assert len(operator.stored()) == 14 + 1


@pytest.mark.parametrize(
    ("rejected", "kept"),
    [
        (lambda age: line(1, days_ago(age), cell="zz"), [29, 0]),  # an unknown cell: the time of the event
        (lambda age: line(9, days_ago(age)) + ",", [400, 31, 29, 0]),  # a broken line: the time of the import
    ],
    ids=["by their event", "by their import"],
)
def test_rejects_older_than_the_retention_are_erased_like_events(
    operator: Any, rejected: Callable[[int], str], kept: list[int]
) -> None:
    ages = [400, 31, 29, 0]
    operator.import_(operator.events("calls.csv", [line(1, days_ago(0)), *map(rejected, ages)]))
    assert len(operator.rejects()) == len(ages)
    kept_for(operator, 30)
    assert custody.retain_job(operator.job())["rejects"] == len(ages) - len(kept)
    assert [ages[reject["line"] - 3] for reject in operator.rejects()] == kept


def test_rejects_without_a_time_of_their_own_are_erased_when_their_import_is_older_than_the_retention(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laying.time, "time", lambda: datetime.now(UTC).timestamp() - 40 * 86400)
    operator.import_(operator.events("calls.csv", [line(1, days_ago(0)), line(1, "never"), line(1, "9999-01-01")]))
    assert len(operator.rejects()) == 2
    kept_for(operator, 30)
    assert custody.retain_job(operator.job())["rejects"] == 2, "the one of the year 9999 is no younger than its import"
    assert operator.rejects() == []
    assert len(operator.stored()) == 1


def test_a_reject_from_before_all_calendars_is_old(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", [line(1, days_ago(0)), line(1, "0001-01-01T00:00:00")]))
    kept_for(operator, 30)
    assert custody.retain_job(operator.job())["rejects"] == 1


def test_a_number_that_slipped_into_the_time_is_not_kept_as_the_rejects_time(operator: Any) -> None:
    mapping = operator.mapping.read_text().replace('"iso"', '"epoch_s"')
    operator.write("mapping.toml", mapping)
    operator.import_(operator.events("calls.csv", ["0076550001,1690123456,zz,call,,5", "0076550001,1690123456,a1,,,5"]))
    [segment] = [segment for segment in operator.store().manifest.segments if segment.store == "rejects"]
    [reject] = operator.store().read(segment.file).to_pylist()
    assert reject["dated"] > 1690123456 + 86400, "that of the import"


def test_a_project_that_keeps_its_events_has_nothing_to_erase(operator: Any) -> None:
    with pytest.raises(Refused, match="keeps its events"):
        custody.retain_job(operator.job())


# Objection ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_objects_is_gone_also_as_the_other_end_and_what_is_published_stands(operator: Any) -> None:
    lines = [
        *(line(n, f"2026-01-05T1{n}:00:00", 7) for n in range(4)),
        *(line(7, f"2026-01-0{day}T10:00:00", 1) for day in (5, 6)),
        line(7, "2025-12-31T10:00:00"),
    ]
    operator.import_(operator.events("calls.csv", lines))
    operator.run()
    release = latest(operator.database, "mobility.presence")
    published = release.table(operator.settings)
    hashes = {
        int(one)
        for epoch in operator.book().epochs
        for one in custody.pseudonyms(custody.engine(), pa_texts("23276550007"), operator.book().key(epoch).pseudonym)
    }
    assert {event["subscriber"] for event in operator.stored()} & hashes

    forgotten = forget(operator, "+232 76 55 00 07\n", "\n", "23276559999")
    assert (forgotten.numbers, forgotten.events) == (2, 7)
    left = operator.stored()
    assert len(left) == 4
    assert not {event["subscriber"] for event in left} & hashes
    assert [event["counterpart"] for event in left] == [None] * 4
    for number, _ in enumerate(operator.book().epochs):
        assert not list(operator.store(number).folder.glob("derived/**/*.parquet"))
        for segment in operator.store(number).manifest.events():
            operator.store(number).sequences(segment)
    assert latest(operator.database, "mobility.presence").table(operator.settings).equals(published)
    [entry] = entries(operator, "mobility.forget")
    assert entry.details == {"numbers": 2, "no_numbers": 0, "found": 1, "events": 7}
    assert "655" not in repr((entry.what, entry.why, entry.details))
    assert not audit.verify(operator.settings, operator.database).findings
    assert operator.run(first="2026-01-05", last="2026-01-06")["quality"].num_rows == 1


def pa_texts(*texts: str) -> Any:
    """Texts for the engine."""
    import pyarrow as pa

    return pa.array(texts, pa.string())


def test_numbers_are_known_in_the_spelling_of_the_operators_files(operator: Any) -> None:
    operator.write("mapping.toml", operator.mapping.read_text() + '[identifiers]\ncountry_code = "232"\n')
    operator.import_(operator.events("calls.csv", ["076550001,2026-01-05T10:00:00,a1,call,,5"]))
    assert forget(operator, "076 550001").events == 1
    assert operator.stored() == []


def test_what_an_unfinished_import_staged_goes_with_an_objection(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from commonweal.mobility import laying

    class Killed(BaseException):
        pass

    def kill(*said: Any) -> None:
        raise Killed

    really = laying.merge
    monkeypatch.setattr(laying, "merge", kill)
    file = operator.events("calls.csv", [line(n, "2026-01-05T10:00:00") for n in range(4)])
    with pytest.raises(Killed):
        operator.import_(file)
    monkeypatch.setattr(laying, "merge", really)
    assert list(operator.store().folder.glob("staging/**/*.parquet"))
    forget(operator, "23276550001")
    assert not [path for path in operator.files() if "staging" in str(path)]
    [report] = operator.import_(file)  # begins anew
    assert (report["accepted"], report["rejected"]) == (3, {"objected": 1})


def test_an_import_goes_on_after_a_retention_ran_in_between(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from commonweal.mobility import laying

    class Killed(BaseException):
        pass

    def kill(*said: Any) -> None:
        raise Killed

    really = laying.merge
    monkeypatch.setattr(laying, "merge", kill)
    file = operator.events("calls.csv", [line(n, days_ago(2)) for n in range(4)])
    with pytest.raises(Killed):
        operator.import_(file)
    monkeypatch.setattr(laying, "merge", really)
    kept_for(operator, 30)
    custody.retain_job(operator.job())
    [report] = operator.import_(file)
    assert report["accepted"] == 4


def test_numbers_come_from_any_stream_of_lines(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", [line(n, "2026-01-05T10:00:00") for n in range(3)]))
    asked = io.StringIO("23276550000\n\n  23276550001  \n")
    found = custody.forget(operator.settings, operator.database, operator.project, asked, WHO)
    assert (found.numbers, found.events) == (2, 2)


def test_an_objection_does_not_move_a_month_that_was_closed(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", [line(1, "2026-01-05T10:00:00"), line(2, "2026-02-05T10:00:00")]))
    forget(operator, "23276550002")
    operator.import_(operator.events("late.csv", [line(3, "2026-01-06T10:00:00")]))
    january = [segment for segment in operator.store().manifest.events() if segment.rows]
    assert {segment.end - segment.start for segment in january} == {31 * 86400}
    assert len(operator.stored()) == 2


def test_homes_can_be_compared_with_a_truth_by_pseudonym(operator: Any) -> None:
    operator.import_(
        operator.events("calls.csv", [line(1, "2026-01-05T10:00:00"), line(2, "2026-01-05T10:00:00", cell="c1")])
    )
    whose, where = service.home_areas(operator.settings, operator.database, "operator")
    asked = service.pseudonyms(operator.settings, operator.database, "operator", ["23276550001", "23276550002"])
    assert dict(zip(whose.tolist(), where, strict=True)) == dict(zip(asked.tolist(), ["A", "C"], strict=True))
    assert whose.dtype == np.int64


def test_a_projects_folder_is_for_its_owner_alone(operator: Any) -> None:
    operator.import_(operator.events("calls.csv", [line(1, "2026-01-05T10:00:00")]))
    folder = project_folder(operator.settings.store, "operator")
    assert folder.stat().st_mode & 0o077 == 0
