"""The census on the site: whoever runs the work types or pastes people by area, which are published as open data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from commonweal.core.areas import load
from commonweal.core.catalog import Release, releases
from commonweal.core.errors import CommonwealError, InputError
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.pages import parts
from commonweal.mobility.scaling.populations import DATASET
from commonweal.mobility.scaling.publishing import publish_typed
from commonweal.web.access import needs, posted, text, visitor_of
from commonweal.web.document import Document, document, draw
from commonweal.web.documentation import address_of
from commonweal.web.languages import _, translated
from commonweal.web.reading import area_of, readable

ADDRESS = "/mobility/population"
TITLE = Wording("Population")

Form = Annotated[FormData, Depends(posted)]
Areas = Annotated[
    str | None, Query(description="The area set; without it, that of presence.", examples=["natural-earth:GN,LR,SL"])
]

routes = APIRouter()


@document(routes, ADDRESS, needs(Permission.RUN), summary="Publish people by area", tag="mobility", forms=())
def population_page(request: Request, areas: Areas = None) -> Document:
    """Say how many people live in each area, so that published numbers can be scaled to people."""
    return _document(request, areas)


@routes.post(ADDRESS, include_in_schema=False)
@needs(Permission.RUN)
def publish(request: Request, form: Form) -> Response:
    """Publish people by area."""
    state, visitor = request.app.state, visitor_of(request)
    areas, source, typed = text(form, "areas"), text(form, "source"), text(form, "people")
    try:
        if not areas:
            raise _nothing_published(areas, area_sets(request))
        visitor.require(Permission.RUN, "mobility", areas, what=ADDRESS)
        label = publish_typed(state.settings, state.database, typed, areas, source, visitor.who)
    except CommonwealError as error:
        shown = _document(request, areas, source, typed, error)
        return draw(request, shown, address=ADDRESS, status=error.status)
    chosen = label.replace(" ", "@")
    return RedirectResponse(
        f"/mobility/scale?population={chosen}", status_code=303, headers={"cache-control": "no-store"}
    )


def _document(
    request: Request,
    areas: str | None,
    source: str = "",
    typed: str | None = None,
    error: CommonwealError | None = None,
) -> Document:
    sets = area_sets(request)
    if not sets:
        return parts.nothing(request, translated(TITLE), "population")
    chosen = areas or sets[0]
    if chosen not in sets:
        if error is None:
            raise _nothing_published(chosen, sets)
        chosen = sets[0]
    known = load(request.app.state.database, chosen)
    before = _before(request, chosen)
    listed = _lines(list(zip(known.codes, known.names, strict=True)), request, before)
    return Document(
        title=translated(TITLE),
        template="mobility_population.html",
        package=parts.PACKAGE,
        lead=_(
            "People by area, from a census or an estimate. They are published as open data, and numbers scale by them."
        ),
        values={
            "tabs": parts.tabs(request),
            "sets": sets,
            "chosen": chosen,
            "source": source or (str(before.provenance.parameters.get("source", "")) if before and not error else ""),
            "typed": listed if typed is None else typed,
            "before": before.label if before else "",
            "command": f"commonweal mobility population census.csv --areas {chosen} --source SOURCE",
            "method": address_of("mobility", "in-people"),
            "error": error,
        },
        data={
            "area_set": chosen,
            "newest": before.label if before else None,
            "areas": [{"area": code, "name": name} for code, name in zip(known.codes, known.names, strict=True)],
        },
        private=True,
    )


def _nothing_published(areas: str, sets: Sequence[str]) -> InputError:
    return InputError(
        Wording("nothing is published for the areas %(name)s", name=repr(areas)),
        where="areas",
        expected=", ".join(sets),
    )


def area_sets(request: Request) -> list[str]:
    """Give the area sets of published tables of mobility for which whoever asks may publish people, by name."""
    visitor = visitor_of(request)
    found = {area_of(one) for one in readable(request) if one.dataset.startswith("mobility.")}
    return sorted(one for one in found if one and visitor.may(Permission.RUN, "mobility", one))


def _before(request: Request, areas: str) -> Release | None:
    found = releases(request.app.state.database, DATASET.name)
    return max((one for one in found if one.area_set == areas), key=lambda one: one.version, default=None)


def _lines(areas: Sequence[tuple[str, str]], request: Request, before: Release | None) -> str:
    """Give a line for each area, with what was published before, if anything was."""
    people: dict[str, float] = {}
    if before is not None:
        for row in before.table(request.app.state.settings).to_pylist():
            people[row["area"]] = row["population"]
    lines = [f"{code}; {name}; {people[code]:.0f}" if code in people else f"{code}; {name};" for code, name in areas]
    return "\n".join(["area; name; population", *lines])
