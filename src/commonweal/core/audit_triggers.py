"""The triggers that keep the audit log append-only: what they are, which are not in force, and putting them back.

Whoever owns the database can drop, disable or replace them; the log's chain and its head prove it all the same.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from commonweal.core.errors import Unavailable

REFUSAL = "the audit log is append-only"
_ABORT = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
_SQLITE = {
    "audit_entry_no_update": f"CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry {_ABORT}",
    "audit_entry_no_delete": f"CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry {_ABORT}",
    # INSERT OR REPLACE deletes without firing the trigger on DELETE.
    "audit_entry_no_replace": "CREATE TRIGGER audit_entry_no_replace BEFORE INSERT ON audit_entry "
    f"WHEN EXISTS (SELECT 1 FROM audit_entry WHERE sequence = NEW.sequence) {_ABORT}",
}
_BODY = f" BEGIN RAISE EXCEPTION '{REFUSAL}'; END "
_FUNCTION = f"CREATE OR REPLACE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $${_BODY}$$"
_POSTGRESQL = {
    "audit_entry_no_change": "CREATE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE ON audit_entry "
    "FOR EACH ROW EXECUTE FUNCTION audit_entry_refuse()",
    "audit_entry_no_truncate": "CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse()",
}
# The bits of pg_trigger.tgtype: each row 1, before 2, delete 8, update 16, truncate 32.
_TYPES = {"audit_entry_no_change": 1 | 2 | 8 | 16, "audit_entry_no_truncate": 2 | 32}


def missing(connection: Connection) -> list[str]:
    """Give the triggers that are not in force as they were made: dropped, disabled, or others under their names."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entry'"
        )
        there = {name for name, sql in rows if sql == _SQLITE.get(name)}
        return sorted(_SQLITE.keys() - there)
    rows = connection.exec_driver_sql(
        "SELECT tgname, tgtype, prosrc FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
        "WHERE tgrelid = 'audit_entry'::regclass AND tgenabled IN ('O', 'A') "
        "AND tgqual IS NULL AND cardinality(tgattr::int2[]) = 0"
    )
    there = {name for name, type_, source in rows if type_ == _TYPES.get(name) and source == _BODY}
    return sorted(_POSTGRESQL.keys() - there)


def check(connection: Connection) -> None:
    """Do nothing if all are in force.

    Raises
    ------
    Unavailable
        With those that are not.
    """
    if gone := missing(connection):
        raise Unavailable(
            f"the audit log can be changed, triggers are not in force: {', '.join(gone)}",
            where="database",
            expected="run: commonweal audit verify, then: commonweal db upgrade",
        )


def restore(connection: Connection) -> list[str]:
    """Make those that are not in force anew; give which."""
    gone = missing(connection)
    on_sqlite = connection.dialect.name == "sqlite"
    if gone and not on_sqlite:
        connection.exec_driver_sql(_FUNCTION)
    for name in gone:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}{'' if on_sqlite else ' ON audit_entry'}")
        connection.exec_driver_sql((_SQLITE if on_sqlite else _POSTGRESQL)[name])
    return gone
