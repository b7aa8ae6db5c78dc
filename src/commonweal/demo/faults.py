"""What is wrong with an operator's files, planted on purpose and counted.

A fault falls on an event by chance. The truth about what records show counts events whose row arrives and can be read:
duplicated and late ones included, the others not.
"""

from __future__ import annotations

from numba import njit

from commonweal.demo.randomness import Stream, uniform

CLEAN = 0
DUPLICATE = 1
DUPLICATE_LATER = 2
LATE = 3
UNKNOWN_CELL = 4
BAD_TIMESTAMP = 5
OUT_OF_PERIOD = 6
MALFORMED = 7

NAMES = (
    "clean", "duplicate", "duplicate_in_next_file", "late", "unknown_cell", "bad_timestamp", "out_of_period",
    "malformed",
)  # fmt: skip
RATES = (0.0, 0.0015, 0.0005, 0.001, 0.0015, 0.0003, 0.0002, 0.0001)
READABLE = LATE
"""Events with a code up to this one can be read."""

_RATES = tuple(RATES)


@njit(cache=True, nogil=True)
def fault(stream: Stream) -> int:
    """Draw the fault of one event, 0 for none."""
    pick = uniform(stream)
    for code in range(1, 8):
        pick -= _RATES[code]
        if pick < 0.0:
            return code
    return 0
