"""The audit log is append-only, and it is noticed and mended when it no longer is, on both databases."""

import pytest
from sqlalchemy import select, text

from commonweal.core import audit
from commonweal.core.database import Database
from commonweal.core.errors import CommonwealError, Unavailable
from commonweal.domains import ROOMS

SQLITE = {
    **{
        f"{name} dropped": (name, [f"DROP TRIGGER {name}"])
        for name in ("audit_entry_no_update", "audit_entry_no_delete", "audit_entry_no_replace")
    },
    "another under its name": (
        "audit_entry_no_update",
        [
            "DROP TRIGGER audit_entry_no_update",
            "CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry BEGIN SELECT 1; END",
        ],
    ),
}
HARMLESS = "CREATE OR REPLACE FUNCTION harmless() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$"
POSTGRESQL = {
    **{
        f"{name} dropped": (name, [f"DROP TRIGGER {name} ON audit_entry"])
        for name in ("audit_entry_no_change", "audit_entry_no_truncate")
    },
    "one disabled": ("audit_entry_no_change", ["ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_no_change"]),
    "all disabled": (
        "audit_entry_no_change, audit_entry_no_truncate",
        ["ALTER TABLE audit_entry DISABLE TRIGGER ALL"],
    ),
    "only for replicas": (
        "audit_entry_no_truncate",
        ["ALTER TABLE audit_entry ENABLE REPLICA TRIGGER audit_entry_no_truncate"],
    ),
    "the function emptied": (
        "audit_entry_no_change, audit_entry_no_truncate",
        [HARMLESS.replace("harmless", "audit_entry_refuse")],
    ),
    "the function dropped": (
        "audit_entry_no_change, audit_entry_no_truncate",
        ["DROP FUNCTION audit_entry_refuse CASCADE"],
    ),
    "another function": (
        "audit_entry_no_change",
        [
            HARMLESS,
            "CREATE OR REPLACE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE ON audit_entry "
            "FOR EACH ROW EXECUTE FUNCTION harmless()",
        ],
    ),
    "only some changes": (
        "audit_entry_no_change",
        [
            "CREATE OR REPLACE TRIGGER audit_entry_no_change BEFORE UPDATE ON audit_entry "
            "FOR EACH ROW EXECUTE FUNCTION audit_entry_refuse()",
        ],
    ),
    "only some columns": (
        "audit_entry_no_change",
        [
            "CREATE OR REPLACE TRIGGER audit_entry_no_change BEFORE DELETE OR UPDATE OF why ON audit_entry "
            "FOR EACH ROW EXECUTE FUNCTION audit_entry_refuse()",
        ],
    ),
    "only some rows": (
        "audit_entry_no_change",
        [
            "CREATE OR REPLACE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE ON audit_entry "
            "FOR EACH ROW WHEN (OLD.sequence < 1) EXECUTE FUNCTION audit_entry_refuse()",
        ],
    ),
}
CHANGES = {
    "sqlite": [
        "UPDATE audit_entry SET who = 'os:nobody'",
        "DELETE FROM audit_entry",
        "INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry",
    ],
    "postgresql": [
        "UPDATE audit_entry SET who = 'os:nobody'",
        "UPDATE audit_entry SET why = 'none'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
    ],
}


def run(database: Database, *statements: str) -> None:
    with database.transaction() as session:
        for statement in statements:
            session.execute(text(statement))


def written(database: Database) -> list[tuple[str, dict[str, object]]]:
    with database.reading() as session:
        entries = session.scalars(select(audit.AuditEntry).order_by(audit.AuditEntry.sequence))
        return [(entry.action, entry.details) for entry in entries]


@pytest.mark.parametrize(
    ("database", "how"),
    [*(("sqlite", how) for how in SQLITE), *(("postgresql", how) for how in POSTGRESQL)],
    indirect=["database"],
)
def test_a_protection_that_is_not_in_force_is_named_and_comes_back_with_an_upgrade(
    database: Database, how: str
) -> None:
    with database.transaction() as session:
        audit.record(session, who="os:clerk", action="areas.import", what="districts")
    database.check(ROOMS)
    named, statements = (SQLITE | POSTGRESQL)[how]
    run(database, *statements)
    with pytest.raises(Unavailable, match=f"not in force: {named} .*audit verify, then: commonweal db upgrade"):
        database.check(ROOMS)

    assert database.upgrade(ROOMS) == named.split(", ")
    database.check(ROOMS)
    for change in CHANGES[database.engine.dialect.name]:
        with pytest.raises(CommonwealError):
            run(database, change)
    assert written(database) == [("areas.import", {}), ("audit.protect", {"triggers": named.split(", ")})]


def test_an_upgrade_of_a_protected_log_adds_no_entry(database: Database) -> None:
    assert database.upgrade(ROOMS) == []
    assert written(database) == []
