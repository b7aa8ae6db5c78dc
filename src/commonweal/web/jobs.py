"""Long work on the site: the list of jobs, and each job's page, which goes on while it is looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response, StreamingResponse

from commonweal.core.errors import CommonwealError, NotFound
from commonweal.core.identity import Permission
from commonweal.core.identity.people import called
from commonweal.core.jobs import service
from commonweal.core.jobs.attendance import workers
from commonweal.core.jobs.models import CANCELLED, FAILED, QUEUED, UNFINISHED, Job
from commonweal.core.jobs.rights import Rights
from commonweal.core.wording import Wording
from commonweal.web import words
from commonweal.web.access import identify, needs, posted, text, visitor_of
from commonweal.web.document import ERRORS, Document, document, draw
from commonweal.web.event_stream import EventStream, News
from commonweal.web.figure import Figure, Heading
from commonweal.web.following import LINES, Followed, error_of, how_far, state_of, summary, title_of, took, whole
from commonweal.web.languages import _
from commonweal.web.paging import Number, paged
from commonweal.web.provenance import Fact
from commonweal.web.table import Row

SIZE = 50
AT_ONCE = 5  # jobs that go on shown above the list
LARGEST = 2**31 - 1
MAY_FOLLOW = needs(Permission.FOLLOW, in_any_domain=True)
"""What each address of a job asks at its gate; whether this job may be followed is asked behind it."""
MAY_RUN = needs(Permission.RUN, in_any_domain=True)

Which = Annotated[int, Path(ge=1, le=LARGEST, description="The job's number.", examples=[1])]
After = Annotated[int, Query(ge=0, le=LARGEST, description="Only lines of its log after that number.", examples=[0])]
Form = Annotated[FormData, Depends(posted)]

routes = APIRouter()


@document(routes, "/jobs", MAY_FOLLOW, summary="Long work, the newest first", tag="jobs", figure="jobs")
def jobs(request: Request, number: Number = 1) -> Document:
    """The jobs that whoever asks may follow: imports, runs and other long work."""
    page = paged(rights_of(request).followed, number, size=SIZE)
    unfinished = [job for job in page.items if job.state in UNFINISHED][:AT_ONCE]
    return Document(
        title=_("Work"),
        template="jobs.html",
        lead=_("Imports, runs and other long work: what goes on, and how it ended."),
        values={"now": followed_by(request, unfinished)},
        data={"jobs": [summary(job) for job in page.items]} | page.data("/jobs.json"),
        figures=[_list(request, list(page.items))],
        query=page.here if number > 1 else {},
        private=True,
        page=page,
    )


@document(routes, "/jobs/{job}", MAY_FOLLOW, summary="A job", tag="jobs", forms=("json", "pdf"))
def job(request: Request, job: Which, after: After = 0) -> Document:
    """What was asked, how far it is, what it logged and how it ended."""
    return _document(request, _found(request, job), after)


@routes.get(
    "/jobs/{job}/events",
    summary="A job while it goes on, as server-sent events",
    tags=["jobs"],
    response_class=StreamingResponse,
    responses=ERRORS
    | {
        200: {
            "description": "Events `progress` with the job as data, then `end`.",
            "content": {"text/event-stream": {}},
        },
        503: {"description": "Too many follow something at this moment: ask for the data now and then."},
    },
)
@MAY_FOLLOW
def events(request: Request, job: Which, after: After = 0) -> EventStream:
    """Send the job's data whenever something changed: an event `progress` with lines of the log that were not yet sent.

    After ten minutes it is cut off; ask again with `Last-Event-ID`, as browsers do.
    """
    _found(request, job)
    seen = request.headers.get("last-event-id", "")
    line = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else after
    return EventStream(request.app.state.streams, _looking(request, job, line))


@routes.post("/jobs/{job}/{change}", include_in_schema=False)
@MAY_RUN
def change(request: Request, job: Which, change: str, form: Form) -> Response:
    """Cancel a job, or have it taken up again."""
    operations = {"cancel": service.cancel, "resume": service.resume}
    if change not in operations:
        raise NotFound(Wording("there is no such change"), where=request.url.path)
    database, why = request.app.state.database, text(form, "why").strip()[:500] or None
    rights_of(request).require(Permission.RUN, service.get(database, job))
    try:
        operations[change](database, job, visitor_of(request).who, why)
    except CommonwealError as error:
        shown = _document(request, _found(request, job), error=error)
        return draw(request, shown, address=f"/jobs/{job}", status=error.status)
    return RedirectResponse(f"/jobs/{job}", status_code=303, headers={"cache-control": "no-store"})


def rights_of(request: Request) -> Rights:
    """Say what whoever asks may do with jobs."""
    state = request.app.state
    return Rights(state.database, state.rooms, visitor_of(request))


def followed_by(request: Request, unfinished: list[Job]) -> list[Followed]:
    """Give jobs as a page follows them: one is streamed, since a browser opens few connections to a site."""
    state = request.app.state
    first = min((job.id for job in unfinished), default=0)
    return [
        Followed(job, title_of(state.rooms, job.kind), state.settings.time_zone, streams=job.id == first)
        for job in unfinished
    ]


def _found(request: Request, number: int) -> Job:
    found = service.get(request.app.state.database, number)
    rights_of(request).require(Permission.FOLLOW, found)
    return found


def _looking(request: Request, number: int, line: int) -> Callable[[], News | None]:
    """Give a function that looks for news of a job, and each time whether whoever reads may still follow it."""
    state, told = request.app.state, ""

    def look() -> News | None:
        nonlocal told, line
        found = service.get(state.database, number)
        Rights(state.database, state.rooms, identify(request)).require(Permission.FOLLOW, found)
        lines = service.lines(state.database, number, line, LINES)
        now = json.dumps(summary(found))
        if now == told and not lines:
            return None
        told, line = now, lines[-1].number if lines else line
        return News(whole(found, lines), line, found.state not in UNFINISHED)

    return look


def _list(request: Request, found: list[Job]) -> Figure:
    state = request.app.state
    names = called(state.database, {job.who for job in found})
    return Figure(
        name="jobs",
        title=_("All work"),
        caption=_("The newest first; times by the clock of %(zone)s.", zone=state.settings.time_zone),
        headings=(
            Heading(_("Job")),
            Heading(_("What"), key="kind"),
            Heading(_("State"), key="state"),
            Heading(_("Done")),
            Heading(_("Who")),
            Heading(_("Asked for"), key="submitted", is_time=True),
            Heading(_("Took")),
        ),
        rows=[
            Row(
                (
                    _("Job %(number)s", number=str(job.id)),
                    title_of(state.rooms, job.kind),
                    state_of(job),
                    how_far(job),
                    names[job.who],
                    words.moment(job.submitted, state.settings.time_zone),
                    took(job),
                ),
                href=f"/jobs/{job.id}",
            )
            for job in found
        ],
        records=[{name: value for name, value in summary(job).items() if name != "error"} for job in found],
    )


def _document(request: Request, job: Job, after: int = 0, error: CommonwealError | None = None) -> Document:
    state, rights = request.app.state, rights_of(request)
    lines = service.lines(state.database, job.id, after, LINES)
    title = title_of(state.rooms, job.kind)
    may_run = rights.may(Permission.RUN, job.kind, job.parameters)
    result: dict[str, Any] = job.result or {}
    return Document(
        title=_("Job %(number)s: %(title)s", number=str(job.id), title=title),
        template="job.html",
        values={
            "followed": Followed(job, title, state.settings.time_zone, lines[-1].number if lines else after),
            "lines": lines,
            "facts": _facts(request, job),
            "failure": error_of(job),
            "releases": [(one["dataset"], one["version"]) for one in result.get("releases", [])],
            "asked": _written(job.parameters),
            "gave": _written(job.result) if job.result else None,
            "may_cancel": may_run and job.state in UNFINISHED and not job.cancel_asked,
            "may_resume": may_run and job.state in (FAILED, CANCELLED),
            "waits_for_nobody": job.state == QUEUED and not workers(state.database),
            "error": error,
        },
        data=whole(job, lines),
        private=True,
    )


def _facts(request: Request, job: Job) -> list[Fact]:
    state = request.app.state
    zone = state.settings.time_zone
    moments = ((_("Asked for"), job.submitted), (_("Began"), job.started), (_("Ended"), job.finished))
    found = [(_("Who"), called(state.database, [job.who])[job.who])]
    found += [(name, words.moment(at, zone)) for name, at in moments if at]
    if job.finished and job.started:
        found.append((_("Took"), took(job)))
    if job.attempts > 1:
        found.append((_("Attempts"), words.count(job.attempts)))
    return [Fact(name, ((said, None),)) for name, said in found] + [Fact(_("Clock"), ((zone, None),))]


def _written(values: dict[str, Any] | None) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False)
