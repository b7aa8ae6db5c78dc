"""Who may follow and run which job: by domain, and by the areas that the work concerns."""

from typing import Any

import pytest

from commonweal.core.database import Database
from commonweal.core.domain import Domain
from commonweal.core.errors import NotSignedIn, Refused
from commonweal.core.identity import Grant, Permission, Role
from commonweal.core.identity.visitor import NOBODY, Visitor
from commonweal.core.jobs import service
from commonweal.core.jobs.rights import Rights


def area_by_name(_database: Database) -> Any:
    """The area set of a project is its name."""
    return lambda parameters: parameters.get("project", "")


ROOMS = (
    Domain(name="walks", title="Walks", summary="", areas_of_jobs=f"{__name__}:area_by_name"),
    Domain(name="talks", title="Talks", summary=""),
)


@pytest.fixture
def jobs(database: Database) -> list[int]:
    """Seven jobs: of two domains, two area sets, and of no domain that there is."""
    asked = [
        ("walks.import", {"project": "north"}),
        ("walks.import", {"project": "south"}),
        ("walks.run", {"project": "north"}),
        ("walks.run", {}),
        ("talks.send", {}),
        ("elsewhere.go", {}),
        ("walks.run", {"project": "south"}),
    ]
    return [service.submit(database, kind, parameters, "os:clerk") for kind, parameters in asked]


def rights(database: Database, *grants: Grant, only: Any = None) -> Rights:
    return Rights(database, ROOMS, Visitor(1, "Ada", grants, only))


def followed(database: Database, *grants: Grant, **asked: Any) -> list[int]:
    return [job.id for job in rights(database, *grants).followed(50, **asked)]


@pytest.mark.parametrize(
    ("grants", "seen"),
    [
        ([Grant(Role.ANALYST)], [7, 6, 5, 4, 3, 2, 1]),
        ([Grant(Role.STEWARD, "walks")], [7, 4, 3, 2, 1]),
        ([Grant(Role.ANALYST, "talks")], [5]),
        ([Grant(Role.ANALYST, "walks", "north")], [3, 1]),
        ([Grant(Role.ANALYST, "walks", "north"), Grant(Role.AUTHOR, "talks")], [5, 3, 1]),
        ([Grant(Role.VIEWER)], []),
        ([], []),
    ],
)
def test_somebody_follows_the_work_of_their_domains_and_areas_the_newest_first(database, jobs, grants, seen):
    assert followed(database, *grants) == [jobs[number - 1] for number in seen]


def test_what_somebody_follows_is_paged_without_what_they_do_not_see(database, jobs):
    held = rights(database, Grant(Role.ANALYST, "walks", "south"), Grant(Role.ANALYST, "talks"))
    pages = [[job.id for job in held.followed(2, skipped)] for skipped in (0, 2, 4)]
    assert pages == [[jobs[6], jobs[4]], [jobs[1]], []]


def test_what_somebody_follows_is_narrowed_to_kinds_and_to_what_it_is_about(database, jobs):
    everything = Grant(Role.ANALYST)
    assert followed(database, everything, kinds=["walks.import"]) == [jobs[1], jobs[0]]
    assert followed(database, everything, about={"project": "north"}) == [jobs[2], jobs[0]]


def test_a_right_to_follow_is_none_to_run(database, jobs):
    north, nowhere = service.get(database, jobs[0]), service.get(database, jobs[3])
    for role, may_run in ((Role.ANALYST, True), (Role.STEWARD, False), (Role.ADMINISTRATOR, False)):
        held = rights(database, Grant(role, *(("walks",) if role is not Role.ADMINISTRATOR else ())))
        held.require(Permission.FOLLOW, north)
        assert held.may(Permission.RUN, north.kind, north.parameters) is may_run
    limited = rights(database, Grant(Role.ANALYST, "walks", "north"))
    limited.require(Permission.RUN, north)
    with pytest.raises(Refused, match="the right to run in walks for south"):
        limited.require(Permission.RUN, service.get(database, jobs[1]))
    with pytest.raises(Refused, match="the right to run in walks"):
        limited.require(Permission.RUN, nowhere)


def test_a_token_that_is_for_reading_alone_follows_nothing(database, jobs):
    held = rights(database, Grant(Role.ANALYST), only=frozenset({Permission.READ}))
    assert held.followed(50) == []
    with pytest.raises(NotSignedIn):
        Rights(database, ROOMS, NOBODY).require(Permission.FOLLOW, service.get(database, jobs[0]))
