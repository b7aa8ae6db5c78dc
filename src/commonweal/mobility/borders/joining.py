"""Two operators' views of one border, joined as what both have published: no record and no identifier is exchanged.

Operators A and B stand on either side of a border. Of the people of A's country who go across on a day, A sees its own
subscribers leave, and B sees those of them whom its network serves arrive. Each sees a part of the N who crossed, with
a share s that must be known from elsewhere (market share, share of roamers served)::

    n ~ Binomial(N, s)      N̂ = n / s      var N̂ = N̂ · (1 − s) / s

Two views of the same people are weighed by their inverse variances, w = 1 / var N̂::

    N̂ = Σ w N̂ / Σ w        N̂ ± z / √Σw

neither the estimate nor an end of its interval ever less than the larger count, ``at_least``. Nothing tells which
people both have seen, so nothing more can be had without exchanging identifiers. Without shares a count is only what N
is at least. What is suppressed stays suppressed: it is no zero, and adds nothing.

Source: for the weighted mean, W. G. Cochran, *The combination of estimates from different experiments*, Biometrics 10
(1954).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

import pyarrow as pa

from commonweal.core.catalog import State
from commonweal.core.errors import InputError

NAME = "mobility.border_crossings"
COLUMNS = ("country", "direction", "who", "start", "subscribers", "subscribers_state")
OPPOSITE = {"in": "out", "out": "in"}
SCHEMA = pa.schema(
    [
        pa.field("start", pa.timestamp("us", tz="UTC")),
        pa.field("people_of", pa.string()),
        pa.field("from", pa.string()),
        pa.field("to", pa.string()),
        pa.field("one", pa.int64()),
        pa.field("one_state", pa.string()),
        pa.field("other", pa.int64()),
        pa.field("other_state", pa.string()),
        pa.field("at_least", pa.int64()),
        pa.field("estimate", pa.float64()),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("views", pa.int64()),
        pa.field("agree", pa.bool_()),
        pa.field("state", pa.string()),
    ]
)


@dataclass(frozen=True, eq=False)
class View:
    """What one operator has published of a border.

    Parameters
    ----------
    country
        Its country.
    table
        A release of ``mobility.border_crossings``.
    share_of_residents, share_of_visitors
        Of its country's people who cross, and of the neighbour's who come, the part that it sees, in (0, 1]; None if
        nobody knows.
    """

    country: str
    table: pa.Table
    share_of_residents: float | None = None
    share_of_visitors: float | None = None

    def __post_init__(self) -> None:
        lacking = [name for name in COLUMNS if name not in self.table.column_names]
        if lacking:
            raise InputError(f"there is no column {lacking[0]}", where=self.country, expected=f"a release of {NAME}")
        for share in (self.share_of_residents, self.share_of_visitors):
            if share is not None and not 0 < share <= 1:
                raise InputError(f"a share of {share} is none", where=self.country, expected="more than 0, at most 1")

    def share(self, who: str) -> float | None:
        """Give the part of residents or of visitors that it sees."""
        return self.share_of_residents if who == "resident" else self.share_of_visitors


@dataclass(frozen=True)
class Estimate:
    """How many crossed.

    Parameters
    ----------
    value, low, high
        The estimate and its interval; None if no share is known.
    agree
        Whether two views differ by no more than chance makes them; None if there are not two.
    """

    value: float | None
    low: float | None
    high: float | None
    agree: bool | None


def combined(counts: Sequence[int], shares: Sequence[float | None], level: float = 0.95) -> Estimate:
    """Estimate how many crossed from the counts of one or two views.

    Parameters
    ----------
    counts
        What each view has published.
    shares
        The part of all that each sees.
    level
        Probability of the interval.

    Examples
    --------
    Two fifths and a quarter of some 1000 people:

    >>> found = combined([410, 240], [0.4, 0.25])
    >>> round(found.value), round(found.low), round(found.high), found.agree
    (1002, 940, 1064, True)
    >>> combined([410], [None])
    Estimate(value=None, low=None, high=None, agree=None)
    """
    known = [(count / share, share) for count, share in zip(counts, shares, strict=True) if share is not None]
    if not known:
        return Estimate(None, None, None, None)
    z = NormalDist().inv_cdf((1 + level) / 2)
    variances = [value * (1 - share) / share for value, share in known]
    exact = [value for (value, _), variance in zip(known, variances, strict=True) if variance == 0]
    if exact:
        value, spread = sum(exact) / len(exact), 0.0
    else:
        weight = sum(1 / variance for variance in variances)
        value = sum(found / variance for (found, _), variance in zip(known, variances, strict=True)) / weight
        spread = z / sqrt(weight)
    agree = None
    if len(known) == 2:
        agree = abs(known[0][0] - known[1][0]) <= z * sqrt(sum(variances))
    least = float(max(counts, default=0))
    return Estimate(max(value, least), max(value - spread, least), max(value + spread, least), agree)


def joined(one: View, other: View, level: float = 0.95) -> pa.Table:
    """Put two views of a border side by side, with what they say together.

    Returns
    -------
    A row a day, country of the people who cross, and direction. ``one`` and ``other`` are what each has published,
    ``views`` how many of them have a value, ``at_least`` the larger of these, ``state`` ``estimated`` where there is an
    estimate, ``suppressed`` where there is nothing.

    Raises
    ------
    InputError
        Both are of one country, or have no day in common.
    """
    if one.country == other.country:
        raise InputError(f"both views are of {one.country}", expected="the two countries of a border")
    ours, theirs = _by_key(one, other.country), _by_key(other, one.country)
    days = sorted({key[0] for key in ours} & {key[0] for key in theirs})
    if not days:
        raise InputError(
            f"there is no day on which both have crossings between {one.country} and {other.country}",
            expected="releases of the same days, of networks that have the other country around them",
        )
    rows = []
    for day in days:
        for home, away in ((one, other), (other, one)):
            for direction in ("out", "in"):
                who = {home.country: "resident", away.country: "visitor"}
                seen_by_home = (day, direction, "resident")
                seen_by_away = (day, OPPOSITE[direction], "visitor")
                of_one, of_other = (seen_by_home, seen_by_away) if home is one else (seen_by_away, seen_by_home)
                leaving = direction == "out"
                rows.append(
                    {
                        "start": day,
                        "people_of": home.country,
                        "from": home.country if leaving else away.country,
                        "to": away.country if leaving else home.country,
                    }
                    | _together(
                        ours.get(of_one, (None, State.MISSING.value)),
                        theirs.get(of_other, (None, State.MISSING.value)),
                        (one.share(who[one.country]), other.share(who[other.country])),
                        level,
                    )
                )
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _by_key(view: View, country: str) -> dict[tuple[Any, str, str], tuple[int | None, str]]:
    return {
        (row["start"], row["direction"], row["who"]): (row["subscribers"], row["subscribers_state"])
        for row in view.table.select(COLUMNS).to_pylist()
        if row["country"] == country
    }


def _together(
    one: tuple[int | None, str], other: tuple[int | None, str], shares: tuple[float | None, float | None], level: float
) -> dict[str, Any]:
    there = [(value, share) for (value, _), share in zip((one, other), shares, strict=True) if value is not None]
    found = combined([value for value, _ in there], [share for _, share in there], level)
    hidden = {state for _, state in (one, other)} & {State.SUPPRESSED.value, State.WITHHELD.value}
    state = State.ESTIMATED if found.value is not None else State.REPORTED if there else None
    return {
        "one": one[0],
        "one_state": one[1],
        "other": other[0],
        "other_state": other[1],
        "at_least": max((value for value, _ in there), default=None),
        "estimate": found.value,
        "low": found.low,
        "high": found.high,
        "views": len(there),
        "agree": found.agree,
        "state": state.value if state else State.SUPPRESSED.value if hidden else State.MISSING.value,
    }
