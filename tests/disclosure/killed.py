"""A release in a process of its own that is killed at a point; run by `test_staging`, with the point as argument.

Of two tables with drawn noise; each draw adds a line to the file ``draws`` in the data directory.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa

from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy
from commonweal.core.console import opened
from commonweal.core.database import Database
from commonweal.core.settings import Settings
from commonweal.disclosure.ledger.spending import Loss, Unit
from commonweal.disclosure.releasing import publishing, staged
from commonweal.disclosure.releasing.proposals import Drawn
from commonweal.disclosure.releasing.request import Part, Request


def dataset(name: str) -> Dataset:
    return Dataset(
        name=name, title="", description="", privacy=Privacy.PEOPLE,
        dimensions=(Dimension("area", "area", ""),),
        measures=(Measure("subscribers", "integer", "", "{subscribers}", Kind.SUM, "subscribers"),),
    )  # fmt: skip


def request() -> Request:
    parts = tuple(
        Part(dataset(name), [Input("store sl/2015", "ab" * 32, "store")], {}, code="code 1")
        for name in ("demo.homes", "demo.flows")
    )
    return Request(
        "demo/sl", date(2015, 3, 2), date(2015, 3, 4), "gaussian", {"rho": 0.4}, parts, Loss(Unit.DAY, 0.4, 4.0, 1e-6)
    )


def ask(settings: Settings, database: Database, kill: Callable[[str], None] = lambda at: None) -> None:
    def draw() -> Drawn:
        with (settings.data / "draws").open("a") as file:
            file.write("drawn\n")
        noise = int.from_bytes(os.urandom(2))
        tables = [
            pa.table({"area": ["A"], "subscribers": [1000 + noise], "subscribers_state": ["perturbed"]})
            for name in ("demo.homes", "demo.flows")
        ]
        kill("drawn")
        return Drawn(tables)

    publishing.release(settings, database, request(), draw, who="os:ada")


def main(point: str) -> None:
    def kill(at: str) -> None:
        if at == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def dying(at: str, whole: Callable[..., Any]) -> Callable[..., Any]:
        def part(*said: Any, **named: Any) -> Any:
            made = whole(*said, **named)
            kill(at)
            return made

        return part

    for where, name, at in (
        (staged, "write", "staged"),
        (publishing, "_entered", "entered"),
        (publishing, "_publish", "one published"),
        (publishing, "_recorded_as_published", "recorded"),
    ):
        setattr(where, name, dying(at, getattr(where, name)))
    home = opened()
    ask(home.settings, home.database, kill)


if __name__ == "__main__":
    main(sys.argv[1])
