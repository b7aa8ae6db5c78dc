"""Certificates: one covers one table of one dataset, from this house's key; what is read is what was certified."""

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
from commonweal.core.catalog import Dataset, Input, Privacy, Release, exports, reading
from commonweal.core.catalog.certificate import Certificate, message, parse, read_public_key, verify
from commonweal.core.catalog.models import ReleaseRecord
from commonweal.core.errors import Conflict, Damaged, InputError, Refused, Unavailable
from commonweal.disclosure.certificate import PRIVATE_KEY, create_keys
from commonweal.disclosure.releasing.publishing import approve

STORE = Input("store sl/2015", "ab" * 32, "store")
PARAMETERS = {"period": "2015-03", "k": 15}
STEWARD = "os:ben"


def raw_table() -> pa.Table:
    """What the table of the filled house would be, had nothing been hidden."""
    states = ["reported"] * 3
    return pa.table({"area": ["A", "B", "C"], "subscribers": [400, 300, 3], "subscribers_state": states})


def publish(house: Any, dataset: Dataset, table: pa.Table, certificate: Certificate | None, **other: Any) -> Release:
    said = {"inputs": [STORE], "parameters": PARAMETERS, "who": "os:ada", "certificate": certificate, "code": "code 1"}
    return catalog.publish(house.settings, house.database, dataset, table, **(said | other)).release


def shown(house: Any) -> tuple[Release, pa.Table, Certificate]:
    """The release of homes in a filled house, its table, and its certificate."""
    release = catalog.get(house.database, "demo.homes", 1)
    assert release.certificate is not None
    return release, release.table(house.settings), release.certificate


def test_what_is_released_has_the_certificate_that_names_its_entry(shown_house: Any) -> None:
    release, table, paper = shown(shown_house)
    assert table["subscribers"].to_pylist() == [400, 300, None]
    assert (paper.dataset, paper.digest, paper.rule) == ("demo.homes", release.digest, "threshold")
    assert paper.parameters == PARAMETERS
    with shown_house.database.reading() as session:
        entry = session.get_one(audit.AuditEntry, paper.ledger_entry["sequence"])
    assert entry.hash == paper.ledger_entry["hash"]
    assert (entry.who, entry.action, entry.what) == ("os:ada", "disclosure.ledger", "release of demo.homes")
    assert entry.details["tables"] == [{"dataset": "demo.homes", "digest": release.digest}]
    assert catalog.verify(shown_house.settings, shown_house.database).findings == ()


def test_published_again_it_is_the_same_release(shown_house: Any) -> None:
    release, table, paper = shown(shown_house)
    assert publish(shown_house, release.schema, table, paper) == release


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


