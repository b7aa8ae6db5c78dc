"""Agreements: somebody may read some of what is published, for one purpose and until a day.

A role opens everything of a domain and an area set. An agreement opens less and says why: the datasets it names, areas
down to a level, days from a first to a last. It covers a table that lies wholly within it, or not at all. Nothing is
ever cut to fit, since a table that was cut is another table, which nobody protected.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from commonweal.core import audit
from commonweal.core.database import Database
from commonweal.core.errors import InputError, NotFound
from commonweal.core.identity.extent import Extent
from commonweal.core.identity.models import AgreementRecord, PersonRecord
from commonweal.core.identity.people import found_by_name
from commonweal.core.identity.roles import lies_within
from commonweal.core.wording import Wording

LONGEST_PURPOSE = 200
MOST_DATASETS = 50


@dataclass(frozen=True)
class Terms:
    """What may be read, and what for.

    Parameters
    ----------
    datasets
        Names, such as ``"mobility.presence"``.
    purpose
        What it is read for, in one sentence, shown to whoever reads.
    until
        Last day on which it holds, UTC.
    area
        Area set (``districts``) or part of one, as for a role; empty: any.
    level
        The finest level of areas; None: any.
    first_day, last_day
        The days that may be read about; None: without beginning, without end.
    """

    datasets: tuple[str, ...]
    purpose: str
    until: date
    area: str = ""
    level: int | None = None
    first_day: date | None = None
    last_day: date | None = None

    def cover(self, extent: Extent) -> bool:
        """Say whether a table lies wholly within these terms; what it does not say of itself, it does not.

        Examples
        --------
        >>> march = (date(2026, 3, 1), date(2026, 3, 31))
        >>> terms = Terms(("mobility.presence",), "Bus lines", date(2027, 1, 1), level=1, last_day=date(2026, 3, 31))
        >>> [terms.cover(Extent("mobility.presence", "districts", lambda: levels, march))
        ...  for levels in (frozenset({1}), frozenset({1, 2}), None)]
        [True, False, False]
        >>> terms.cover(Extent("mobility.flows", "districts", lambda: frozenset({1}), march))
        False
        """
        return (
            extent.dataset in self.datasets
            and (not self.area or lies_within(extent.area, self.area))
            and self._covers_days(extent.days)
            and (self.level is None or _are_no_finer(extent.levels(), self.level))
        )

    def _covers_days(self, days: tuple[date, date] | None) -> bool:
        if self.first_day is None and self.last_day is None:
            return True
        if days is None:
            return False
        return (self.first_day is None or self.first_day <= days[0]) and (
            self.last_day is None or days[1] <= self.last_day
        )


def _are_no_finer(levels: frozenset[int] | None, finest: int) -> bool:
    return levels is not None and all(level <= finest for level in levels)


@dataclass(frozen=True)
class Agreement:
    """Terms that somebody was given.

    Parameters
    ----------
    number
        Its number.
    person, name, full_name
        Whose it is: their number, what they sign in with, what others see.
    terms
        What may be read, and what for.
    given_by, given
        Who gave it, and when.
    withdrawn
        When it was withdrawn; None if it was not.
    """

    number: int
    person: int
    name: str
    full_name: str
    terms: Terms
    given_by: str
    given: datetime
    withdrawn: datetime | None = None

    def holds(self, day: date) -> bool:
        """Say whether it opens anything on a day."""
        return self.withdrawn is None and day <= self.terms.until


def read_terms(
    datasets: Sequence[str],
    purpose: str,
    until: str,
    *,
    area: str = "",
    level: str = "",
    first_day: str = "",
    last_day: str = "",
) -> Terms:
    """Read the terms that somebody typed.

    Raises
    ------
    InputError
        One of them is not what it must be.
    """
    named = tuple(dict.fromkeys(name for each in datasets for name in re.split(r"[\s,]+", each) if name))
    if not named or len(named) > MOST_DATASETS:
        raise InputError(
            Wording("an agreement names the datasets that may be read"),
            where="datasets",
            expected=Wording("names such as mobility.presence, at most %(most)s", most=MOST_DATASETS),
        )
    for name in named:
        if not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", name) or len(name) > 100:
            raise InputError(
                Wording("%(name)s cannot name a dataset", name=repr(name)),
                where="datasets",
                expected=Wording("a name such as mobility.presence"),
            )
    purpose = " ".join(purpose.split())
    if not purpose or len(purpose) > LONGEST_PURPOSE or not purpose.isprintable():
        raise InputError(
            Wording("an agreement says what the data are read for"),
            where="purpose",
            expected=Wording("one sentence of at most %(most)s characters", most=LONGEST_PURPOSE),
        )
    ends = _day(until, "until")
    if ends is None:
        raise InputError(
            Wording("an agreement says until when it holds"), where="until", expected=Wording("such as 2024-01-31")
        )
    first, last = _day(first_day, "first day"), _day(last_day, "last day")
    if first and last and last < first:
        raise InputError(
            Wording("the last day lies before the first"), where="last day", expected=Wording("a later day")
        )
    if level.strip() and not re.fullmatch(r"\d{1,2}", level.strip()):
        raise InputError(
            Wording("this is no level of areas"), where="level", expected=Wording("a whole number such as 1")
        )
    if len(area) > LONGEST_PURPOSE or not area.isprintable():
        raise InputError(Wording("this cannot name areas"), where="area", expected=Wording("the name of an area set"))
    return Terms(named, purpose, ends, area.strip(), int(level) if level.strip() else None, first, last)


def _day(said: str, where: str) -> date | None:
    try:
        return date.fromisoformat(said.strip()) if said.strip() else None
    except ValueError:
        raise InputError(
            Wording("this is not a day: %(said)s", said=repr(said)), where=where, expected=Wording("such as 2024-01-31")
        ) from None


def give(database: Database, name: str, terms: Terms, who: str) -> Agreement:
    """Let a person read within terms; the purpose goes into the audit log as the reason.

    Raises
    ------
    NotFound
        There is no such person.
    InputError
        It would be over already.
    """
    now = datetime.now(UTC)
    if terms.until < now.date():
        raise InputError(
            Wording("this agreement would be over already"), where="until", expected=Wording("today or a later day")
        )
    with database.transaction() as session:
        person = found_by_name(session, name)
        record = AgreementRecord(
            person_id=person.id,
            datasets=list(terms.datasets),
            purpose=terms.purpose,
            until=terms.until,
            area=terms.area,
            level=terms.level,
            first_day=terms.first_day,
            last_day=terms.last_day,
            given_by=who,
            given=now,
        )
        session.add(record)
        session.flush()
        audit.record(
            session,
            who=who,
            action="people.agree",
            what=f"person {person.id}",
            why=terms.purpose,
            details={
                "agreement": record.id,
                "datasets": list(terms.datasets),
                "area": terms.area,
                "level": terms.level,
                "first_day": terms.first_day.isoformat() if terms.first_day else None,
                "last_day": terms.last_day.isoformat() if terms.last_day else None,
                "until": terms.until.isoformat(),
            },
        )
        return _agreement(record, person)


def withdraw(database: Database, number: int, who: str, why: str | None = None) -> Agreement:
    """End an agreement, at once and for ever; one that was withdrawn before stays so.

    Raises
    ------
    NotFound
        There is none of that number.
    """
    with database.transaction() as session:
        record = session.get(AgreementRecord, number)
        if record is None:
            raise NotFound(Wording("there is no agreement %(number)s", number=number))
        if record.withdrawn is None:
            record.withdrawn = datetime.now(UTC)
            details = {"agreement": number}
            what = f"person {record.person_id}"
            audit.record(session, who=who, action="people.withdraw", what=what, why=why, details=details)
        return _agreement(record, session.get_one(PersonRecord, record.person_id))


def get(database: Database, number: int) -> Agreement:
    """Find an agreement.

    Raises
    ------
    NotFound
        There is none of that number.
    """
    with database.reading() as session:
        record = session.get(AgreementRecord, number)
        if record is None:
            raise NotFound(Wording("there is no agreement %(number)s", number=number))
        return _agreement(record, session.get_one(PersonRecord, record.person_id))


def agreements(database: Database, person: int | None = None, count: int = -1, skipped: int = 0) -> list[Agreement]:
    """List agreements, of one person or of all, the newest first.

    Parameters
    ----------
    person
        Their number.
    count, skipped
        At most so many (-1: all), after so many that are newer.
    """
    with database.reading() as session:
        conditions = () if person is None else (AgreementRecord.person_id == person,)
        return _found(session, *conditions, count=count, skipped=skipped)


def in_force(session: Session, person: int, at: datetime) -> tuple[Agreement, ...]:
    """Give what opens something to a person at a moment, the newest first."""
    holds = (AgreementRecord.withdrawn.is_(None), AgreementRecord.until >= at.date())
    return tuple(_found(session, AgreementRecord.person_id == person, *holds))


def _found(session: Session, *conditions: ColumnElement[bool], count: int = -1, skipped: int = 0) -> list[Agreement]:
    chosen = (
        select(AgreementRecord, PersonRecord)
        .join(PersonRecord, PersonRecord.id == AgreementRecord.person_id)
        .where(*conditions)
        .order_by(AgreementRecord.id.desc())
        .offset(skipped)
    )
    rows = session.execute(chosen if count < 0 else chosen.limit(count))
    return [_agreement(record, person) for record, person in rows]


def _agreement(record: AgreementRecord, person: PersonRecord) -> Agreement:
    terms = Terms(
        tuple(record.datasets),
        record.purpose,
        record.until,
        record.area,
        record.level,
        record.first_day,
        record.last_day,
    )
    return Agreement(
        record.id, person.id, person.name, person.full_name, terms, record.given_by, record.given, record.withdrawn
    )
