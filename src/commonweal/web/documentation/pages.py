"""Pages of the documentation: a list of them, each with its parts, and their pictures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path as Folder

from fastapi import APIRouter, Path
from starlette.responses import FileResponse, Response

from commonweal.core.errors import NotFound
from commonweal.core.wording import Wording
from commonweal.web.access import anyone
from commonweal.web.document import Document, document
from commonweal.web.documentation.markdown import Rendered, render
from commonweal.web.languages import _, translated

ADDRESS = "/docs"
IN_THE_PACKAGE = Folder(__file__).parent / "texts"
"""Where the wheel has the texts; a checkout has them beside its sources."""
FOLDER = IN_THE_PACKAGE if IN_THE_PACKAGE.is_dir() else Folder(__file__).parents[4] / "docs"
PICTURES = {".png": "image/png", ".svg": "image/svg+xml"}
GROUPS: Mapping[str, tuple[str, ...]] = {
    Wording("What is published, and how it is counted"): (
        "mobility",
        "methods",
        "privacy",
        "disclosure",
        "site",
        "catalog",
        "areas",
        "periods",
        "demo",
    ),
    Wording("For whoever looks after an installation"): (
        "commands",
        "settings",
        "people",
        "jobs",
        "audit",
        "backup",
        "security",
        "scale",
    ),
    Wording("How it is made"): ("architecture", "benchmarks"),
}

routes = APIRouter()


def address_of(page: str, anchor: str = "") -> str:
    """Give the address of a page, or of one of its parts.

    Examples
    --------
    >>> address_of("methods", "presence")
    '/docs/methods#presence'
    """
    return f"{ADDRESS}/{page}" + (f"#{anchor}" if anchor else "")


@document(routes, ADDRESS, anyone, summary="The documentation", tag="documentation", forms=())
def contents() -> Document:
    """Every page of the documentation with what it is about."""
    known = names()
    grouped = {name: [page for page in pages if page in known] for name, pages in GROUPS.items()}
    listed = [page for pages in grouped.values() for page in pages]
    others = [page for page in known if page not in listed]
    groups = [(translated(name), [(page, text(page)) for page in pages]) for name, pages in grouped.items() if pages]
    if others:
        groups.append((_("More"), [(page, text(page)) for page in others]))
    return Document(
        title=_("Documentation"),
        template="documentation.html",
        lead=_("It comes with this installation: nothing is fetched from elsewhere."),
        values={"groups": groups, "address_of": address_of},
        data={
            "pages": [
                {"name": page, "title": one.title, "summary": one.summary, "address": address_of(page)}
                for _name, pages in groups
                for page, one in pages
            ]
        },
    )


@routes.get(f"{ADDRESS}/images/{{name}}", include_in_schema=False)
@anyone
def picture(name: str) -> Response:
    """Give a picture of the documentation."""
    file = FOLDER / "images" / name
    if file.suffix not in PICTURES or name not in _pictures():
        raise NotFound(Wording("there is no picture %(name)s", name=repr(name)), where=ADDRESS)
    return FileResponse(file, media_type=PICTURES[file.suffix], headers={"cache-control": "no-cache"})


@document(routes, f"{ADDRESS}/{{page}}", anyone, summary="A page of the documentation", tag="documentation", forms=())
def documentation_page(
    page: str = Path(description="Its name, as the list of pages has it.", examples=["methods"]),
) -> Document:
    """Show a page of the documentation, with an anchor for each of its parts."""
    if page not in names():
        raise NotFound(
            Wording("there is no page %(name)s", name=repr(page)), where=ADDRESS, expected=", ".join(names())
        )
    one = text(page)
    return Document(
        title=one.title,
        template="documentation_page.html",
        values={"text": one},
        data={
            "name": page,
            "title": one.title,
            "parts": [{"level": part.level, "title": part.text, "anchor": part.anchor} for part in one.headings],
            "markdown": source(page),
        },
    )


@lru_cache
def names() -> tuple[str, ...]:
    """Give the names of all pages."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.md")))


@lru_cache
def _pictures() -> frozenset[str]:
    return frozenset(file.name for file in (FOLDER / "images").glob("*"))


def source(page: str) -> str:
    """Give a page as it is written."""
    return (FOLDER / f"{page}.md").read_text("utf-8")


@lru_cache
def text(page: str) -> Rendered:
    """Give a page as it is shown; it comes with the package, so it is rendered once."""
    return render(source(page), _address)


def _address(link: str) -> str | None:
    """Give the address of what a page links to, where the site has it."""
    path, _hash, anchor = link.partition("#")
    if path.endswith(".md") and path[: -len(".md")] in names():
        return address_of(path[: -len(".md")], anchor)
    name = path.removeprefix("images/")
    return f"{ADDRESS}/images/{name}" if path != name and name in _pictures() else None
