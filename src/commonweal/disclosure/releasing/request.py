"""A request for a release: which tables, of whom, when, under which rule. Its digest names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.canonical import canonical
from commonweal.core.catalog.check import conform
from commonweal.core.catalog.declaration import Dataset, Kind, Privacy, State
from commonweal.core.catalog.digest import digest_of_conformed
from commonweal.core.catalog.provenance import Input, code_version
from commonweal.core.errors import InputError, Refused
from commonweal.disclosure.ledger.budgets import refuse_no_name
from commonweal.disclosure.ledger.spending import Loss
from commonweal.disclosure.releasing.grounds import CHANGING


@dataclass(frozen=True)
class Part:
    """One table of a request.

    Parameters
    ----------
    dataset
        What it will be published as; its privacy is ``people``.
    inputs
        What it was made from.
    parameters
        How (JSON values); the release has these and the rule's.
    area_set, code, started
        As for `commonweal.core.catalog.publish`.
    rule
        The rule of this table where it is not the request's, such as that of totals beside a suppressed table.
    """

    dataset: Dataset
    inputs: Sequence[Input]
    parameters: Mapping[str, Any]
    area_set: str | None = None
    code: str | None = None
    started: datetime | None = None
    rule: str | None = None


@dataclass(frozen=True)
class Request:
    """What is asked for: tables that are released together.

    Parameters
    ----------
    people
        Whom they are about, such as ``"mobility/sl"``: releases about the same people add up.
    first, last
        First and last-exclusive day of the people's lives that they tell of.
    rule, parameters
        What protects them (JSON values): what an approval is about.
    parts
        The tables.
    loss
        What is spent of each person's privacy; None where the rule does not say.
    clock
        By which time zone and day boundary days are counted; it is the same for all that spend of one budget.
    """

    people: str
    first: date
    last: date
    rule: str
    parameters: Mapping[str, Any]
    parts: tuple[Part, ...]
    loss: Loss | None = None
    clock: str = ""

    def __post_init__(self) -> None:
        refuse_no_name(self.people)
        if self.last <= self.first:
            raise InputError(f"the period ends on {self.last}, not after its first day {self.first}")
        if not self.rule.strip() or len(self.rule.splitlines()) != 1:
            raise InputError("the rule has no name", expected="such as threshold")
        if not self.parts:
            raise InputError("no table is to be released", expected="at least one")
        if len({part.dataset.name.partition(".")[0] for part in self.parts}) != 1:
            raise InputError("the tables are of several domains", expected="a request for each")
        for part in self.parts:
            if part.dataset.privacy is not Privacy.PEOPLE:
                raise InputError("the dataset is declared open", where=part.dataset.name, expected="privacy people")
            if not part.inputs:
                raise InputError("made from no input", where=part.dataset.name, expected="what the table was made from")
            self.of(part)
        if self.loss and self.parameters.get("rho", self.loss.rho) != self.loss.rho:
            raise InputError("the parameter rho is not what is spent", where=self.people)

    @property
    def domain(self) -> str:
        """The domain whose tables they are."""
        return self.parts[0].dataset.name.partition(".")[0]

    def of(self, part: Part) -> dict[str, Any]:
        """Give all parameters of a table: those of how it was made, and the rule's."""
        for name in part.parameters.keys() & self.parameters.keys():
            if canonical(part.parameters[name], where=name) != canonical(self.parameters[name], where=name):
                raise InputError(
                    f"parameter {name} is another for the table than for the rule", where=part.dataset.name
                )
        return {**part.parameters, **self.parameters}

    def record(self) -> dict[str, Any]:
        """Return all that makes it this request, as JSON values; not who asked, nor when."""
        return {
            "people": self.people,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "clock": self.clock,
            "rule": self.rule,
            "parameters": dict(self.parameters),
            "spent": self.loss.record() if self.loss else None,
            "tables": [
                {
                    "dataset": part.dataset.record(),
                    "inputs": [vars(item) for item in sorted(set(part.inputs))],
                    "parameters": self.of(part),
                    "area_set": part.area_set,
                    "code": part.code or code_version("commonweal"),
                    "rule": part.rule or self.rule,
                }
                for part in self.parts
            ],
        }

    def identifier(self, digests: Sequence[str] | None) -> str:
        """Return the digest that names it.

        Parameters
        ----------
        digests
            Of its tables; None where noise is drawn: then they are not known before, and no part of what is asked.
        """
        said = self.record() | {"digests": None if digests is None else list(digests)}
        return sha256(canonical(said, where="request").encode()).hexdigest()


def conformed(request: Request, tables: Sequence[pa.Table]) -> list[pa.Table]:
    """Return the protected tables as they will be published; refuse what cannot have been protected.

    Raises
    ------
    InputError
        A table breaks its declaration, as one with a column of people does, or they are more or fewer than asked.
    Refused
        The rule has a *k*, and a count of people below it is to be published as it is; or it changes counts, or
        spends of a budget, and one is to be published as it was counted.
    """
    if len(tables) != len(request.parts):
        raise InputError(f"there are {len(tables)} tables", expected=f"{len(request.parts)}, as asked for")
    checked = [conform(part.dataset, table) for part, table in zip(request.parts, tables, strict=True)]
    for part, table in zip(request.parts, checked, strict=True):
        # A total of nobody is no small count, since all of its parts are published.
        _refuse_small(part.dataset, table, request.parameters.get("k"), least=0 if part.rule is None else 1)
        if request.rule in CHANGING or request.loss is not None:
            _refuse_exact(part.dataset, table, request.rule)
    return checked


def digests(request: Request, tables: Sequence[pa.Table]) -> list[str]:
    """Return the canonical digest of each conformed table."""
    return [digest_of_conformed(part.dataset, table) for part, table in zip(request.parts, tables, strict=True)]


def hidden(dataset: Dataset, table: pa.Table) -> int:
    """Count the values that are not published as they are: suppressed or withheld."""
    states = pa.array([State.SUPPRESSED.value, State.WITHHELD.value])
    return sum(pc.sum(pc.is_in(table.column(item.state), states)).as_py() or 0 for item in dataset.measures)


def _refuse_exact(dataset: Dataset, table: pa.Table, rule: str) -> None:
    for measure in dataset.measures:
        exact = pc.equal(table.column(measure.state), State.REPORTED.value)
        if measure.counts is not None and pc.any(exact).as_py():
            raise Refused(
                f"a value of {measure.name} is published as it was counted",
                where=dataset.name,
                expected=f"the table that {rule} made",
            )


def _refuse_small(dataset: Dataset, table: pa.Table, k: object, least: int) -> None:
    """See that no count that is published as it is lies below the threshold, as in a table that nothing protected."""
    if type(k) is not int:
        return
    as_it_is = pa.array([State.REPORTED.value])
    for measure in dataset.measures:
        if measure.counts is None or measure.kind is Kind.RATIO:
            continue
        value = pc.fill_null(table.column(measure.name), k)
        small = pc.and_(pc.less(value, k), pc.greater_equal(value, least))
        small = pc.and_(small, pc.is_in(table.column(measure.state), as_it_is))
        if pc.any(small).as_py():
            raise Refused(
                f"a value of {measure.name} stands for fewer than {k} people",
                where=dataset.name,
                expected="the table that a rule of commonweal.disclosure made",
            )
