"""What the server tells those who look after it: counts and durations by route (Prometheus), and a line a request.

Neither holds anything about a person: a request is told by its route (``/catalog/{dataset}``), not by its address, and
not by who asked or from where.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from commonweal.core.audit_head import read as read_head
from commonweal.core.database import Database
from commonweal.core.errors import CommonwealError
from commonweal.core.identity import Permission
from commonweal.core.jobs.models import STATES, Job
from commonweal.core.settings import Settings
from commonweal.web.access import needs

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"
NO_ROUTE = "none"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_log = logging.getLogger("commonweal.requests")
routes = APIRouter(tags=["health"])


def write_requests() -> None:
    """Write the line of each request to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    _log.handlers = [handler]
    _log.propagate = False
    _log.setLevel(logging.INFO)


class Meters:
    """The counts of one application.

    Parameters
    ----------
    settings, database
        Whose installation it is: what stands in the database and the key directory is read when somebody asks.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "commonweal_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "commonweal_request_seconds", "How long answers took.", ["route"], buckets=BUCKETS, registry=self.registry
        )
        self.registry.register(_Installation(settings, database))

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request, and write its line."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)
        if _log.isEnabledFor(logging.INFO):
            said = {"method": method, "route": route, "status": status, "milliseconds": round(1000 * seconds, 1)}
            _log.info(json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds")} | said))


class _Installation(Collector):
    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database

    def collect(self) -> Iterator[Any]:
        jobs = GaugeMetricFamily("commonweal_jobs", "Jobs by state.", labels=["state"])
        with self.database.reading() as session:
            rows = session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
        counted = {row[0]: row[1] for row in rows}
        for state in STATES:
            jobs.add_metric([state], counted.get(state, 0))
        yield jobs
        try:
            head = float(read_head(self.settings.keys).sequence)
        except CommonwealError:
            head = float("nan")
        yield GaugeMetricFamily("commonweal_audit_head", "Entries of the audit log, by its head.", value=head)


class Observed:
    """A layer that measures every request, whatever becomes of it.

    Parameters
    ----------
    app
        The application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})
        status, begun = 500, perf_counter()

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_observed)
        finally:
            meters: Meters = scope["app"].state.meters
            meters.observe(scope["method"], scope["state"].get("route", NO_ROUTE), status, perf_counter() - begun)


@routes.get(
    "/metrics",
    summary="Counts and durations (Prometheus)",
    response_class=Response,
    responses={200: {"description": "In the text format.", "content": {"text/plain": {}}}},
)
@needs(Permission.ADMINISTER)
def metrics(request: Request) -> Response:
    """Give what Prometheus reads; it shows a token of somebody who administers."""
    meters: Meters = request.app.state.meters
    return Response(generate_latest(meters.registry), media_type=CONTENT_TYPE, headers={"cache-control": "no-store"})
