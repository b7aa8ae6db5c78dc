"""Budgets: what all releases together may spend of each person's privacy, set by a steward for a set of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from commonweal.core.database import Database
from commonweal.core.errors import InputError, Refused
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.disclosure.ledger.entries import Entry, append, locked, read
from commonweal.disclosure.ledger.spending import (
    ONE_DAY,
    Amount,
    Budget,
    Spending,
    Unit,
    chance,
    charged_by,
    exact,
    refuse_beyond,
    spending_of,
)

KIND = "budget"
RELEASE = "release"


@dataclass(frozen=True)
class Remaining:
    """A budget, and what is left of it.

    Parameters
    ----------
    budget
        Whose, by which unit, how much.
    set_by, set_at
        Who set it last, and when.
    releases
        How many releases have spent of it.
    least
        What is left of ρ in the unit where least is.
    span
        First and last day of that unit; None if nothing was spent.
    least_delta
        What is left of δ in the unit where least is.
    """

    budget: Budget
    set_by: str
    set_at: datetime
    releases: int
    least: Fraction
    span: tuple[date, date] | None
    least_delta: Fraction


def set_budget(
    settings: Settings,
    database: Database,
    people: str,
    unit: str,
    rho: float,
    who: str,
    why: str | None = None,
    *,
    delta: float = 0.0,
) -> Budget:
    """Set the budget of a set of people, in place of the former. What has been spent stays spent.

    Raises
    ------
    InputError
        The people have no name, there is no such unit, ρ is no number above 0, or δ no probability below 1.
    """
    refuse_no_name(people)
    try:
        budget = Budget(people, Unit(unit), rho, delta)
    except ValueError:
        raise InputError(f"there is no unit {unit!r}", expected=f"one of: {', '.join(Unit)}") from None
    exact(rho)
    chance(delta)
    with database.transaction() as session:
        locked(session, settings)
        said = {"people": people, "unit": budget.unit.value, "rho": rho, "delta": delta, "why": why}
        append(session, settings, who=who, kind=KIND, said=said, what=f"budget of {people}", why=why)
    return budget


def refuse_no_name(people: str) -> None:
    """See that a set of people has a name.

    Raises
    ------
    InputError
        It is empty, or more than one line.
    """
    if not people.strip() or people != people.strip() or len(people.splitlines()) != 1 or len(people) > 200:
        raise InputError("this names no set of people", where=repr(people), expected="such as mobility/PROJECT")


def budgets(settings: Settings, database: Database) -> list[Remaining]:
    """List the budgets and what is left of them, by people."""
    with database.reading() as session:
        return remaining(read(session, settings))


def remaining(entries: Sequence[Entry]) -> list[Remaining]:
    """Give each budget with what is left of it, by people.

    Parameters
    ----------
    entries
        The whole ledger.
    """
    newest = {entry.said["people"]: entry for entry in entries if entry.kind == KIND}
    return [_remaining(newest[people], entries) for people in sorted(newest)]


def _remaining(entry: Entry, entries: Sequence[Entry]) -> Remaining:
    budget = _budget(entry)
    spendings = [spent for one in _spending(entries, budget.people) if (spent := spending_of(one.said))]
    least, where = _least(budget, spendings, Amount.RHO)
    least_delta, _ = _least(budget, spendings, Amount.DELTA)
    return Remaining(budget, entry.who, entry.at, len(spendings), least, where, least_delta)


def _least(budget: Budget, spendings: Sequence[Spending], amount: Amount) -> tuple[Fraction, tuple[date, date] | None]:
    charged = charged_by(spendings, budget.unit, amount)
    if not charged:
        return budget.of(amount), None
    where = max(charged, key=lambda number: (charged[number], -number))
    first, last = budget.unit.span(where)
    return max(budget.of(amount) - charged[where], Fraction(0)), (first, last - ONE_DAY)


def refuse_beyond_budget(entries: Sequence[Entry], people: str, wanted: Spending, clock: str) -> None:
    """Do nothing if the budget of a set of people leaves enough for a release.

    Parameters
    ----------
    entries
        The whole ledger.
    clock
        By what time zone and day boundary the days of the period are counted.

    Raises
    ------
    Refused
        There is no budget, it does not leave enough, or days were counted by another clock before: they would be other
        days of the same name.
    """
    set_ = [_budget(entry) for entry in entries if entry.kind == KIND and entry.said["people"] == people]
    if not set_:
        delta = " --delta D" if wanted.delta else ""
        raise Refused(
            Wording("no budget is set for these people, and the release would spend of it"),
            where=people,
            expected=f"commonweal disclosure budget set {people} --rho R --unit {wanted.unit}{delta}",
        )
    spends = _spending(entries, people)
    for entry in spends:
        if entry.said["clock"] != clock:
            raise Refused(
                Wording(
                    "the days are counted by another clock, %(clock)s, than what was spent of before",
                    clock=clock or "–",
                ),
                where=people,
                expected=entry.said["clock"] or "–",
            )
    refuse_beyond(set_[-1], [spent for entry in spends if (spent := spending_of(entry.said))], wanted)


def _budget(entry: Entry) -> Budget:
    return Budget(entry.said["people"], Unit(entry.said["unit"]), entry.said["rho"], entry.said.get("delta", 0.0))


def _spending(entries: Sequence[Entry], people: str) -> list[Entry]:
    """Give the releases that have spent of the budget of a set of people."""
    return [
        entry
        for entry in entries
        if entry.kind == RELEASE and entry.said["people"] == people and entry.said["spent"] is not None
    ]
