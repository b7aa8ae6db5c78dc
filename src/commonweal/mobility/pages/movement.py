"""How people move on the site: residents of each area by how far, how often and how regularly they move."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.pages.tables.asking import WHICH, Asked, asked_in_address
from commonweal.mobility.pages.tables.page import table_page
from commonweal.web.access import needs
from commonweal.web.document import Document, document
from commonweal.web.languages import translated

ADDRESS = "/mobility/movement"

routes = APIRouter()


@document(
    routes,
    ADDRESS,
    needs(Permission.READ),
    summary="How far and how regularly residents move",
    tag="mobility",
    figure="distribution",
)
def movement_page(
    request: Request,
    asked: Annotated[Asked, Depends(asked_in_address)],
    table: Annotated[str | None, Query(description=WHICH, examples=["radius_of_gyration"])] = None,
) -> Document:
    """How far and how regularly residents move: one published table, chosen by name."""
    return table_page(request, "movement", table, asked, translated(Wording("How people move")))
