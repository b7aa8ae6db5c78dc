"""Rotating the signing key: what it signed goes on counting, and whoever still has it signs nothing more."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from commonweal.core import audit, catalog
from commonweal.core.catalog import Dataset, Dimension, Kind, Measure, Privacy, Release, ring
from commonweal.core.catalog.certificate import Certificate, message, parse, read_public_key
from commonweal.core.console import Home
from commonweal.core.errors import Damaged, Refused
from commonweal.disclosure import certificate
from commonweal.disclosure.certificate import NEXT_KEY, PRIVATE_KEY, certify, is_signed, rotate_keys, sign
from commonweal.disclosure.releasing.publishing import approve

HOMES = Dataset(
    name="demo.homes",
    title="Home areas",
    description="",
    dimensions=(Dimension("area", "area", ""),),
    measures=(Measure("subscribers", "integer", "", "{subscribers}", Kind.SUM, "subscribers"),),
    privacy=Privacy.PEOPLE,
)
WHO = "os:tester"


Released = Callable[..., Release]


@pytest.fixture
def released(home: Home, release_people: Released) -> Released:
    """Have a table released: function of the people in one of its areas."""

    def make(people: int = 400) -> Release:
        raw = pa.table({"area": ["A", "B"], "subscribers": [people, 3], "people": [people, 3]})
        return release_people(home, HOMES, raw)

    return make


def publish(home: Home, release: Release, table: pa.Table, paper: Certificate) -> Release:
    """Publish a table as a release was, with another certificate."""
    said: dict[str, Any] = {"inputs": release.provenance.inputs, "parameters": release.provenance.parameters}
    return catalog.publish(home.settings, home.database, HOMES, table, who=WHO, certificate=paper, **said).release


def signed_by_a_thief(stolen: Path, digest: str, like: Release) -> Certificate:
    """A certificate for a table like that of a release, signed with a key that was stolen before it was retired."""
    real = like.certificate
    assert real is not None
    said = (real.dataset, digest, real.rule, real.parameters, real.ledger_entry)
    key = load_pem_private_key(stolen.read_bytes(), password=None)
    record = real.record() | {"digest": digest, "signature": key.sign(message(*said)).hex()}  # type: ignore[union-attr, call-arg]
    return parse(record)


def test_what_was_published_before_a_rotation_is_shown_after_it(home: Home, released: Released) -> None:
    before = [released(people) for people in (400, 500)]
    for _ in range(2):
        rotate_keys(home.settings, home.database, WHO, "once a year")
    after = released(600)
    for release in (*before, after):
        assert release.table(home.settings).num_rows == 2
    assert catalog.verify(home.settings, home.database).findings == ()
    keys = ring.parse(read_public_key(home.settings.keys))
    assert [key.until is None for key in keys] == [True, False, False]
    assert len({key.fingerprint for key in keys}) == 3


def test_a_table_that_was_proposed_before_a_rotation_is_published_after_it(small_house: Any) -> None:
    settings, database = small_house.settings, small_house.database
    waiting = small_house.release().proposal
    rotate_keys(settings, database, WHO)
    [one] = approve(settings, database, waiting.id, "os:ben").publications
    assert one.release.table(settings).num_rows == 3


def test_a_lost_key_is_rotated_away_and_what_it_signed_is_shown(home: Home, released: Released) -> None:
    release = released()
    (home.settings.keys / PRIVATE_KEY).unlink()
    rotate_keys(home.settings, home.database, WHO, "lost")
    assert release.table(home.settings).num_rows == 2
    assert released(500).version == 2


def test_the_key_before_is_gone_and_each_rotation_is_in_the_log(home: Home) -> None:
    old = (home.settings.keys / PRIVATE_KEY).read_bytes()
    retired = ring.parse(read_public_key(home.settings.keys))[0]
    signs = rotate_keys(home.settings, home.database, WHO, "somebody left")
    assert not any(old in path.read_bytes() for path in home.settings.keys.rglob("*") if path.is_file())
    assert not (home.settings.keys / NEXT_KEY).exists()
    entry = audit.newest(home.database, 1)[0]
    assert (entry.action, entry.why) == ("disclosure.rotate-keys", "somebody left")
    assert entry.details == {"retired": retired.fingerprint, "signs": signs.fingerprint}


def test_a_thief_of_the_key_before_certifies_nothing_new(home: Home, released: Released, tmp_path: Path) -> None:
    before = released()
    stolen = tmp_path / "stolen.key"
    shutil.copy(home.settings.keys / PRIVATE_KEY, stolen)
    rotate_keys(home.settings, home.database, WHO)
    after = released(500)  # the thief signs for it as if nothing had been rotated
    with pytest.raises(Refused, match="signature does not verify"):
        publish(home, after, after.table(home.settings), signed_by_a_thief(stolen, after.digest, after))
    raw = catalog.with_states(HOMES, pa.table({"area": ["A", "B"], "subscribers": [400, 3]}))
    paper = signed_by_a_thief(stolen, catalog.canonical_digest(HOMES, raw), before)
    with pytest.raises(Refused, match="tells of no release of this table"):
        publish(home, before, raw, paper)


def test_a_signature_of_a_retired_key_counts_up_to_its_last_entry_and_no_further(home: Home) -> None:
    said: dict[str, Any] = {"dataset": "demo.homes", "digest": "ab" * 32, "rule": "threshold", "parameters": {}}
    papers = {at: certify(home.settings, ledger_entry={"sequence": at}, **said) for at in (1, 2, 3, 4, 5)}
    unnamed = certify(home.settings, ledger_entry={}, **said)
    rotate_keys(home.settings, home.database, WHO)
    public = read_public_key(home.settings.keys)
    last = ring.parse(public)[1].until
    assert last is not None
    for at, paper in papers.items():
        signed = message("demo.homes", "ab" * 32, "threshold", {}, {"sequence": at})
        assert ring.is_signed(public, paper.signature, signed, at) == (at <= last)
    assert not ring.is_signed(public, unnamed.signature, message("demo.homes", "ab" * 32, "threshold", {}, {}), None)


@pytest.mark.parametrize("step", ["after the new key", "after the ring", "while the old one was overwritten"])
def test_a_rotation_that_was_interrupted_is_finished_by_the_next(
    home: Home, released: Released, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = released()

    class Stopped(Exception):
        pass

    def stop(*_: Any, **__: Any) -> Any:
        raise Stopped

    with monkeypatch.context() as patched:
        match step:
            case "after the new key":
                patched.setattr(certificate, "replacing", stop)
            case "after the ring":
                patched.setattr(certificate.os, "urandom", stop)
            case _:
                patched.setattr(certificate, "sync", stop)
        with pytest.raises(Stopped):
            rotate_keys(home.settings, home.database, WHO)
    if step == "after the new key":
        released(500)  # nothing has changed yet
    else:
        with pytest.raises(Damaged):
            released(500)
    rotate_keys(home.settings, home.database, WHO)
    assert before.table(home.settings).num_rows == 2
    assert released(600).version >= 2
    assert len(ring.parse(read_public_key(home.settings.keys))) == 2


@pytest.mark.parametrize("broken", [b"", b"nonsense", "retired first", "two that sign", "cut off"])
def test_a_ring_that_does_not_say_who_signs_is_refused(home: Home, broken: Any) -> None:
    rotate_keys(home.settings, home.database, WHO)
    whole = read_public_key(home.settings.keys)
    new, old = ring.parse(whole)
    assert ring.parse(ring.write((new, old))) == (new, old)
    made = {
        "retired first": ring.write((old, new)),
        "two that sign": new.pem + old.pem,
        "cut off": whole[:40],
    }
    with pytest.raises(Damaged, match="disclosure public key"):
        ring.parse(broken if isinstance(broken, bytes) else made[broken])


def test_what_disclosure_keeps_for_itself_goes_on_counting_unless_it_must_be_new(home: Home) -> None:
    signature = sign(home.settings, "heading", {"a": 1})
    rotate_keys(home.settings, home.database, WHO)
    keys = home.settings.keys
    assert is_signed(keys, "heading", {"a": 1}, signature)
    assert not is_signed(keys, "heading", {"a": 1}, signature, retired=False)
    assert not is_signed(keys, "heading", {"a": 2}, signature)
    assert not is_signed(keys, "another", {"a": 1}, signature)
    assert is_signed(keys, "heading", {"a": 1}, sign(home.settings, "heading", {"a": 1}), retired=False)
