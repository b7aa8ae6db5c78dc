"""The catalog on the site: what is published, where it comes from, and every release in every format."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from io import BufferedRandom
from pathlib import Path
from typing import IO, Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from commonweal import __version__
from commonweal.core.catalog import Release, dcat, exports, get
from commonweal.core.catalog import datasets as newest_releases
from commonweal.core.catalog import releases as all_releases
from commonweal.core.errors import NotFound, explain
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.web import words
from commonweal.web.access import needs, visitor_of
from commonweal.web.conditional import REVALIDATE, etag, is_known, not_modified, unless_known
from commonweal.web.languages import _, translated
from commonweal.web.provenance import columns, download_links, facts
from commonweal.web.render import page
from commonweal.web.table import Row

CHUNK = 1 << 16
UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {
        "description": "There is no such dataset, version or file (RFC 9457 problem).",
        "content": {"application/problem+json": {}},
    }
}

routes = APIRouter()


@routes.get("/catalog", include_in_schema=False)
@needs(Permission.READ, in_any_domain=True)
def catalog_page(request: Request) -> Response:
    """List the datasets for people."""
    published = _shown(request)
    rows = [(release, f"/catalog/{release.dataset}", words.day(release.published_at)) for release in published]
    return unless_known(request, page(request, "catalog.html", title=_("Catalog"), rows=rows))


@routes.get("/catalog.json", summary="List the datasets and their newest releases", tags=["catalog"])
@needs(Permission.READ, in_any_domain=True)
def catalog_data(request: Request) -> Response:
    """Give each dataset with its newest release and where to download it."""
    published = _shown(request)
    return unless_known(request, JSONResponse({"datasets": [_summary(release) for release in published]}))


@routes.get("/catalog.jsonld", summary="The whole catalog as DCAT-AP 3 (JSON-LD)", tags=["catalog"])
@needs(Permission.READ)
def catalog_linked_data(request: Request) -> Response:
    """Describe every release for other catalogs to harvest."""
    base = str(request.base_url).rstrip("/")
    said = request.app.state.settings
    described = dcat.catalog(request.app.state.database, base=base, publisher=said.publisher, contact=said.contact)
    return unless_known(request, JSONResponse(described, media_type="application/ld+json"))


@routes.get("/catalog/{dataset}.json", summary="A dataset and all its releases", tags=["catalog"], responses=UNKNOWN)
@needs(Permission.READ, in_any_domain=True)
def dataset_data(request: Request, dataset: str) -> Response:
    """Give a dataset's declaration (columns, units, keys, licence, privacy class) and its releases."""
    versions = _versions(request, dataset)
    described = {
        "dataset": versions[-1].schema.record(),
        "releases": [_summary(release) for release in reversed(versions)],
    }
    return unless_known(request, JSONResponse(described))


@routes.get("/catalog/{dataset}", include_in_schema=False)
@needs(Permission.READ, in_any_domain=True)
def dataset_page(request: Request, dataset: str) -> Response:
    """Show a dataset's newest release for people."""
    versions = _versions(request, dataset)
    return _release_page(request, versions[-1], versions)


@routes.get("/catalog/{dataset}/{version}.json", summary="One release", tags=["catalog"], responses=UNKNOWN)
@needs(Permission.READ, in_any_domain=True)
def release_data(request: Request, dataset: str, version: int) -> Response:
    """Give a release's record: digest, provenance, certificate, and where to download it."""
    release = _release(request, dataset, version)
    return unless_known(request, JSONResponse(release.record() | {"downloads": _downloads(release)}))


@routes.get("/catalog/{dataset}/{version}", include_in_schema=False)
@needs(Permission.READ, in_any_domain=True)
def release_page(request: Request, dataset: str, version: int) -> Response:
    """Show one release for people."""
    return _release_page(request, _release(request, dataset, version), _versions(request, dataset))


@routes.get(
    "/catalog/{dataset}/{version}/{file}",
    summary="Download a release",
    tags=["catalog"],
    response_class=Response,
    responses=UNKNOWN | {200: {"content": {form.media_type: {} for form in exports.FORMATS.values()}}},
)
@needs(Permission.READ, in_any_domain=True)
def download(request: Request, dataset: str, version: int, file: str) -> Response:
    """Give all rows of a release in one format; `file` is named in the release's downloads."""
    state = request.app.state
    release = _release(request, dataset, version)
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


def _on_its_way(spill: Path) -> BufferedRandom:
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


def _shown(request: Request) -> list[Release]:
    """Give the newest releases of the domains that the visitor may read."""
    visitor = visitor_of(request)
    newest = newest_releases(request.app.state.database)
    return [release for release in newest if visitor.may_somewhere(Permission.READ, _domain_of(release.dataset))]


def _domain_of(dataset: str) -> str:
    return dataset.partition(".")[0]


def _release(request: Request, dataset: str, version: int) -> Release:
    _refuse_unless_read(request, dataset)
    return get(request.app.state.database, dataset, version)


def _refuse_unless_read(request: Request, dataset: str) -> None:
    visitor, domain = visitor_of(request), _domain_of(dataset)
    if not visitor.may_somewhere(Permission.READ, domain):
        visitor.require(Permission.READ, domain, what=dataset)


def _versions(request: Request, dataset: str) -> list[Release]:
    _refuse_unless_read(request, dataset)
    database = request.app.state.database
    return all_releases(database, dataset) or [get(database, dataset)]


def _release_page(request: Request, release: Release, versions: list[Release]) -> Response:
    rows = [
        Row(
            (str(each.version), words.day(each.published_at), words.count(each.rows), each.digest[:12]),
            current=each.version == release.version,
            href=f"/catalog/{each.dataset}/{each.version}",
        )
        for each in reversed(versions)
    ]
    return unless_known(
        request,
        page(
            request,
            "dataset.html",
            title=translated(release.schema.title),
            release=release,
            facts=facts(release),
            columns=columns(release),
            downloads=download_links(release),
            versions=rows,
            data_address=f"{request.url.path}.json",
        ),
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
