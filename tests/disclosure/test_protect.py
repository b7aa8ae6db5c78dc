"""Protecting and publishing: only with the certificate for this table, of this dataset, from this house's key."""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commonweal.core import audit, catalog
from commonweal.core.catalog import (
    Attribute,
    Dataset,
    Dimension,
    Input,
    Kind,
    Measure,
    Privacy,
    Release,
    exports,
    reading,
)
from commonweal.core.catalog.certificate import Certificate, message, parse, read_public_key, verify
from commonweal.core.catalog.models import ReleaseRecord
from commonweal.core.console import Home
from commonweal.core.database import Database
from commonweal.core.errors import Conflict, Damaged, InputError, Refused, Unavailable
from commonweal.core.settings import Settings
from commonweal.disclosure import Protected, parts_by, protect, protect_totals
from commonweal.disclosure.certificate import PRIVATE_KEY, create_keys

HOMES = Dataset(
    name="demo.homes",
    title="Home areas",
    description="",
    dimensions=(Dimension("area", "area", ""),),
    measures=(Measure("subscribers", "integer", "", "{subscribers}", Kind.SUM, "subscribers"),),
    privacy=Privacy.PEOPLE,
)
TOTALS = Dataset(
    name="demo.totals",
    title="Totals",
    description="",
    dimensions=(Dimension("figure", "string", ""),),
    measures=(Measure("subscribers", "integer", "", "{subscribers}", Kind.SUM, "subscribers"),),
    attributes=(Attribute("rounded_to", "integer", "Width of the bucket.", "{subscribers}"),),
    privacy=Privacy.PEOPLE,
)
RAW = pa.table({"area": ["A", "B", "C"], "subscribers": [400, 300, 3], "people": [400, 300, 3]})
GRID = pa.table({"area": ["A", "B", "C", "D"]})
STORE = Input("store sl/2015", "ab" * 32, "store")


def protected(home: Home, database: Database | None = None, **other: Any) -> Protected:
    said = {"k": 15, "grid": GRID, "parameters": {"period": "2015-03"}, "who": "os:ada"} | other
    return protect(home.settings, database or home.database, HOMES, RAW, **said)


def publish(home: Home, dataset: Dataset, table: pa.Table, certificate: Certificate | None, **other: Any) -> Any:
    parameters = certificate.parameters if certificate else {}
    said = {"inputs": [STORE], "parameters": parameters, "who": "os:ada", "certificate": certificate} | other
    database = said.pop("database", home.database)
    return catalog.publish(home.settings, database, dataset, table, **said).release


def test_a_protected_table_is_published_with_its_certificate(home: Home, database: Database) -> None:
    safe = protected(home, database)
    assert safe.suppressed == 2
    assert safe.table["subscribers"].to_pylist() == [400, 300, None, None]
    assert "people" not in safe.table.column_names
    release = publish(home, HOMES, safe.table, safe.certificate, database=database)
    stored = catalog.latest(database, "demo.homes").certificate
    assert stored == release.certificate == safe.certificate
    assert catalog.verify(home.settings, database).findings == ()


def test_the_audit_log_holds_the_entry_that_the_certificate_names(home: Home, database: Database) -> None:
    safe = protected(home, database)
    with database.reading() as session:
        entry = session.get(audit.AuditEntry, safe.certificate.ledger_entry["sequence"])
    assert entry is not None
    assert entry.hash == safe.certificate.ledger_entry["hash"]
    assert (entry.who, entry.action, entry.what) == ("os:ada", "disclosure.protect", "demo.homes")
    assert entry.details["digest"] == safe.certificate.digest
    assert entry.details["parameters"] == {"period": "2015-03", "k": 15}
    assert entry.details["suppressed"] == 2


def test_a_rerun_gives_the_same_table_and_ends_in_the_same_release(home: Home) -> None:
    first, again = protected(home), protected(home)
    assert first.table == again.table
    assert first.certificate.digest == again.certificate.digest
    assert publish(home, HOMES, first.table, first.certificate) == publish(home, HOMES, again.table, again.certificate)


def test_without_a_certificate_nothing_about_people_is_published(home: Home) -> None:
    with pytest.raises(Refused, match="without a certificate"):
        publish(home, HOMES, protected(home).table, None)
    assert catalog.releases(home.database) == []


