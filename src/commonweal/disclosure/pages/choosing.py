"""Choosing a rule: what each would keep and lose of a set of people's tables, compared by a job on what was counted.

The comparison is made of counts that nothing protects, so it is for those who run the work or look after the records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from math import log
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.responses import Response

from commonweal.core.errors import CommonwealError, InputError, NotFound
from commonweal.core.identity import Permission
from commonweal.core.jobs import service as jobs
from commonweal.core.jobs.models import SUCCEEDED, UNFINISHED, Job
from commonweal.core.jobs.rights import Rights
from commonweal.core.wording import Wording
from commonweal.disclosure.pages import parts
from commonweal.disclosure.pages.reading import ledger_of
from commonweal.disclosure.pages.seeing import CHOOSERS
from commonweal.disclosure.planning.choosing import Rules
from commonweal.disclosure.planning.comparing import RULES
from commonweal.disclosure.planning.service import KIND, plan_parameters, request_plan
from commonweal.web import words
from commonweal.web.access import needs, posted, text, visitor_of
from commonweal.web.chart import Line, time_chart
from commonweal.web.document import Document, document, draw
from commonweal.web.figure import Figure, Heading, Legend
from commonweal.web.following import state_of, summary
from commonweal.web.languages import _, translated
from commonweal.web.table import Row

SHOWN = 20
LARGEST = 2**31 - 1
MOST = 12
"""Numbers that may be asked for at once."""
USUAL = {"people": "", "first": "", "last": "", "k": "5, 10, 15, 30", "bases": "5, 15", "epsilons": "0.1, 0.5, 1, 2, 5"}
MAY_CHOOSE = needs(*CHOOSERS, in_any_domain=True)

Which = Annotated[
    int,
    Query(
        ge=0,
        le=LARGEST,
        alias="job",
        description="Number of the job whose comparison is shown; 0: the newest.",
        examples=[0],
    ),
]
Form = Annotated[FormData, Depends(posted)]

routes = APIRouter()


@document(routes, parts.PLAN, MAY_CHOOSE, summary="Rules compared", tag=parts.TAG, figure="choices")
def plan(request: Request, number: Which = 0) -> Document:
    """What each rule would keep and lose, how far numbers would be off, and what attacks would find."""
    return _document(request, number, dict(USUAL))


@routes.post(parts.PLAN, include_in_schema=False)
@MAY_CHOOSE
def begin(request: Request, form: Form) -> Response:
    """Have rules compared."""
    state, typed = request.app.state, {name: text(form, name) for name in USUAL}
    try:
        job = request_plan(state.database, state.rooms, visitor_of(request), _asked(typed))
    except CommonwealError as error:
        shown = _document(request, 0, typed, error)
        return draw(request, shown, address=parts.PLAN, status=error.status)
    return parts.went_well(f"{parts.PLAN}?job={job}")


def _rights(request: Request) -> Rights:
    state = request.app.state
    return Rights(state.database, state.rooms, visitor_of(request))


def _may_look(rights: Rights, asked: Mapping[str, Any]) -> bool:
    return any(rights.may(right, KIND, asked) for right in CHOOSERS)


def _asked(typed: Mapping[str, str]) -> dict[str, Any]:
    """Read what was typed as the job's parameters."""
    people = typed["people"].strip()
    if not people or "/" not in people:
        raise InputError(
            Wording("this names no set of people"), where="people", expected=Wording("such as mobility/PROJECT")
        )
    rules = Rules(
        tuple(_whole(number, "k") for number in _numbers(typed["k"], "k")),
        tuple(_whole(number, "bases") for number in _numbers(typed["bases"], "bases")),
        tuple(_numbers(typed["epsilons"], "epsilons")),
    )
    return plan_parameters(people, _day(typed["first"], "first"), _day(typed["last"], "last"), rules)


def _day(typed: str, where: str) -> date | None:
    if not typed.strip():
        return None
    try:
        found = date.fromisoformat(typed.strip())
    except ValueError:
        found = date.max
    if not 1900 <= found.year < 2200:
        raise InputError(
            Wording("%(typed)s is no day", typed=repr(typed)), where=where, expected=Wording("a day such as 2026-03-01")
        )
    return found


def _numbers(typed: str, where: str) -> list[float]:
    try:
        found = [float(each) for each in typed.replace(";", " ").replace(",", " ").split()]
    except ValueError:
        found = [0.0]
    if len(found) > MOST or not all(0 < number <= 10_000 for number in found):
        raise InputError(
            Wording("these are no numbers to try"), where=where, expected=Wording("a few numbers such as 5, 15")
        )
    return found


def _whole(number: float, where: str) -> int:
    if number != int(number) or number < 2:
        raise InputError(
            Wording("these are no numbers to try"), where=where, expected=Wording("whole numbers from 2, such as 5, 15")
        )
    return int(number)


