"""The way through the pages of mobility: four groups, and the pages of the one where the reader is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request

from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.web.access import visitor_of
from commonweal.web.languages import translated

GROUPS = (
    (
        Wording("Where people are"),
        (
            ("/mobility/presence", Wording("Presence"), Permission.READ),
            ("/mobility/inside", Wording("Inside a place"), Permission.READ),
            ("/mobility/homes", Wording("Where people live"), Permission.READ),
        ),
    ),
    (
        Wording("How they move"),
        (
            ("/mobility/flows", Wording("Flows"), Permission.READ),
            ("/mobility/movement", Wording("How people move"), Permission.READ),
            ("/mobility/borders", Wording("Borders"), Permission.READ),
            ("/mobility/border-views", Wording("Two views of a border"), Permission.READ),
            ("/mobility/changes", Wording("Changes"), Permission.READ),
        ),
    ),
    (
        Wording("Models and forecasts"),
        (
            ("/mobility/forecast", Wording("Forecast"), Permission.READ),
            ("/mobility/nowcast", Wording("Nowcast"), Permission.READ),
            ("/mobility/patterns", Wording("What is usual"), Permission.READ),
            ("/mobility/models", Wording("Models of flow"), Permission.READ),
            ("/mobility/scale", Wording("In people"), Permission.READ),
            ("/mobility/rake", Wording("Flows in people"), Permission.READ),
            ("/mobility/population", Wording("Population"), Permission.RUN),
        ),
    ),
    (
        Wording("Quality and work"),
        (
            ("/mobility/quality", Wording("Quality"), Permission.READ),
            ("/mobility/report", Wording("Report"), Permission.READ),
            ("/mobility/cells", Wording("Where cells are heard"), Permission.FOLLOW),
            ("/mobility/runs", Wording("Imports and runs"), Permission.FOLLOW),
            ("/mobility/import", Wording("Import"), Permission.RUN),
        ),
    ),
)


@dataclass(frozen=True)
class Group:
    """Some pages that belong together.

    Parameters
    ----------
    name
        As a link says it.
    pages
        (address, name) of each that the reader may see.
    current
        Whether the reader is on one of them.
    """

    name: str
    pages: Sequence[tuple[str, str]]
    current: bool

    @property
    def address(self) -> str:
        """Where the group's link leads."""
        return self.pages[0][0]


def tabs(request: Request) -> list[Group]:
    """Give the groups that whoever asks may see something of, each with those of its pages."""
    visitor, path = visitor_of(request), request.url.path
    found = []
    for name, pages in GROUPS:
        seen = [
            (address, translated(text)) for address, text, right in pages if visitor.may_somewhere(right, "mobility")
        ]
        here = any(path == address or path.startswith(f"{address}/") for address, _text in seen)
        if seen:
            found.append(Group(translated(name), seen, here))
    return found
