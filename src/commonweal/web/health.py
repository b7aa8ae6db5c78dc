"""Whether the server lives, and whether it can do its work."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from commonweal.core.catalog.certificate import read_public_key
from commonweal.core.database import Database
from commonweal.core.domain import Domain
from commonweal.core.errors import CommonwealError, Unavailable, explain
from commonweal.core.settings import Settings
from commonweal.web.access import anyone

routes = APIRouter(tags=["health"])


@routes.get("/health", summary="Whether the server lives")
@anyone
def live() -> dict[str, str]:
    """Answer as long as the process can answer at all."""
    return {"status": "alive"}


@routes.get(
    "/health/ready",
    summary="Whether the server can do its work",
    responses={
        503: {
            "description": "One of the parts is not ready; the answer says which and why.",
            "content": {"application/json": {}},
        }
    },
)
@anyone
def ready(request: Request) -> JSONResponse:
    """Look at the database, the lake and the keys, and say which is not ready."""
    state = request.app.state
    findings = readiness(state.settings, state.database, state.rooms)
    is_ready = all(finding is None for finding in findings.values())
    body: dict[str, Any] = {
        "status": "ready" if is_ready else "not ready",
        "checks": {name: finding or "ready" for name, finding in findings.items()},
    }
    return JSONResponse(body, status_code=200 if is_ready else 503, headers={"cache-control": "no-store"})


def readiness(settings: Settings, database: Database, rooms: Sequence[Domain]) -> dict[str, str | None]:
    """Say of each part what is wrong with it, or None.

    Returns
    -------
    ``database`` (reachable, migrated and protecting the audit log), ``lake`` (readable) and ``keys`` (present).
    """
    checks: dict[str, Callable[[], object]] = {
        "database": lambda: database.check(rooms),
        "lake": lambda: _readable(settings.lake),
        "keys": lambda: read_public_key(settings.keys),
    }
    return {name: _finding(check) for name, check in checks.items()}


def _finding(check: Callable[[], object]) -> str | None:
    try:
        check()
    except CommonwealError as error:
        return str(error)
    except Exception as error:
        return str(explain(error))
    return None


def _readable(folder: Path) -> None:
    if not os.access(folder, os.R_OK | os.X_OK):
        raise Unavailable("the folder of published releases cannot be read", where=folder)
