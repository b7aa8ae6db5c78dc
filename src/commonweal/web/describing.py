"""The description of the API (OpenAPI 3.1): what routes say of themselves, and what holds for every address.

Who may ask is taken from what a route needs, so it cannot say otherwise than the gate before it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from commonweal.core.identity import Permission
from commonweal.web.access import Access, access_of, anyone
from commonweal.web.conditional import unless_known

API_VERSION = "1"
"""Within a version fields and addresses are only added: what is gone, or means something else, makes the next."""
VERSION_HEADER = "api-version"
DESCRIPTION = f"""
What this installation has published, and how it is doing. Every page is also data: the same address with `.json`.

Every answer in JSON says the version of the API in the header `API-Version`, now {API_VERSION}. Within a version,
fields, parameters and addresses are only added. Errors are problem objects (RFC 9457). An answer with an `ETag` is not
sent again to whoever asks with `If-None-Match`.
"""
PROBLEM_FIELDS: Mapping[str, Any] = {
    "type": {"type": "string", "description": "Which kind of error: `urn:commonweal:problem:KIND`."},
    "title": {"type": "string", "description": "The kind, in words."},
    "status": {"type": "integer", "description": "The status of the answer."},
    "detail": {"type": "string", "description": "What was wrong, where, and what would be right."},
    "instance": {"type": "string", "description": "The address that was asked for."},
}
PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "properties": PROBLEM_FIELDS,
    "required": ["type", "title", "status", "detail"],
}
PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
VERSION_SAID = {"API-Version": {"description": "The version of the API.", "schema": {"const": API_VERSION}}}
WRONG_HOST = "The request is addressed to another host."
NOT_SIGNED_IN = "Who asks must sign in, or show a token that works."
REFUSED = "Who asks may not see this."
UNUSABLE = "A parameter cannot be used; the problem says which."
BUSY = "The server is too busy, or a part of it cannot be reached; try again."
TOKEN = "token"  # noqa: S105 - the name of a scheme


class Versioned:
    """A layer that says in every answer in JSON which version of the API it is of.

    Parameters
    ----------
    app
        The application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_versioned(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                if "json" in headers.get("content-type", ""):
                    headers[VERSION_HEADER] = API_VERSION
            await send(message)

        await self.app(scope, receive, send_versioned if scope["type"] == "http" else send)


def describe(app: FastAPI) -> dict[str, Any]:
    """Describe every operation of an application, as OpenAPI 3.1 has it; it is made once.

    Returns
    -------
    The description as JSON values: beside what each route declares it says of every operation what a wrong host, a
    token that does not work, a right that is missing and a busy server are answered with, and whether it needs a token.
    """
    if app.openapi_schema is None:
        described = app.openapi()
        components = described.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for of_another_form in ("HTTPValidationError", "ValidationError"):
            schemas.pop(of_another_form, None)
        schemas["Problem"] = PROBLEM
        components["securitySchemes"] = {
            TOKEN: {"type": "http", "scheme": "bearer", "description": "A token from its person's page."}
        }
        for route, operation in _operations(app, described):
            _complete(operation, access_of(route))
    schema: dict[str, Any] = app.openapi_schema or {}
    return schema


def _operations(app: FastAPI, described: Mapping[str, Any]) -> Iterator[tuple[Route, dict[str, Any]]]:
    for route in app.router.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                yield route, described["paths"][route.path_format][method.lower()]


def _complete(operation: dict[str, Any], access: Access | None) -> None:
    is_open = access is not None and access.permission is None and not access.signed_in
    said = {"400": WRONG_HOST, "401": NOT_SIGNED_IN, "503": BUSY} | ({} if is_open else {"403": REFUSED})
    answers: dict[str, dict[str, Any]] = operation["responses"]
    for status, description in said.items():
        answers.setdefault(status, {"description": description})
    for status, answer in answers.items():
        if status == "422":
            # What the framework says of it is not what the site answers.
            answer |= {"description": UNUSABLE, "content": PROBLEM_CONTENT}
        elif int(status) >= 400 and "application/json" not in answer.get("content", {}):
            answer["content"] = PROBLEM_CONTENT
        if any("json" in media_type for media_type in answer.get("content", {})) and len(answer["content"]) == 1:
            answer["headers"] = VERSION_SAID
    # What is published may be open to everyone: a token may be shown there and need not.
    may_be_open = is_open or (access is not None and access.permission is Permission.READ)
    operation["security"] = [*([{}] if may_be_open else []), {TOKEN: []}]


@anyone
def _openapi(request: Request) -> Response:
    return unless_known(request, JSONResponse(describe(request.app)))


routes = [Route("/openapi.json", _openapi)]
