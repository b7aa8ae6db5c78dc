"""Where a release comes from, in words, and in which formats it can be taken along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from commonweal.core.catalog import Privacy, Release, exports
from commonweal.core.wording import Wording
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.table import Row

TYPES: Mapping[str, str] = {
    "string": Wording("text"),
    "integer": Wording("whole number"),
    "number": Wording("number"),
    "boolean": Wording("yes or no"),
    "date": Wording("date"),
    "timestamp": Wording("date and time"),
    "area": Wording("area"),
}
CERTIFIED = (Wording("kind"), Wording("rest"))
"""What certificates name beside what a domain says: here to be found for translation."""


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
    code, code_digest = (*origin.code.split(" sha256:", 1), "")[:2]
    inputs = [
        (item.name if item.name.startswith(item.kind) else f"{item.kind} {item.name}", item.digest)
        for item in origin.inputs
    ]
    found = [
        Fact(_("Release"), ((_rows(release), release.digest),)),
        _fact(_("Published"), _("%(moment)s by %(who)s", moment=moment(release.published_at), who=origin.who)),
        Fact(_("Made from"), tuple(inputs) or ((_("nothing named"), None),)),
        _fact(_("With"), *chosen(release)),
        Fact(_("Made by"), ((code, code_digest or None),)),
        Fact(_("Protection"), protection(release)),
        _fact(_("Licence"), release.schema.licence),
    ]
    if release.area_set and "area_set" not in origin.parameters:
        found.insert(3, _fact(_("Areas"), release.area_set))
    return [fact for fact in found if fact.said]


def chosen(release: Release) -> list[str]:
    """Say each choice that a release was made with, as it is stamped on it."""
    return [_parameter(name, value) for name, value in sorted(release.provenance.parameters.items())]


def protection(release: Release) -> tuple[tuple[str, str | None], ...]:
    """Say by which rule people in a release are protected, and with what beyond the release's own parameters."""
    certificate = release.certificate
    if certificate is None:
        is_open = release.schema.privacy is Privacy.OPEN
        return ((_("not about people") if is_open else _("about people, without a certificate"), None),)
    known = release.provenance.parameters
    own = {name: value for name, value in certificate.parameters.items() if name == "k" or known.get(name) != value}
    parameters = ", ".join(f"{_name(name)} {said(value)}" for name, value in sorted(own.items()))
    judged, entry = certificate.judged, certificate.ledger_entry.get("sequence", "?")
    rule = (
        translated(certificate.rule)
        if judged is None
        else _("“%(rule)s”, which a steward judged and nothing proved", rule=judged)
    )
    applied = _("rule %(rule)s: %(parameters)s", rule=rule, parameters=parameters)
    return (
        (applied if parameters else _("rule %(rule)s", rule=rule), None),
        (_("entry %(entry)s of the audit log; certificate signed", entry=entry), certificate.signature[:64]),
    )


def _rows(release: Release) -> str:
    return ngettext("%(release)s, %(num)s row", "%(release)s, %(num)s rows", release.rows, release=release.label)


def _parameter(name: str, value: Any) -> str:
    return _("%(name)s: %(value)s", name=_name(name), value=said(value))


def _fact(name: str, *texts: str) -> Fact:
    return Fact(name, tuple((text, None) for text in texts))


def _name(parameter: str) -> str:
    return translated(parameter.replace("_", " "))


def said(value: Any) -> str:
    """Say a parameter.

    Examples
    --------
    >>> said(True), said(None), said([1, 2]), said({"unit": "day"}), said("Africa/Freetown")
    ('yes', 'none', '1, 2', 'unit day', 'Africa/Freetown')
    """
    if value is None:
        return _("none")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping):
        return ", ".join(f"{_name(str(name))} {said(inner)}" for name, inner in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(said(inner) for inner in value)
    # A sentence is a room's wording of what was done; a single word may be somebody's name for something.
    return translated(str(value)) if " " in str(value) else str(value)


def moment(when: datetime) -> str:
    """Say an instant, to the second, in UTC.

    Examples
    --------
    >>> moment(datetime(2024, 3, 1, 9, 30, tzinfo=UTC))
    '2024-03-01 09:30:00 UTC'
    """
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def columns(release: Release) -> list[Row]:
    """Describe a release's columns, for the component `table`."""
    return [
        Row((column.name, translated(TYPES[column.type]), column.unit or "", translated(column.description)))
        for column in release.schema.declared
    ]


def download_links(release: Release) -> list[tuple[str, str]]:
    """Give (address, name) of each download, for the component `downloads`."""
    return [(exports.address(release, form.name), translated(form.title)) for form in exports.formats(release)]
