"""Who may see and change which job: a right is held in the domain whose work it is, for the areas it concerns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from commonweal.core.database import Database
from commonweal.core.domain import Domain, load
from commonweal.core.identity.roles import Permission
from commonweal.core.identity.visitor import Visitor
from commonweal.core.jobs import service
from commonweal.core.jobs.models import Job

AreaOf = Callable[[Mapping[str, Any]], str]


class Rights:
    """What somebody may do with jobs.

    Parameters
    ----------
    database
        Where the jobs are.
    rooms
        The rooms that do the work: the first part of a job's kind names one, which says for whom if it is for another.
    visitor
        Whoever asks.
    """

    def __init__(self, database: Database, rooms: Sequence[Domain], visitor: Visitor) -> None:
        self._database = database
        self._rooms = {room.name: room for room in rooms}
        self._visitor = visitor
        self._areas: dict[str, AreaOf] = {}

    def may(self, permission: Permission, kind: str, parameters: Mapping[str, Any]) -> bool:
        """Say whether they may do something with a job of a kind and with these parameters."""
        domain = self._domain(kind, parameters)
        return self._visitor.may(permission, domain) or (
            self._visitor.may_somewhere(permission, domain)
            and self._visitor.may(permission, domain, self._area(domain, parameters))
        )

    def require(self, permission: Permission, job: Job) -> None:
        """Do nothing if they may do something with a job.

        Raises
        ------
        NotSignedIn, Refused
            They may not.
        """
        self.require_for(permission, job.kind, job.parameters, what=f"job {job.id}")

    def require_for(self, permission: Permission, kind: str, parameters: Mapping[str, Any], *, what: str) -> None:
        """Do nothing if they may do something with such a job, though it may not exist yet.

        Raises
        ------
        NotSignedIn, Refused
            They may not.
        """
        if not self.may(permission, kind, parameters):
            domain = self._domain(kind, parameters)
            self._visitor.require(permission, domain, self._area(domain, parameters), what=what)

    def followed(
        self,
        count: int,
        skipped: int = 0,
        kinds: Collection[str] | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> list[Job]:
        """Give the newest jobs that they may follow, newest first.

        Parameters
        ----------
        count, skipped
            How many, after how many others.
        kinds
            Only of these kinds.
        about
            Only those with these among their parameters.
        """
        wanted = (about or {}).items()

        def choose(kind: str, parameters: Mapping[str, Any]) -> bool:
            is_about = all(parameters.get(name) == value for name, value in wanted)
            return is_about and self.may(Permission.FOLLOW, kind, parameters)

        return service.chosen(self._database, choose, count, skipped, kinds)

    def _domain(self, kind: str, parameters: Mapping[str, Any]) -> str:
        room = kind.partition(".")[0]
        named = self._rooms[room].domain_of_jobs if room in self._rooms else None
        return str(load(named)(parameters)) if named else room

    def _area(self, domain: str, parameters: Mapping[str, Any]) -> str:
        if domain not in self._areas:
            named = self._rooms[domain].areas_of_jobs if domain in self._rooms else None
            self._areas[domain] = load(named)(self._database) if named else (lambda _: "")
        return self._areas[domain](parameters)
