"""Conditional answers: what a reader already has is not sent again (RFC 9110, section 13)."""

from __future__ import annotations

import hashlib
import re

from starlette.requests import Request
from starlette.responses import Response

REVALIDATE = "no-cache"
"""Keep it, but ask before each use: a release may have been published meanwhile."""


def etag(*parts: str | bytes) -> str:
    """Give a weak entity tag over what an answer is made of.

    It is weak because the same rows may be written to different bytes: compressed or not, or by another version.

    Examples
    --------
    >>> etag("mobility.presence", "csv")
    'W/"910e..."'
    """
    digest = hashlib.sha256()
    for part in parts:
        octets = part.encode() if isinstance(part, str) else part
        digest.update(len(octets).to_bytes(8, "big") + octets)
    return f'W/"{digest.hexdigest()[:32]}"'


def is_known(request: Request, tag: str) -> bool:
    """Say whether the reader has this already: its ``If-None-Match`` names the tag."""
    given = request.headers.get("if-none-match", "")
    if given.strip() == "*":
        return True
    opaque = tag.removeprefix("W/")
    return opaque in re.findall(r'"[^"]*"', given)


def not_modified(tag: str) -> Response:
    """Answer that nothing changed."""
    return Response(status_code=304, headers={"etag": tag, "cache-control": REVALIDATE})


def unless_known(request: Request, response: Response) -> Response:
    """Give a rendered answer a tag, and send it only to readers who do not have it."""
    tag = etag(bytes(response.body))
    if response.status_code == 200 and is_known(request, tag):
        return not_modified(tag)
    response.headers["etag"] = tag
    response.headers.setdefault("cache-control", REVALIDATE)
    return response
