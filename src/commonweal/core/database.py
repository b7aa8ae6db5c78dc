"""Records: SQLAlchemy 2 on SQLite (the embedded default) or PostgreSQL, by URL.

One set of models serves both. Each room brings its own Alembic branch; `upgrade` runs them all, `check` says
whether the database, the migrations and the models agree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Dialect, Engine, MetaData, TypeDecorator, create_engine, event, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import DeclarativeBase, Session

from commonweal.core.domain import Domain, load
from commonweal.core.errors import InputError, Unavailable, explain
from commonweal.core.settings import Settings


class Base(DeclarativeBase):
    """What every stored record derives from; the naming convention lets both databases be migrated alike."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored in UTC; a naive one is refused rather than guessed."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn to UTC on the way in."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite gives naive times back; they are UTC."""
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """A connection pool to the records.

    Parameters
    ----------
    url
        ``sqlite:///PATH`` or ``postgresql://USER@HOST/NAME``.
    keys
        The key directory, where the head of the audit log follows every commit; without it, it follows none.

    Raises
    ------
    InputError
        The URL is not one of these.
    """

    def __init__(self, url: str, *, keys: Path | None = None) -> None:
        self.url = url
        self.keys = keys
        self.engine = _engine(url)
        # PostgreSQL would otherwise look anew for each query.
        one_moment = {} if self.engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        self._reading = self.engine.execution_options(commonweal_reading=True, **one_moment)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a session that commits at the end, or rolls back everything on an error.

        On SQLite it takes the write lock at once (``BEGIN IMMEDIATE``), so two writers queue instead of failing.
        """
        known = {"database": self}
        with (
            _explained(self.url),
            Session(self.engine, expire_on_commit=False, info=known) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that sees one moment and never waits for writers."""
        with _explained(self.url), Session(self._reading, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    def size(self) -> int:
        """Give how many bytes the records take."""
        if self.engine.dialect.name == "postgresql":
            asked = "SELECT pg_database_size(current_database())"
        else:
            asked = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        with self.reading() as session:
            return int(session.scalar(text(asked)) or 0)

    def upgrade(self, domains: Sequence[Domain]) -> list[str]:
        """Bring the database to the newest version of every room's migrations, and put back what guards its records.

        Returns
        -------
        list of str
            What was not in force, such as a trigger that somebody had dropped.
        """
        with self.transaction() as session:
            migrate(session.connection(), domains)
            return [name for domain in domains if domain.restore for name in load(domain.restore)(session)]

    def check(self, domains: Sequence[Domain]) -> None:
        """Say whether the database stands at the newest migrations, equals the models and guards what it must.

        Raises
        ------
        Unavailable
            With the first difference, and what to run.
        """
        from alembic.autogenerate import compare_metadata
        from alembic.runtime.migration import MigrationContext

        load_models(domains)
        with _explained(self.url), self._reading.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            behind = set(_scripts(domains).get_heads()) - set(context.get_current_heads())
            if behind:
                raise Unavailable(
                    f"migrations not yet run: {', '.join(sorted(behind))}",
                    where="database",
                    expected="run: commonweal db upgrade",
                )
            differences = compare_metadata(context, Base.metadata)
            if differences:
                raise Unavailable(
                    f"{len(differences)} differences between models and tables, first: {differences[0]}",
                    where="database",
                )
            for domain in domains:
                if domain.check:
                    load(domain.check)(connection)


def take_turns(session: Session, about: bytes) -> None:
    """Make transactions about one thing wait for one another, until the end of each.

    Parameters
    ----------
    about
        Four bytes that stand for the thing, such as ``b"audi"``.
    """
    # SQLite's transaction is the only writer already (BEGIN IMMEDIATE).
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:about)"), {"about": int.from_bytes(about)})


def connect(settings: Settings) -> Database:
    """Open the records that the settings name."""
    return Database(settings.database_url, keys=settings.keys)


def load_models(domains: Sequence[Domain]) -> None:
    """Import every room's models, so that `Base.metadata` is whole."""
    for domain in domains:
        for module in domain.models:
            import_module(module)


@contextmanager
def _explained(url: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise explain(error.orig or error, where=make_url(url).render_as_string(hide_password=True)) from error


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise ArgumentError(parsed.get_backend_name())
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() == "postgresql")
    except (ArgumentError, NoSuchModuleError):
        raise InputError(
            "the database URL is not one", expected="sqlite:///PATH or postgresql://USER@HOST/NAME"
        ) from None
    except ModuleNotFoundError:
        raise Unavailable("PostgreSQL needs its driver", expected="pip install 'commonweal[postgres]'") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions behind our back
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("commonweal_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _folders(domains: Sequence[Domain]) -> list[str]:
    folders = dict.fromkeys(domain.migrations for domain in domains if domain.migrations)
    found = []
    for folder in folders:
        package, _, name = folder.partition(":")
        root = import_module(package).__file__
        assert root is not None
        found.append(str(Path(root).parent / name))
    return found


def _scripts(domains: Sequence[Domain]) -> Any:
    from alembic.script import ScriptDirectory

    folders = _folders(domains)
    return ScriptDirectory(folders[0], version_locations=folders)


def migrate(connection: Connection, domains: Sequence[Domain], to: Collection[str] | None = None) -> None:
    """Bring a database to the newest version, or to that of these revisions, within the caller's transaction.

    Raises
    ------
    Unavailable
        There is no such revision.
    """
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    scripts = _scripts(domains)
    if not set(to or ()) <= {script.revision for script in scripts.walk_revisions()}:
        raise Unavailable(
            "this version of Commonweal does not know the database's", where="database", expected="a newer one"
        )
    heads = "heads" if to is None else tuple(to)
    with EnvironmentContext(
        Config(), scripts, fn=lambda revision, _: scripts._upgrade_revs(heads, revision)
    ) as context:
        context.configure(connection=connection, target_metadata=Base.metadata)
        context.run_migrations()


def revisions(connection: Connection) -> tuple[str, ...]:
    """Give the revisions that a database stands at, one for each room's branch."""
    from alembic.runtime.migration import MigrationContext

    return tuple(sorted(MigrationContext.configure(connection).get_current_heads()))
