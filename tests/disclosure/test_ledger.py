"""The ledger: signed, append-only, chained into the audit log, known to the key directory; and budgets that hold."""

import json
import shutil
import threading
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from typer.testing import CliRunner

from commonweal.core import audit, audit_head, catalog
from commonweal.core.backup import restoring, service
from commonweal.core.canonical import canonical
from commonweal.core.database import Database, connect
from commonweal.core.errors import CommonwealError, Conflict, Damaged, InputError, Refused, Unavailable
from commonweal.core.heads import EMPTY, Head
from commonweal.disclosure.cli import app
from commonweal.disclosure.ledger import entries
from commonweal.disclosure.ledger.budgets import budgets, set_budget
from commonweal.disclosure.ledger.spending import Amount, Budget, Loss, Spending, Unit, charge, left, refuse_beyond
from commonweal.disclosure.ledger.telling import what_is_spent
from commonweal.disclosure.ledger.verifying import verify
from commonweal.disclosure.releasing.proposals import Stage
from commonweal.disclosure.releasing.publishing import approve, release
from commonweal.disclosure.releasing.standing import approvals, grant, withdraw
from commonweal.domains import ROOMS

STEWARD = "os:ben"
COLUMNS = ("sequence", "at", "who", "kind", "said", "previous", "hash", "signature")


def tamper(house: Any, *statements: str, table: str = "disclosure_ledger", **values: Any) -> None:
    """Change a table as someone with full rights on the database can: triggers dropped, then raw SQL."""
    with house.database.transaction() as session:
        if house.database.engine.dialect.name == "sqlite":
            for verb in ("update", "delete", "replace"):
                session.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{verb}"))
        else:
            session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for statement in statements:
            session.execute(text(statement), values)


def rows(house: Any) -> list[dict[str, Any]]:
    with house.database.reading() as session:
        found = session.execute(text("SELECT * FROM disclosure_ledger ORDER BY sequence")).mappings()
        return [dict(row) for row in found]


def rewrite(house: Any, wanted: list[dict[str, Any]]) -> None:
    tamper(house, "DELETE FROM disclosure_ledger")
    places = ", ".join(f":{name}" for name in COLUMNS)
    with house.database.transaction() as session:
        for row in wanted:
            statement = f"INSERT INTO disclosure_ledger ({', '.join(COLUMNS)}) VALUES ({places})"
            session.execute(text(statement), row)


