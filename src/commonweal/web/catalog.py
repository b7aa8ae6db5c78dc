"""The catalog on the site: what is published, where it comes from, and every release in every format."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Iterator, Sequence
from io import BufferedRandom
from typing import IO, Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from commonweal import __version__
from commonweal.core.catalog import Release, dcat, exports
from commonweal.core.catalog import releases as all_releases
from commonweal.core.errors import NotFound, explain
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.web import words
from commonweal.web.access import needs
from commonweal.web.conditional import REVALIDATE, etag, is_known, not_modified, unless_known
from commonweal.web.document import ERRORS, Document, document
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _, translated
from commonweal.web.paging import Number, Page, paged
from commonweal.web.provenance import columns, download_links, facts
from commonweal.web.reading import may_read, one_readable, readable, versions_readable
from commonweal.web.table import Row

CHUNK = 1 << 16
SIZE = 100
READ_ITS_DOMAIN = needs(Permission.READ, in_any_domain=True)
"""What each address of a dataset asks at its gate; whether just this release may be read is asked behind it."""
DATASET = Path(description="Its name.", examples=["mobility.presence"])
VERSION = Path(description="Its number.", ge=1, le=2**31 - 1, examples=[1])
FILE = Path(description="Its name, as the release says in `downloads`.", examples=["mobility.presence-1.csv"])
LINKED_DATA: dict[int | str, dict[str, Any]] = {
    200: {"description": "The catalog.", "content": {"application/ld+json": {"schema": {"type": "object"}}}},
    304: {"description": "It is what whoever asks has already."},
}

routes = APIRouter()


@document(
    routes,
    "/catalog",
    needs(Permission.READ, in_any_domain=True),
    summary="The catalog",
    tag="catalog",
    figure="datasets",
)
def catalog(request: Request, number: Number = 1) -> Document:
    """Every dataset with its newest release and where to download it."""
    page = paged_of(readable(request), number)
    published = list(page.items)
    rows = [(release, f"/catalog/{release.dataset}", words.day(release.published_at)) for release in published]
    return Document(
        title=_("Catalog"),
        template="catalog.html",
        lead=_("Everything this installation has published, each with where it comes from."),
        values={"rows": rows},
        data={"datasets": [_summary(release) for release in published]} | page.data("/catalog.json"),
        figures=[_datasets(published)],
        page=page,
    )


@routes.get(
    "/catalog.jsonld",
    summary="The whole catalog as DCAT-AP 3 (JSON-LD)",
    tags=["catalog"],
    response_class=Response,
    responses=LINKED_DATA,
)
@READ_ITS_DOMAIN
def catalog_linked_data(request: Request) -> Response:
    """Describe every release for other catalogs to harvest."""
    base = str(request.base_url).rstrip("/")
    said = request.app.state.settings
    shown = [each for each in all_releases(request.app.state.database) if may_read(request, each)]
    described = dcat.catalog(shown, base=base, publisher=said.publisher, contact=said.contact)
    return unless_known(request, JSONResponse(described, media_type="application/ld+json"))


@document(
    routes,
    "/catalog/{dataset}",
    READ_ITS_DOMAIN,
    summary="A dataset and all its releases",
    tag="catalog",
    figure="columns",
)
def dataset(request: Request, dataset: Annotated[str, DATASET], number: Number = 1) -> Document:
    """A dataset's declaration (columns, units, keys, licence, privacy class) and its releases, the newest first."""
    versions = versions_readable(request, dataset)
    page = paged_of(versions[::-1], number)
    described = {
        "dataset": versions[-1].schema.record(),
        "releases": [_summary(release) for release in page.items],
    }
    return _of_release(request, versions[-1], page, described | page.data(f"/catalog/{dataset}.json"))


@document(
    routes, "/catalog/{dataset}/{version}", READ_ITS_DOMAIN, summary="One release", tag="catalog", figure="columns"
)
def release(request: Request, dataset: Annotated[str, DATASET], version: Annotated[int, VERSION]) -> Document:
    """A release's record: digest, provenance, certificate, and where to download it."""
    shown = one_readable(request, dataset, version)
    page = paged_of(versions_readable(request, dataset)[::-1], 1)
    return _of_release(request, shown, page, shown.record() | {"downloads": _downloads(shown)})


@routes.get(
    "/catalog/{dataset}/{version}/{file}",
    summary="Download a release",
    tags=["catalog"],
    response_class=Response,
    responses=ERRORS
    | {200: {"description": "The file.", "content": {form.media_type: {} for form in exports.FORMATS.values()}}},
)
@needs(Permission.READ, in_any_domain=True)
def download(
    request: Request, dataset: Annotated[str, DATASET], version: Annotated[int, VERSION], file: Annotated[str, FILE]
) -> Response:
    """Give all rows of a release in one format; `file` is named in the release's downloads."""
    state = request.app.state
    release = one_readable(request, dataset, version)
    names = {exports.file_name(release, form.name): form for form in exports.formats(release)}
    if file not in names:
        raise NotFound(
            Wording("there is no file %(name)s", name=repr(file)), where=release.label, expected=", ".join(names)
        )
    form = names[file]
    # The same rows, but another version of the code may write them differently.
    tag = etag(release.digest, release.label, form.name, __version__)
    if is_known(request, tag):
        return not_modified(tag)
    written = _on_its_way(state.settings.spill)
    try:
        exports.export(state.settings, state.database, release, form.name, written)
        length = written.tell()
        written.seek(0)
    except BaseException:
        written.close()
        raise
    headers = {
        "etag": tag,
        "cache-control": REVALIDATE,
        "content-length": str(length),
        "content-disposition": f'attachment; filename="{file}"',
    }
    if form.name == "csv":
        headers["link"] = f'<{exports.address(release, "csvw")}>; rel="describedby"; type="application/csvm+json"'
    return StreamingResponse(_sent(written), media_type=form.media_type, headers=headers)


