"""Templates to pages: one environment, one shell, every value escaped."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import quote

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from commonweal.core.errors import NotSignedIn
from commonweal.core.identity import Permission, Visitor
from commonweal.core.identity.visitor import NOBODY
from commonweal.core.wording import Wording
from commonweal.web import languages, words
from commonweal.web.access import form_token_of, visitor_of
from commonweal.web.assets import asset
from commonweal.web.figure_files import FORMS
from commonweal.web.looking import purposes_of

BEFORE_DOMAINS = (("/", Wording("Overview"), Permission.READ),)
AFTER_DOMAINS = (
    ("/catalog", Wording("Catalog"), Permission.READ),
    ("/jobs", Wording("Work"), Permission.FOLLOW),
    ("/administration", Wording("Administration"), Permission.ADMINISTER),
)
FOR_STEWARDS = (("/administration/agreements", Wording("Administration"), Permission.OVERSEE),)
"""The part of the administration that those may see who do not administer."""


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
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    environment.globals.update(asset=asset, gettext=_text, ngettext=_texts, _=_text, current_language=languages.current)
    environment.globals.update(forms=FORMS)
    environment.filters.update(
        count=words.count,
        day=words.day,
        grant=words.grant,
        moment=words.moment,
        size=words.size,
        to_the_second=words.to_the_second,
        role=words.role,
        translated=languages.translated,
    )
    environment.tests.update(translated=languages.is_translated)
    return environment


def _text(template: str, /, **values: Any) -> Markup:
    """Say a text of a template: it may hold markup of its own, the values are escaped."""
    return Markup(languages.current().texts.gettext(template)) % values


def _texts(one: str, several: str, num: int, /, **values: Any) -> Markup:
    language = languages.current()
    return Markup(language.texts.ngettext(one, several, num)) % (values | {"num": language.number(num)})


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
        "language": languages.current(),
        "languages": languages.OFFERED.values(),
        "here": _address(request) if request.method == "GET" else None,
        "navigation": _navigation(request, visitor),
        "form_token": form_token_of(request),
        "purposes": purposes_of(request),
    }
    spoken = {"content-language": languages.current().code}
    return HTMLResponse(
        fragment(package, template, **shell, **values), status_code=status, headers=spoken | (headers or {})
    )


def _navigation(request: Request, visitor: Visitor) -> list[tuple[str, str]]:
    """Give (address, name) of where the visitor may go: the house's own pages around those of the domains."""
    rooms = sorted((room for room in request.app.state.rooms if room.pages), key=lambda room: room.in_any_domain)
    last = (*AFTER_DOMAINS, *(() if _may(visitor, Permission.ADMINISTER) else FOR_STEWARDS))
    return [
        *((address, languages.translated(name)) for address, name, right in BEFORE_DOMAINS if _may(visitor, right)),
        *(
            (f"/{room.name}", languages.translated(room.title))
            for room in rooms
            if visitor.may_somewhere(Permission.READ, None if room.in_any_domain else room.name)
        ),
        *((address, languages.translated(name)) for address, name, right in last if _may(visitor, right)),
    ]


def _may(visitor: Visitor, right: Permission) -> bool:
    return visitor.may_somewhere(right, None)


def _address(request: Request) -> str:
    """Give the address that was asked for, as somebody may be sent back to it."""
    return quote(request.url.path) + (f"?{request.url.query}" if request.url.query else "")


def _visitor(request: Request) -> Visitor:
    try:
        return visitor_of(request)
    except NotSignedIn:
        return NOBODY
