"""A page in all its forms: a function gives what is shown, and the site answers with HTML, data, a brief and files.

``/mobility/presence`` is the page, ``.json`` the same as data, ``.pdf`` the brief, ``/figures/NAME`` a figure alone
and ``/figures/NAME.csv`` the figure as a file. All of them take the page's own parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import JSONResponse, Response

from commonweal.core.catalog import Release
from commonweal.core.errors import CommonwealError, NotFound
from commonweal.core.identity import secret
from commonweal.core.wording import Wording
from commonweal.web import figure_files
from commonweal.web.access import FORM, form_token_of, keep_cookie
from commonweal.web.conditional import REVALIDATE, unless_known
from commonweal.web.figure import Figure, Placed, place
from commonweal.web.paging import Page
from commonweal.web.render import page

NO_STORE = "no-store"
FORMS = ("json", "pdf", "figures")
"""What a page is besides HTML: data, a brief, its figures alone and as files."""
FORMAT = "Its format; geojson where there are areas, svg and png of pictures."
ERRORS: dict[int | str, dict[str, Any]] = {
    304: {"description": "It is what whoever asks has already."},
    404: {"description": "There is no such thing."},
    422: {"description": "A parameter cannot be used."},
}
"""What every page may answer besides itself and what every address may; `describing` says how errors look."""
DATA: dict[int | str, dict[str, Any]] = {
    200: {"description": "The page as data.", "content": {"application/json": {"schema": {"type": "object"}}}}
}


@dataclass(frozen=True, eq=False)
class Document:
    """What a page shows.

    Parameters
    ----------
    title
        Its heading.
    template, package, values
        What draws it; the template also gets ``figures`` (name → `Placed`) and ``data_address``.
    data
        The page as JSON values.
    lead
        One sentence below the heading: what, where, when.
    tiles
        (value, name) of the figures that matter most.
    figures
        Pictures and tables.
    notes
        What a reader must know: what is not shown, and why.
    sources
        The releases that it was made from.
    query
        The parameters that make the page show just this again, whatever is published later.
    private
        Whether it is for whoever asked alone, and nothing may keep it.
    page
        Which page of a long list it shows: its neighbours are linked, in the page and in the header ``Link``.
    asks_strangers
        Whether it holds a form for whoever has not signed in: the cookie comes with it that must come back.
    error
        What was wrong with what was asked: the page shows it beside its form, with the error's status. The other forms
        of the page are refused with it.
    """

    title: str
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    package: str = "commonweal.web"
    lead: str = ""
    tiles: Sequence[tuple[str, str]] = ()
    figures: Sequence[Figure] = ()
    notes: Sequence[str] = ()
    sources: Sequence[Release] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    private: bool = False
    page: Page[Any] | None = None
    asks_strangers: bool = False
    error: CommonwealError | None = None


def document(
    routes: APIRouter,
    address: str,
    access: Callable[[Any], Any],
    *,
    summary: str,
    tag: str,
    forms: Collection[str] = FORMS,
    figure: str | None = None,
) -> Callable[[Callable[..., Document]], Callable[..., Document]]:
    """Answer at an address, and at those of its other forms, with what a function gives.

    Parameters
    ----------
    routes
        Where the routes are added.
    address
        Of the page, such as ``/mobility/presence``; it may hold parameters of the path.
    access
        What marks an endpoint with what it needs: `anyone`, `person` or ``needs(…)``.
    summary, tag
        For the description of the API.
    forms
        What the page is besides HTML, of `FORMS`.
    figure
        Name of one of its figures, as an example in the description of the API.

    Returns
    -------
    A decorator of a function of the request and of the page's parameters, declared as FastAPI reads them.
    """

    def add(shown: Callable[..., Document]) -> Callable[..., Document]:
        def right(document: Document = Depends(shown)) -> Document:  # noqa: B008 - what FastAPI reads
            if document.error:
                raise document.error
            return document

        given, with_error = Depends(right), Depends(shown)
        base = address.rstrip("/")

        @access
        def data(request: Request, document: Document = given) -> Response:
            response = _linked(request, JSONResponse(dict(document.data)), document)
            # Whoever follows what is theirs alone asks often, and keeps what they have by themselves.
            return _sent(request, unless_known(request, response) if document.private else response, document)

        @access
        def brief(request: Request, document: Document = given) -> Response:
            from commonweal.web import briefs

            written = briefs.brief(document, briefs.address_of(request))
            name = request.url.path.removesuffix(".pdf")
            return _sent(request, figure_files.as_file(written, "pdf", name), document)

        @access
        def file(
            request: Request,
            name: str = Path(alias="figure", description="Name of the figure.", examples=[figure] if figure else None),
            form: str = Path(
                description=FORMAT, examples=["csv"], json_schema_extra={"enum": list(figure_files.FORMS)}
            ),
            document: Document = given,
        ) -> Response:
            placed = _figure(request, document, name, f"/figures/{name}.{form}")
            return _sent(request, figure_files.file(placed, form), document)

        @access
        def alone(request: Request, figure: str, document: Document = given) -> Response:
            placed = _figure(request, document, figure, f"/figures/{figure}")
            shell = page(
                request,
                "figure.html",
                title=placed.figure.title,
                document=document,
                placed=placed,
                whole=f"{placed.whole}#{figure}",
            )
            return _sent(request, shell, document)

        @access
        def html(request: Request, document: Document = with_error) -> Response:
            status = document.error.status if document.error else 200
            return _sent(request, draw(request, document, status=status), document)

        name = f"{tag}{base.replace('/', '_').replace('{', '').replace('}', '')}"
        described: dict[str, Any] = {"tags": [tag], "responses": ERRORS}
        files = {
            200: {"description": "The file.", "content": {form.media_type: {} for form in figure_files.FORMS.values()}}
        }
        pdf = {200: {"description": "The brief.", "content": {"application/pdf": {}}}}
        routes.add_api_route(
            f"{base}/.json" if not base else f"{base}.json", data, summary=f"{summary}, as data",
            description=shown.__doc__, operation_id=f"{name}_data", **described | {"responses": ERRORS | DATA},
        )  # fmt: skip
        if "pdf" in forms:
            routes.add_api_route(
                f"{base}/.pdf" if not base else f"{base}.pdf", brief, summary=f"{summary}, as a brief",
                operation_id=f"{name}_brief", response_class=Response, **described | {"responses": ERRORS | pdf},
            )  # fmt: skip
        if "figures" in forms:
            routes.add_api_route(
                f"{base}/figures/{{figure}}.{{form}}", file, summary=f"A figure of: {summary.lower()}",
                operation_id=f"{name}_file", response_class=Response, **described | {"responses": ERRORS | files},
            )  # fmt: skip
            routes.add_api_route(f"{base}/figures/{{figure}}", alone, include_in_schema=False)
        routes.add_api_route(address, html, include_in_schema=False)
        return shown

    return add


def draw(request: Request, document: Document, *, address: str | None = None, status: int = 200) -> Response:
    """Draw a page.

    Parameters
    ----------
    request
        What is answered.
    address
        Of the page, where that of the request is another: a form is shown again by the address that took it.
    status
        HTTP status.
    """
    base = address or _path(request)
    # What was asked of another address says nothing about this page, and may be secret.
    asked = {} if address else request.query_params
    query = f"?{request.url.query}" if asked else ""
    fresh = secret.new() if document.asks_strangers and not form_token_of(request) else None
    if fresh:
        request.state.form_secret = fresh
    drawn = page(
        request,
        document.template,
        package=document.package,
        status=status,
        headers={"cache-control": NO_STORE} if document.private else None,
        title=document.title,
        lead=document.lead,
        tiles=document.tiles,
        notes=document.notes,
        figures=place(document.figures, base, document.query, asked),
        data_address=f"{base}.json{query}",
        brief_address=f"{base}.pdf{query}",
        list_page=document.page,
        **document.values,
    )
    if fresh:
        keep_cookie(drawn, FORM, fresh, 1)
    return _linked(request, drawn, document)


def _path(request: Request) -> str:
    """Give the path that was asked for, as it stands in an address; that of `request.url` ends at a ``#`` in a name."""
    return quote(request.scope["path"], safe="/:@!$&'()*+,;=~")


def _figure(request: Request, document: Document, name: str, ending: str) -> Placed:
    base = _path(request).removesuffix(ending) or "/"
    placed = place(document.figures, base, document.query, request.query_params)
    if name not in placed:
        raise NotFound(
            Wording("there is no figure %(name)s on this page", name=repr(name)),
            where=base,
            expected=", ".join(placed) or None,
        )
    return placed[name]


def _linked(request: Request, response: Response, document: Document) -> Response:
    if document.page and (links := document.page.links(_path(request))):
        response.headers["link"] = links
    return response


def _sent(request: Request, response: Response, document: Document) -> Response:
    if document.private:
        response.headers["cache-control"] = NO_STORE
        return response
    response.headers.setdefault("cache-control", REVALIDATE)
    return unless_known(request, response)
