"""The page on which files of the inbox are imported: what to read, how, and into which project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from commonweal.core.errors import CommonwealError
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility import asking
from commonweal.mobility.asking import Asked
from commonweal.mobility.findings import Content
from commonweal.mobility.inbox import Inbox, InboxFile
from commonweal.mobility.inspecting import Inspection
from commonweal.mobility.pages import parts
from commonweal.mobility.projects import Project
from commonweal.web import words
from commonweal.web.access import needs, posted, text, visitor_of
from commonweal.web.document import Document, document, draw
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _, translated
from commonweal.web.table import Row

ADDRESS = "/mobility/import"
SHOWN = 300  # files; of a folder with more, the whole folder can be chosen
MAY_RUN = needs(Permission.RUN)
CONTENTS: Mapping[Content, str] = {
    Content.NOTHING: Wording("nothing"),
    Content.TIMES: Wording("dates or times"),
    Content.LONG_NUMBERS: Wording("long numbers, perhaps somebody’s"),
    Content.NUMBERS: Wording("numbers"),
    Content.TEXTS: Wording("texts"),
}
SIGNS: Mapping[str, str] = {
    ",": Wording("commas"),
    ";": Wording("semicolons"),
    "|": Wording("bars"),
    "\t": Wording("tabs"),
}
FOUND = "found"
Form = Annotated[FormData, Depends(posted)]

routes = APIRouter()


@dataclass(frozen=True, eq=False)
class Looked:
    """What was seen of a file.

    Parameters
    ----------
    name
        Which.
    found
        What it seems to be.
    """

    name: str
    found: Inspection

    @property
    def sign(self) -> str:
        """What divides its fields."""
        return translated(SIGNS[self.found.source.delimiter])

    @property
    def doubts(self) -> list[str]:
        """What a person must settle, nothing quoted."""
        return [translated(doubt) for doubt in self.found.doubts if doubt not in self.found.quoting]

    @property
    def figure(self) -> Figure:
        """What each column seems to hold."""
        return Figure(
            name=FOUND,
            title=_("What the columns seem to hold"),
            caption=_("By the first rows of %(file)s. No row of it is shown here.", file=self.name),
            headings=(
                Heading(_("Column")),
                Heading(_("Taken for")),
                Heading(_("Contains")),
                Heading(_("Filled"), is_number=True),
                Heading(_("Words without a meaning")),
            ),
            rows=[
                Row(
                    (
                        each.column,
                        each.role or _("not used"),
                        translated(CONTENTS[each.content]),
                        words.share(each.filled),
                        self._words(each.words, each.unknown),
                    )
                )
                for each in self.found.findings
            ],
            records=[
                {"column": each.column, "role": each.role, "content": each.content, "filled": each.filled}
                for each in self.found.findings
            ],
        )

    def _words(self, often: tuple[str, ...], unknown: int) -> str:
        if not unknown:
            return ""
        rare = unknown - len(often)
        said = ", ".join(often)
        if not rare:
            return said
        return _("%(words)s, and %(rare)s rare", words=said, rare=rare) if said else _("%(rare)s rare", rare=rare)


@document(routes, ADDRESS, MAY_RUN, summary="What may be imported from the inbox", tag="mobility", forms=("json",))
def importing(request: Request) -> Document:
    """The files of the inbox, and the projects into which whoever asks may import them."""
    return _document(request, Asked())


@routes.post(ADDRESS, include_in_schema=False)
@MAY_RUN
def import_(request: Request, form: Form) -> Response:
    """Look at a file, or have files imported; what was typed is kept when it cannot be used."""
    state, visitor = request.app.state, visitor_of(request)
    asked = Asked(
        project=text(form, "project"),
        files=tuple(each for each in form.getlist("file") if isinstance(each, str)),
        folders=tuple(each for each in form.getlist("folder") if isinstance(each, str)),
        mapping=text(form, "mapping"),
        text=text(form, "text").replace("\r\n", "\n"),
        cells=text(form, "cells"),
        first=text(form, "first"),
        last=text(form, "last"),
    )
    try:
        # What is proposed is read by a person before anything is imported by it.
        if text(form, "do") == "import" and (asked.mapping or asked.text.strip()):
            job = asking.import_from_inbox(state.settings, state.database, visitor, asked)
            return RedirectResponse(f"/jobs/{job}", status_code=303, headers={"cache-control": "no-store"})
        looked = Looked(*asking.look(state.settings, state.database, visitor, asked))
        return _shown(request, asked, looked, text(form, "of"))
    except CommonwealError as error:
        return draw(request, _document(request, asked, error=error, of=text(form, "of")), status=error.status)


def _shown(request: Request, asked: Asked, looked: Looked, of: str) -> Response:
    """Show what was seen; the proposed mapping stands in the form unless somebody has worked on it already."""
    said = asked.text if asked.text.strip() and of == looked.name else looked.found.mapping
    kept = Asked(**{**vars(asked), "text": said})
    return draw(request, _document(request, kept, looked=looked, of=looked.name))


def _document(
    request: Request,
    asked: Asked,
    *,
    looked: Looked | None = None,
    error: CommonwealError | None = None,
    of: str = "",
) -> Document:
    state = request.app.state
    visitor = visitor_of(request)
    inbox = asking.inbox_for(state.settings, state.database, visitor)
    projects = asking.projects_for(state.database, visitor, Permission.RUN)
    return Document(
        title=_("Import from the inbox"),
        template="mobility_import.html",
        package=parts.PACKAGE,
        lead=_("Records come in by a folder of the server, never by this site: %(folder)s.", folder=inbox.folder),
        values={
            "tabs": parts.tabs(request),
            "asked": asked,
            "projects": projects,
            "inbox": inbox,
            "folders": _folders(inbox.records[:SHOWN], inbox),
            "left_out": len(inbox.records[SHOWN:]),
            "zone": state.settings.time_zone,
            "looked": looked,
            "chosen_mapping": inbox.text(asked.mapping) if looked and asked.mapping else None,
            "of": of,
            "error": error,
        },
        data={
            "inbox": str(inbox.folder),
            "projects": [_plain(project) for project in projects],
            "files": [_file(file) for file in inbox.records],
            "mappings": [_file(file) for file in inbox.mappings],
        },
        figures=[looked.figure] if looked else [],
        private=True,
    )


def _folders(shown: list[InboxFile], inbox: Inbox) -> list[tuple[str, list[InboxFile], int, int]]:
    """Give each folder with the files of it that are shown, how many there are in all, and how large they are."""
    found = []
    for folder, files in groupby(shown, key=lambda file: file.folder):
        every = [file.size for file in inbox.records if file.folder == folder]
        found.append((folder, list(files), len(every), sum(every)))
    return found


def _plain(project: Project) -> dict[str, Any]:
    return {"name": project.name, "area_set": project.area_set, "time_zone": project.time_zone}


def _file(file: InboxFile) -> dict[str, Any]:
    return {"name": file.name, "size": file.size, "changed": file.changed.isoformat()}
