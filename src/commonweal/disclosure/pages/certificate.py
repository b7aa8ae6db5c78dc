"""What stands behind a release, on its page of the catalog: the same text for everyone who may read it."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from commonweal.core.catalog import Release
from commonweal.core.errors import CommonwealError
from commonweal.disclosure.ledger.entries import Entry
from commonweal.disclosure.pages import parts
from commonweal.disclosure.pages.evidence import Told, told_or_damaged
from commonweal.disclosure.releasing.looking import behind as find
from commonweal.web import words
from commonweal.web.languages import _, translated
from commonweal.web.overview import Section
from commonweal.web.provenance import Fact
from commonweal.web.render import fragment


def behind(request: Request, release: Release) -> Section | None:
    """Tell what stands behind a release: its rule, audit and attack report, its entry in the ledger, who allowed it.

    Returns
    -------
    Section or None
        None if it was published before there was a ledger, or is not about people.
    """
    state = request.app.state
    try:
        found = find(state.settings, state.database, release)
    except CommonwealError as error:
        return _section(None, [], wrong=error)
    if found is None:
        return None
    said = found.entry.said
    evidence = told_or_damaged(found.evidence, said["spent"], inside=False, rule=said["rule"])
    return _section(evidence, _facts(release, found.entry), data=_plain(release, found.entry, evidence))


def _section(
    evidence: Told | None,
    facts: list[Fact],
    *,
    data: dict[str, Any] | None = None,
    wrong: CommonwealError | None = None,
) -> Section:
    title = _("What protects people in it")
    body = fragment(
        parts.PACKAGE,
        "disclosure_certificate.html",
        title=title,
        facts=facts,
        wrong=translated(wrong.what) if wrong else None,
    )
    return Section(title, body, {"protection": data}, figures=evidence.figures if evidence else ())


def _facts(release: Release, entry: Entry) -> list[Fact]:
    said, approval = entry.said, entry.said["approval"]
    allowed = parts.allowed_by(entry, {})
    if why := approval.get("why"):
        allowed = _("%(who)s: “%(why)s”", who=allowed, why=why)
    rule = next(
        table["rule"]
        for table in said["tables"]
        if (table["dataset"], table["digest"]) == (release.dataset, release.digest)
    )
    found = [
        (_("Rule"), parts.rule_title(rule), None),
        (_("With"), parts.parameters_in_words(said["parameters"]), None),
        (_("Of whom"), f"{said['people']}, {parts.period_in_words(said['first'], said['last'])}", None),
        (_("Spends"), parts.spent_in_words(said["spent"]), None),
        (_("Allowed by"), allowed, None),
        (
            _("Ledger"),
            _("entry %(number)s, %(at)s UTC", number=str(entry.sequence), at=words.moment(entry.at)),
            entry.hash,
        ),
    ]
    return [Fact(name, ((text, digest),)) for name, text, digest in found if text]


def _plain(release: Release, entry: Entry, evidence: Told) -> dict[str, Any]:
    said = entry.said
    return {
        "rule": said["rule"],
        "parameters": dict(said["parameters"]),
        "people": said["people"],
        "first": said["first"],
        "last": said["last"],
        "clock": said["clock"],
        "spent": said["spent"],
        "approval": dict(said["approval"]),
        "entry": {"sequence": entry.sequence, "at": entry.at.isoformat(), "hash": entry.hash},
        **evidence.data,
    }
