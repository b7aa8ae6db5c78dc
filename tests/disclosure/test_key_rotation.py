"""Rotating the signing key: what it signed goes on counting, and whoever still has it signs nothing more."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from commonweal.core import audit, catalog
from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy, Release, ring
from commonweal.core.catalog.certificate import Certificate, message, parse, read_public_key
from commonweal.core.console import Home
from commonweal.core.errors import Damaged, Refused
from commonweal.disclosure import Protected, certificate, protect
from commonweal.disclosure.certificate import NEXT_KEY, PRIVATE_KEY, certify, is_signed, rotate_keys, sign

HOMES = Dataset(
    name="demo.homes",
    title="Home areas",
    description="",
    dimensions=(Dimension("area", "area", ""),),
    measures=(Measure("subscribers", "integer", "", "{subscribers}", Kind.SUM, "subscribers"),),
    privacy=Privacy.PEOPLE,
)
WHO = "os:tester"


def protected(home: Home, people: int = 400) -> Protected:
    raw = pa.table({"area": ["A", "B"], "subscribers": [people, 3], "people": [people, 3]})
    return protect(home.settings, home.database, HOMES, raw, k=15, grid=raw.select(["area"]), parameters={}, who=WHO)


def publish(home: Home, table: pa.Table, paper: Certificate) -> Release:
    said: dict[str, Any] = {"inputs": [Input("store sl/2015", "ab" * 32, "store")], "parameters": paper.parameters}
    return catalog.publish(home.settings, home.database, HOMES, table, who=WHO, certificate=paper, **said).release


def signed_by_a_thief(home: Home, stolen: Path, table: Protected, entry: dict[str, Any]) -> Certificate:
    """A certificate for a table, signed with a key that was stolen before it was retired."""
    real = table.certificate
    said = (real.dataset, real.digest, real.rule, real.parameters, entry)
    key = load_pem_private_key(stolen.read_bytes(), password=None)
    record = real.record() | {"ledger_entry": entry, "signature": key.sign(message(*said)).hex()}  # type: ignore[union-attr, call-arg]
    return parse(record)


def test_what_was_published_before_a_rotation_is_shown_after_it(home: Home) -> None:
    before = [publish(home, (safe := protected(home, people)).table, safe.certificate) for people in (400, 500)]
    for _ in range(2):
        rotate_keys(home.settings, home.database, WHO, "once a year")
    after = publish(home, (safe := protected(home, 600)).table, safe.certificate)
    for release in (*before, after):
        assert release.table(home.settings).num_rows == 2
    assert catalog.verify(home.settings, home.database).findings == ()
    keys = ring.parse(read_public_key(home.settings.keys))
    assert [key.until is None for key in keys] == [True, False, False]
    assert len({key.fingerprint for key in keys}) == 3


def test_a_table_that_was_protected_before_a_rotation_is_published_after_it(home: Home) -> None:
    safe = protected(home)
    rotate_keys(home.settings, home.database, WHO)
    assert publish(home, safe.table, safe.certificate).table(home.settings).num_rows == 2


def test_a_lost_key_is_rotated_away_and_what_it_signed_is_shown(home: Home) -> None:
    release = publish(home, (safe := protected(home)).table, safe.certificate)
    (home.settings.keys / PRIVATE_KEY).unlink()
    rotate_keys(home.settings, home.database, WHO, "lost")
    assert release.table(home.settings).num_rows == 2
    assert publish(home, (new := protected(home, 500)).table, new.certificate).version == 2


def test_the_key_before_is_gone_and_each_rotation_is_in_the_log(home: Home) -> None:
    old = (home.settings.keys / PRIVATE_KEY).read_bytes()
    retired = ring.parse(read_public_key(home.settings.keys))[0]
    signs = rotate_keys(home.settings, home.database, WHO, "somebody left")
    assert not any(old in path.read_bytes() for path in home.settings.keys.rglob("*") if path.is_file())
    assert not (home.settings.keys / NEXT_KEY).exists()
    entry = audit.newest(home.database, 1)[0]
    assert (entry.action, entry.why) == ("disclosure.rotate-keys", "somebody left")
    assert entry.details == {"retired": retired.fingerprint, "signs": signs.fingerprint}


def test_a_thief_of_the_key_before_certifies_nothing_new(home: Home, tmp_path: Path) -> None:
    published = protected(home)
    publish(home, published.table, published.certificate)
    stolen = tmp_path / "stolen.key"
    shutil.copy(home.settings.keys / PRIVATE_KEY, stolen)
    rotate_keys(home.settings, home.database, WHO)
    wanted = protected(home, 17)  # any table: the thief signs for it as if nothing had been rotated
    entry = dict(wanted.certificate.ledger_entry)
    with pytest.raises(Refused, match="signature does not verify"):
        publish(home, wanted.table, signed_by_a_thief(home, stolen, wanted, entry))
    old = dict(published.certificate.ledger_entry)
    with pytest.raises(Refused, match="about another table"):
        publish(home, wanted.table, signed_by_a_thief(home, stolen, wanted, old))


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
    home: Home, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    safe = protected(home)

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
        publish(home, (other := protected(home, 500)).table, other.certificate)  # nothing has changed yet
    else:
        with pytest.raises(Damaged):
            protected(home, 500)
    rotate_keys(home.settings, home.database, WHO)
    assert publish(home, safe.table, safe.certificate).table(home.settings).num_rows == 2
    assert publish(home, (new := protected(home, 600)).table, new.certificate).version >= 2
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
