"""The country report on the site: whoever may read what is published takes it along, in a language and a format."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from commonweal.core.catalog import Release, releases
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.pages import parts
from commonweal.mobility.report.asking import Asked, files_of
from commonweal.web.access import needs
from commonweal.web.briefs.typesetting import turn
from commonweal.web.conditional import REVALIDATE, unless_known
from commonweal.web.document import ERRORS, Document, document
from commonweal.web.languages import OFFERED, current, translated
from commonweal.web.reading import may_read, opened

ADDRESS = "/mobility/report"

routes = APIRouter()


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


Country = Annotated[
    str, Query(description="Code or name of a country, or a project's name.", max_length=100, examples=["SL"])
]
Spoken = Annotated[Language, Query(description="Its language.", examples=["fr"])]
First = Annotated[
    date | None,
    Query(alias="from", description="First day; without it, from the first there is.", examples=["2026-03-01"]),
]
Last = Annotated[
    date | None, Query(alias="to", description="Last day; without it, to the last there is.", examples=["2026-03-31"])
]
PDF: dict[int | str, dict[str, Any]] = {200: {"description": "The report.", "content": {"application/pdf": {}}}}


@routes.get(
    f"{ADDRESS}.pdf",
    summary="The country report",
    operation_id="mobility_report_file",
    tags=["mobility"],
    response_class=Response,
    responses=ERRORS | PDF,
)
@needs(Permission.READ)
def report_as_pdf(
    request: Request, country: Country, language: Spoken = Language.EN, first: First = None, last: Last = None
) -> Response:
    """What the releases say of a country: datasets, anonymisation, results with maps, limitations and challenges."""
    name, content = _made(request, Asked(country, (language.value,), ("pdf",), first, last))
    return _sent(request, name, content, "application/pdf")


@routes.get(f"{ADDRESS}/page", include_in_schema=False)
@needs(Permission.READ)
def report_as_html(
    request: Request, country: Country, language: Spoken = Language.EN, first: First = None, last: Last = None
) -> Response:
    """Give the same as one page that stands by itself."""
    with turn():
        name, content = _made(request, Asked(country, (language.value,), ("html",), first, last))
    return _sent(request, name, content, "text/html; charset=utf-8")


def _made(request: Request, asked: Asked) -> tuple[str, bytes]:
    """Make the one file that is asked for; each release that it is made from is opened by whoever asks."""
    from commonweal.mobility.report.gathering import gather

    state = request.app.state
    gathered = gather(
        state.settings,
        state.database,
        asked.country,
        asked.first,
        asked.last,
        may_read=lambda release: may_read(request, release),
    )
    for release in gathered.sources:
        opened(request, release)
    ((name, content),) = files_of(state.settings, state.database, gathered, asked).items()
    return name, content


def _sent(request: Request, name: str, content: bytes, media_type: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": REVALIDATE}
    return unless_known(request, Response(content, media_type=media_type, headers=headers))


def _readable(request: Request) -> list[Release]:
    from commonweal.mobility.report.gathering import DOMAIN

    return [
        release
        for release in releases(request.app.state.database)
        if release.dataset.startswith(DOMAIN) and may_read(request, release)
    ]
