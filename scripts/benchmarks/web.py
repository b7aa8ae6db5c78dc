"""How many requests a second the site answers, as a ratio to a bare Starlette template page in the same run.

Both are served by two uvicorn workers on one machine and asked by the same client, in turns; the client takes part of
the machine's time from both. The pages show presence of 63 areas over 24 hours, protected and published for real.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer
import uvicorn
from jinja2 import DictLoader, Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from uvicorn.supervisors import Multiprocess

from commonweal import disclosure
from commonweal.core.areas import load
from commonweal.core.catalog import Dataset, Input
from commonweal.core.console import Home
from commonweal.core.periods import Calendar
from commonweal.disclosure.releasing.publishing import approve
from commonweal.domains import initialise
from commonweal.mobility.measures import flows, presence
from commonweal.server import application

AREA_SET = "natural-earth:GN,LR,SN"
AREAS = 63
DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)
K = 15
PARAMETERS: dict[str, Any] = {"project": "bench", "time_zone": "Africa/Conakry", "day_starts": "00:00", "k": K}
WORKERS = 2
CONNECTIONS = 8
PAGES = {
    "overview": "/",
    "map": "/mobility/presence?start=2026-03-01T14:00Z&layer=flows",
    "table": "/mobility/presence/figures/map.csv?start=2026-03-01T14:00Z",
    "data": "/mobility/presence.json?start=2026-03-01T14:00Z",
    "flow map": "/mobility/flows",
}
AIM = 50.0
"""Milliseconds that the median of a page may take."""


@dataclass(frozen=True)
class Measured:
    """What came out for one address."""

    rate: float
    median: float
    size: int


def main(
    seconds: Annotated[float, typer.Option(help="How long each address is asked.")] = 5.0, rounds: int = 2
) -> None:
    """Print requests a second, median times and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        home = published(Path(folder))
        with _serving(_bare) as bare, _serving(partial(application, home.settings)) as site:
            asked = {"a bare template page": (bare, "/"), **{name: (site, path) for name, path in PAGES.items()}}
            found: dict[str, list[Measured]] = {name: [] for name in asked}
            for _ in range(rounds):
                for name, (port, path) in asked.items():
                    found[name].append(asyncio.run(_measure(port, path, seconds)))
        home.database.close()
    best = {name: max(measured, key=lambda one: one.rate) for name, measured in found.items()}
    base = best["a bare template page"].rate
    print(
        f"{AREAS} areas × 24 h; {WORKERS} workers, {CONNECTIONS} connections, best of {rounds} rounds of {seconds:g} s"
    )
    print(f"{'page':<24}{'requests/s':>12}{'of the bare':>13}{'median, ms':>12}{'KB sent':>10}")
    for name, one in best.items():
        print(f"{name:<24}{one.rate:>12,.0f}{one.rate / base:>13.3f}{one.median:>12.1f}{one.size / 1024:>10.1f}")
    slow = [name for name, one in best.items() if one.median > AIM]
    print(
        f"aim: median of at most {AIM:g} ms, one request at a time: {'missed by ' + ', '.join(slow) if slow else 'met'}"
    )


