"""Style sheet and pictures of the site, under addresses that name their content.

An address holds the digest of the file, so a browser may keep it for ever and never shows an old one.
"""

from __future__ import annotations

import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commonweal.core.errors import NotFound
from commonweal.web.access import anyone

FOLDER = Path(__file__).parent / "static"


@lru_cache
def _addresses() -> dict[str, Path]:
    found = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
            name = path.relative_to(FOLDER).with_suffix("").as_posix()
            found[f"{name}.{digest}{path.suffix}"] = path
    return found


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
    for address, path in _addresses().items():
        if path == FOLDER / name:
            return f"/static/{address}"
    raise NotFound("there is no such asset", where=name)


@anyone
def deliver(request: Request) -> Response:
    """Answer with an asset. Only addresses that `asset` gives exist, so no path can lead out of the folder."""
    path = _addresses().get(request.path_params["address"])
    if path is None:
        raise NotFound("there is no such file", where=request.url.path)
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(path.read_bytes(), media_type=media_type, headers=headers)


routes = [Route("/static/{address:path}", deliver)]
