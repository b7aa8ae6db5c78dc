"""What releases spend of a person's privacy, and what a budget leaves: pure functions over days.

A release that is differentially private says: *whoever adds or takes away all that one person did within one unit — a
day, a week, a month — changes what comes out by no more than ρ* (zero-concentrated differential privacy, Bun and
Steinke 2016, Concentrated Differential Privacy, TCC). Losses of several releases add up (Lemma 1.7 there), and a change
of *n* units at once costs n² ρ (group privacy, Proposition 1.9). So for each unit *b* of a budget

    spent(b) = Σ over releases of n(b)² ρ,      n(b) = how many of the release's units touch b

where a release touches every unit that any day of its period lies in, and all days of these.

A table that shows only keys above a threshold keeps to its ρ but for a chance of δ (approximate zCDP, Definition 8.1
there): that a key is shown that nobody but this person has. These chances add up too (Lemma 8.2), and for *n* units

    δ(b) = Σ over releases of n(b) δ

since the person adds one to each count at most, however many of the units it sees: of the keys that are theirs alone in
*n* units, one is shown with a chance of no more than *n* times that of one unit. The rule is the same for all pairs of
units:

- budget and release by the same unit: n = 1, losses add up;
- a release by week under a budget by day: n = 1, and it spends on all seven days of each of its weeks;
- a release by day under a budget by week: n is up to 7, so ρ counts up to 49 times. That is never too little. Where a
  release is made of parts that each see one day only, 7 times would do; it says so by being declared by week.

Numbers are exact fractions of what was written, so that ten tenths are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any

from commonweal.core.errors import InputError, Refused
from commonweal.core.wording import Wording, counted

ONE_DAY = timedelta(days=1)


class Unit(StrEnum):
    """Whose trace a release hides: all that one person did within one day, one week from Monday, or one month."""

    DAY = "person-day"
    WEEK = "person-week"
    MONTH = "person-month"

    def number(self, day: date) -> int:
        """Number the unit that a day lies in, without gaps."""
        match self:
            case Unit.DAY:
                return day.toordinal()
            case Unit.WEEK:
                return (day.toordinal() - 1) // 7  # 1 January of year 1 was a Monday
            case Unit.MONTH:
                return day.year * 12 + day.month - 1

    def span(self, number: int) -> tuple[date, date]:
        """Give the first and the last-exclusive day of a unit.

        Examples
        --------
        >>> first, last = Unit.WEEK.span(Unit.WEEK.number(date(2015, 3, 4)))
        >>> f"{first:%a %d %b} to {last - ONE_DAY:%a %d %b}"
        'Mon 02 Mar to Sun 08 Mar'
        """
        match self:
            case Unit.DAY:
                return date.fromordinal(number), date.fromordinal(number + 1)
            case Unit.WEEK:
                return date.fromordinal(number * 7 + 1), date.fromordinal(number * 7 + 8)
            case Unit.MONTH:
                return date(number // 12, number % 12 + 1, 1), date((number + 1) // 12, (number + 1) % 12 + 1, 1)

    def touched(self, first: date, last: date) -> range:
        """Give the numbers of the units that any day of a period (last exclusive) lies in."""
        return range(self.number(first), self.number(last - ONE_DAY) + 1)


UNITS = {
    Unit.DAY: Wording("person-day"),
    Unit.WEEK: Wording("person-week"),
    Unit.MONTH: Wording("person-month"),
}


@dataclass(frozen=True)
class Loss:
    """What a release may tell of a person at most.

    Parameters
    ----------
    unit
        Whose trace it hides.
    rho
        ρ of zero-concentrated differential privacy, for each unit.
    epsilon, delta
        The same said as (ε, δ), for readers; they are not added up. A pure ε has δ = 0.
    threshold_delta
        The chance that ρ does not hold, where keys are shown above a threshold: it is added up. A part of `delta`.
    """

    unit: Unit
    rho: float
    epsilon: float
    delta: float
    threshold_delta: float = 0.0

    def __post_init__(self) -> None:
        exact(self.rho)
        exact(self.epsilon)
        if not 0 <= self.delta < 1:
            raise InputError(f"δ is {self.delta}", expected="0, or a number between 0 and 1")
        if not 0 <= self.threshold_delta <= self.delta:
            raise InputError(f"δ of thresholds is {self.threshold_delta}", expected="a part of δ")

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        said = {"unit": self.unit.value, "rho": self.rho, "epsilon": self.epsilon, "delta": self.delta}
        return said | {"threshold_delta": self.threshold_delta}


class Amount(StrEnum):
    """What is added up, and what a budget limits."""

    RHO = "ρ"
    DELTA = "δ"


@dataclass(frozen=True)
class Spending:
    """What one release spends, and when.

    Parameters
    ----------
    first, last
        First and last-exclusive day of its period.
    unit
        Whose trace it hides.
    rho
        ρ for each unit.
    delta
        The chance that it does not hold, where keys are shown above a threshold.
    """

    first: date
    last: date
    unit: Unit
    rho: float
    delta: float = 0.0

    def of(self, amount: Amount) -> Fraction:
        """Give how much is spent for each unit."""
        return exact(self.rho) if amount is Amount.RHO else chance(self.delta)


@dataclass(frozen=True)
class Budget:
    """What may be spent of each person's privacy in each unit, by all releases together.

    Parameters
    ----------
    people
        Whose: a set of people, such as ``"mobility/sl"``.
    unit
        By day, week or month.
    rho
        ρ for each unit.
    delta
        δ of thresholds for each unit; with 0, keys must be public.
    """

    people: str
    unit: Unit
    rho: float
    delta: float = 0.0

    def of(self, amount: Amount) -> Fraction:
        """Give how much may be spent in each unit."""
        return exact(self.rho) if amount is Amount.RHO else chance(self.delta)


def exact(number: float) -> Fraction:
    """Read a positive number as it was written.

    Raises
    ------
    InputError
        It is none.

    Examples
    --------
    >>> 3 * exact(0.1) == exact(0.3), 3 * 0.1 == 0.3
    (True, False)
    """
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < float("inf"):
        raise InputError(f"{number!r} is no amount of privacy", expected="a number above 0")
    return Fraction(repr(number))


def chance(number: float) -> Fraction:
    """Read a probability below 1 as it was written.

    Raises
    ------
    InputError
        It is none.
    """
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < 1:
        raise InputError(f"{number!r} is no δ", expected="0, or a small probability such as 0.000001")
    return Fraction(repr(number))


def charge(spending: Spending, unit: Unit, amount: Amount = Amount.RHO) -> dict[int, Fraction]:
    """Give what a release spends on each unit of a budget: n² ρ, or n δ.

    Examples
    --------
    Under a budget by day, a week's release of a Wednesday spends on all seven days of that week:

    >>> week = Spending(date(2015, 3, 4), date(2015, 3, 5), Unit.WEEK, 0.25)
    >>> on = charge(week, Unit.DAY)
    >>> len(on), {str(rho) for rho in on.values()}, min(map(date.fromordinal, on)).isoformat()
    (7, {'1/4'}, '2015-03-02')

    Under a budget by week, two days of one week count 2² times, and the third, which is in the next week, once:

    >>> days = Spending(date(2015, 3, 7), date(2015, 3, 10), Unit.DAY, 0.25)
    >>> [str(rho) for rho in charge(days, Unit.WEEK).values()]
    ['1', '1/4']
    >>> days = Spending(date(2015, 3, 7), date(2015, 3, 10), Unit.DAY, 0.25, delta=1e-6)
    >>> [float(delta) for delta in charge(days, Unit.WEEK, Amount.DELTA).values()]
    [2e-06, 1e-06]
    """
    units = spending.unit.touched(spending.first, spending.last)
    first, last = spending.unit.span(units[0])[0], spending.unit.span(units[-1])[1]
    charged = {}
    for number in unit.touched(first, last):
        begins, ends = unit.span(number)
        touching = len(spending.unit.touched(max(begins, first), min(ends, last)))
        charged[number] = spending.of(amount) * (touching**2 if amount is Amount.RHO else touching)
    return charged


def charged_by(spendings: Iterable[Spending], unit: Unit, amount: Amount = Amount.RHO) -> dict[int, Fraction]:
    """Give what several releases spend together on each unit that any of them touches."""
    charged: dict[int, Fraction] = {}
    for spending in spendings:
        for number, more in charge(spending, unit, amount).items():
            charged[number] = charged.get(number, Fraction(0)) + more
    return charged


def left(
    budget: Budget, spendings: Iterable[Spending], first: date, last: date, amount: Amount = Amount.RHO
) -> dict[date, Fraction]:
    """Give what a budget leaves in each unit that a period touches, by the unit's first day.

    Examples
    --------
    >>> budget = Budget("mobility/sl", Unit.DAY, 1.0)
    >>> spent = [Spending(date(2015, 3, 1), date(2015, 3, 3), Unit.DAY, 0.3),
    ...          Spending(date(2015, 3, 2), date(2015, 3, 4), Unit.DAY, 0.5)]
    >>> {f"{day:%d}": float(rho) for day, rho in left(budget, spent, date(2015, 3, 1), date(2015, 3, 5)).items()}
    {'01': 0.7, '02': 0.2, '03': 0.5, '04': 1.0}
    """
    charged = charged_by(spendings, budget.unit, amount)
    units = budget.unit.touched(first, last)
    return {budget.unit.span(number)[0]: budget.of(amount) - charged.get(number, 0) for number in units}


def refuse_beyond(budget: Budget, spendings: Sequence[Spending], wanted: Spending) -> None:
    """Do nothing if a budget leaves enough for a release in every unit that it spends on.

    Raises
    ------
    Refused
        With what is left in the unit where it lacks most, and in how many others.

    Examples
    --------
    >>> budget = Budget("mobility/sl", Unit.DAY, 1.0)
    >>> spent = [Spending(date(2015, 3, 2), date(2015, 3, 4), Unit.DAY, 0.7)]
    >>> refuse_beyond(budget, spent, Spending(date(2015, 3, 4), date(2015, 3, 9), Unit.DAY, 1.0))
    >>> refuse_beyond(budget, spent, Spending(date(2015, 3, 3), date(2015, 3, 9), Unit.DAY, 0.5))
    Traceback (most recent call last):
    commonweal.core.errors.Refused: mobility/sl: 0.3 of the budget of ρ = 1.0 a person-day is left for 2015-03-03, and
    0.5 would be spent (expected: a ρ of at most 0.3, or another period)
    """
    for amount in Amount:
        if wanted.of(amount):
            _refuse_beyond(budget, spendings, wanted, amount)


def _refuse_beyond(budget: Budget, spendings: Sequence[Spending], wanted: Spending, amount: Amount) -> None:
    charges = charge(wanted, budget.unit, amount)
    first, last = budget.unit.span(min(charges))[0], budget.unit.span(max(charges))[1]
    rest = left(budget, spendings, first, last, amount)
    lacking = {}
    for number, each in charges.items():
        begins = budget.unit.span(number)[0]
        if each > rest[begins]:
            lacking[begins] = (rest[begins], each)
    if not lacking:
        return
    day, (remaining, asked) = min(lacking.items(), key=lambda item: (item[1][0] - item[1][1], item[0]))
    others = len(lacking) - 1
    more = counted(", as for %(num)s other", ", as for %(num)s others", others) if others else ""
    ratio = min(rest[budget.unit.span(number)[0]] / (each / wanted.of(amount)) for number, each in charges.items())
    raise Refused(
        Wording(
            "%(left)s of the budget of %(amount)s = %(whole)s a %(unit)s is left for %(day)s, and %(asked)s would be "
            "spent%(more)s",
            left=number_text(max(remaining, Fraction(0))),
            amount=amount.value,
            whole=budget.rho if amount is Amount.RHO else number_text(budget.of(amount)),
            unit=UNITS[budget.unit],
            day=day.isoformat(),
            asked=number_text(asked),
            more=more,
        ),
        where=budget.people,
        expected=_what_would_do(budget, amount, ratio),
    )


def _what_would_do(budget: Budget, amount: Amount, most: Fraction) -> str:
    if not budget.of(amount):
        return Wording("a budget with δ, or public keys")
    if most <= 0:
        return Wording("another period")
    return Wording("a %(amount)s of at most %(most)s, or another period", amount=amount.value, most=number_text(most))


def number_text(number: Fraction) -> str:
    """Write a fraction as a decimal number, rounded down in the twelfth place; below a millionth in the twentieth.

    Examples
    --------
    >>> number_text(Fraction(3, 10)), number_text(Fraction(2)), number_text(Fraction(2, 3))
    ('0.3', '2', '0.666666666666')
    >>> number_text(chance(1.5e-9)), number_text(Fraction(0))
    ('0.0000000015', '0')
    """
    places = 12 if number >= Fraction(1, 10**6) else 20
    digits = f"{(number * 10**places).__floor__():0{places + 1}}"
    return f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")


def spending_of(said: Mapping[str, Any]) -> Spending | None:
    """Read what an entry of the ledger says is spent; None if it is nothing."""
    spent = said.get("spent")
    if spent is None:
        return None
    first, last = (date.fromisoformat(said[name]) for name in ("first", "last"))
    return Spending(first, last, Unit(spent["unit"]), spent["rho"], spent.get("threshold_delta", 0.0))
