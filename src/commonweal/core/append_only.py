"""Tables that are only ever added to: the triggers that refuse all else, which are not in force, putting them back.

Whoever owns the database can drop, disable or replace them; a chain of hashes and its head prove the rows all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import Connection

from commonweal.core.errors import Unavailable


@dataclass(frozen=True)
class AppendOnly:
    """A table whose rows are never changed or removed, numbered by a column ``sequence``.

    Parameters
    ----------
    table
        Its name.
    title
        What people call it.
    verify
        The command that proves its rows.
    """

    table: str
    title: str
    verify: str

    def missing(self, connection: Connection) -> list[str]:
        """Give the triggers that are not in force as they were made: dropped, disabled, or others under their names."""
        if connection.dialect.name == "sqlite":
            wanted = self._sqlite
            rows = connection.exec_driver_sql(
                f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{self.table}'"
            )
            there = {name for name, sql in rows if sql == wanted.get(name)}
            return sorted(wanted.keys() - there)
        rows = connection.exec_driver_sql(
            "SELECT tgname, tgtype, prosrc FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
            f"WHERE tgrelid = '{self.table}'::regclass AND tgenabled IN ('O', 'A') "
            "AND tgqual IS NULL AND cardinality(tgattr::int2[]) = 0"
        )
        there = {name for name, type_, source in rows if type_ == self._types.get(name) and source == self._body}
        return sorted(self._postgresql.keys() - there)

    def check(self, connection: Connection) -> None:
        """Do nothing if all are in force.

        Raises
        ------
        Unavailable
            With those that are not.
        """
        if gone := self.missing(connection):
            raise Unavailable(
                f"{self.title} can be changed, triggers are not in force: {', '.join(gone)}",
                where="database",
                expected=f"run: {self.verify}, then: commonweal db upgrade",
            )

    def restore(self, connection: Connection) -> list[str]:
        """Make those that are not in force anew; give which."""
        gone = self.missing(connection)
        on_sqlite = connection.dialect.name == "sqlite"
        if gone and not on_sqlite:
            connection.exec_driver_sql(
                f"CREATE OR REPLACE FUNCTION {self._function}() RETURNS trigger LANGUAGE plpgsql AS $${self._body}$$"
            )
        for name in gone:
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}{'' if on_sqlite else f' ON {self.table}'}")
            connection.exec_driver_sql((self._sqlite if on_sqlite else self._postgresql)[name])
        return gone

    @property
    def _refusal(self) -> str:
        return f"{self.title} is append-only"

    @property
    def _sqlite(self) -> dict[str, str]:
        table = self.table
        abort = f"BEGIN SELECT RAISE(ABORT, '{self._refusal}'); END"
        return {
            f"{table}_no_update": f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {abort}",
            f"{table}_no_delete": f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {abort}",
            # INSERT OR REPLACE deletes without firing the trigger on DELETE.
            f"{table}_no_replace": f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE sequence = NEW.sequence) {abort}",
        }

    @property
    def _function(self) -> str:
        return f"{self.table}_refuse"

    @property
    def _body(self) -> str:
        return f" BEGIN RAISE EXCEPTION '{self._refusal}'; END "

    @property
    def _postgresql(self) -> dict[str, str]:
        table = self.table
        return {
            f"{table}_no_change": f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {self._function}()",
            f"{table}_no_truncate": f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {self._function}()",
        }

    @property
    def _types(self) -> dict[str, int]:
        # The bits of pg_trigger.tgtype: each row 1, before 2, delete 8, update 16, truncate 32.
        return {f"{self.table}_no_change": 1 | 2 | 8 | 16, f"{self.table}_no_truncate": 2 | 32}
