"""Administration: people, agreements and looks, settings in force, the audit log, work and storage, backups."""

from __future__ import annotations

from fastapi import APIRouter

from commonweal.web.administration import agreements, audit, backups, looks, people, settings, work

routes = APIRouter()
for part in (people, agreements, looks, settings, audit, work, backups):
    routes.routes.extend(part.routes.routes)
