"""The site and the API, assembled from the rooms, and the server that answers on this machine."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.routing import Route

from commonweal import __version__
from commonweal.core.database import connect
from commonweal.core.domain import job_handlers, load
from commonweal.core.errors import Conflict, explain
from commonweal.core.identity import signing_in, single_sign_on
from commonweal.core.identity.looks import Looks
from commonweal.core.jobs.background import Background
from commonweal.core.settings import Settings
from commonweal.domains import ROOMS
from commonweal.web import (
    access,
    administration,
    assets,
    catalog,
    choosing_language,
    describing,
    documentation,
    health,
    jobs,
    observing,
    overview,
    sign_in,
)
from commonweal.web.administration.storage import Storage
from commonweal.web.choosing_language import InTheirLanguage
from commonweal.web.errors import HANDLERS
from commonweal.web.event_stream import Streams
from commonweal.web.guard import Guard, HeadAsGet, refuse_in_the_clear

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
        description=describing.DESCRIPTION,
        servers=[{"url": "/", "description": "This installation."}],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        exception_handlers=HANDLERS,
        middleware=[
            Middleware(observing.Observed),
            Middleware(InTheirLanguage),
            Middleware(Guard, address=settings.address),
            Middleware(describing.Versioned),
            Middleware(HeadAsGet),
            Middleware(GZipMiddleware, compresslevel=6, exclude_content_types=ALREADY_COMPRESSED),
        ],
    )
    app.state.settings = settings
    app.state.provider = single_sign_on.configured(settings)
    app.state.database = connect(settings)
    app.state.looks = Looks(app.state.database, settings.look_days)
    app.state.rooms = ROOMS
    app.state.streams = Streams()
    # Apart, so that whoever only looks at the overview takes no place from those who follow work.
    app.state.news = Streams()
    app.state.tiles = {room.name: load(room.tiles) for room in ROOMS if room.tiles}
    app.state.behind = [load(room.behind) for room in ROOMS if room.behind]
    app.state.storage = Storage(settings)
    app.state.meters = observing.Meters(settings, app.state.database)
    for part in (health, observing, overview, catalog, jobs, assets, sign_in, choosing_language, administration):
        _add(app, part.routes, "")
    _add(app, describing.routes, "")
    _add(app, documentation.routes, "")
    for room in ROOMS:
        for named in (room.routes, room.pages):
            if named:
                _add(app, load(named), room.name)
    return app


def _add(app: FastAPI, part: APIRouter | Sequence[Route], domain: str) -> None:
    """Add a room's routes, each behind a gate that opens to whom the route says."""
    routes: Sequence[Any] = part.routes if isinstance(part, APIRouter) else part
    app.router.routes.extend(access.guarded(route, domain) for route in routes)


def serve(settings: Settings) -> None:
    """Serve until interrupted, and run queued jobs meanwhile unless the settings say otherwise.

    Parameters
    ----------
    settings
        Of the data directory to serve, and where to listen; port 0 takes a free one.

    Raises
    ------
    Refused
        Another machine could reach the address, and what is said on the way would not be secret.
    Conflict
        Another program listens there.
    """
    refuse_in_the_clear(settings)
    listening = _listen(settings.host.strip("[]"), settings.port)
    import uvicorn

    from commonweal.web.http_server import HttpServer

    settings = settings.served(port=listening.getsockname()[1])
    app = application(settings)
    if settings.request_log:
        observing.write_requests()
    print(f"serving {settings.data} at {settings.address}/  (stop with Ctrl+C)", flush=True)
    if offered := signing_in.offer_first_link(app.state.database):
        print(f"become the first administrator, by this link once: {settings.address}/welcome/{offered}", flush=True)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxy),
        forwarded_allow_ips=settings.proxy or None,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        ws="none",
        lifespan="off",
    )
    background = Background(settings, job_handlers(ROOMS))

    def end() -> None:
        app.state.streams.close()
        app.state.news.close()
        background.ask_to_stop()

    try:
        if settings.worker:
            background.start()
        HttpServer(config, end).run(sockets=[listening])
    except KeyboardInterrupt:
        pass
    finally:
        listening.close()
        background.stop()
        app.state.database.close()
    print("stopped")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small parts at once only on sockets that say they are TCP; else each answer may wait 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
