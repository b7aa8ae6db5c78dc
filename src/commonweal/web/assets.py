"""Style sheets, scripts and pictures of the site, under addresses that name their content.

An address holds a digest of what is delivered, so a browser may keep it for ever and never shows an old one.

A script imports another by its place in ``static/``, and is delivered with its address instead. So the digest of a
script covers all that it imports, and a change of one changes the address of every script that leads to it::

    import htmx from "vendor/htmx.js";
    const uPlot = await import("vendor/uplot.js");
    link.href = import.meta.resolve("vendor/uplot.css");

What others wrote, in ``static/vendor/``, is delivered as it is; `scripts/vendor` built it to import nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commonweal.core.errors import Conflict, NotFound
from commonweal.web.access import anyone

FOLDER = Path(__file__).parent / "static"
VENDORED = "vendor/"
MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".LICENSE": "text/plain",
    ".svg": "image/svg+xml",
}
"""What is delivered; a machine's own table of types might call a script something that no browser runs."""
KEPT_FOR_EVER = "public, max-age=31536000, immutable"

SPECIFIER = re.compile(r"""((?:\bfrom|\bimport\s*\(|\bimport\.meta\.resolve\s*\(|\bimport)\s*)(["'])([^"'\n]+)\2""")
"""Where the grammar of a script has the name of another."""


@dataclass(frozen=True)
class Asset:
    """A file as it is delivered.

    Parameters
    ----------
    name
        Its place in the folder, ``vendor/htmx.js``.
    body
        Its content; a script names addresses of what it imports.
    """

    name: str
    body: bytes

    @cached_property
    def address(self) -> str:
        """Where it is delivered, below ``/static/``."""
        digest = hashlib.sha256(self.body).hexdigest()[:16]
        path = PurePosixPath(self.name)
        return f"{path.with_suffix('')}.{digest}{path.suffix}"

    @cached_property
    def compressed(self) -> bytes:
        """Its content, compressed with gzip as far as it goes: once, since it never changes."""
        return gzip.compress(self.body, 9, mtime=0)

    @property
    def media_type(self) -> str:
        """What kind of file it is."""
        return MEDIA_TYPES[PurePosixPath(self.name).suffix]


def assets_in(folder: Path) -> dict[str, Asset]:
    """Read the assets in a folder, by name.

    Raises
    ------
    NotFound
        A script imports what is not there.
    Conflict
        Scripts import one another in a circle, so that no digest could cover the others.
    """
    files = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in MEDIA_TYPES
    }
    made: dict[str, Asset] = {}

    def make(name: str, importers: tuple[str, ...] = ()) -> Asset:
        if name in importers:
            raise Conflict("scripts import one another in a circle", where=" → ".join((*importers, name)))
        if name not in files:
            raise NotFound("a script imports what is no asset", where=f"{importers[-1]}, {name}")
        if name not in made:
            body = files[name].read_bytes()
            if name.endswith(".js") and not name.startswith(VENDORED):
                chain = (*importers, name)
                body = SPECIFIER.sub(
                    lambda found: f'{found[1]}"/static/{make(found[3], chain).address}"', body.decode()
                ).encode()
            made[name] = Asset(name, body)
        return made[name]

    return {name: make(name) for name in files}


@lru_cache
def _assets() -> dict[str, Asset]:
    return assets_in(FOLDER)


@lru_cache
def _by_address() -> dict[str, Asset]:
    return {one.address: one for one in _assets().values()}


def asset(name: str) -> str:
    """Give the address of a file in ``static/``.

    Raises
    ------
    NotFound
        There is no such file; a template names one that does not exist.

    Examples
    --------
    >>> asset("site.css")
    '/static/site....css'
    """
    if name not in _assets():
        raise NotFound("there is no such asset", where=name)
    return f"/static/{_assets()[name].address}"


@anyone
def deliver(request: Request) -> Response:
    """Answer with an asset. Only addresses that `asset` gives exist, so no path can lead out of the folder."""
    found = _by_address().get(request.path_params["address"])
    if found is None:
        raise NotFound("there is no such file", where=request.url.path)
    headers = {"cache-control": KEPT_FOR_EVER, "vary": "Accept-Encoding"}
    body = found.body
    if "gzip" in request.headers.get("accept-encoding", "") and len(found.compressed) < len(body):
        body = found.compressed
        headers["content-encoding"] = "gzip"
    return Response(body, media_type=found.media_type, headers=headers)


routes = [Route("/static/{address:path}", deliver)]
