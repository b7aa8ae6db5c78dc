"""The home location of a walk: the place where most of some chosen events lie.

    home(s) = the l that maximises (|{ i : chosen(i), l(i) = l }|, max{ t(i) : chosen(i), l(i) = l })

over the events i of subscriber s; ties go to the place of the most recent of them. Which events are chosen is the rule:

``last of day``
    the last located event of each day, as for home areas (see `commonweal.mobility.measures.home`).
``night``
    events from 22:00 to 07:00 by the clock of the place, both included; all events of whoever has none then. So does
    scikit-mobility, where ties are left open.
"""

from __future__ import annotations

import numpy as np

from commonweal.core.kernels import kernel

LAST_OF_DAY, NIGHT = "last of day", "night"


@kernel()
def home_places(person: np.ndarray, place: np.ndarray, chosen: np.ndarray, places: int) -> np.ndarray:
    """The home of each person: the place with most chosen events, or with most events if none is chosen; -1 if nowhere.

    Parameters
    ----------
    person
        Counted from 0, ascending, shape (n,); for each, events in order of time.
    place
        -1 is nowhere.
    chosen
        Whether an event is, bool.
    places
        How many places there are.

    Returns
    -------
    int32, shape (people,)

    Examples
    --------
    >>> person, place = np.array([[0, 0, 0, 0, 1, 1, 1], [2, 2, 1, 2, 0, 0, 1]], np.int32)
    >>> home_places(person, place, np.array([True, False, True, False, False, False, False]), 3)
    array([1, 0], dtype=int32)
    """
    people = person[-1] + 1 if len(person) else 0
    home = np.full(people, -1, np.int32)
    events, votes = np.zeros(places, np.int64), np.zeros(places, np.int64)
    start = 0
    while start < len(person):
        end = start
        voting = False
        while end < len(person) and person[end] == person[start]:
            if place[end] >= 0:
                events[place[end]] += 1
                votes[place[end]] += chosen[end]
                voting |= chosen[end]
            end += 1
        most = 0
        for i in range(end - 1, start - 1, -1):  # from the most recent on, so that ties keep it
            p = place[i]
            if p < 0 or (voting and not chosen[i]):
                continue
            said = votes[p] if voting else events[p]
            if said > most:
                most, home[person[i]] = said, p
        for i in range(start, end):
            if place[i] >= 0:
                events[place[i]] = votes[place[i]] = 0
        start = end
    return home
