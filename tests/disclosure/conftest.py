"""What the tests of releasing share: an installation on either database, tables, and a request for their release."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy, with_states
from commonweal.core.console import Home
from commonweal.core.database import Database, connect
from commonweal.core.settings import CONFIG, load
from commonweal.disclosure import Counted, Joint, protect_together
from commonweal.disclosure.ledger.budgets import set_budget
from commonweal.disclosure.ledger.entries import Entry, read
from commonweal.disclosure.ledger.spending import Loss, Unit
from commonweal.disclosure.releasing.earlier import released_before
from commonweal.disclosure.releasing.proposals import Drawn
from commonweal.disclosure.releasing.publishing import Outcome, release
from commonweal.disclosure.releasing.request import Part, Request
from commonweal.disclosure.releasing.standing import grant
from commonweal.domains import initialise

ANALYST, STEWARD = "os:ada", "os:ben"


def counts(name: str) -> Dataset:
    return Dataset(
        name=name,
        title="Counts",
        description="",
        dimensions=(Dimension("area", "area", ""),),
        measures=(Measure("subscribers", "integer", "", "{subscribers}", Kind.SUM, "subscribers"),),
        privacy=Privacy.PEOPLE,
    )


def perturbed(table: pa.Table) -> pa.Table:
    """Say of every count that it is not as it was counted."""
    states = pc.replace_substring(table["subscribers_state"], "reported", "perturbed")
    return table.set_column(table.column_names.index("subscribers_state"), "subscribers_state", states)


class House:
    """An installation, and what is released in it.

    Attributes
    ----------
    draws
        How often noise was drawn.
    """

    def __init__(self, home: Home) -> None:
        self.settings, self.database, self.draws = home.settings, home.database, 0

    def table(self, *values: int | None) -> pa.Table:
        raw = pa.table({"area": ["A", "B", "C"][: len(values)], "subscribers": pa.array(values, pa.int64())})
        states = pa.array([None if value is not None else "suppressed" for value in values], pa.string())
        dataset = counts("demo.homes")
        return with_states(dataset, raw) if states.null_count == len(values) else raw.append_column(
            "subscribers_state", states.fill_null("reported")
        ).select(dataset.columns)  # fmt: skip

    def request(self, *names: str, k: int = 15, people: str = "demo/sl", **other: Any) -> Request:
        store = f"store {people.rpartition('/')[2]}/2015"
        parts = tuple(
            Part(counts(name), [Input(store, "ab" * 32, "store")], {"period": "2015-03"}, code="code 1")
            for name in names or ("demo.homes",)
        )
        said = {
            "people": people,
            "first": date(2015, 3, 2),
            "last": date(2015, 3, 4),
            "rule": "threshold",
            "parameters": {"k": k},
            "parts": parts,
        }
        return Request(**(said | other))

    def spending(self, rho: float, *names: str, unit: Unit = Unit.DAY, **other: Any) -> Request:
        said = {"rule": "gaussian", "parameters": {"rho": rho}, "loss": Loss(unit, rho, 4.0, 1e-6)} | other
        return self.request(*names, **said)

    def draw(self, *tables: pa.Table) -> Callable[[], Drawn]:
        def drawing() -> Drawn:
            self.draws += 1
            # Another table each time, as noise is.
            made = tables or [self.table(100 + self.draws, 200, 300)]
            return Drawn([perturbed(table) for table in made], {"drawn": self.draws})

        return drawing

    def protected(self, request: Request, *tables: pa.Table) -> Joint:
        """Protect tables together, beside what was released before; three people stand behind what is hidden."""
        counted = []
        for part, table in zip(request.parts, tables, strict=True):
            people = table["subscribers"].fill_null(3)
            raw = pa.table({"area": table["area"], "subscribers": people, "people": people})
            counted.append(Counted(part.dataset, raw, raw.select(["area"])))
        before = released_before(self.settings, self.database, request.people, request.first, request.last)
        return protect_together(counted, earlier=before, k=request.parameters["k"])

    def release(self, request: Request | None = None, *tables: pa.Table, who: str = ANALYST, **other: Any) -> Outcome:
        """Protect and release tables, under the rule threshold; with evidence, they are released as they are."""
        request = request or self.request()
        made = tables or (self.table(400, 300, None),) * len(request.parts)
        if "evidence" not in other and request.rule == "threshold":
            joint = self.protected(request, *made)
            made, other = tuple(joint.tables.values()), {"evidence": joint.evidence()}
        return release(self.settings, self.database, request, made, who=who, **other)

    def release_drawn(self, request: Request, who: str = ANALYST) -> Outcome:
        return release(self.settings, self.database, request, self.draw(), who=who)

    def fill(self) -> None:
        """Make a ledger of a budget, a standing approval and two releases."""
        self.budget("demo/sl")
        grant(self.settings, self.database, "threshold", "demo", {"k": 15}, STEWARD, "usual")
        self.release()
        self.release(self.request("demo.flows"))

    def budget(self, people: str) -> None:
        """Let a ρ of 1 a day be spent."""
        set_budget(self.settings, self.database, people, "person-day", 1.0, STEWARD)

    def ledger(self, kind: str = "") -> list[Entry]:
        with self.database.reading() as session:
            return [entry for entry in read(session, self.settings) if kind in ("", entry.kind)]


@pytest.fixture
def house(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """An installation on SQLite, and one on PostgreSQL."""
    monkeypatch.setenv("COMMONWEAL_DATABASE_URL", database.url)
    made = House(initialise(tmp_path / "data", tmp_path / "keys"))
    monkeypatch.delenv("COMMONWEAL_DATABASE_URL")
    yield made
    made.database.close()


def moved(built: Path, folder: Path) -> House:
    """An installation copied to another folder."""
    for name in ("data", "keys"):
        shutil.copytree(built / name, folder / name)
    config = folder / "data" / CONFIG
    config.write_text(config.read_text().replace(str(built / "keys"), str(folder / "keys")))
    settings = load(folder / "data")
    return House(Home(settings, connect(settings)))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installation on SQLite, to be copied."""
    folder = tmp_path_factory.mktemp("built")
    House(initialise(folder / "data", folder / "keys")).database.close()
    return folder


@pytest.fixture(scope="session")
def built_and_filled(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whose ledger has a budget, a standing approval and two releases, to be copied."""
    folder = tmp_path_factory.mktemp("filled")
    made = moved(built, folder)
    made.fill()
    made.database.close()
    return folder


@pytest.fixture
def small_house(built: Path, tmp_path: Path) -> Iterator[House]:
    """An installation on SQLite alone, where the database makes no difference."""
    made = moved(built, tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def filled_house(built_and_filled: Path, tmp_path: Path) -> Iterator[House]:
    """An installation on SQLite with a filled ledger: see `House.fill`."""
    made = moved(built_and_filled, tmp_path)
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def shown_house(built_and_filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The same for all tests of a file, which release nothing in it and change nothing of it."""
    made = moved(built_and_filled, tmp_path_factory.mktemp("shown"))
    yield made
    made.database.close()