def chained(wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with hashes and numbers that fit one another, as whoever lacks the key can make them."""
    previous, made = "0" * 64, []
    for number, row in enumerate(wanted, 1):
        fields = {**row, "sequence": number, "said": json.loads(row["said"]), "previous": previous}
        covered = {name: fields[name] for name in ("sequence", "at", "who", "kind", "said", "previous")}
        previous = entries._digest(covered)
        made.append(fields | {"said": row["said"], "hash": previous})
    return made


def findings(house: Any) -> list[str]:
    return [finding.what for finding in verify(house.settings, house.database).findings]


# Entries ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_entry_is_chained_signed_and_told_of_by_the_audit_log(house: Any) -> None:
    house.fill()
    told = house.ledger()
    assert [(entry.sequence, entry.kind) for entry in told] == [
        (1, "budget"), (2, "standing"), (3, "release"), (4, "release"),
    ]  # fmt: skip
    assert [entry.previous for entry in told] == ["0" * 64, *(entry.hash for entry in told[:-1])]
    with house.database.reading() as session:
        log = session.scalars(select(audit.AuditEntry).where(audit.AuditEntry.action == "disclosure.ledger")).all()
    assert [(entry.details["sequence"], entry.details["hash"]) for entry in log] == [
        (entry.sequence, entry.hash) for entry in told
    ]
    report = verify(house.settings, house.database)
    assert (report.entries, report.findings, report.head) == (4, (), Head(4, told[-1].hash))
    assert entries.HEAD.read(house.settings.keys) == Head(4, told[-1].hash)


def test_a_release_s_entry_says_of_whom_when_by_which_rule_and_who_allowed_it(filled_house: Any) -> None:
    outcome = filled_house.release()
    [said, _] = [entry.said for entry in filled_house.ledger("release")]
    assert (said["people"], said["first"], said["last"]) == ("demo/sl", "2015-03-02", "2015-03-04")
    assert (said["rule"], said["parameters"], said["spent"]) == ("threshold", {"k": 15}, None)
    assert said["approval"] == {"standing": 2}
    [publication] = outcome.publications
    assert said["tables"][0]["digest"] == publication.release.digest
    certificate = publication.release.certificate
    assert certificate is not None
    entry = filled_house.ledger("release")[0]
    assert certificate.ledger_entry["ledger"] == {"sequence": entry.sequence, "hash": entry.hash}


CHANGES = {
    "sqlite": [
        "UPDATE disclosure_ledger SET who = 'os:nobody'",
        "DELETE FROM disclosure_ledger",
        "INSERT OR REPLACE INTO disclosure_ledger SELECT * FROM disclosure_ledger",
    ],
    "postgresql": [
        "UPDATE disclosure_ledger SET said = '{}'",
        "DELETE FROM disclosure_ledger",
        "TRUNCATE disclosure_ledger",
    ],
}


def test_the_database_refuses_to_change_it_and_it_is_noticed_where_it_no_longer_does(house: Any) -> None:
    set_budget(house.settings, house.database, "demo/sl", "person-day", 1.0, STEWARD)
    for statement in CHANGES[house.database.engine.dialect.name]:
        with pytest.raises(CommonwealError), house.database.transaction() as session:
            session.execute(text(statement))
    house.database.check(ROOMS)
    tamper(house)
    with pytest.raises(Unavailable, match=r"the ledger can be changed.*disclosure ledger verify, then: commonweal db"):
        house.database.check(ROOMS)
    assert all(name.startswith("disclosure_ledger_no_") for name in house.database.upgrade(ROOMS))
    house.database.check(ROOMS)


def raised(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    said = json.loads(found[0]["said"]) | {"rho": 100.0}
    return [found[0] | {"said": canonical(said)}, *found[1:]]


EDITS: dict[str, tuple[Callable[[list[dict[str, Any]]], list[dict[str, Any]]], str]] = {
    "a budget raised": (raised, "entry 1 was altered"),
    "one raised, and every hash made to fit": (lambda found: chained(raised(found)), "not signed by the key"),
    "one removed": (lambda found: [found[0], *found[2:]], "entry 2 is missing"),
    "one removed, and every hash made to fit": (
        lambda found: chained([found[0], *found[2:]]),
        "entry 4 is missing: the end of the ledger was cut off",
    ),
    "the end cut off": (lambda found: found[:2], "entries 3 to 4 are missing: the end of the ledger was cut off"),
    "all of it": (lambda found: [], "entries 1 to 4 are missing"),
    "two exchanged": (
        lambda found: [*found[:2], found[3] | {"sequence": 3}, found[2] | {"sequence": 4}],
        "entry 3 does not follow the one before it",
    ),
    "one slipped in": (lambda found: chained([*found, found[3]]), "entry 5 is not signed by the key"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_is_altered_removed_reordered_or_slipped_in_is_found_and_nothing_is_released_on_it(
    edit: str, filled_house: Any
) -> None:
    change, named = EDITS[edit]
    rewrite(filled_house, change(rows(filled_house)))
    assert any(named in finding for finding in findings(filled_house)), findings(filled_house)
    with pytest.raises(Damaged, match="ledger"):
        verify(filled_house.settings, filled_house.database).refuse_damage()
    with pytest.raises(Damaged, match="ledger"):
        filled_house.release(filled_house.request("demo.others"))
    assert catalog.releases(filled_house.database, "demo.others") == []


def test_an_edit_is_found_on_either_database(house: Any) -> None:
    house.fill()
    rewrite(house, raised(rows(house)))
    assert "entry 1 was altered" in findings(house)


def test_a_ledger_that_the_key_directory_no_longer_knows_of_is_refused(filled_house: Any) -> None:
    (filled_house.settings.keys / entries.HEAD.file).unlink()
    assert any("the head of the ledger is missing" in finding for finding in findings(filled_house))
    with pytest.raises(Damaged, match="the head of the ledger is missing"):
        filled_house.release(filled_house.request("demo.others"))
    # An empty one in its place is told of by the audit log.
    entries.HEAD.start(filled_house.settings.keys)
    rewrite(filled_house, [])
    assert any("entry 1 is missing, and the audit log tells of it" in finding for finding in findings(filled_house))
    with pytest.raises(Damaged, match="the audit log names last"):
        filled_house.release(filled_house.request("demo.others"))


def test_an_old_file_of_the_database_put_back_is_refused(small_house: Any, tmp_path: Path) -> None:
    set_budget(small_house.settings, small_house.database, "demo/sl", "person-day", 1.0, STEWARD)
    grant(
        small_house.settings, small_house.database, "gaussian", "demo", {"rho": 1.0, "unit": "person-day"}, STEWARD, "w"
    )
    small_house.database.close()
    path = small_house.settings.data / "commonweal.db"
    kept = {file: file.read_bytes() for file in path.parent.glob("commonweal.db*")}
    assert small_house.release_drawn(small_house.spending(1.0)).publications
    small_house.database.close()
    for file in path.parent.glob("commonweal.db*"):
        file.unlink()
    for file, content in kept.items():
        file.write_bytes(content)
    with pytest.raises(Damaged, match="the ledger ends before entry 3, which the key directory knows"):
        small_house.release_drawn(small_house.spending(0.5))
    assert any("an older one restored" in finding for finding in findings(small_house))
    assert small_house.draws == 1


def test_a_head_that_lags_after_a_kill_is_brought_up_to_date(filled_house: Any) -> None:
    behind = Head(3, filled_house.ledger()[2].hash)
    entries.HEAD._write(filled_house.settings.keys, behind)
    assert verify(filled_house.settings, filled_house.database).head == filled_house.ledger()[-1].head
    entries.HEAD._write(filled_house.settings.keys, behind)
    filled_house.release(filled_house.request("demo.others"))
    assert entries.HEAD.read(filled_house.settings.keys) == filled_house.ledger()[-1].head


def test_a_release_is_published_only_when_the_key_directory_knows_of_its_entry(
    filled_house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = filled_house.settings.keys / entries.HEAD.lock
    lock.unlink()
    lock.mkdir()
    with pytest.raises(CommonwealError):
        filled_house.release(filled_house.request("demo.others"))
    assert catalog.releases(filled_house.database, "demo.others") == []
    lock.rmdir()
    assert filled_house.release(filled_house.request("demo.others")).publications


def test_a_release_whose_entry_is_gone_is_named(filled_house: Any) -> None:
    rewrite(filled_house, rows(filled_house)[:3])
    assert any("demo.flows 1 was published under an entry that is not there" in one for one in findings(filled_house))


# Backups ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def backed_up(filled_house: Any, tmp_path: Path) -> Any:
    """An installation that was backed up, and in which more was then released."""
    filled_house.file, filled_house.keys_file = tmp_path / "a" / "data", tmp_path / "b" / "keys"
    for path in (filled_house.file, filled_house.keys_file):
        path.parent.mkdir()
    service.create(
        filled_house.settings, filled_house.database, ROOMS, filled_house.file, filled_house.keys_file, "os:ops"
    )
    filled_house.release(filled_house.request("demo.others"))
    return filled_house


def restored(house: Any, keys: Path, with_keys: bool = False) -> Any:
    target = keys.parent / "restored"
    made, _ = restoring.restore(house.file, house.keys_file if with_keys else None, target, keys, ROOMS, "os:ops")
    database = connect(made)
    report = verify(made, database)
    database.close()
    return report


def test_a_backup_older_than_the_ledger_s_head_is_refused_even_if_the_log_s_head_says_nothing(
    backed_up: Any, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    shutil.copytree(backed_up.settings.keys, kept)
    with pytest.raises(Refused, match="the data are older than these keys"):
        restored(backed_up, kept)
    (kept / audit_head.FILE).unlink()
    with pytest.raises(Damaged, match="the ledger ends before entry 5"):
        restored(backed_up, kept)
    assert not (tmp_path / "restored" / "commonweal.toml").exists()
    # Whoever removes that too says that they know.
    (kept / entries.HEAD.file).unlink()
    report = restored(backed_up, kept)
    assert (report.entries, report.findings) == (4, ())


def test_data_and_keys_of_one_backup_go_on_together(backed_up: Any, tmp_path: Path) -> None:
    report = restored(backed_up, tmp_path / "new-keys", with_keys=True)
    assert (report.entries, report.findings) == (4, ())


# Budgets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def spending(first: int, last: int, rho: float, unit: Unit = Unit.DAY) -> Spending:
    return Spending(date(2015, 3, first), date(2015, 3, last), unit, rho)


def test_by_hand_days_add_up_where_periods_overlap_and_nowhere_else() -> None:
    budget = Budget("demo/sl", Unit.DAY, 1.0)
    spent = [spending(1, 8, 0.3), spending(5, 10, 0.3), spending(7, 8, 0.4)]
    remaining = left(budget, spent, date(2015, 3, 4), date(2015, 3, 11))
    assert {day.day: str(rho) for day, rho in remaining.items()} == {
        4: "7/10", 5: "2/5", 6: "2/5", 7: "0", 8: "7/10", 9: "7/10", 10: "1",
    }  # fmt: skip
    refuse_beyond(budget, spent, spending(5, 7, 0.4))
    with pytest.raises(Refused, match=r"0 of the budget of ρ = 1.0 a person-day is left for 2015-03-07, and 0.1 would"):
        refuse_beyond(budget, spent, spending(5, 9, 0.1))


def test_by_hand_ten_tenths_are_one_and_an_eleventh_is_refused() -> None:
    budget = Budget("demo/sl", Unit.DAY, 1.0)
    refuse_beyond(budget, [spending(1, 2, 0.1)] * 9, spending(1, 2, 0.1))
    with pytest.raises(Refused, match="0 of the budget"):
        refuse_beyond(budget, [spending(1, 2, 0.1)] * 10, spending(1, 2, 1e-12))


def test_by_hand_a_week_s_release_spends_on_all_of_its_days() -> None:
    # 2 March 2015 was a Monday; the 8th and the 9th lie in two weeks, so 14 days are touched.
    charged = charge(spending(8, 10, 0.5, Unit.WEEK), Unit.DAY)
    assert sorted(charged) == [date(2015, 3, day).toordinal() for day in range(2, 16)]
    assert set(charged.values()) == {Fraction(1, 2)}


def test_by_hand_coarser_budgets_count_squares_of_what_touches_them() -> None:
    # A month's budget, released by week: 1 March is the end of a week that began in February; then 5 weeks to the 31st.
    by_week = charge(spending(1, 32 - 1, 0.01, Unit.WEEK), Unit.MONTH)
    assert by_week[Unit.MONTH.number(date(2015, 3, 1))] == 6**2 * Fraction(1, 100)
    assert by_week[Unit.MONTH.number(date(2015, 2, 1))] == Fraction(1, 100)
    # A week's budget, released by month: the week from 30 March touches March alone, since April was not released.
    by_month = charge(spending(1, 31, 0.01, Unit.MONTH), Unit.WEEK)
    assert set(by_month.values()) == {Fraction(1, 100)}
    assert charge(spending(2, 9, 0.01), Unit.WEEK) == {Unit.WEEK.number(date(2015, 3, 2)): 49 * Fraction(1, 100)}


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(list(Unit)),
    st.sampled_from(list(Unit)),
    st.integers(0, 400),
    st.integers(1, 70),
)
def test_a_charge_is_the_square_of_the_release_s_units_that_a_unit_meets(
    spends: Unit, limits: Unit, begins: int, days: int
) -> None:
    first = date(2023, 12, 1) + timedelta(days=begins)
    period = [first + timedelta(days=day) for day in range(days)]
    released = {spends.number(day) for day in period}
    near = [first + timedelta(days=day) for day in range(-40, days + 40)]
    expected: dict[int, set[int]] = {}
    for day in near:
        if spends.number(day) in released:
            expected.setdefault(limits.number(day), set()).add(spends.number(day))
    charged = charge(Spending(first, first + timedelta(days=days), spends, 0.5), limits)
    assert charged == {unit: Fraction(len(met) ** 2, 2) for unit, met in expected.items()}


def test_by_hand_the_delta_of_thresholds_adds_up_once_for_each_unit() -> None:
    day, week = (Budget("demo/sl", unit, 1.0, 5e-6) for unit in (Unit.DAY, Unit.WEEK))
    two_days = Spending(date(2015, 3, 4), date(2015, 3, 6), Unit.DAY, 0.01, 1e-6)
    by_day, by_week = (
        left(one, [two_days] * 2, date(2015, 3, 4), date(2015, 3, 7), Amount.DELTA) for one in (day, week)
    )
    assert [float(rest) for rest in by_day.values()] == [3e-6, 3e-6, 5e-6]
    assert [float(rest) for rest in by_week.values()] == [1e-6]  # 5 − 2 · 2 · 1 millionths; of ρ it is 2² each
    refuse_beyond(day, [two_days] * 4, two_days)
    with pytest.raises(
        Refused, match=r"0 of the budget of δ = 0.000005 a person-day is left for 2015-03-04, and 0.000001"
    ):
        refuse_beyond(day, [two_days] * 5, two_days)
    with pytest.raises(Refused, match=r"0.000001 of the budget of δ.*a δ of at most 0.0000005"):
        refuse_beyond(week, [two_days] * 2, two_days)


def with_budget(house: Any, rho: float, unit: str = "person-day") -> Any:
    set_budget(house.settings, house.database, "demo/sl", unit, rho, STEWARD)
    said = {"rho": 1.0, "unit": "person-day"}
    grant(house.settings, house.database, "gaussian", "demo", said, STEWARD, "usual")
    return house


def test_a_request_beyond_the_budget_is_refused_before_noise_is_drawn_with_what_is_left(small_house: Any) -> None:
    with_budget(small_house, 1.0)
    assert small_house.release_drawn(small_house.spending(0.7)).publications
    later = small_house.spending(0.5, first=date(2015, 3, 3), last=date(2015, 3, 6))
    with pytest.raises(Refused, match=r"0.3 of the budget of ρ = 1.0 a person-day is left for 2015-03-03") as refused:
        small_house.release_drawn(later)
    assert "a ρ of at most 0.3" in str(refused.value)
    assert small_house.draws == 1
    assert small_house.release_drawn(small_house.spending(0.3)).publications
    assert small_house.release_drawn(
        small_house.spending(1.0, first=date(2015, 3, 4), last=date(2015, 3, 6))
    ).publications
    assert [str(one.releases) for one in budgets(small_house.settings, small_house.database)] == ["3"]


def with_thresholds(house: Any, delta: float, *names: str, **other: Any) -> Any:
    return house.spending(0.1, *names, loss=Loss(Unit.DAY, 0.1, 4.0, 1e-5, delta), **other)


def test_a_budget_of_rho_alone_shows_no_keys_above_a_threshold(small_house: Any) -> None:
    with_budget(small_house, 1.0)
    with pytest.raises(Refused, match=r"0 of the budget of δ = 0 .*a budget with δ, or public keys"):
        small_house.release_drawn(with_thresholds(small_house, 1e-6))
    assert small_house.draws == 0
    assert small_house.release_drawn(small_house.spending(0.1)).publications


def test_the_delta_of_thresholds_is_entered_and_a_request_beyond_it_is_refused(small_house: Any) -> None:
    settings, database = small_house.settings, small_house.database
    set_budget(settings, database, "demo/sl", "person-day", 1.0, STEWARD, delta=2e-6)
    said = {"rho": 0.1, "unit": "person-day", "threshold_delta": 1.5e-6}
    grant(settings, database, "gaussian", "demo", said, STEWARD, "usual")
    assert small_house.release_drawn(with_thresholds(small_house, 1.5e-6)).publications
    assert small_house.ledger()[-1].said["spent"]["threshold_delta"] == 1.5e-6
    assert "ρ = 0.1 and δ = 1.5e-06 a person-day" in what_is_spent(small_house.ledger()[-1])
    with pytest.raises(Refused, match=r"0.0000005 of the budget of δ = 0.000002 .*a δ of at most 0.0000005"):
        small_house.release_drawn(with_thresholds(small_house, 1e-6, "demo.flows"))
    assert small_house.draws == 1
    assert small_house.release_drawn(small_house.spending(0.1, "demo.public")).waits  # of δ it spends nothing
    days = {"first": date(2015, 3, 4), "last": date(2015, 3, 6)}
    assert small_house.release_drawn(with_thresholds(small_house, 1e-6, "demo.flows", **days)).publications
    [left_] = budgets(settings, database)
    assert (str(left_.least), float(left_.least_delta)) == ("9/10", 5e-7)


def test_a_standing_approval_covers_no_larger_delta_of_thresholds(small_house: Any) -> None:
    set_budget(small_house.settings, small_house.database, "demo/sl", "person-day", 1.0, STEWARD, delta=1e-4)
    said = {"rho": 0.1, "unit": "person-day", "threshold_delta": 1e-6}
    grant(small_house.settings, small_house.database, "gaussian", "demo", said, STEWARD, "usual")
    assert small_house.release_drawn(with_thresholds(small_house, 1e-6)).publications
    assert small_house.release_drawn(with_thresholds(small_house, 2e-6)).waits


def test_without_a_budget_nothing_can_be_spent(small_house: Any) -> None:
    with pytest.raises(Refused, match=r"no budget is set.*commonweal disclosure budget set demo/sl"):
        small_house.release_drawn(small_house.spending(0.1))
    assert small_house.draws == 0


def test_days_by_another_clock_are_not_counted_as_the_same(small_house: Any) -> None:
    with_budget(small_house, 1.0)
    small_house.release_drawn(small_house.spending(0.1, clock="Africa/Freetown 00:00"))
    with pytest.raises(Refused, match="another clock, Africa/Freetown 04:00"):
        small_house.release_drawn(small_house.spending(0.1, clock="Africa/Freetown 04:00"))


def test_what_another_set_of_people_spends_is_not_counted(small_house: Any) -> None:
    with_budget(small_house, 1.0)
    set_budget(small_house.settings, small_house.database, "demo/gn", "person-day", 1.0, STEWARD)
    small_house.release_drawn(small_house.spending(1.0))
    assert small_house.release_drawn(small_house.spending(1.0, people="demo/gn")).publications


def test_a_lower_budget_holds_for_what_was_spent_before_it(small_house: Any) -> None:
    with_budget(small_house, 1.0)
    small_house.release_drawn(small_house.spending(0.5))
    set_budget(small_house.settings, small_house.database, "demo/sl", "person-day", 0.5, STEWARD, "less is enough")
    with pytest.raises(Refused, match=r"0 of the budget of ρ = 0.5"):
        small_house.release_drawn(small_house.spending(0.1))


@pytest.mark.parametrize(
    ("unit", "rho", "delta"),
    [
        ("person-year", 1.0, 0.0),
        ("person-day", 0.0, 0.0),
        ("person-day", float("nan"), 0.0),
        ("person-day", 1.0, -1e-6),
        ("person-day", 1.0, 1.0),
        ("person-day", 1.0, float("nan")),
    ],
)
def test_a_budget_that_is_none_is_refused(unit: str, rho: float, delta: float, small_house: Any) -> None:
    with pytest.raises(InputError):
        set_budget(small_house.settings, small_house.database, "demo/sl", unit, rho, STEWARD, delta=delta)
    assert small_house.ledger() == []


def test_releases_at_the_same_moment_never_spend_more_than_there_is(house: Any) -> None:
    with_budget(house, 1.0)
    requests = [house.spending(0.4, f"demo.n{number}") for number in range(5)]
    came: list[Any] = []

    def spend(request: Any) -> None:
        database = Database(house.database.url, keys=house.settings.keys)
        try:
            came.append(release(house.settings, database, request, house.draw(), who="os:ada").proposal.stage)
        except (Refused, Conflict) as error:
            came.append(type(error))
        finally:
            database.close()

    threads = [threading.Thread(target=spend, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, came)) == sorted(map(str, [Refused] * 3 + [Stage.PUBLISHED] * 2))
    assert len(house.ledger("release")) == 2
    assert findings(house) == []


def test_what_waits_spends_nothing_and_the_second_of_two_that_do_not_fit_is_refused_when_it_is_approved(
    small_house: Any,
) -> None:
    set_budget(small_house.settings, small_house.database, "demo/sl", "person-day", 1.0, STEWARD)
    first, second = (small_house.release_drawn(small_house.spending(0.6, f"demo.n{number}")) for number in range(2))
    assert first.waits
    assert second.waits
    approve(small_house.settings, small_house.database, first.proposal.id, STEWARD)
    with pytest.raises(Refused, match=r"0.4 of the budget"):
        approve(small_house.settings, small_house.database, second.proposal.id, STEWARD)


# Commands ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_commands_list_and_prove_it(small_house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMONWEAL_DATA", str(small_house.settings.data))
    monkeypatch.setattr(audit, "who", lambda: STEWARD)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    set_ = run(
        "budget", "set", "demo/sl", "--rho", "1", "--delta", "1e-6", "--unit", "person-day", "--why", "as agreed"
    )
    assert set_ == "demo/sl: ρ = 1.0 and δ = 1e-06 a person-day for all releases together\n"
    said = json.dumps({"rho": 0.5, "unit": "person-day"})
    run("standing", "grant", "gaussian", "--domain", "demo", "--parameters", said, "--why", "usual")
    small_house.release_drawn(small_house.spending(0.25))
    shown = run("ledger")
    assert "demo.homes of demo/sl, 2015-03-02 to 2015-03-03, gaussian" in shown
    assert "ρ = 0.25 a person-day" in shown
    assert "standing approval 2" in shown
    listed = json.loads(run("ledger", "--json"))
    assert [entry["hash"] for entry in listed] == [entry.hash for entry in small_house.ledger()]
    assert run("ledger", "verify").startswith("the ledger is whole: 3 entries, head 3 ")
    [listed_budget] = json.loads(run("budget", "list", "--json"))
    assert {name: listed_budget[name] for name in ("rho", "left", "delta", "delta left")} == {
        "rho": 1.0, "left": 0.75, "delta": 1e-6, "delta left": 1e-6,
    }  # fmt: skip
    run("standing", "withdraw", "2", "--why", "no longer")
    assert [one.withdrawn_by for one in approvals(small_house.settings, small_house.database)] == [STEWARD]
    tamper(small_house, "UPDATE disclosure_ledger SET who = 'os:eve' WHERE sequence = 3")
    result = CliRunner().invoke(app, ["ledger", "verify"])
    assert isinstance(result.exception, Damaged)
    assert "entry 3 was altered" in result.output


def test_a_withdrawn_approval_stays_withdrawn_when_its_entry_is_cut_off(small_house: Any) -> None:
    grant(small_house.settings, small_house.database, "threshold", "demo", {"k": 15}, STEWARD, "usual")
    withdraw(small_house.settings, small_house.database, 1, STEWARD, "no longer")
    assert small_house.release().waits
    rewrite(small_house, rows(small_house)[:1])
    with pytest.raises(Damaged, match="the ledger ends before entry 2"):
        small_house.release()


def test_an_empty_ledger_is_whole(small_house: Any) -> None:
    report = verify(small_house.settings, small_house.database)
    assert (report.entries, report.findings, report.head) == (0, (), EMPTY)
