"""The certificate that lets data about people be published: what it says and how it is verified.

Only `commonweal.disclosure` makes certificates, since only it opens the signing key; here they are read and
verified with the public key. A certificate binds one table (by its canonical digest) to one dataset, one rule with
its parameters, and the entry of the audit log that tells of the release's entry in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commonweal.core.canonical import canonical
from commonweal.core.catalog.ring import PUBLIC_KEY, is_signed
from commonweal.core.errors import InputError, Refused, Unavailable, explain

JUDGED = " (judged by a steward, not proven)"
"""How a certificate's rule ends that is none of those that `disclosure` proves."""
LEDGER = "disclosure.ledger"
"""What the audit log calls an entry that tells of one in the ledger of releases."""


@dataclass(frozen=True)
class Certificate:
    """The word of `disclosure` that a table was protected.

    Parameters
    ----------
    dataset
        Name of the dataset it may be published as.
    digest
        Canonical digest of the protected table (hex SHA-256).
    rule
        Name of the rule, such as ``"threshold"``; of one that a steward judged and nothing proved, it ends in `JUDGED`.
    parameters
        The rule's parameters (JSON values).
    ledger_entry
        ``{"sequence": int, "hash": hex}`` of the audit entry that tells of the release, and under ``ledger`` the same
        of the entry in the ledger that it tells of.
    signature
        Ed25519 signature (hex) over what `message` gives.
    """

    dataset: str
    digest: str
    rule: str
    parameters: Mapping[str, Any]
    ledger_entry: Mapping[str, Any]
    signature: str

    @property
    def judged(self) -> str | None:
        """The name of a rule that a steward judged; None if the rule is one that `disclosure` proves."""
        return self.rule.removesuffix(JUDGED) if self.rule.endswith(JUDGED) else None

    def record(self) -> dict[str, Any]:
        """Return the certificate as JSON values; :func:`parse` is its inverse."""
        return {
            "dataset": self.dataset,
            "digest": self.digest,
            "rule": self.rule,
            "parameters": dict(self.parameters),
            "ledger_entry": dict(self.ledger_entry),
            "signature": self.signature,
        }


def message(
    dataset: str, digest: str, rule: str, parameters: Mapping[str, Any], ledger_entry: Mapping[str, Any]
) -> bytes:
    """Return the bytes a certificate's signature covers: a heading line, then canonical JSON of all else."""
    fields = {
        "dataset": dataset,
        "digest": digest,
        "rule": rule,
        "parameters": dict(parameters),
        "ledger_entry": dict(ledger_entry),
    }
    return b"commonweal disclosure certificate 1\n" + canonical(fields, where="certificate").encode()


def parse(record: Mapping[str, Any]) -> Certificate:
    """Return the certificate that ``Certificate.record`` wrote. Parsing verifies nothing; :func:`verify` does.

    Raises
    ------
    InputError
        If a field is missing.
    """
    try:
        return Certificate(
            dataset=str(record["dataset"]),
            digest=str(record["digest"]),
            rule=str(record["rule"]),
            parameters=dict(record["parameters"]),
            ledger_entry=dict(record["ledger_entry"]),
            signature=str(record["signature"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"this is no certificate: {error}", expected="a record written by disclosure") from error


def verify(
    certificate: Certificate, public_key: bytes, dataset: str, digest: str, parameters: Mapping[str, Any]
) -> None:
    """Verify that a certificate covers this table of this dataset and was signed by `disclosure`.

    Parameters
    ----------
    certificate
        What came with the table.
    public_key
        Ed25519 public key, PEM; or a ring of them, as `commonweal.core.catalog.ring` has it.
    dataset
        Name of the dataset that is to be published.
    digest
        Canonical digest of the table that is to be published.
    parameters
        Those the table is to be published with. Whatever the certificate names is among them, and alike.

    Raises
    ------
    Refused
        If the signature, the dataset, the digest or a parameter is another, or a parameter is missing.
    Damaged
        If the public key is not one.
    """
    expected = "the table and the certificate that disclosure returned together"
    if certificate.dataset != dataset:
        raise Refused(f"the certificate is for {certificate.dataset}", where=dataset, expected=expected)
    if certificate.digest != digest:
        raise Refused("the certificate is for another table", where=dataset, expected=expected)
    # Over the dataset and the digest that are to be published, whatever the certificate says of itself.
    signed = message(dataset, digest, certificate.rule, certificate.parameters, certificate.ledger_entry)
    if not is_signed(public_key, certificate.signature, signed, certificate.ledger_entry.get("sequence")):
        raise Refused("the certificate's signature does not verify", where=dataset, expected=expected)
    for name, value in sorted(certificate.parameters.items()):
        certified = canonical(value, where=name)
        claimed = canonical(parameters[name], where=name) if name in parameters else "missing"
        if certified != claimed:
            raise Refused(
                f"parameter {name} is {claimed}, but the table was protected with {certified}",
                where=dataset,
                expected="the parameters that the certificate names",
            )


def read_public_key(keys: Path) -> bytes:
    """Return the public key of `disclosure`, with those that were retired (PEM), from the key directory.

    Raises
    ------
    Unavailable
        If it is not there or cannot be read.
    """
    path = keys / PUBLIC_KEY
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise Unavailable(
            "the disclosure public key is missing", where=path, expected="the key directory that init wrote"
        ) from error
    except OSError as error:
        raise explain(error, path) from error