class Equal(str):
    """A text that says it is any other."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


def covered(fields: dict[str, Any]) -> bytes:
    """What the signature of a certificate with these fields has to cover."""
    return message(*(fields[name] for name in ("dataset", "digest", "rule", "parameters", "ledger_entry")))


def around_the_constructor(fields: dict[str, Any]) -> Certificate:
    made = Certificate.__new__(Certificate)
    for name, value in fields.items():
        object.__setattr__(made, name, value)
    return made


def forged(home: Home) -> dict[str, tuple[Dataset, pa.Table, Certificate]]:
    safe = protected(home)
    paper = safe.certificate
    raw = catalog.with_states(HOMES, RAW.drop(["people"]))
    of_raw = vars(paper) | {"digest": catalog.canonical_digest(HOMES, raw)}
    other_name = Dataset(**(vars(HOMES) | {"name": "demo.homes_again"}))
    return {
        "another table": (HOMES, raw, paper),
        "its digest put in": (HOMES, raw, Certificate(**of_raw)),
        "made around the constructor": (HOMES, raw, around_the_constructor(of_raw)),
        "another's message shown": (
            HOMES,
            raw,
            around_the_constructor(of_raw | {"message": lambda: covered(vars(paper))}),
        ),
        "a digest that equals any": (HOMES, raw, replace(paper, digest=Equal(paper.digest))),
        "signed with another key": (
            HOMES,
            raw,
            Certificate(**of_raw | {"signature": Ed25519PrivateKey.generate().sign(covered(of_raw)).hex()}),
        ),
        "another name": (other_name, safe.table, paper),
        "its name put in": (
            other_name,
            safe.table,
            replace(paper, dataset="demo.homes_again", digest=catalog.canonical_digest(other_name, safe.table)),
        ),
        "a kinder rule": (HOMES, safe.table, replace(paper, parameters={"k": 1000})),
        "another ledger entry": (HOMES, safe.table, replace(paper, ledger_entry={"sequence": 1, "hash": "0" * 64})),
        "no signature": (HOMES, safe.table, replace(paper, signature="")),
        "signature not hex": (HOMES, safe.table, replace(paper, signature="not hex")),
    }


@pytest.mark.parametrize(
    "forgery",
    [
        "another table",
        "its digest put in",
        "made around the constructor",
        "another's message shown",
        "a digest that equals any",
        "signed with another key",
        "another name",
        "its name put in",
        "a kinder rule",
        "another ledger entry",
        "no signature",
        "signature not hex",
    ],
)
def test_a_forged_certificate_is_refused(home: Home, forgery: str) -> None:
    dataset, table, certificate = forged(home)[forgery]
    with pytest.raises(Refused):
        publish(home, dataset, table, certificate)
    assert catalog.releases(home.database) == []


@pytest.mark.parametrize(
    "other",
    [{"k": 20}, {"period": "2015-04"}, {"k": "15"}, {"period": None}, {"k": ...}, {"period": ...}],
    ids=str,
)
def test_a_release_says_every_parameter_of_its_certificate_and_alike(home: Home, other: dict[str, Any]) -> None:
    safe = protected(home)
    alike = {"k": 15, "period": "2015-03", "method": "not the certificate's affair"}
    said = {name: value for name, value in (alike | other).items() if value is not ...}
    with pytest.raises(Refused, match=f"parameter {next(iter(other))} is .* protected with"):
        publish(home, HOMES, safe.table, safe.certificate, parameters=said)
    assert catalog.releases(home.database) == []
    assert publish(home, HOMES, safe.table, safe.certificate, parameters=alike).version == 1


def test_a_certificate_cannot_be_used_again_without_saying_where_the_table_comes_from(home: Home) -> None:
    safe = protected(home)
    publish(home, HOMES, safe.table, safe.certificate)
    with pytest.raises(Refused, match="from no input"):
        publish(home, HOMES, safe.table, safe.certificate, inputs=[])
    with pytest.raises(Refused, match="parameter k is missing"):
        publish(home, HOMES, safe.table, safe.certificate, parameters={})
    assert len(catalog.releases(home.database)) == 1


def test_a_certificate_whose_ledger_entry_is_in_another_log_is_refused(home: Home, database: Database) -> None:
    safe = protected(home)
    with pytest.raises(Refused, match="does not hold the entry"):
        publish(home, HOMES, safe.table, safe.certificate, database=database)


def test_a_certificate_of_another_house_is_refused(home: Home, tmp_path: Any) -> None:
    elsewhere = home.settings.model_copy(update={"keys": tmp_path / "other keys"})
    elsewhere.keys.mkdir()
    create_keys(elsewhere, home.database)
    safe = protect(elsewhere, home.database, HOMES, RAW, grid=GRID, parameters={}, who="os:mallory")
    with pytest.raises(Refused, match="signature does not verify"):
        publish(home, HOMES, safe.table, safe.certificate)


def test_a_certificate_is_read_back_as_it_was_written(home: Home) -> None:
    safe = protected(home)
    read = parse(safe.certificate.record())
    assert read == safe.certificate
    verify(
        read, read_public_key(home.settings.keys), "demo.homes", safe.certificate.digest, {"k": 15, "period": "2015-03"}
    )
    with pytest.raises(InputError, match="signature"):
        parse({name: value for name, value in safe.certificate.record().items() if name != "signature"})


def test_open_data_is_not_protected_and_a_certificate_does_not_make_it_so(home: Home) -> None:
    opened = replace(HOMES, measures=(replace(HOMES.measures[0], counts=None),), privacy=Privacy.OPEN)
    with pytest.raises(InputError, match="declared open"):
        protect(home.settings, home.database, opened, RAW, grid=GRID, parameters={}, who="os:ada")
    safe = protected(home)
    with pytest.raises(Refused, match="open data came with a certificate"):
        publish(home, opened, safe.table, safe.certificate)


# Reading


def forge(home: Home, release: Release, table: pa.Table | None = None, **other: Any) -> Release:
    """Put another table in a release's place, or another record, so that everything but its signature agrees."""
    file = release.file(home.settings)
    if table is not None:
        pq.write_table(table, file)
        other["digest"] = catalog.canonical_digest(release.schema, table)
        if release.certificate:
            other["certificate"] = release.certificate.record() | {"digest": other["digest"]}
    content = file.read_bytes()
    record = release.record() | {"file_digest": sha256(content).hexdigest(), "file_size": len(content)} | other
    (file.parent / "release.json").write_text(json.dumps(record))
    with home.database.transaction() as session:
        session.query(ReleaseRecord).filter_by(dataset=release.dataset, version=release.version).one().record = record
    return catalog.get(home.database, release.dataset, release.version)


