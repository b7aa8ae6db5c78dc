"""Borders on the site: who comes, goes, stays and passes through, by country, district and day."""

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

ADDRESS = "/mobility/borders"

routes = APIRouter()


@document(
    routes,
    ADDRESS,
    needs(Permission.READ),
    summary="Who crosses borders, by country, district and day",
    tag="mobility",
    figure="table",
)
def borders_page(
    request: Request,
    asked: Annotated[Asked, Depends(asked_in_address)],
    table: Annotated[str | None, Query(description=WHICH, examples=["border_crossings"])] = None,
) -> Document:
    """Who crosses borders, by country, district and day: one published table, chosen by name."""
    return table_page(request, "borders", table, asked, translated(Wording("Borders")))
