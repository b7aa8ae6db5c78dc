"""What the rooms say they bring is there."""

import pytest

from commonweal.core.catalog import Dataset
from commonweal.core.database import Database
from commonweal.core.domain import job_handlers, load
from commonweal.domains import ROOMS


def _import_strings() -> list[str]:
    found = []
    for room in ROOMS:
        single = (room.commands, room.routes, room.pages, room.tiles, room.prepare, room.files, room.refuse_older)
        single += (room.key_files, room.restore, room.check, room.keep_head)
        found += [string for string in single if string]
        found += [*room.datasets, *room.models, *room.jobs.values()]
    return sorted(set(found))


@pytest.mark.parametrize("string", _import_strings())
def test_every_import_string_of_the_rooms_is_of_something(string: str) -> None:
    assert load(string) is not None


def test_every_kind_of_job_has_a_handler_that_can_be_called() -> None:
    assert job_handlers(ROOMS)
    assert all(callable(load(handler)) for handler in job_handlers(ROOMS).values())


def test_every_dataset_is_declared_under_its_room_s_name() -> None:
    for room in ROOMS:
        for string in room.datasets:
            declared = load(string)
            for dataset in [declared] if isinstance(declared, Dataset) else declared:
                assert dataset.name.startswith(f"{room.name}.")


def test_migrations_make_what_the_models_say_and_can_be_run_again(database: Database) -> None:
    database.check(ROOMS)  # after the upgrade that the fixture ran, on SQLite and on PostgreSQL
    database.upgrade(ROOMS)
    database.check(ROOMS)
