"""Where a release comes from, in words, and in which formats it can be taken along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from commonweal.core.catalog import Privacy, Release, exports
from commonweal.web import words
from commonweal.web.table import Row


@dataclass(frozen=True)
class Fact:
    """Something said of a release.

    Parameters
    ----------
    name
        What it is about.
    said
        One or more texts, each with a digest beside it or None.
    """

    name: str
    said: tuple[tuple[str, str | None], ...]


def facts(release: Release) -> list[Fact]:
    """Say where a release comes from: what, when, by whom, from what, with what, and what protects people in it."""
    origin = release.provenance
    code, _, code_digest = origin.code.partition(" sha256:")
    inputs = [
        (item.name if item.name.startswith(item.kind) else f"{item.kind} {item.name}", item.digest)
        for item in origin.inputs
    ]
    found = [
        Fact("Release", ((f"{release.label}, {words.count(release.rows)} rows", release.digest),)),
        _fact("Published", f"{moment(release.published_at)} by {origin.who}"),
        Fact("Made from", tuple(inputs) or (("nothing named", None),)),
        _fact("With", *(f"{_name(name)}: {said(value)}" for name, value in sorted(origin.parameters.items()))),
        Fact("Made by", ((code, code_digest or None),)),
        Fact("Protection", protection(release)),
        _fact("Licence", release.schema.licence),
    ]
    if release.area_set and "area_set" not in origin.parameters:
        found.insert(3, _fact("Areas", release.area_set))
    return [fact for fact in found if fact.said]


def protection(release: Release) -> tuple[tuple[str, str | None], ...]:
    """Say by which rule people in a release are protected, and with what beyond the release's own parameters."""
    certificate = release.certificate
    if certificate is None:
        is_open = release.schema.privacy is Privacy.OPEN
        return (("not about people" if is_open else "about people, without a certificate", None),)
    known = release.provenance.parameters
    own = {name: value for name, value in certificate.parameters.items() if name == "k" or known.get(name) != value}
    parameters = ", ".join(f"{_name(name)} {said(value)}" for name, value in sorted(own.items()))
    entry = certificate.ledger_entry.get("sequence", "?")
    return (
        (f"rule {certificate.rule}{': ' if parameters else ''}{parameters}", None),
        (f"entry {entry} of the audit log; certificate signed", certificate.signature[:64]),
    )


def _fact(name: str, *texts: str) -> Fact:
    return Fact(name, tuple((text, None) for text in texts))


def _name(parameter: str) -> str:
    return parameter.replace("_", " ")


def said(value: Any) -> str:
    """Say a parameter.

    Examples
    --------
    >>> said(True), said(None), said([1, 2]), said({"unit": "day"}), said("Africa/Freetown")
    ('yes', 'none', '1, 2', 'unit day', 'Africa/Freetown')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {said(inner)}" for name, inner in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(said(inner) for inner in value)
    return str(value)


def moment(when: datetime) -> str:
    """Say an instant, to the second, in UTC.

    Examples
    --------
    >>> moment(datetime(2024, 3, 1, 9, 30, tzinfo=UTC))
    '2024-03-01 09:30:00 UTC'
    """
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def day(when: datetime) -> str:
    """Say the day of an instant, in UTC.

    Examples
    --------
    >>> day(datetime(2024, 3, 1, 9, 30, tzinfo=UTC))
    '2024-03-01'
    """
    return f"{when.astimezone(UTC):%Y-%m-%d}"


def columns(release: Release) -> list[Row]:
    """Describe a release's columns, for the component `table`."""
    return [
        Row((column.name, column.type, column.unit or "", column.description)) for column in release.schema.declared
    ]


def download_links(release: Release) -> list[tuple[str, str]]:
    """Give (address, name) of each download, for the component `downloads`."""
    return [(exports.address(release, form.name), form.title) for form in exports.formats(release)]
