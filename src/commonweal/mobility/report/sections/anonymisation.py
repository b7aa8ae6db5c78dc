"""Anonymisation process: from records with numbers to tables that expose nobody, and what vouches for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonweal.core.catalog import Privacy, Release
from commonweal.mobility.report import citing
from commonweal.mobility.report.blocks import Block, Listed, Points, Section, Subheading, Text
from commonweal.mobility.report.gathering import Gathered
from commonweal.web.figure import Heading
from commonweal.web.languages import _
from commonweal.web.provenance import protection
from commonweal.web.table import Row

Approvals = Mapping[str, Mapping[str, Any]]


def section(gathered: Gathered, approvals: Approvals) -> Section:
    """Say how people are protected.

    Parameters
    ----------
    approvals
        By the label of a release, what the ledger says of it.
    """
    least = gathered.choices.get("k")
    blocks: list[Block] = [
        Subheading(_("Steps")),
        Points(
            (
                _("The content of calls and messages is not in the records: only who, when, and by which cell."),
                _(
                    "At import each number becomes a pseudonym under a secret key that changes after an epoch; numbers "
                    "themselves are not kept, and whoever objected is left out."
                ),
                _("Events are kept encrypted, and only where they are counted. No page and no file leads to them."),
                _("Tables count distinct people by area and time. No row is about one person, and no path is shown."),
                _(
                    "Each table is protected before it is published, together with all tables of the same people: what "
                    "is small is hidden, and so is what would give it away by adding or subtracting."
                ),
                _(
                    "A release needs an approval, is entered in a ledger, and carries a signed certificate over its "
                    "rows. A table that was changed is refused when it is opened, by this report too."
                ),
            )
        ),
        Text(
            _(
                "The least number of people behind a published count is %(least)s. Suppressed means fewer, or nobody, "
                "or hidden to protect others. A suppressed value is never shown as zero, and never taken for zero.",
                least=least if least is not None else "–",
            )
        ),
        Subheading(_("What protects each release")),
        _rules(gathered, approvals),
    ]
    exact = {citing.exactness(layer): layer for layer in (*gathered.layers.values(), *gathered.others)}
    blocks += [
        Subheading(_("How exact the numbers are")),
        Points(tuple(f"{_names(gathered, said)}: {said}" for said in exact)),
        Text(
            _(
                "Pseudonyms alone would not protect anybody: four places and times are enough to single out most "
                "people in such records (source 4). That is why nothing but protected tables leaves the store."
            )
        ),
    ]
    return Section("anonymisation", _("Anonymisation process"), tuple(blocks))


def _names(gathered: Gathered, said: str) -> str:
    layers = (*gathered.layers.values(), *gathered.others)
    return ", ".join(sorted({layer.newest.dataset for layer in layers if citing.exactness(layer) == said}))


def _rules(gathered: Gathered, approvals: Approvals) -> Listed:
    rows = [
        Row(
            (
                release.label,
                protection(release)[0][0],
                _approval(release, approvals.get(release.label)),
                _entries(release),
            )
        )
        for release in gathered.sources
    ]
    headings = (
        Heading(_("Release")),
        Heading(_("Rule")),
        Heading(_("Approved")),
        Heading(_("Entries")),
    )
    caption = _("As certificates and the ledger say. People are left out; the ledger knows them.")
    return Listed(_("Rules, approvals and entries"), caption, headings, rows)


def _approval(release: Release, said: Mapping[str, Any] | None) -> str:
    if said is None:
        return _("open data") if release.schema.privacy is Privacy.OPEN else _("before there was a ledger")
    standing = (said.get("approval") or {}).get("standing")
    how = (
        _("under the standing approval %(number)s", number=standing)
        if standing is not None
        else _("by a steward, who did not make it")
    )
    spent = said.get("spent")
    if spent:
        epsilon = format(float(spent.get("epsilon", 0)), "g")
        how += " · " + _("spends ε = %(epsilon)s", epsilon=epsilon)
    return how


def _entries(release: Release) -> str:
    entry = release.certificate.ledger_entry if release.certificate else {}
    found = []
    if "sequence" in entry:
        found.append(_("audit log %(number)s", number=entry["sequence"]))
    if "ledger" in entry:
        found.append(_("ledger %(number)s", number=entry["ledger"]["sequence"]))
    return " · ".join(found) or "–"
