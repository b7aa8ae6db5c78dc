"""Cell keys of a run: which noise belongs to the people behind each of its cells (see `disclosure.rounding`)."""

from __future__ import annotations

import numpy as np

from commonweal.disclosure.pairs import pairs_in_order
from commonweal.disclosure.rounding.record_keys import cell_keys, record_keys
from commonweal.mobility.contributing import cells, contributing, sizes
from commonweal.mobility.runs import Plan


def keys_of_cells(planned: Plan, secret: bytes) -> dict[str, np.ndarray]:
    """Give the cell keys of presence, flows and home, numbered as in `contributing`: uint64, fractions of 2⁶⁴.

    The people-set is the epoch, in which a pseudonym means one subscriber. Holds no more than one bucket at a time.
    """
    people_set = f"{planned.project.name}/{planned.epoch.name}"
    found = {name: np.zeros(size, np.uint64) for name, size in sizes(planned.scope).items()}
    for bucket in planned.buckets:
        for name, pairs in cells(planned.scope, contributing(bucket)).items():
            subscriber, cell = pairs_in_order(*pairs)
            who, number = np.unique(subscriber, return_inverse=True)
            found[name] += cell_keys(record_keys(secret, people_set, who)[number], cell, len(found[name]))
    return found
