"""Templates to pages: one environment, one shell, every value escaped."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from commonweal.web import words
from commonweal.web.assets import asset

NAVIGATION = (("/", "Overview"), ("/catalog", "Catalog"))


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
    environment.globals.update(asset=asset, navigation=NAVIGATION)
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
    template: str,
    *,
    path: str,
    package: str = "commonweal.web",
    status: int = 200,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """Render a template that extends the shell to an answer.

    Parameters
    ----------
    path
        Path of the page's address, so that the navigation can mark where the reader is.
    """
    return HTMLResponse(fragment(package, template, path=path, **values), status_code=status, headers=headers)
