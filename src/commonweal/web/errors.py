"""Errors as answers: a problem object for programs (RFC 9457), a sentence in the shell for people."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from commonweal.core.errors import CommonwealError, InputError, NotFound, problem
from commonweal.core.wording import Wording
from commonweal.web.languages import translated
from commonweal.web.render import page

PROBLEM = "application/problem+json"


def answer(request: Request, error: CommonwealError, status: int | None = None) -> Response:
    """Answer with an error, in the form that the reader asked for.

    Parameters
    ----------
    request
        Whoever accepts ``text/html`` gets a page, whoever does not a problem object.
    error
        What went wrong.
    status
        HTTP status, when the protocol knows a better one than the error's own.
    """
    code = status or error.status
    headers = {"cache-control": "no-store"}
    if "text/html" in request.headers.get("accept", ""):
        return page(request, "error.html", status=code, headers=headers, title=translated(error.title), error=error)
    return JSONResponse(
        problem(error, request.url.path) | {"status": code}, status_code=code, headers=headers, media_type=PROBLEM
    )


async def on_commonweal_error(request: Request, error: Exception) -> Response:
    """Answer with one of the house's own errors."""
    assert isinstance(error, CommonwealError)
    return answer(request, error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer with what the router found wrong: no such address, or a method that is not offered."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return answer(request, NotFound(Wording("there is no such page or file"), where=request.url.path))
    if error.status_code == 405:
        response = answer(
            request,
            InputError(
                Wording("%(method)s is not offered here", method=request.method), expected=Wording("GET or HEAD")
            ),
            status=405,
        )
        response.headers["allow"] = "GET, HEAD"
        return response
    return answer(request, InputError(str(error.detail)), status=error.status_code)


async def on_invalid_request(request: Request, error: Exception) -> Response:
    """Answer with the first parameter that cannot be used."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = " ".join(str(part) for part in first["loc"])
    return answer(request, InputError(first["msg"].lower(), where=place))


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    CommonwealError: on_commonweal_error,
    HTTPException: on_http_error,
    RequestValidationError: on_invalid_request,
}
