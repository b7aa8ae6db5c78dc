"""The country report on the site: whoever may read what is published takes it along, in a language and a format."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from commonweal.core.catalog import Release, releases
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.pages import parts
from commonweal.web.access import needs
from commonweal.web.briefs.typesetting import turn
from commonweal.web.conditional import REVALIDATE
from commonweal.web.document import Document, document
from commonweal.web.languages import OFFERED, current, translated
from commonweal.web.reading import may_read, opened

ADDRESS = "/mobility/report"

routes = APIRouter()


class Form(StrEnum):
    """What a report is written as."""

    PDF = "pdf"
    HTML = "html"


class Language(StrEnum):
    """What a report is written in."""

    EN = "en"
    FR = "fr"


@document(
    routes,
    ADDRESS,
    needs(Permission.READ),
    summary="Countries a report can be made of",
    tag="mobility",
    forms=("json",),
)
def report_page(request: Request) -> Document:
    """Countries and projects that something is published about, each of which a report can be made of."""
    from commonweal.mobility.report.subject import countries_of

    title = translated(Wording("Country report"))
    found = _readable(request)
    if not found:
        return parts.nothing(request, title, "report")
    database = request.app.state.database
    countries = sorted({one for release in found for one in countries_of(database, release).values() if one})
    projects = sorted({str(release.provenance.parameters.get("project", "")) for release in found} - {""})
    language = current()
    return Document(
        title=title,
        template="mobility_report.html",
        package=parts.PACKAGE,
        values={
            "tabs": parts.tabs(request),
            "countries": sorted(((code, language.territory(code)) for code in countries), key=lambda pair: pair[1]),
            "projects": projects,
            "offered": [(one.code, one.name, one.code == language.code) for one in OFFERED.values()],
        },
        data={"report": {"countries": countries, "projects": projects}},
    )


@routes.get(
    f"{ADDRESS}.{{form}}",
    summary="The country report",
    operation_id="mobility_report_file",
    tags=["mobility"],
    response_class=Response,
    responses={200: {"description": "The report.", "content": {"application/pdf": {}, "text/html": {}}}},
)
@needs(Permission.READ)
def report_file(
    request: Request,
    form: Form,
    country: Annotated[str, Query(description="Code or name of a country, or a project's name.", examples=["SL"])],
    language: Annotated[Language, Query(description="Its language.")] = Language.EN,
    first: Annotated[date | None, Query(alias="from", description="First day; without it, all that there is.")] = None,
    last: Annotated[date | None, Query(alias="to", description="Last day.")] = None,
) -> Response:
    """What the releases say of a country: datasets, anonymisation, results with maps, limitations and challenges."""
    from commonweal.mobility.report.asking import Asked, files_of
    from commonweal.mobility.report.gathering import gather

    state = request.app.state
    gathered = gather(
        state.settings, state.database, country, first, last, may_read=lambda release: may_read(request, release)
    )
    for release in gathered.sources:
        opened(request, release)
    asked = Asked(country, (language.value,), (form.value,), first, last)
    if form is Form.PDF:
        files = files_of(state.settings, state.database, gathered, asked)  # which takes its turn itself
    else:
        with turn():
            files = files_of(state.settings, state.database, gathered, asked)
    ((name, content),) = files.items()
    media_type = "application/pdf" if form is Form.PDF else "text/html; charset=utf-8"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": REVALIDATE}
    return Response(content, media_type=media_type, headers=headers)


def _readable(request: Request) -> list[Release]:
    from commonweal.mobility.report.gathering import DOMAIN

    return [
        release
        for release in releases(request.app.state.database)
        if release.dataset.startswith(DOMAIN) and may_read(request, release)
    ]
