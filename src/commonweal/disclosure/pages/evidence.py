"""What was found out about tables before they leave: in plain words first, numbers below.

What is published about a release must not help to work out what it hides. So nobody outside sees how many people are
kept, which is the sum of what is hidden in other words, nor how the hidden cells divide into small ones and others, nor
counts of people that no rule has protected. Cells that an attack names are shown to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from commonweal.core.errors import Damaged
from commonweal.core.wording import Wording
from commonweal.disclosure.attacks.report import NUMBERS, Attacked, AttackReport
from commonweal.disclosure.pages.parts import TITLES, number, unit_in_words
from commonweal.disclosure.private.promise import Promise
from commonweal.disclosure.private.unit import Unit
from commonweal.disclosure.releasing.grounds import is_known
from commonweal.disclosure.service import THRESHOLD
from commonweal.web import words
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.table import Row

METHODS: Mapping[str, str] = {
    "none needed": Wording("nothing had to be hidden beyond what is too small"),
    "exact": Wording("the fewest numbers possible, found exactly"),
    "heuristic": Wording("few numbers, found step by step, and then audited"),
    "exact and heuristic": Wording("the fewest numbers possible where tables are small; step by step elsewhere"),
}
PUBLIC = ("method", "cells", "required", "narrowest", "earlier", "states")
"""What everybody may know of an audit."""
NAMES: Mapping[str, str] = {
    "method": Wording("How"),
    "cells": Wording("Numbers looked at together"),
    "small": Wording("Too small, and hidden"),
    "complementary": Wording("Hidden to protect those"),
    "differences": Wording("Differences that count too few people"),
    "required": Wording("Required width of what can be known"),
    "narrowest": Wording("Narrowest interval"),
    "people_kept": Wording("Share of people in numbers that are kept"),
    "programmes": Wording("Linear programmes solved"),
    "whole_programmes": Wording("Of these over whole numbers"),
    "earlier": Wording("Earlier releases considered"),
    "states": Wording("States of the records that they are of"),
}
NOT_PUBLIC = ("people", "members", "others")
"""Numbers of an attack that count people, unprotected."""


@dataclass(frozen=True, eq=False)
class Told:
    """Evidence as a page tells it.

    Parameters
    ----------
    figures
        What was found in plain words, under the verdict; then the numbers, ``audit`` and ``attacks``.
    data
        The same as JSON values.
    refused
        Whether an attack says that the tables must not be published.
    """

    figures: list[Figure]
    data: dict[str, Any]
    refused: bool = False


def told(evidence: Any, spent: Mapping[str, Any] | None, *, inside: bool, rule: str = THRESHOLD) -> Told:
    """Tell evidence.

    Parameters
    ----------
    evidence
        As it was stored with a proposal.
    spent
        What is spent of a budget: then noise protects, and there is another promise than an audit's.
    inside
        Whether whoever reads works with what is not published anyway.
    rule
        What protects the tables. Of one that the house does not know it is said that nothing was proven; what came with
        its tables, nothing has checked: it is for those who judge, and for no reader.
    """
    judged = [] if is_known(rule) else [(_("Rule"), _judgement(rule, inside=inside))]
    if judged and not inside:
        return Told([_findings(judged[0][1], judged)], {"audit": None, "attacks": None, "promise": None})
    found: Mapping[str, Any] = evidence if isinstance(evidence, Mapping) else {}
    audit = _audit_of(found, inside=inside)
    # What was tried on the records of a table with noise tells of them, which nothing has been spent for.
    report = _report_of(found) if inside or not spent else None
    attacked = [*report.attacked] if report else []
    promise = _promise_of(found)
    rows = judged + ([(_("Noise"), " ".join(_promised(spent, promise)))] if spent else [])
    if audit or not spent:
        rows.append((_("Audit"), " ".join(_audit_in_words(audit)) if audit else _("No audit came with these tables.")))
    rows += [(_title(one), translated(one.finding.said)) for one in attacked]
    verdict = judged[0][1] if judged else _verdict(report, spent)
    figures = [_findings(verdict, rows)]
    if audit:
        figures.append(_audit_figure(audit))
    if attacked:
        figures.append(_attacks_figure(attacked, inside=inside))
    return Told(
        figures,
        {
            "audit": audit,
            "attacks": _attacks_plain(report, inside=inside) if report else None,
            "promise": promise.record() if promise else None,
        },
        report.refused if report else False,
    )


def _judgement(rule: str, *, inside: bool) -> str:
    said = _("No audit proves what “%(rule)s” does: a steward judges whether it protects people.", rule=rule)
    if not inside:
        return said
    return " ".join((said, _("What else stands here came with the tables, and nothing has checked it.")))


def _verdict(report: AttackReport | None, spent: Mapping[str, Any] | None) -> str:
    if spent:
        if report is None:
            return _(
                "Noise bounds every attack, known or not; what was tried on the records is told to those who judge."
            )
        return _(
            "Noise bounds every attack, known or not. These were tried with noise that was thrown away; what they find "
            "tells of the records, so only those who judge see it."
        )
    return translated(report.said) if report else _("No attack report came with these tables.")


def _findings(verdict: str, said: list[tuple[str, str]]) -> Figure:
    """Give what was found in plain words."""
    return Figure(
        name="findings",
        title=_("What was found out"),
        caption=verdict,
        headings=(Heading(_("What was tried")), Heading(_("What was found"))),
        rows=[Row(each) for each in said],
        records=[{"tried": tried, "found": found} for tried, found in said],
    )


def _audit_of(found: Mapping[str, Any], *, inside: bool) -> dict[str, Any] | None:
    audit = found.get("audit")
    if not isinstance(audit, Mapping):
        return None
    shown = {name: audit[name] for name in NAMES if name in audit and (inside or name in PUBLIC)}
    if isinstance(shown.get("people_kept"), float):
        shown["people_kept"] = round(shown["people_kept"], 2)
    return shown


def _report_of(found: Mapping[str, Any]) -> AttackReport | None:
    if not isinstance(found.get("attacks"), Mapping):
        return None
    return AttackReport.parsed(found["attacks"])


def _promise_of(found: Mapping[str, Any]) -> Promise | None:
    promise = found.get("promise")
    if not isinstance(promise, Mapping):
        return None
    return Promise(Unit(promise["unit"]), float(promise["epsilon"]), float(promise["delta"]))


def _promised(spent: Mapping[str, Any], promise: Promise | None) -> list[str]:
    said = {"unit": unit_in_words(spent["unit"]), "epsilon": number(float(f"{spent['epsilon']:.3g}"))}
    if spent["delta"]:
        noise = _(
            "Random noise was added to every number, once. Whether one %(unit)s of anybody is among the records makes "
            "hardly any difference to what is published, whatever a reader knows already: ε = %(epsilon)s, but for a "
            "chance of δ = %(delta)s.",
            delta=number(float(f"{spent['delta']:.3g}")),
            **said,
        )
    else:
        noise = _(
            "Random noise was added to every number, once. Whether one %(unit)s of anybody is among the records makes "
            "hardly any difference to what is published, whatever a reader knows already: ε = %(epsilon)s, without "
            "exception (δ = 0).",
            **said,
        )
    return [noise, *([translated(promise.said)] if promise else [])]


def _audit_in_words(audit: Mapping[str, Any]) -> list[str]:
    changed = audit["method"] not in METHODS  # by a rule that hides nothing, and so is not judged by what it keeps
    said = [ngettext("%(num)s number was looked at.", "%(num)s numbers were looked at together.", audit["cells"])]
    if audit.get("small"):
        said.append(
            ngettext(
                "%(num)s of them stands for too few people and is hidden.",
                "%(num)s of them stand for too few people and are hidden.",
                audit["small"],
            )
        )
    if audit.get("complementary"):
        said.append(
            ngettext(
                "%(num)s more is hidden, so that nobody can work those out.",
                "%(num)s more are hidden, so that nobody can work those out.",
                audit["complementary"],
            )
        )
    if audit["narrowest"] is None:
        said.append(_("Nothing is hidden, so there is nothing to work out."))
    else:
        width = {name: words.count(audit[name]) for name in ("narrowest", "required")}
        said.append(
            _(
                "Every number was changed. Whoever puts together everything that is published with them still cannot "
                "know what was counted more closely than by an interval %(narrowest)s wide; %(required)s is required.",
                **width,
            )
            if changed
            else _(
                "Whoever puts together everything that is published still cannot know a hidden number more closely "
                "than by an interval %(narrowest)s wide; %(required)s is required.",
                **width,
            )
        )
    if changed:
        return said
    if (kept := audit.get("people_kept")) is not None:
        said.append(
            _("%(share)s of the people in numbers that are large enough stay visible.", share=words.share(kept))
        )
    earlier = audit["earlier"]
    said.append(
        ngettext(
            "%(num)s earlier release about the same people was considered: %(names)s.",
            "%(num)s earlier releases about the same people were considered: %(names)s.",
            len(earlier),
            names=", ".join(earlier),
        )
        if earlier
        else _("Nothing about the same people was released before.")
    )
    if audit.get("states", 1) > 1:
        said.append(
            _("Records came in between these releases; what each of them hid was looked at as it was then, and now.")
        )
    return said


def _audit_figure(audit: Mapping[str, Any]) -> Figure:
    return Figure(
        name="audit",
        title=_("The audit in numbers"),
        caption=_("What the audit of all tables together, and of what was released before, counted."),
        headings=(Heading(_("What")), Heading(_("Number"), is_number=True)),
        rows=[Row((translated(NAMES[name]), _written(name, value))) for name, value in audit.items()],
        records=[{"what": name, "number": len(value) if name == "earlier" else value} for name, value in audit.items()],
    )


def _written(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name == "method":
        return translated(METHODS[value]) if value in METHODS else translated(TITLES.get(value, value))
    if name == "people_kept":
        return words.share(value)
    return words.count(len(value) if name == "earlier" else value)


def _title(one: Attacked) -> str:
    title = translated(one.title)
    return f"{title} ({one.dataset})" if one.dataset else title


def _numbers(one: Attacked, *, inside: bool) -> dict[str, Any]:
    """Give the numbers of an attack by their names; never the cells that it found."""
    kept = {name: value for name, value in asdict(one.finding).items() if name != "cells"}
    return {name: value for name, value in kept.items() if inside or name not in NOT_PUBLIC}


def _attacks_figure(attacked: list[Attacked], *, inside: bool) -> Figure:
    each = [
        (one, name, value)
        for one in attacked
        for name, value in _numbers(one, inside=inside).items()
        if name in NUMBERS
    ]
    return Figure(
        name="attacks",
        title=_("The attacks in numbers"),
        caption=_("What each attack tried and found; 0.5 is what guessing gives."),
        headings=(
            Heading(_("Attack"), key="attack"),
            Heading(_("What")),
            Heading(_("Number"), is_number=True),
        ),
        rows=[Row((_title(one), translated(NUMBERS[name]), _number(value))) for one, name, value in each],
        records=[
            {"attack": one.attack, "dataset": one.dataset, "what": name, "number": value} for one, name, value in each
        ],
    )


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return words.count(value, 3 if isinstance(value, float) else 0)


def _attacks_plain(report: AttackReport, *, inside: bool) -> dict[str, Any]:
    return {
        "refused": report.refused,
        "said": str(report.said),
        "attacks": [
            {
                "attack": one.attack,
                "dataset": one.dataset,
                "said": str(one.finding.said),
                "numbers": _numbers(one, inside=inside),
            }
            for one in report.attacked
        ],
    }


def told_or_damaged(evidence: Any, spent: Mapping[str, Any] | None, *, inside: bool, rule: str) -> Told:
    """Tell evidence; what cannot be read is said to be so, and tells nothing."""
    try:
        return told(evidence, spent, inside=inside, rule=rule)
    except (Damaged, KeyError, TypeError, ValueError):
        said = _("What was found out about these tables cannot be read.")
        nothing = {"audit": None, "attacks": None, "promise": None}
        return Told([_findings(said, [(_("Audit"), said)])], nothing, refused=True)
