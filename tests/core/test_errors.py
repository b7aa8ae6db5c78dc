"""One hierarchy of errors, said the same everywhere."""

import errno
import pickle
import sqlite3

import pytest

from commonweal.core.errors import (
    KINDS,
    CommonwealError,
    Conflict,
    Damaged,
    InputError,
    NotFound,
    Unavailable,
    explain,
    problem,
)


def test_an_error_is_one_line_that_says_where_what_and_what_would_be_right() -> None:
    error = InputError("the latitude\nis 97.2", where="cells.csv, line 4", expected="-90 to 90")
    assert str(error) == "cells.csv, line 4: the latitude is 97.2 (expected: -90 to 90)"


def test_kinds_have_their_own_exit_code_and_status() -> None:
    codes = [kind.exit_code for kind in KINDS.values()]
    assert len(set(codes)) == len(codes)
    assert 0 not in codes
    assert all(400 <= kind.status < 600 for kind in KINDS.values())


@pytest.mark.parametrize("kind", KINDS.values())
def test_errors_survive_being_sent_to_another_process(kind: type[CommonwealError]) -> None:
    sent = pickle.loads(pickle.dumps(kind("what", where="where", expected="this")))
    assert type(sent) is kind
    assert str(sent) == "where: what (expected: this)"


def test_a_problem_has_the_fields_of_rfc_9457() -> None:
    said = problem(NotFound("no such thing"), instance="/catalog/x")
    assert said == {
        "type": "urn:commonweal:problem:NotFound",
        "title": "Not found",
        "status": 404,
        "detail": "no such thing",
        "instance": "/catalog/x",
    }


@pytest.mark.parametrize(
    ("raised", "kind", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), Unavailable, "disk is full"),
        (OSError(errno.EROFS, "Read-only file system"), Unavailable, "read-only"),
        (PermissionError(errno.EACCES, "Permission denied"), Unavailable, "permission denied"),
        (sqlite3.OperationalError("database or disk is full"), Unavailable, "disk is full"),
        (sqlite3.OperationalError("attempt to write a readonly database"), Unavailable, "cannot be written"),
        (sqlite3.OperationalError("database is locked"), Conflict, "another process"),
        (sqlite3.DatabaseError("database disk image is malformed"), Damaged, "damaged"),
        (sqlite3.OperationalError("no such table: audit_entry"), Unavailable, "commonweal db upgrade"),
        (MemoryError(), Unavailable, "memory"),
    ],
)
def test_errors_of_the_system_are_explained(raised: Exception, kind: type[CommonwealError], says: str) -> None:
    shown = explain(raised, "somewhere")
    assert type(shown) is kind
    assert says in str(shown)


def test_an_unknown_error_is_not_quoted() -> None:
    assert "23276123456" not in str(explain(ValueError("cannot parse 23276123456")))
