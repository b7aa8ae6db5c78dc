"""Staging: protected bytes are on the disk before anything else, used whatever is killed, and never drawn again."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commonweal.core import catalog
from commonweal.core.backup import restoring, service
from commonweal.core.catalog import Privacy
from commonweal.core.database import connect
from commonweal.core.errors import Damaged, InputError, Refused
from commonweal.disclosure.ledger.budgets import set_budget
from commonweal.disclosure.ledger.verifying import verify
from commonweal.disclosure.releasing.earlier import released_before
from commonweal.disclosure.releasing.looking import behind
from commonweal.disclosure.releasing.proposals import Stage, get, proposals, propose_drawn
from commonweal.disclosure.releasing.publishing import approve
from commonweal.disclosure.releasing.standing import grant
from commonweal.domains import ROOMS

ANALYST, STEWARD = "os:ada", "os:ben"
KILLED = Path(__file__).parent / "killed.py"
POINTS = ("drawn", "staged", "entered", "one published", "recorded")


def with_budget(house: Any, rho: float = 1.0) -> Any:
    set_budget(house.settings, house.database, "demo/sl", "person-day", rho, STEWARD)
    return house


def standing(house: Any) -> Any:
    said = {"rho": 0.5, "unit": "person-day"}
    grant(house.settings, house.database, "gaussian", "demo", said, STEWARD, "usual")
    return with_budget(house)


def there(house: Any) -> list[str]:
    """What is staged: names of folders, and of what is on its way."""
    return sorted(path.name for path in house.settings.staged.iterdir() if path.name != ".lock")


def test_what_is_proposed_is_staged_and_not_published(house: Any) -> None:
    outcome = house.release(house.request("demo.homes", "demo.flows"), *[house.table(400, 300, None)] * 2)
    assert outcome.waits
    assert outcome.publications == ()
    assert there(house) == [outcome.proposal.id]
    assert catalog.releases(house.database) == []
    assert house.ledger() == []
    [listed] = proposals(house.database)
    assert (listed.stage, listed.who, listed.datasets) == (Stage.WAITING, ANALYST, ["demo.homes", "demo.flows"])
    assert [table["hidden"] for table in listed.said["tables"]] == [1, 1]


def test_proposed_again_it_is_the_same_proposal(small_house: Any) -> None:
    first, again = small_house.release(), small_house.release(who="os:another")
    assert first.proposal == again.proposal
    assert len(proposals(small_house.database)) == 1


@pytest.mark.parametrize(
    "other",
    [{"k": 16}, {"people": "demo/gn"}, {"clock": "UTC 04:00"}],
    ids=str,
)
def test_what_differs_in_anything_asked_is_another_proposal(other: dict[str, Any], small_house: Any) -> None:
    first = small_house.release()
    assert small_house.release(small_house.request(**other)).proposal.id != first.proposal.id


def test_another_table_is_another_proposal_unless_noise_is_drawn(small_house: Any) -> None:
    with_budget(small_house)
    assert small_house.release().proposal.id != small_house.release(None, small_house.table(400, 301, None)).proposal.id
    request = small_house.spending(0.1)
    first, again = small_house.release_drawn(request), small_house.release_drawn(request)
    assert first.proposal == again.proposal
    assert small_house.draws == 1


def test_published_it_is_found_again_and_nothing_is_drawn(small_house: Any) -> None:
    standing(small_house)
    first = small_house.release_drawn(small_house.spending(0.4))
    again = small_house.release_drawn(small_house.spending(0.4))
    assert [one.new for one in (*first.publications, *again.publications)] == [True, False]
    assert first.publications[0].release == again.publications[0].release
    assert small_house.draws == 1
    assert len(small_house.ledger("release")) == 1


def test_without_noise_the_bytes_leave_when_they_are_published_and_with_noise_they_stay(small_house: Any) -> None:
    standing(small_house)
    plain, drawn = small_house.release(), small_house.release_drawn(small_house.spending(0.4))
    approve(small_house.settings, small_house.database, plain.proposal.id, STEWARD)
    assert there(small_house) == [drawn.proposal.id]


# What cannot have been protected ──────────────────────────────────────────────────────────────────────────────────


def test_an_unprotected_table_is_refused(small_house: Any) -> None:
    raw = small_house.table(400, 300, 20)
    with pytest.raises(InputError, match="people"):
        small_house.release(None, raw.append_column("people", pa.array([400, 300, 3])), evidence=None)
    with pytest.raises(Refused, match="stands for fewer than 15 people"):
        small_house.release(None, small_house.table(400, 300, 3), evidence=None)
    with pytest.raises(Refused, match="come without an audit"):
        small_house.release(None, raw, evidence=None)
    request = small_house.request()
    [measure] = request.parts[0].dataset.measures
    as_open = replace(request.parts[0].dataset, privacy=Privacy.OPEN, measures=(replace(measure, counts=None),))
    with pytest.raises(InputError, match="declared open"):
        replace(request, parts=(replace(request.parts[0], dataset=as_open),))
    with pytest.raises(Refused, match="without a certificate"):
        catalog.publish(
            small_house.settings, small_house.database, request.parts[0].dataset, raw,
            inputs=request.parts[0].inputs, parameters={"k": 15}, who=ANALYST,
        )  # fmt: skip
    assert catalog.releases(small_house.database) == []
    assert proposals(small_house.database) == []


def test_a_release_replayed_under_a_new_name_is_refused_or_entered_and_spends_again(small_house: Any) -> None:
    standing(small_house)
    released = small_house.release_drawn(small_house.spending(0.4)).publications[0].release
    table = released.table(small_house.settings)
    other = small_house.spending(0.4, "demo.again")
    with pytest.raises(Refused, match=r"the certificate is for demo\.homes"):
        catalog.publish(
            small_house.settings, small_house.database, other.parts[0].dataset, table,
            inputs=other.parts[0].inputs, parameters=released.provenance.parameters, who=ANALYST,
            certificate=released.certificate,
        )  # fmt: skip
    assert small_house.release_drawn(other).publications
    with pytest.raises(Refused, match=r"0\.2 of the budget"):
        small_house.release_drawn(small_house.spending(0.4, "demo.once_more"))


# What is altered ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_staged_bytes_that_are_not_what_was_staged_are_not_published(small_house: Any) -> None:
    waiting = small_house.release().proposal
    path = small_house.settings.staged / waiting.id / "0.parquet"
    pq.write_table(small_house.table(400, 300, 299), path)
    with pytest.raises(Damaged, match=r"0\.parquet: this is not what was staged"):
        approve(small_house.settings, small_house.database, waiting.id, STEWARD)
    assert small_house.ledger() == []


def test_a_staged_record_is_signed(small_house: Any) -> None:
    waiting = small_house.release().proposal
    path = small_house.settings.staged / waiting.id / "record.json"
    path.write_text(path.read_text().replace(ANALYST, STEWARD))
    with pytest.raises(Damaged, match=r"record\.json: this is not what was staged"):
        approve(small_house.settings, small_house.database, waiting.id, ANALYST)


def test_a_folder_of_another_request_put_in_its_place_is_refused(small_house: Any) -> None:
    with_budget(small_house)
    one, other = (small_house.release_drawn(small_house.spending(rho)).proposal for rho in (0.1, 0.2))
    folder = small_house.settings.staged
    shutil.rmtree(folder / one.id)
    shutil.copytree(folder / other.id, folder / one.id)
    with pytest.raises(Damaged, match="this is not what was staged"):
        small_house.release_drawn(small_house.spending(0.1))
    with pytest.raises(Damaged, match="this is not what was staged"):
        approve(small_house.settings, small_house.database, one.id, STEWARD)
    assert small_house.draws == 2


def test_noise_that_is_gone_is_not_drawn_again_and_a_table_without_noise_is_staged_again(small_house: Any) -> None:
    with_budget(small_house)
    drawn = small_house.release_drawn(small_house.spending(0.1)).proposal
    plain = small_house.release().proposal
    for one in (drawn, plain):
        shutil.rmtree(small_house.settings.staged / one.id)
    with pytest.raises(Damaged, match="drawing again would tell more than is spent"):
        small_house.release_drawn(small_house.spending(0.1))
    assert small_house.draws == 1
    with pytest.raises(Damaged, match="the tables of this proposal are gone"):
        approve(small_house.settings, small_house.database, plain.id, STEWARD)
    assert small_house.release().proposal.id == plain.id
    assert approve(small_house.settings, small_house.database, plain.id, STEWARD).publications


def test_evidence_comes_with_the_release_as_the_ledger_names_it(small_house: Any) -> None:
    grant(small_house.settings, small_house.database, "threshold", "demo", {"k": 15}, STEWARD, "usual")
    [one] = small_house.release().publications
    found = behind(small_house.settings, small_house.database, one.release)
    assert found is not None
    assert found.evidence["audit"]["tables"] == {"demo.homes": one.release.digest}
    assert not found.evidence["attacks"]["refused"]
    assert found.entry.said["people"] == "demo/sl"
    with small_house.database.transaction() as session:
        from commonweal.disclosure.models import ProposalRecord

        session.get_one(ProposalRecord, found.entry.said["request"]).evidence = {"audit": {}}
    with pytest.raises(Damaged, match="is not what the ledger names"):
        behind(small_house.settings, small_house.database, one.release)


# Kills ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def run(data: Path, point: str, url: str) -> int:
    environment = os.environ | {"COMMONWEAL_DATA": str(data), "COMMONWEAL_DATABASE_URL": url}
    command = [sys.executable, str(KILLED), point]
    return subprocess.run(command, env=environment, capture_output=True, timeout=60).returncode


def complete(house: Any) -> None:
    spec = spec_from_file_location("killed", KILLED)
    assert spec is not None
    assert spec.loader is not None
    killed = module_from_spec(spec)
    spec.loader.exec_module(killed)
    killed.ask(house.settings, house.database)


def whole(house: Any) -> None:
    """One draw was staged, entered, spent and published, once."""
    outcome = [catalog.releases(house.database, name) for name in ("demo.homes", "demo.flows")]
    assert [len(releases) for releases in outcome] == [1, 1]
    assert len(house.ledger("release")) == 1
    assert house.ledger("release")[0].said["tables"] == [
        {"dataset": one.dataset, "digest": one.digest, "rule": "gaussian"} for [one] in outcome
    ]
    assert verify(house.settings, house.database).findings == ()
    assert catalog.verify(house.settings, house.database).findings == ()
    assert [one.stage for one in proposals(house.database)] == [Stage.PUBLISHED]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_a_rerun_completes_it_with_the_same_bytes(point: str, small_house: Any) -> None:
    standing(small_house)
    data, url = small_house.settings.data, small_house.database.url
    assert run(data, point, url) == -signal.SIGKILL
    # Never a release without its entry.
    assert len(small_house.ledger("release")) >= min(1, len(catalog.releases(small_house.database)))
    complete(small_house)
    whole(small_house)
    # What was drawn before anything was staged was seen by nobody.
    draws = (data / "draws").read_text().splitlines()
    assert len(draws) == (2 if point == "drawn" else 1)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_killed_between_ledger_and_publishing_on_postgresql_too(house: Any) -> None:
    standing(house)
    assert run(house.settings.data, "entered", house.database.url) == -signal.SIGKILL
    complete(house)
    whole(house)


def test_what_a_killed_process_was_writing_or_removing_is_removed_by_the_next(small_house: Any) -> None:
    outcome = small_house.release()
    for name in (f".{outcome.proposal.id}", f".{'ab' * 32}"):
        shutil.copytree(small_house.settings.staged / outcome.proposal.id, small_house.settings.staged / name)
    approve(small_house.settings, small_house.database, outcome.proposal.id, STEWARD)
    assert there(small_house) == []


# Backups ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_restored_backup_publishes_what_was_staged_and_never_draws_again(small_house: Any, tmp_path: Path) -> None:
    with_budget(small_house)
    waiting = small_house.release_drawn(small_house.spending(0.4)).proposal
    file, keys_file = tmp_path / "a" / "data", tmp_path / "b" / "keys"
    for path in (file, keys_file):
        path.parent.mkdir()
    service.create(small_house.settings, small_house.database, ROOMS, file, keys_file, "os:ops")
    released = approve(small_house.settings, small_house.database, waiting.id, STEWARD).publications[0].release
    made, _ = restoring.restore(file, keys_file, tmp_path / "new", tmp_path / "new-keys", ROOMS, "os:ops")
    database = connect(made)
    try:
        request = small_house.spending(0.4)
        proposal = propose_drawn(made, database, request, small_house.draw(), who=ANALYST)
        assert proposal.id == waiting.id
        again = approve(made, database, waiting.id, STEWARD).publications[0].release
    finally:
        database.close()
    assert small_house.draws == 1
    assert again.digest == released.digest


def test_a_backup_made_while_something_is_published_has_it_published_or_staged(
    small_house: Any, tmp_path: Path
) -> None:
    plain = small_house.release().proposal
    file, keys_file = tmp_path / "a" / "data", tmp_path / "b" / "keys"
    for path in (file, keys_file):
        path.parent.mkdir()
    published = False

    def watch(done: int, total: int) -> None:
        nonlocal published
        if total and not published:  # the records are read, the files are not
            published = True
            approve(small_house.settings, small_house.database, plain.id, STEWARD)

    service.create(small_house.settings, small_house.database, ROOMS, file, keys_file, "os:ops", watch)
    assert published
    assert there(small_house) == []  # so what the first records named was gone
    made, _ = restoring.restore(file, keys_file, tmp_path / "new", tmp_path / "new-keys", ROOMS, "os:ops")
    database = connect(made)
    try:
        assert get(database, plain.id).stage is Stage.PUBLISHED
        assert released_before(made, database, plain.said["people"], *plain.period)
    finally:
        database.close()


def test_a_backup_says_which_staged_tables_are_lost(small_house: Any, tmp_path: Path) -> None:
    plain = small_house.release().proposal
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    shutil.rmtree(small_house.settings.staged / plain.id)
    with pytest.raises(Damaged, match=f"{plain.id}: this file is missing"):
        service.create(
            small_house.settings,
            small_house.database,
            ROOMS,
            tmp_path / "a" / "data",
            tmp_path / "b" / "keys",
            "os:ops",
        )
    assert not list(tmp_path.glob("[ab]/*"))


def test_many_proposals_are_told_apart_by_the_beginning_of_their_names(small_house: Any) -> None:
    made = small_house.release(None, small_house.table(20, 30, None)).proposal
    assert get(small_house.database, made.short) == made