def _on_its_way(spill: pathlib.Path) -> BufferedRandom:
    """Open a file without a name in the spill folder: no other folder may hold what is published, not even for long."""
    try:
        spill.mkdir(parents=True, exist_ok=True, mode=0o700)
        return tempfile.TemporaryFile(dir=spill)  # the answer closes it when it has been sent
    except OSError as error:
        raise explain(error, spill) from error


def _sent(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk


def paged_of(found: Sequence[Release], number: int) -> Page[Release]:
    """Give a page of releases that are at hand."""
    return paged(lambda count, skipped: found[skipped : skipped + count], number, size=SIZE)


def _of_release(request: Request, release: Release, page: Page[Release], data: dict[str, Any]) -> Document:
    sections = [section for tell in request.app.state.behind if (section := tell(request, release))]
    return Document(
        title=translated(release.schema.title),
        template="dataset.html",
        lead=translated(release.schema.description),
        values={
            "release": release,
            "facts": facts(release),
            "downloads": download_links(release),
            "behind": [(section.body, [figure.name for figure in section.figures]) for section in sections],
        },
        data=data | {name: value for section in sections for name, value in section.data.items()},
        figures=[
            _columns_of(release),
            *(figure for section in sections for figure in section.figures),
            _releases(release, page.items),
        ],
        sources=[release],
        page=page,
    )


def _datasets(published: list[Release]) -> Figure:
    headings = (
        Heading(_("Dataset"), key="dataset"),
        Heading(_("Title"), key="title"),
        Heading(_("Release"), is_number=True, key="version"),
        Heading(_("Published"), key="published_at", is_time=True),
        Heading(_("Rows"), is_number=True, key="rows"),
    )
    return Figure(
        name="datasets",
        title=_("All datasets"),
        caption=_("Every dataset with its newest release."),
        headings=headings,
        rows=[
            Row(
                (
                    each.dataset,
                    translated(each.schema.title),
                    str(each.version),
                    words.day(each.published_at),
                    words.count(each.rows),
                ),
                href=f"/catalog/{each.dataset}",
            )
            for each in published
        ],
        records=[
            {
                "dataset": each.dataset,
                "title": each.schema.title,
                "version": each.version,
                "published_at": each.published_at.isoformat(),
                "rows": each.rows,
                "digest": each.digest,
            }
            for each in published
        ],
    )


def _columns_of(release: Release) -> Figure:
    return Figure(
        name="columns",
        title=_("Columns"),
        caption=_("Every value has a state in the column beside it, such as reported or suppressed."),
        headings=(
            Heading(_("Name"), key="name"),
            Heading(_("Type"), key="type"),
            Heading(_("Unit"), key="unit"),
            Heading(_("Meaning")),
        ),
        rows=columns(release),
        records=[
            {"name": each.name, "type": each.type, "unit": each.unit, "meaning": each.description}
            for each in release.schema.declared
        ],
        says={"release": release.label},
    )


def _releases(release: Release, newest_first: Sequence[Release]) -> Figure:
    return Figure(
        name="releases",
        title=_("Releases"),
        caption=_("The newest first. A release never changes."),
        headings=(
            Heading(_("Version"), key="version"),
            Heading(_("Published"), key="published_at", is_time=True),
            Heading(_("Rows"), is_number=True, key="rows"),
            Heading(_("Digest")),
        ),
        rows=[
            Row(
                (str(each.version), words.day(each.published_at), words.count(each.rows), each.digest[:12]),
                current=each.version == release.version,
                href=f"/catalog/{each.dataset}/{each.version}",
            )
            for each in newest_first
        ],
        records=[
            {
                "version": each.version,
                "published_at": each.published_at.isoformat(),
                "rows": each.rows,
                "digest": each.digest,
            }
            for each in newest_first
        ],
        says={"dataset": release.dataset},
    )


def _summary(release: Release) -> dict[str, Any]:
    return {
        "dataset": release.dataset,
        "version": release.version,
        "title": release.schema.title,
        "description": release.schema.description,
        "privacy": release.schema.privacy.value,
        "licence": release.schema.licence,
        "digest": release.digest,
        "rows": release.rows,
        "published_at": release.published_at.isoformat(),
        "area_set": release.area_set,
        "periods": [moment.isoformat() for moment in release.periods] if release.periods else None,
        "address": f"/catalog/{release.dataset}/{release.version}.json",
        "downloads": _downloads(release),
    }


def _downloads(release: Release) -> dict[str, str]:
    return {form.name: exports.address(release, form.name) for form in exports.formats(release)}
