"""Templates to pages: one environment, one shell, every value escaped."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from commonweal.core.errors import NotSignedIn
from commonweal.core.identity import Permission, Visitor
from commonweal.core.identity.visitor import NOBODY
from commonweal.web import words
from commonweal.web.access import form_token_of, visitor_of
from commonweal.web.assets import asset

NAVIGATION = (
    ("/", "Overview", Permission.READ),
    ("/catalog", "Catalog", Permission.READ),
    ("/administration", "Administration", Permission.ADMINISTER),
)


@lru_cache
def _environment(package: str) -> Environment:
    own = PackageLoader("commonweal.web")
    loader = own if package == "commonweal.web" else ChoiceLoader([PackageLoader(package), own])
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(asset=asset)
    environment.filters.update(count=words.count)
    return environment


def fragment(package: str, template: str, **values: Any) -> Markup:
    """Render a template to a part of a page.

    Parameters
    ----------
    package
        Package whose ``templates`` folder is searched first, then the site's own.
    template
        Its name. A value it uses and is not given is an error, not an empty string.
    values
        What it shows; everything but `Markup` is escaped.
    """
    return Markup(_environment(package).get_template(template).render(**values))


def page(
    request: Request,
    template: str,
    *,
    package: str = "commonweal.web",
    status: int = 200,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """Render a template that extends the shell to an answer.

    Parameters
    ----------
    request
        What is answered: the shell shows who asks, where they are and where they may go.
    """
    visitor = _visitor(request)
    shell = {
        "path": request.url.path,
        "visitor": visitor,
        "navigation": [(address, name) for address, name, right in NAVIGATION if visitor.may_somewhere(right, None)],
        "form_token": form_token_of(request),
    }
    return HTMLResponse(fragment(package, template, **shell, **values), status_code=status, headers=headers)


def _visitor(request: Request) -> Visitor:
    try:
        return visitor_of(request)
    except NotSignedIn:
        return NOBODY
