"""The site and the API, assembled from the rooms, and the server that answers on this machine."""

from __future__ import annotations

import errno
import socket
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from commonweal import __version__
from commonweal.core.database import connect
from commonweal.core.domain import load
from commonweal.core.errors import Conflict, explain
from commonweal.core.settings import Settings
from commonweal.domains import ROOMS
from commonweal.web import assets, catalog, health, overview
from commonweal.web.errors import HANDLERS
from commonweal.web.guard import Guard, HeadAsGet, refuse_other_than_loopback

ALREADY_COMPRESSED = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES,
    "application/vnd.apache.parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)


def application(settings: Settings) -> FastAPI:
    """Assemble the ASGI application of a data directory.

    Every room's routes and pages are loaded from the import strings in `commonweal.domains`.

    Parameters
    ----------
    settings
        Of the data directory it serves.
    """
    app = FastAPI(
        title="Commonweal",
        summary="Published datasets that carry their provenance and cannot expose a person.",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        exception_handlers=HANDLERS,
        middleware=[
            Middleware(Guard),
            Middleware(HeadAsGet),
            Middleware(GZipMiddleware, compresslevel=6, exclude_content_types=ALREADY_COMPRESSED),
        ],
    )
    app.state.settings = settings
    app.state.database = connect(settings)
    app.state.rooms = ROOMS
    app.state.tiles = {room.name: load(room.tiles) for room in ROOMS if room.tiles}
    for part in (health.routes, overview.routes, catalog.routes, assets.routes):
        _add(app, part)
    for room in ROOMS:
        for named in (room.routes, room.pages):
            if named:
                _add(app, load(named))
    return app


def _add(app: FastAPI, part: Any) -> None:
    if isinstance(part, APIRouter):
        app.include_router(part)
    else:
        app.router.routes.extend(part)


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    settings
        Of the data directory to serve.
    host
        ``127.0.0.1``, ``::1`` or ``localhost``.
    port
        TCP port; 0 takes a free one.

    Raises
    ------
    Refused
        Another machine could reach the address, and there is no sign-in yet.
    Conflict
        Another program listens there.
    """
    refuse_other_than_loopback(host)
    listening = _listen(host.strip("[]"), port)
    import uvicorn

    app = application(settings)
    place = listening.getsockname()
    name = f"[{place[0]}]" if ":" in place[0] else place[0]
    print(f"serving {settings.data} at http://{name}:{place[1]}/  (stop with Ctrl+C)", flush=True)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, proxy_headers=False, ws="none", lifespan="off"
    )
    server = uvicorn.Server(config)
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        print("stopped")
    finally:
        listening.close()
        app.state.database.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"port {port} is in use", where=host, expected="another --port, or the other program stopped"
            ) from error
        raise explain(error, f"{host} port {port}") from error
    return listening