def published(folder: Path) -> Home:
    home = initialise(folder / "data", folder / "keys")
    home = Home(home.settings.model_copy(update={"open_reading": True}), home.database)
    codes = load(home.database, AREA_SET).codes
    assert len(codes) == AREAS, f"{AREA_SET} has {len(codes)} areas"
    calendar, rows = Calendar("Africa/Conakry"), []
    for unit in ("hour", "day"):
        for start in calendar.edges(DAY, NEXT, unit)[:-1].tolist():
            for place, code in enumerate(codes):
                people = (place * place * 7 + 20) * (6 + start // 3600 % 24) // 12
                rows.append((code, unit, datetime.fromtimestamp(start, UTC), people, people))
    _publish(home, presence.DATASET, rows, ("area", "period", "start", "subscribers", "people"))
    start = datetime.fromtimestamp(int(calendar.edges(DAY, NEXT, "day")[0]), UTC)
    pairs = [
        (origin, destination, start, 400 // (1 + abs(place - other)), 400 // (1 + abs(place - other)))
        for place, origin in enumerate(codes)
        for other, destination in enumerate(codes)
        if origin != destination
    ]
    _publish(home, flows.DATASET, pairs, ("origin", "destination", "start", "subscribers", "people"))
    return home


def _publish(home: Home, dataset: Dataset, rows: list[tuple[Any, ...]], names: tuple[str, ...]) -> None:
    raw = pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    raw = raw.set_column(2, "start", raw["start"].cast(pa.timestamp("us", tz="UTC")))
    part = disclosure.Part(dataset, [Input("store bench", "ab" * 32, "store")], PARAMETERS, AREA_SET)
    request = disclosure.Request("mobility/bench", DAY, NEXT, disclosure.THRESHOLD, {"k": K}, (part,))
    joint = disclosure.protect_together(
        [disclosure.Counted(dataset, raw, raw.select(dataset.key))],
        earlier=disclosure.released_before(home.settings, home.database, request.people, DAY, NEXT),
        k=K,
    )
    outcome = disclosure.release(
        home.settings, home.database, request, list(joint.tables.values()), evidence=joint.evidence(), who="bench"
    )
    approve(home.settings, home.database, outcome.proposal.id, "steward")


TEMPLATE = "<!doctype html><title>{{ title }}</title><ul>{% for row in rows %}<li>{{ row }}</li>{% endfor %}</ul>"


def _bare() -> Starlette:
    """Make the page that everything is compared with: a template, a list of as many rows as there are areas."""
    environment = Environment(loader=DictLoader({"page": TEMPLATE}), autoescape=True)

    def page(request: Request) -> HTMLResponse:
        return HTMLResponse(environment.get_template("page").render(title="Bare", rows=range(AREAS)))

    return Starlette(routes=[Route("/", page)])


@contextmanager
def _serving(factory: Any) -> Iterator[int]:
    """Serve an application with two workers; give the port."""
    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    process = get_context("spawn").Process(target=_serve, args=(factory, listening))
    process.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        process.terminate()
        process.join()
        listening.close()


def _serve(factory: Any, listening: socket.socket) -> None:
    config = uvicorn.Config(
        factory, factory=True, workers=WORKERS, log_level="warning", access_log=False, ws="none", lifespan="off"
    )
    Multiprocess(config, sockets=[listening]).run()


async def _measure(port: int, path: str, seconds: float) -> Measured:
    """Ask for an address: first by one connection for the median, then by several for the rate."""
    await _ask(port, path, time.perf_counter() + 1.0)
    alone, size = await _ask(port, path, time.perf_counter() + seconds / 2)
    until = time.perf_counter() + seconds
    begun = time.perf_counter()
    answers = await asyncio.gather(*(_ask(port, path, until) for _ in range(CONNECTIONS)))
    took = time.perf_counter() - begun
    return Measured(sum(len(times) for times, _ in answers) / took, 1000 * statistics.median(alone), size)


async def _ask(port: int, path: str, until: float) -> tuple[list[float], int]:
    """Ask over one connection, one request after another; give how long each took, and what one answer weighs."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\n\r\n".encode()
    times, size = [], 0
    while time.perf_counter() < until:
        begun = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"{path} answered {head.splitlines()[0].decode()}")
        size = await _body(reader, head.lower())
        times.append(time.perf_counter() - begun)
    writer.close()
    return times, size


async def _body(reader: asyncio.StreamReader, head: bytes) -> int:
    for line in head.splitlines():
        if line.startswith(b"content-length:"):
            return len(await reader.readexactly(int(line.partition(b":")[2])))
    size = 0
    while chunk := int((await reader.readline()).strip(), 16):
        size += len(await reader.readexactly(chunk))
        await reader.readline()
    await reader.readline()
    return size


if __name__ == "__main__":
    typer.run(main)