def _document(request: Request, number: int, typed: dict[str, str], error: CommonwealError | None = None) -> Document:
    state, rights = request.app.state, _rights(request)
    known = jobs.chosen(state.database, lambda _, asked: _may_look(rights, asked), SHOWN, kinds=[KIND])
    job = _chosen(request, known, number)
    result: Mapping[str, Any] = (job.result or {}) if job and job.state == SUCCEEDED else {}
    choices, curve = result.get("choices") or [], result.get("curve") or []
    if job and typed == USUAL:
        typed = _typed_of(job)
    figures = [_choices(job, choices)] if job and choices else []
    if job and curve:
        figures.append(_curve(curve))
    figures.append(_comparisons(request, known, job))
    return Document(
        title=_("Choosing a rule"),
        template="disclosure_plan.html",
        package=parts.PACKAGE,
        lead=_("Compared for %(what)s", what=_about(job))
        if job
        else _("What each rule would keep and lose, before anything leaves."),
        values={
            "tabs": parts.tabs(request),
            "error": error,
            "typed": typed,
            "job": job,
            "goes_on": bool(job and job.state in UNFINISHED),
            "failed": bool(job and job.state not in UNFINISHED and not choices),
            "state": state_of(job) if job else "",
            "any": bool(known),
            "people": _known_people(request),
            "may_run": visitor_of(request).may_somewhere(Permission.RUN, None),
        },
        data={
            "comparison": job
            and {
                **summary(job),
                "people": job.parameters.get("people"),
                **_days(job),
                "choices": choices,
                "curve": curve,
            },
            "comparisons": [_plain(each) for each in known],
        },
        figures=figures,
        query={"job": str(job.id)} if job else {},
        private=True,
    )


def _chosen(request: Request, known: Sequence[Job], number: int) -> Job | None:
    if not number:
        return next((job for job in known if job.state == SUCCEEDED), next(iter(known), None))
    job = jobs.get(request.app.state.database, number)
    if job.kind != KIND:
        raise NotFound(Wording("job %(number)s compares no rules", number=str(number)), where="job")
    if not _may_look(_rights(request), job.parameters):
        _rights(request).require(CHOOSERS[0], job)
    return job


def _known_people(request: Request) -> list[str]:
    """Give the sets of people that the ledger names and whoever asks may choose for."""
    rights = _rights(request)
    named = {str(entry.said["people"]) for entry in ledger_of(request).entries if "people" in entry.said}
    return sorted(people for people in named if rights.may(Permission.RUN, KIND, {"people": people}))


def _typed_of(job: Job) -> dict[str, str]:
    asked = job.parameters
    rules: Mapping[str, Any] = asked.get("rules") or {}

    def listed(name: str) -> str:
        return ", ".join(f"{number:g}" for number in rules.get(name) or [])

    last = str(asked.get("last") or "")
    return {
        "people": str(asked.get("people", "")),
        "first": str(asked.get("first") or ""),
        "last": (date.fromisoformat(last) - timedelta(days=1)).isoformat() if last else "",
        "k": listed("thresholds"),
        **{name: listed(name) for name in ("bases", "epsilons")},
    }


def _days(job: Job) -> dict[str, str | None]:
    """Give first and last-exclusive day: those that were asked for, or else that were found."""
    said: Mapping[str, Any] = job.result or {}
    return {name: job.parameters.get(name) or said.get(name) for name in ("first", "last")}


def _about(job: Job) -> str:
    people, days = str(job.parameters.get("people", "")), _days(job)
    if not days["first"] or not days["last"]:
        return people
    return f"{people} · {parts.period_in_words(days['first'], days['last'])}"


def _title(choice: Mapping[str, Any]) -> str:
    return translated(RULES.get(choice["rule"], choice.get("title") or choice["rule"]))


def _verdict(choice: Mapping[str, Any]) -> str:
    """Say whether a rule may be chosen, and why not."""
    if choice["rule"] == "naive":
        return _("not to be chosen: shown for comparison")
    if choice.get("weak"):
        return _("not to be chosen: weaker than the threshold")
    if not choice["safe"]:
        return _("not to be chosen: hidden numbers can be worked out")
    return _("may be chosen")


