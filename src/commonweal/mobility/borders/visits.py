"""Visits to other countries, and what only looks like them: accidental roaming at the border.

A visit is, here, a longest run of a person's segments in one country that is not the home country, no two farther apart
than `BACK_WITHIN`. It is *accidental roaming* if

1. it is short: at most `MOST_EVENTS` events within `LONGEST`;
2. the person is back home next: the segments before and after it are at home and no farther away than `BACK_WITHIN`.
   Where the home country is not one of the network's own, home is not seen, so nothing at all is seen that long before
   and after;
3. it is near the border: the cell that served the person just before or just after stands no farther than `AT_BORDER`
   from the country of the visit. Where home is not seen: the cells of the visit stand no farther from the home country.

Such visits are left out of everything that counts visits, and counted by themselves. To know what is before and after,
a day looks at the days around it, so it is the same whatever period a run counts.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonweal.core.kernels import kernel
from commonweal.mobility.borders import segments
from commonweal.mobility.borders.places import near_country, own_countries
from commonweal.mobility.measure import Derivation, Window

MOST_EVENTS = 3
LONGEST = 30 * 60
"""s"""
BACK_WITHIN = 12 * 3600
"""s; less than the shortest day, since one day before and after is looked at."""


@kernel()
def visits(
    subscriber: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    events: np.ndarray,
    country: np.ndarray,
    home: np.ndarray,
    own: np.ndarray,
    most: int,
    longest: int,
    within: int,
) -> np.ndarray:
    """Find the visits among sorted segments, and which of them are short and followed by home.

    Parameters
    ----------
    subscriber, start, end, events, country, home
        Of the segments, sorted by (subscriber, time).
    own
        Whether the network is at home in each country.
    most, longest, within
        `MOST_EVENTS`, `LONGEST`, `BACK_WITHIN`.

    Returns
    -------
    int64, shape (visits, 3): the first segment, the last one, and 1 if it is short and back home next as seen, 2 if as
    far as silence tells, 0 if neither.

    Examples
    --------
    A SIM of country 0 has one event in country 1 between two at home; another one of country 1 is seen once in 0:

    >>> subscriber, when = np.array([7, 7, 7, 9]), np.array([0, 600, 1200, 0])
    >>> country, home = np.array([0, 1, 0, 0]), np.array([0, 0, 0, 1])
    >>> visits(subscriber, when, when, np.ones(4, np.int64), country, home, np.array([True, False]), 3, 1800, 43200)
    array([[1, 1, 1],
           [3, 3, 2]])
    """
    found = np.empty((len(start), 3), np.int64)
    size, first, n = 0, 0, len(start)
    while first < n:
        last = first
        while (
            last + 1 < n
            and subscriber[last + 1] == subscriber[first]
            and country[last + 1] == country[first]
            and start[last + 1] - end[last] <= within
        ):
            last += 1
        h = home[first]
        if h >= 0 and country[first] != h:
            many = 0
            for i in range(first, last + 1):
                many += events[i]
            state = 0
            if many <= most and end[last] - start[first] <= longest:
                follows = first > 0 and subscriber[first - 1] == subscriber[first]
                followed = last + 1 < n and subscriber[last + 1] == subscriber[first]
                soon = follows and start[first] - end[first - 1] <= within
                back = followed and start[last + 1] - end[last] <= within
                if own[h]:
                    state = int(soon and back and country[first - 1] == h and country[last + 1] == h)
                else:
                    state = 0 if soon or back else 2
            found[size, 0], found[size, 1], found[size, 2] = first, last, state
            size += 1
        first = last + 1
    return found[:size].copy()


def derive(rows: pa.Table, window: Window) -> pa.Table:
    """Give the segments with ``accidental``, and where accidental roaming came from, ``from_area`` (else -1)."""
    assert window.network is not None
    columns = {name: rows[name].to_numpy() for name in rows.column_names}
    own = own_countries(window.network)
    named = [columns[name] for name in ("subscriber", "start", "end", "events", "country", "home")]
    first, last, state = visits(*(*named, own, MOST_EVENTS, LONGEST, BACK_WITHIN)).T
    accidental = np.zeros(len(columns["start"]), np.bool_)
    from_area = np.full(len(accidental), -1, np.int32)
    seen, silent = (np.flatnonzero(state == kind) for kind in (1, 2))
    near = _near(window, columns["last_span"][first[seen] - 1], columns["country"][first[seen]])
    near |= _near(window, columns["first_span"][last[seen] + 1], columns["country"][first[seen]])
    at_home = _near(window, columns["first_span"][first[silent]], columns["home"][first[silent]])
    at_home |= _near(window, columns["last_span"][last[silent]], columns["home"][first[silent]])
    for visit in (*seen[near], *silent[at_home]):
        accidental[first[visit] : last[visit] + 1] = True
    for visit in seen[near]:
        from_area[first[visit] : last[visit] + 1] = columns["last_area"][first[visit] - 1]
    begins, ends = window.own or (window.days[0], window.days[-1])
    ours = pa.array((columns["start"] >= begins) & (columns["start"] < ends))
    whole = rows.append_column("accidental", pa.array(accidental)).append_column("from_area", pa.array(from_area))
    return whole.filter(ours)


def _near(window: Window, span: np.ndarray, country: np.ndarray) -> np.ndarray:
    assert window.network is not None
    return near_country(window.network, span, country)


DERIVATION = Derivation(
    "border_visits", derive, of=segments.DERIVATION, lookback=1, lookahead=1, network=True, kept=False
)
