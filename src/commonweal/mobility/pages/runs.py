"""The page of what was done with each project: imports, runs, erasures, what goes on, and what was published."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from commonweal.core.errors import CommonwealError, Unavailable
from commonweal.core.identity import Permission
from commonweal.core.identity.people import called
from commonweal.core.jobs.models import UNFINISHED, Job
from commonweal.mobility import asking
from commonweal.mobility.pages import parts
from commonweal.web import words
from commonweal.web.access import needs, posted, text, visitor_of
from commonweal.web.document import Document, document, draw
from commonweal.web.figure import Figure, Heading
from commonweal.web.following import state_of, summary, title_of, took
from commonweal.web.jobs import AT_ONCE, SIZE, followed_by, rights_of
from commonweal.web.languages import _, ngettext
from commonweal.web.paging import Number, Page, paged
from commonweal.web.table import Row

ADDRESS = "/mobility/runs"
LAND_USE = (".geojson", ".json", ".gpkg", ".shp", ".csv")
SHOWN = 200
KINDS = ("mobility.import", "mobility.run", "mobility.retain")

Which = Annotated[str | None, Query(description="Only of this project.", examples=["sample"])]
Form = Annotated[FormData, Depends(posted)]

routes = APIRouter()


@document(routes, ADDRESS, needs(Permission.FOLLOW), summary="Imports and runs", tag="mobility", figure="history")
def runs(request: Request, project: Which = None, number: Number = 1) -> Document:
    """What was done with each project, the newest first: state, who, when, how many rows, which releases."""
    return _document(request, project, number)


@routes.post(ADDRESS, include_in_schema=False)
@needs(Permission.RUN)
def run(request: Request, form: Form) -> Response:
    """Have a project counted and published."""
    try:
        state = request.app.state
        said = (text(form, name) for name in ("project", "measure", "land_use"))
        job = asking.run_now(state.settings, state.database, visitor_of(request), *said)
    except CommonwealError as error:
        return draw(request, _document(request, error=error), status=error.status)
    return RedirectResponse(f"/jobs/{job}", status_code=303, headers={"cache-control": "no-store"})


def _document(
    request: Request, project: str | None = None, number: int = 1, error: CommonwealError | None = None
) -> Document:
    state, visitor = request.app.state, visitor_of(request)
    if project is not None:
        asking.project_of(state.database, visitor, project, Permission.FOLLOW)
    about = {"project": project} if project else None

    may_run = asking.projects_for(state.database, visitor, Permission.RUN)

    def read(count: int, skipped: int) -> list[Job]:
        return rights_of(request).followed(count, skipped, kinds=KINDS, about=about)

    page: Page[Job] = paged(read, number, {"project": project}, SIZE)
    unfinished = [job for job in page.items if job.state in UNFINISHED][:AT_ONCE]
    return Document(
        title=_("Imports and runs"),
        template="mobility_runs.html",
        package=parts.PACKAGE,
        lead=_("What was done with the records of each project, and what it published."),
        values={
            "tabs": parts.tabs(request),
            "now": followed_by(request, unfinished),
            "projects": [each.name for each in asking.projects_for(state.database, visitor, Permission.FOLLOW)],
            "may_run": [each.name for each in may_run],
            "land_uses": _land_uses(request) if may_run else [],
            "project": project,
            "error": error,
        },
        data={"runs": [_plain(job) for job in page.items]} | page.data(f"{ADDRESS}.json"),
        figures=[_history(request, list(page.items))],
        query=page.here if number > 1 else page.query,
        private=True,
        page=page,
    )


def _land_uses(request: Request) -> list[str]:
    """Give the names of files in the inbox that may say where people may be."""
    state = request.app.state
    try:
        files = asking.inbox_for(state.settings, state.database, visitor_of(request)).records
    except Unavailable:  # the page of importing says so
        return []
    return [file.name for file in files if file.name.lower().endswith(LAND_USE)][:SHOWN]


def _history(request: Request, found: list[Job]) -> Figure:
    state = request.app.state
    zone, names = state.settings.time_zone, called(state.database, {job.who for job in found})
    return Figure(
        name="history",
        title=_("All imports and runs"),
        caption=_("The newest first; times by the clock of %(zone)s.", zone=zone),
        headings=(
            Heading(_("Job")),
            Heading(_("What"), key="kind"),
            Heading(_("Project"), key="project"),
            Heading(_("State"), key="state"),
            Heading(_("What came of it")),
            Heading(_("Rows"), is_number=True, key="rows"),
            Heading(_("Who")),
            Heading(_("Asked for"), key="submitted", is_time=True),
            Heading(_("Took")),
        ),
        rows=[
            Row(
                (
                    _("Job %(number)s", number=str(job.id)),
                    title_of(state.rooms, job.kind),
                    str(job.parameters.get("project", "")),
                    state_of(job),
                    _outcome(job),
                    "" if (rows := rows_of(job)) is None else words.count(rows),
                    names[job.who],
                    words.moment(job.submitted, zone),
                    took(job),
                ),
                href=f"/jobs/{job.id}",
            )
            for job in found
        ],
        records=[
            {name: value for name, value in _plain(job).items() if name not in ("releases", "error")} for job in found
        ],
    )


def rows_of(job: Job) -> int | None:
    """Say how many rows a job read, published or erased; None if it did not come so far.

    Examples
    --------
    >>> rows_of(Job(result={"files": [{"rows": 10}, {"rows": 5}]})), rows_of(Job(result={"releases": []}))
    (15, 0)
    >>> rows_of(Job(result=None))
    """
    match job.result:
        case {"files": files}:
            return sum(file["rows"] for file in files)
        case {"releases": releases}:
            return sum(release["rows"] for release in releases)
        case {"events": events}:
            return int(events)
    return None


def _outcome(job: Job) -> str:
    match job.result:
        case {"files": files, "known": known}:
            accepted = sum(file["accepted"] for file in files)
            parts = [ngettext("%(num)s row accepted", "%(num)s rows accepted", accepted)] if files else []
            if known:
                parts.append(ngettext("%(num)s file was known", "%(num)s files were known", len(known)))
            return ", ".join(parts)
        case {"proposal": proposal}:
            said = _("proposal %(proposal)s waits for a steward", proposal=proposal)
            return Markup('<a href="/disclosure/proposals/{}">{}</a>').format(proposal, said)
        case {"releases": releases}:
            link = Markup('<a href="/catalog/{0}/{1}">{2} {1}</a>')
            named = [(each["dataset"], each["version"], each["dataset"].partition(".")[2]) for each in releases]
            return Markup(", ").join(link.format(*each) for each in named)
        case {"events": events}:
            return ngettext("%(num)s event erased", "%(num)s events erased", events)
    return ""


def _plain(job: Job) -> dict[str, Any]:
    result = job.result or {}
    releases = [
        {"dataset": each["dataset"], "version": each["version"], "rows": each["rows"]}
        for each in result.get("releases", [])
    ]
    rejected = sum(count for file in result.get("files", []) for count in file["rejected"].values())
    return summary(job) | {
        "project": job.parameters.get("project", ""),
        "rows": rows_of(job),
        "rejected": rejected if "files" in result else None,
        "releases": releases,
    }
