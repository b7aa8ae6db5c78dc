"""Administration: people and their rights, settings in force, the audit log, work and storage, backups."""

from __future__ import annotations

from fastapi import APIRouter

from commonweal.web.administration import audit, backups, people, settings, work

routes = APIRouter()
for part in (people, settings, audit, work, backups):
    routes.routes.extend(part.routes.routes)