def _choices(job: Job, choices: Sequence[Mapping[str, Any]]) -> Figure:
    return Figure(
        name="choices",
        title=_("Rules compared"),
        caption=_(
            "What each rule would publish, against what was counted: the share of numbers kept, and of people in them; "
            "the typical error, and below which nine in ten errors lie; the narrowest interval in which something "
            "hidden is known to lie; hidden numbers that a reader can work out exactly; how well it can be told "
            "whether a person is counted, where 0.5 is guessing and 1 is knowing."
        ),
        headings=(
            Heading(_("Rule"), key="rule"),
            Heading(_("Verdict"), key="safe"),
            Heading(_("Kept"), is_number=True, key="cells"),
            Heading(_("People"), is_number=True, key="people"),
            Heading(_("Error"), is_number=True, key="error"),
            Heading(_("9 in 10"), is_number=True, key="worst"),
            Heading(_("Interval"), is_number=True, key="narrowest"),
            Heading(_("Recovered"), is_number=True, key="recovered"),
            Heading(_("Told apart"), is_number=True, key="membership"),
            Heading(_("Spends (ρ)"), is_number=True, key="rho"),
        ),
        rows=[
            Row(
                (
                    f"{_title(each)} ({parts.parameters_in_words(each['parameters'])})",
                    _verdict(each),
                    words.share(each["cells"]),
                    words.share(each["people"]),
                    _percent(each["error"]),
                    _percent(each["worst"]),
                    "–" if each["narrowest"] is None else words.count(each["narrowest"]),
                    words.count(each["recovered"]),
                    "–" if each["membership"] is None else words.count(each["membership"], 2),
                    parts.number(float(f"{each['spent']['rho']:.3g}")) if each.get("spent") else "–",
                ),
                has_value=bool(each["safe"]),
            )
            for each in choices
        ],
        records=[_choice_record(each) for each in choices],
        says={"job": str(job.id)},
    )


def _choice_record(each: Mapping[str, Any]) -> dict[str, Any]:
    named = ("rule", "cells", "people", "error", "worst", "narrowest", "recovered", "membership")
    with_ = ", ".join(f"{name} {value}" for name, value in each["parameters"].items())
    spent = each.get("spent") or {}
    return {name: each[name] for name in named} | {
        "with": with_,
        "safe": bool(each["safe"]),
        "rho": spent.get("rho"),
        "unit": spent.get("unit"),
    }


def _percent(value: float | None) -> str:
    return "–" if value is None else _("%(number)s%%", number=words.count(100 * value, 1))


def _curve(curve: Sequence[Mapping[str, Any]]) -> Figure:
    points = sorted(curve, key=lambda each: float(each["epsilon"]))
    return Figure(
        name="curve",
        title=_("What more noise costs"),
        caption=_(
            "How far a number with noise is typically from what was counted, for each ε: the smaller ε, the stronger "
            "the promise and the larger the error."
        ),
        headings=(
            Heading(_("ε"), is_number=True, key="epsilon"),
            Heading(_("Typical error"), is_number=True, key="error"),
            Heading(_("Nine in ten below"), is_number=True, key="worst"),
            Heading(_("Numbers looked at"), is_number=True, key="cells"),
        ),
        rows=[
            Row(
                (
                    parts.number(each["epsilon"]),
                    _percent(each["error"]),
                    _percent(each["worst"]),
                    words.count(each["cells"]),
                ),
                has_value=each["error"] is not None,
            )
            for each in points
        ],
        records=[{name: each[name] for name in ("epsilon", "error", "worst", "cells")} for each in points],
        picture=_curve_drawn(points),
        legend=Legend(
            _("Error in per cent, by ε"),
            [("point", _("typical error")), ("point line-1", _("nine numbers in ten are nearer"))],
        ),
    )


def _curve_drawn(points: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw errors by ε, whose axis is logarithmic: from 0.1 to 1 is as far as from 1 to 10."""
    places = [round(1000 * log(float(each["epsilon"]))) for each in points]
    names = [parts.number(each["epsilon"]) for each in points]
    lines = [
        Line(_("typical error"), [_hundred(each["error"]) for each in points]),
        Line(_("nine numbers in ten are nearer"), [_hundred(each["worst"]) for each in points]),
    ]
    return time_chart(places, names, lines, label=_("Error in per cent, by ε"))


def _hundred(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _comparisons(request: Request, known: Sequence[Job], shown: Job | None) -> Figure:
    zone = request.app.state.settings.time_zone
    return Figure(
        name="comparisons",
        title=_("Comparisons made"),
        caption=_("The newest first; times by the clock of %(zone)s.", zone=zone),
        headings=(
            Heading(_("Job")),
            Heading(_("What"), key="people"),
            Heading(_("State"), key="state"),
            Heading(_("Asked for"), key="submitted", is_time=True),
        ),
        rows=[
            Row(
                (
                    _("Job %(number)s", number=str(job.id)),
                    _about(job),
                    state_of(job),
                    words.moment(job.submitted, zone),
                ),
                current=shown is not None and job.id == shown.id,
                href=f"{parts.PLAN}?job={job.id}",
            )
            for job in known
        ],
        records=[_plain(job) for job in known],
    )


def _plain(job: Job) -> dict[str, Any]:
    return {
        "job": job.id,
        "state": job.state,
        "people": job.parameters.get("people"),
        **_days(job),
        "submitted": job.submitted.isoformat(),
    }
