"""Choosing a rule: who may ask, the job that compares rules, and its entry in the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from commonweal.core import audit
from commonweal.core.database import Database
from commonweal.core.domain import Domain, load
from commonweal.core.errors import InputError, NotFound
from commonweal.core.identity.roles import Permission
from commonweal.core.identity.visitor import Visitor
from commonweal.core.jobs import Running
from commonweal.core.jobs.rights import Rights
from commonweal.core.jobs.service import submit_or_adopt
from commonweal.core.wording import Wording
from commonweal.disclosure.planning.basis import Plans
from commonweal.disclosure.planning.choosing import Rules, compared

KIND = "disclosure.plan"


def domain_of(parameters: Mapping[str, Any]) -> str:
    """Give the domain whose tables a job is about.

    >>> domain_of({"people": "mobility/sample"})
    'mobility'
    """
    return str(parameters.get("people", "")).partition("/")[0]


def plan_parameters(
    people: str, first: date | None = None, last: date | None = None, rules: Rules | None = None
) -> dict[str, Any]:
    """Give the parameters of the job.

    Parameters
    ----------
    people
        The people-set, such as ``mobility/PROJECT``.
    first, last
        First and last day; without them the days that the domain would publish.

    Raises
    ------
    InputError
        The last day lies before the first.
    """
    if first and last and last < first:
        raise InputError(
            Wording("the last day lies before the first"), where="last", expected=Wording("a day not before it")
        )
    after = last and last + timedelta(days=1)
    said = {"first": first and first.isoformat(), "last": after and after.isoformat()}
    return {"people": people, **said, "rules": (rules or Rules()).record()}


def request_plan(database: Database, rooms: Sequence[Domain], visitor: Visitor, parameters: Mapping[str, Any]) -> int:
    """Queue a comparison for somebody; give the job's number.

    Parameters
    ----------
    rooms
        All rooms.
    visitor
        Whoever asks: who may run the domain's work for these areas.
    parameters
        From `plan_parameters`.

    Raises
    ------
    NotSignedIn, Refused
        They may not.
    NotFound
        The domain publishes nothing about people.
    """
    Rights(database, rooms, visitor).require_for(Permission.RUN, KIND, parameters, what=parameters["people"])
    _plans(rooms, parameters["people"])
    return submit_or_adopt(database, KIND, parameters, visitor.who)


def plan_job(job: Running, rooms: Sequence[Domain]) -> dict[str, Any]:
    """Compare rules on what was counted. Nothing is published; that somebody looked is recorded.

    Parameters of the job: those that `plan_parameters` gives.

    Returns
    -------
    ``people``; ``first`` and ``last``, ISO days, the last not included; ``choices``, records of `Choice`; ``curve``,
    for each ε an object of ``epsilon``, ``error``, ``worst`` and ``cells``.
    """
    people, rules = job.parameters["people"], Rules.parse(job.parameters.get("rules", {}))
    first, last = (date.fromisoformat(day) if (day := job.parameters[name]) else None for name in ("first", "last"))
    basis = _plans(rooms, people)(job.settings, job.database, people, first, last, job.progress)
    period = {"first": basis.first.isoformat(), "last": basis.last.isoformat()}
    with job.database.transaction() as session:  # before anybody can see what was found
        audit.record(session, who=job.who, action=KIND, what=f"people {people}", details=period)
    found = compared(basis, rules, job.progress)
    for line in found.left_out:
        job.log(f"left out: {line}")
    return {
        "people": people,
        **period,
        "choices": [choice.record() for choice in found.choices],
        "curve": found.curve,
    }


def _plans(rooms: Sequence[Domain], people: str) -> Plans:
    known = {room.name: room.plans for room in rooms if room.plans}
    named = known.get(domain_of({"people": people}))
    if named is None or "/" not in people:
        raise NotFound(
            Wording("there is no people-set %(people)s", people=repr(people)),
            expected=", ".join(f"{name}/PROJECT" for name in known),
        )
    found: Plans = load(named)
    return found