def forged(house: Any) -> dict[str, tuple[Dataset, pa.Table, Certificate]]:
    release, table, paper = shown(house)
    dataset, raw = release.schema, raw_table()
    of_raw = vars(paper) | {"digest": catalog.canonical_digest(dataset, raw)}
    other_name = Dataset(**(vars(dataset) | {"name": "demo.homes_again"}))
    return {
        "another table": (dataset, raw, paper),
        "its digest put in": (dataset, raw, Certificate(**of_raw)),
        "made around the constructor": (dataset, raw, around_the_constructor(of_raw)),
        "another's message shown": (
            dataset,
            raw,
            around_the_constructor(of_raw | {"message": lambda: covered(vars(paper))}),
        ),
        "a digest that equals any": (dataset, raw, replace(paper, digest=Equal(paper.digest))),
        "signed with another key": (
            dataset,
            raw,
            Certificate(**of_raw | {"signature": Ed25519PrivateKey.generate().sign(covered(of_raw)).hex()}),
        ),
        "another name": (other_name, table, paper),
        "its name put in": (
            other_name,
            table,
            replace(paper, dataset="demo.homes_again", digest=catalog.canonical_digest(other_name, table)),
        ),
        "a kinder rule": (dataset, table, replace(paper, parameters={"k": 1000, "period": "2015-03"})),
        "another ledger entry": (dataset, table, replace(paper, ledger_entry={"sequence": 1, "hash": "0" * 64})),
        "no signature": (dataset, table, replace(paper, signature="")),
        "signature not hex": (dataset, table, replace(paper, signature="not hex")),
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
def test_a_forged_certificate_is_refused(shown_house: Any, forgery: str) -> None:
    dataset, table, certificate = forged(shown_house)[forgery]
    with pytest.raises(Refused):
        publish(shown_house, dataset, table, certificate)
    assert len(catalog.releases(shown_house.database)) == 2


@pytest.mark.parametrize(
    "other",
    [{"k": 20}, {"period": "2015-04"}, {"k": "15"}, {"period": None}, {"k": ...}, {"period": ...}],
    ids=str,
)
def test_a_release_says_every_parameter_of_its_certificate_and_alike(shown_house: Any, other: dict[str, Any]) -> None:
    release, table, paper = shown(shown_house)
    alike = PARAMETERS | {"method": "not the certificate's affair"}
    said = {name: value for name, value in (alike | other).items() if value is not ...}
    with pytest.raises(Refused, match=f"parameter {next(iter(other))} is .* protected with"):
        publish(shown_house, release.schema, table, paper, parameters=said)
    assert len(catalog.releases(shown_house.database)) == 2


def test_a_certificate_cannot_be_used_again_without_saying_where_the_table_comes_from(shown_house: Any) -> None:
    release, table, paper = shown(shown_house)
    with pytest.raises(Refused, match="from no input"):
        publish(shown_house, release.schema, table, paper, inputs=[])
    with pytest.raises(Refused, match="parameter k is missing"):
        publish(shown_house, release.schema, table, paper, parameters={})
    assert len(catalog.releases(shown_house.database)) == 2


def test_a_certificate_of_another_house_is_refused(shown_house: Any, small_house: Any) -> None:
    release, table, paper = shown(shown_house)
    with pytest.raises(Refused, match="does not hold the entry"):  # copies of one house have the same key
        publish(small_house, release.schema, table, paper)
    for name in (PRIVATE_KEY, "disclosure-signing.pub"):
        (small_house.settings.keys / name).unlink()
    create_keys(small_house.settings, small_house.database)
    with pytest.raises(Refused, match="signature does not verify"):
        publish(small_house, release.schema, table, paper)


def test_a_certificate_is_read_back_as_it_was_written(shown_house: Any) -> None:
    _, _, paper = shown(shown_house)
    read = parse(paper.record())
    assert read == paper
    verify(read, read_public_key(shown_house.settings.keys), "demo.homes", paper.digest, PARAMETERS)
    with pytest.raises(InputError, match="signature"):
        parse({name: value for name, value in paper.record().items() if name != "signature"})


def test_open_data_has_no_certificate(shown_house: Any) -> None:
    release, table, paper = shown(shown_house)
    [measure] = release.schema.measures
    opened = replace(release.schema, measures=(replace(measure, counts=None),), privacy=Privacy.OPEN)
    with pytest.raises(Refused, match="open data came with a certificate"):
        publish(shown_house, opened, table, paper)


# Reading


def forge(filled_house: Any, release: Release, table: pa.Table | None = None, **other: Any) -> Release:
    """Put another table in a release's place, or another record, so that everything but its signature agrees."""
    file = release.file(filled_house.settings)
    if table is not None:
        pq.write_table(table, file)
        other["digest"] = catalog.canonical_digest(release.schema, table)
        if release.certificate:
            other["certificate"] = release.certificate.record() | {"digest": other["digest"]}
    content = file.read_bytes()
    record = release.record() | {"file_digest": sha256(content).hexdigest(), "file_size": len(content)} | other
    (file.parent / "release.json").write_text(json.dumps(record))
    with filled_house.database.transaction() as session:
        session.query(ReleaseRecord).filter_by(dataset=release.dataset, version=release.version).one().record = record
    return catalog.get(filled_house.database, release.dataset, release.version)


READERS: dict[str, Callable[[Any, Release], object]] = {
    "table": lambda house, release: release.table(house.settings),
    "open": lambda house, release: catalog.open(house.settings, house.database, release.dataset),
    "export as CSV": lambda house, release: exports.export(house.settings, house.database, release, "csv", BytesIO()),
    "export as Parquet": lambda house, release: exports.export(
        house.settings, house.database, release, "parquet", BytesIO()
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_table_about_people_that_was_forged_with_all_its_records_is_not_shown(filled_house: Any, reader: str) -> None:
    release = catalog.latest(filled_house.database, "demo.homes")
    READERS[reader](filled_house, release)
    forged = forge(filled_house, release, raw_table())
    with pytest.raises(Damaged, match="not what was certified: the certificate's signature does not verify"):
        READERS[reader](filled_house, forged)
    assert len(catalog.verify(filled_house.settings, filled_house.database).findings) == 1


def test_a_table_about_people_that_is_not_that_of_its_digest_is_not_shown(filled_house: Any) -> None:
    release = catalog.latest(filled_house.database, "demo.homes")
    raw = raw_table()
    said = {"digest": release.digest, "certificate": release.certificate.record()}
    pq.write_table(raw, release.file(filled_house.settings))
    with pytest.raises(
        Damaged, match=f"have digest {catalog.canonical_digest(release.schema, raw)} .expected: digest {release.digest}"
    ):
        forge(filled_house, release, **said).table(filled_house.settings)
    pq.write_table(raw_table().drop_columns(["subscribers_state"]), release.file(filled_house.settings))
    with pytest.raises(Damaged, match="are not what it declares"):
        forge(filled_house, release, **said).table(filled_house.settings)


def test_a_record_about_people_that_was_rewritten_around_its_certificate_is_not_shown(filled_house: Any) -> None:
    release = catalog.latest(filled_house.database, "demo.homes")
    origin = release.provenance.record()
    assert release.table(filled_house.settings).num_rows == 3
    for wrong, problem in (
        ({"certificate": None}, "about people and has no certificate"),
        ({"provenance": origin | {"parameters": {"k": 15}}}, "parameter period is missing"),
        ({"provenance": origin | {"parameters": {"k": 15, "period": "2016-03"}}}, 'parameter period is "2016-03"'),
        ({"schema": release.schema.record() | {"privacy": "open"}}, "counts subscribers, but privacy is open"),
    ):
        with pytest.raises(Damaged, match=problem):
            forge(filled_house, release, **wrong).table(filled_house.settings)
    assert forge(filled_house, release).table(filled_house.settings).num_rows == 3


def test_the_rows_of_a_file_are_verified_once_however_often_it_is_read(filled_house: Any, monkeypatch: Any) -> None:
    release = catalog.latest(filled_house.database, "demo.homes")
    computed = []
    monkeypatch.setattr(
        reading, "canonical_digest", lambda *said: computed.append(said) or catalog.canonical_digest(*said)
    )
    for _ in range(3):
        release.table(filled_house.settings)
    assert len(computed) == 1


# Keys


def test_the_keys_are_for_their_owner_alone(small_house: Any) -> None:
    for name in (PRIVATE_KEY, "disclosure-signing.pub"):
        assert stat.S_IMODE((small_house.settings.keys / name).stat().st_mode) == 0o600
    with pytest.raises(Conflict, match="signing key already"):
        create_keys(small_house.settings, small_house.database)


def entries(house: Any) -> int:
    return audit.verify(house.settings, house.database).entries


@pytest.mark.parametrize(
    ("content", "error", "problem"),
    [
        (None, Unavailable, "signing key is missing"),
        (b"nonsense", Damaged, "signing key cannot be read"),
        ("public", Damaged, "signing key cannot be read"),
        ("another", Damaged, "is not that of the public key"),
    ],
)
def test_a_wrong_key_file_is_named_and_nothing_is_entered(
    small_house: Any, tmp_path: Any, content: Any, error: type[Exception], problem: str
) -> None:
    waiting = small_house.release().proposal
    path = small_house.settings.keys / PRIVATE_KEY
    if content is None:
        path.unlink()
    elif content == "public":
        path.write_bytes(read_public_key(small_house.settings.keys))
    elif content == "another":
        elsewhere = small_house.settings.model_copy(update={"keys": tmp_path / "other"})
        elsewhere.keys.mkdir()
        create_keys(elsewhere, small_house.database)
        path.write_bytes((elsewhere.keys / PRIVATE_KEY).read_bytes())
    else:
        path.write_bytes(content)
    before = entries(small_house)
    with pytest.raises(error, match=problem) as found:
        approve(small_house.settings, small_house.database, waiting.id, STEWARD)
    assert os.fspath(path) in str(found.value)
    with pytest.raises(error, match=problem):
        small_house.release(small_house.request("demo.flows"))
    assert entries(small_house) == before
    assert small_house.ledger() == []


def test_a_signing_key_that_others_can_read_or_change_signs_nothing(small_house: Any) -> None:
    waiting = small_house.release().proposal
    path = small_house.settings.keys / PRIVATE_KEY
    before = entries(small_house)
    for mode in (0o640, 0o604, 0o660, 0o620):
        path.chmod(mode)
        with pytest.raises(Conflict, match=f"others than its owner.*run: chmod 600 {path}"):
            approve(small_house.settings, small_house.database, waiting.id, STEWARD)
    assert entries(small_house) == before
    path.chmod(0o600)
    assert approve(small_house.settings, small_house.database, waiting.id, STEWARD).publications


@pytest.mark.parametrize(("content", "error"), [(None, Unavailable), (b"nonsense", Damaged)])
def test_without_the_public_key_nothing_about_people_is_published(
    filled_house: Any, content: bytes | None, error: type[Exception]
) -> None:
    release, table, paper = shown(filled_house)
    path = filled_house.settings.keys / "disclosure-signing.pub"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(error, match="disclosure public key"):
        publish(filled_house, release.schema, table, paper)