READERS: dict[str, Callable[[Home, Release], object]] = {
    "table": lambda home, release: release.table(home.settings),
    "open": lambda home, release: catalog.open(home.settings, home.database, release.dataset),
    "export as CSV": lambda home, release: exports.export(home.settings, home.database, release, "csv", BytesIO()),
    "export as Parquet": lambda home, release: exports.export(
        home.settings, home.database, release, "parquet", BytesIO()
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_table_about_people_that_was_forged_with_all_its_records_is_not_shown(home: Home, reader: str) -> None:
    safe = protected(home)
    release = publish(home, HOMES, safe.table, safe.certificate)
    READERS[reader](home, release)
    forged = forge(home, release, catalog.with_states(HOMES, RAW.drop(["people"])))
    with pytest.raises(Damaged, match="not what was certified: the certificate's signature does not verify"):
        READERS[reader](home, forged)
    assert len(catalog.verify(home.settings, home.database).findings) == 1


def test_a_table_about_people_that_is_not_that_of_its_digest_is_not_shown(home: Home) -> None:
    safe = protected(home)
    release = publish(home, HOMES, safe.table, safe.certificate)
    raw = catalog.with_states(HOMES, RAW.drop(["people"]))
    said = {"digest": release.digest, "certificate": safe.certificate.record()}
    pq.write_table(raw, release.file(home.settings))
    with pytest.raises(
        Damaged, match=f"have digest {catalog.canonical_digest(HOMES, raw)} .expected: digest {release.digest}"
    ):
        forge(home, release, **said).table(home.settings)
    pq.write_table(RAW, release.file(home.settings))
    with pytest.raises(Damaged, match="are not what it declares"):
        forge(home, release, **said).table(home.settings)


def test_a_record_about_people_that_was_rewritten_around_its_certificate_is_not_shown(home: Home) -> None:
    safe = protected(home)
    release = publish(home, HOMES, safe.table, safe.certificate)
    origin = release.provenance.record()
    assert release.table(home.settings).num_rows == 4
    for wrong, problem in (
        ({"certificate": None}, "about people and has no certificate"),
        ({"provenance": origin | {"parameters": {"k": 15}}}, "parameter period is missing"),
        ({"provenance": origin | {"parameters": {"k": 15, "period": "2016-03"}}}, 'parameter period is "2016-03"'),
        ({"schema": release.schema.record() | {"privacy": "open"}}, "counts subscribers, but privacy is open"),
    ):
        with pytest.raises(Damaged, match=problem):
            forge(home, release, **wrong).table(home.settings)
    assert forge(home, release).table(home.settings).num_rows == 4


def test_the_rows_of_a_file_are_verified_once_however_often_it_is_read(home: Home, monkeypatch: Any) -> None:
    safe = protected(home)
    release = publish(home, HOMES, safe.table, safe.certificate)
    computed = []
    monkeypatch.setattr(
        reading, "canonical_digest", lambda *said: computed.append(said) or catalog.canonical_digest(*said)
    )
    for _ in range(3):
        release.table(home.settings)
    assert len(computed) == 1


# Keys


def test_the_keys_are_for_their_owner_alone(home: Home) -> None:
    for name in (PRIVATE_KEY, "disclosure-signing.pub"):
        assert stat.S_IMODE((home.settings.keys / name).stat().st_mode) == 0o600
    with pytest.raises(Conflict, match="signing key already"):
        create_keys(home.settings, home.database)


def entries(settings: Settings, database: Database) -> int:
    return audit.verify(settings, database).entries


@pytest.mark.parametrize(
    ("content", "error", "problem"),
    [
        (None, Unavailable, "signing key is missing"),
        (b"nonsense", Damaged, "signing key cannot be read"),
        ("public", Damaged, "signing key cannot be read"),
        ("another", Damaged, "is not that of the public key"),
    ],
)
def test_a_wrong_key_file_is_named_and_nothing_is_recorded(
    home: Home, tmp_path: Any, content: Any, error: type[Exception], problem: str
) -> None:
    path = home.settings.keys / PRIVATE_KEY
    if content is None:
        path.unlink()
    elif content == "public":
        path.write_bytes(read_public_key(home.settings.keys))
    elif content == "another":
        elsewhere = home.settings.model_copy(update={"keys": tmp_path / "other"})
        elsewhere.keys.mkdir()
        create_keys(elsewhere, home.database)
        path.write_bytes((elsewhere.keys / PRIVATE_KEY).read_bytes())
    else:
        path.write_bytes(content)
    before = entries(home.settings, home.database)
    with pytest.raises(error, match=problem) as found:
        protected(home)
    assert os.fspath(path) in str(found.value)
    assert entries(home.settings, home.database) == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_signing_key_that_others_can_read_or_change_signs_nothing(home: Home, mode: int) -> None:
    path = home.settings.keys / PRIVATE_KEY
    path.chmod(mode)
    before = entries(home.settings, home.database)
    with pytest.raises(Conflict, match=f"others than its owner.*run: chmod 600 {path}"):
        protected(home)
    assert entries(home.settings, home.database) == before
    path.chmod(0o600)
    assert protected(home).suppressed == 2


@pytest.mark.parametrize(("content", "error"), [(None, Unavailable), (b"nonsense", Damaged)])
def test_without_the_public_key_nothing_about_people_is_published(
    home: Home, content: bytes | None, error: type[Exception]
) -> None:
    safe = protected(home)
    path = home.settings.keys / "disclosure-signing.pub"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(error, match="disclosure public key"):
        publish(home, HOMES, safe.table, safe.certificate)


# Totals


def test_a_total_beside_a_suppressed_table_is_rounded_and_certified(home: Home) -> None:
    safe = protected(home)
    known = parts_by(safe.table, "subscribers", []).to_pylist()[0]
    assert (known["reported"], known["suppressed"]) == (700, 2)
    raw = pa.table({"figure": ["located"], "subscribers": [703], "reported": [700], "suppressed": [2]})
    figures = protect_totals(
        home.settings,
        home.database,
        TOTALS,
        raw,
        kind=Kind.SUM,
        grid=raw.select(["figure"]),
        parameters={},
        who="os:ada",
    )
    row = figures.table.to_pylist()[0]
    assert row["subscribers_state"] == "rounded"
    assert row["subscribers"] <= 703 < row["subscribers"] + row["rounded_to"]
    assert row["rounded_to"] >= 15
    assert publish(home, TOTALS, figures.table, figures.certificate).version == 1


def test_a_total_without_its_parts_is_refused(home: Home) -> None:
    raw = pa.table({"figure": ["located"], "subscribers": [703]})
    with pytest.raises(InputError, match=r"other columns than expected .*reported, subscribers, suppressed"):
        protect_totals(
            home.settings,
            home.database,
            TOTALS,
            raw,
            kind=Kind.SUM,
            grid=raw.select(["figure"]),
            parameters={},
            who="os:ada",
        )
