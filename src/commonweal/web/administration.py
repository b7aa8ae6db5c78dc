"""Administration: people and their rights, the settings in force, the audit log, work and storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, RedirectResponse, Response

from commonweal.core import audit
from commonweal.core.errors import CommonwealError
from commonweal.core.identity import Permission, Role, people
from commonweal.core.identity.roles import Grant, parse_grant
from commonweal.core.jobs import service as jobs
from commonweal.core.wording import Wording
from commonweal.web import words
from commonweal.web.access import needs, posted, text, visitor_of
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.render import page
from commonweal.web.table import Row

NO_STORE = {"cache-control": "no-store"}
NEWEST = 100
JOB_STATES: Mapping[str, str] = {
    "queued": Wording("waiting"),
    "running": Wording("running"),
    "succeeded": Wording("succeeded"),
    "failed": Wording("failed"),
    "cancelled": Wording("cancelled"),
}
Form = Annotated[FormData, Depends(posted)]
administrators_only = needs(Permission.ADMINISTER)

routes = APIRouter()


# People ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@routes.get("/administration", include_in_schema=False)
@administrators_only
def people_page(request: Request) -> Response:
    """List everyone who can sign in, and make a person."""
    return _people(request)


@routes.get("/administration.json", summary="Everyone who can sign in, and what they hold", tags=["administration"])
@administrators_only
def people_data(request: Request) -> Response:
    """Give each person with their roles."""
    everyone = [_plain(person) for person in people.people(request.app.state.database)]
    return JSONResponse({"people": everyone}, headers=NO_STORE)


@routes.post("/administration/people", include_in_schema=False)
@administrators_only
def create_person(request: Request, form: Form) -> Response:
    """Make a person; show the link with which they set their password."""
    name, full_name = text(form, "name"), text(form, "full_name")
    try:
        grants = [_grant(form)] if text(form, "role") else []
        person, offered = people.create(
            request.app.state.database, name, full_name or name, grants, visitor_of(request).who
        )
    except CommonwealError as error:
        return _people(request, error, typed={"name": name, "full_name": full_name})
    return _person(request, person, offered=offered)


@routes.get("/administration/people/{name}", include_in_schema=False)
@administrators_only
def person_page(request: Request, name: str) -> Response:
    """Show one person."""
    return _person(request, people.get(request.app.state.database, name))


@routes.post("/administration/people/{name}/{change}", include_in_schema=False)
@administrators_only
def change_person(request: Request, name: str, change: str, form: Form) -> Response:
    """Give or take a role, lock out, let in again, or make a link."""
    from commonweal.core.errors import NotFound

    database, who, offered = request.app.state.database, visitor_of(request).who, None
    try:
        if change == "grant":
            people.give(database, name, _grant(form), who)
        elif change == "revoke":
            people.take(database, name, _grant(form), who)
        elif change == "disable":
            people.disable(database, name, who, text(form, "why") or None)
        elif change == "enable":
            people.enable(database, name, who)
        elif change == "link":
            offered = people.offer_link(database, name, who)
        else:
            raise NotFound(Wording("there is no such change"), where=request.url.path)
    except CommonwealError as error:
        return _person(request, people.get(database, name), error)
    if offered:
        return _person(request, people.get(database, name), offered=offered)
    return RedirectResponse(f"/administration/people/{name}", status_code=303, headers=NO_STORE)


def _people(request: Request, error: CommonwealError | None = None, typed: dict[str, str] | None = None) -> Response:
    everyone = people.people(request.app.state.database)
    rows = [
        Row(
            (
                person.name,
                person.full_name,
                ", ".join(words.grant(grant) for grant in person.grants) or "–",
                _("disabled on %(day)s", day=words.day(person.disabled)) if person.disabled else _("can sign in"),
            ),
            href=f"/administration/people/{person.name}",
        )
        for person in everyone
    ]
    return _page(
        request,
        "people.html",
        error,
        title=_("People"),
        people=rows,
        roles=list(Role),
        domains=_domains(request),
        typed=typed or {"name": "", "full_name": ""},
    )


def _person(
    request: Request, person: people.Person, error: CommonwealError | None = None, offered: str | None = None
) -> Response:
    address = f"{request.app.state.settings.address}/welcome/{offered}" if offered else None
    return _page(
        request,
        "person.html",
        error,
        title=person.full_name,
        person=person,
        grants=person.grants,
        roles=list(Role),
        domains=_domains(request),
        link=address,
    )


def _grant(form: FormData) -> Grant:
    return parse_grant(text(form, "role"), text(form, "domain"), text(form, "area"))


def _domains(request: Request) -> list[tuple[str, str]]:
    return [(room.name, translated(room.title)) for room in request.app.state.rooms if room.pages or room.tiles]


def _plain(person: people.Person) -> dict[str, Any]:
    grants = [asdict(grant) for grant in person.grants]
    return asdict(person) | {"grants": grants, "disabled": person.disabled and person.disabled.isoformat()}


# Settings, the audit log, work ─────────────────────────────────────────────────────────────────────────────────────


@routes.get("/administration/settings", include_in_schema=False)
@administrators_only
def settings_page(request: Request) -> Response:
    """Show the settings in force; a database password is not shown."""
    rows = [Row((name, value, translated(meaning))) for name, value, meaning in _settings(request)]
    return _page(request, "settings.html", title=_("Settings in force"), settings=rows)


@routes.get("/administration/settings.json", summary="The settings in force", tags=["administration"])
@administrators_only
def settings_data(request: Request) -> Response:
    """Give each setting with its value; a database password is not given."""
    return JSONResponse({name: value for name, value, _ in _settings(request)}, headers=NO_STORE)


@routes.get("/administration/audit", include_in_schema=False)
@administrators_only
def audit_page(request: Request, verify: bool = False) -> Response:
    """Show the newest entries of the audit log; verify it when asked."""
    state = request.app.state
    report = audit.verify(state.settings, state.database) if verify else None
    rows = [
        Row(
            (str(entry.sequence), f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.who, entry.action, entry.what, entry.why or "")
        )
        for entry in audit.newest(state.database, NEWEST)
    ]
    return _page(request, "audit.html", title=_("Audit log"), entries=rows, report=report)


@routes.get("/administration/audit.json", summary="The newest entries of the audit log", tags=["administration"])
@administrators_only
def audit_data(request: Request, last: int = NEWEST) -> Response:
    """Give entries with every field that their hashes cover, the newest first."""
    entries = audit.newest(request.app.state.database, max(1, min(last, 1000)))
    return JSONResponse({"entries": [entry.fields() | {"hash": entry.hash} for entry in entries]}, headers=NO_STORE)


@routes.get("/administration/work", include_in_schema=False)
@administrators_only
def work_page(request: Request) -> Response:
    """Show the newest jobs, and what the folders hold."""
    state = request.app.state
    rows = [
        Row(
            (
                str(job.id),
                job.kind,
                translated(JOB_STATES[job.state]),
                job.doing,
                job.who,
                f"{job.submitted:%Y-%m-%d %H:%M}",
            )
        )
        for job in jobs.newest(state.database, NEWEST)
    ]
    return _page(request, "work.html", title=_("Work and storage"), jobs=rows, folders=_folders(request))


def _settings(request: Request) -> list[tuple[str, str, str]]:
    from sqlalchemy.engine import make_url

    settings = request.app.state.settings
    shown = {name: str(getattr(settings, name)) for name in type(settings).model_fields}
    shown["database_url"] = make_url(settings.database_url).render_as_string(hide_password=True)
    return [(name, value, type(settings).model_fields[name].description or "") for name, value in shown.items()]


def _folders(request: Request) -> list[Row]:
    import shutil

    settings, rows = request.app.state.settings, []
    for name in ("data", "lake", "store", "spill"):
        folder = getattr(settings, name)
        free = (
            _("%(number)s GB free", number=words.count(shutil.disk_usage(folder).free / 1e9, decimals=1))
            if folder.is_dir()
            else _("missing")
        )
        files = sum(1 for path in folder.rglob("*") if path.is_file())
        rows.append(Row((name, str(folder), ngettext("%(num)s file", "%(num)s files", files), free)))
    return rows


def _page(request: Request, template: str, error: CommonwealError | None = None, **values: Any) -> Response:
    status = error.status if error else 200
    return page(request, template, status=status, headers=NO_STORE, error=error, **values)
