"""Disclosure control on the site: what waits for a decision, the ledger, approvals and budgets, and choosing a rule."""

from __future__ import annotations

from fastapi import APIRouter

from commonweal.disclosure.pages import choosing, ledger, overview, proposals, standing

routes = APIRouter()
for part in (overview, proposals, ledger, standing, choosing):
    routes.routes.extend(part.routes.routes)
