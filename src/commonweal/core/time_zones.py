"""Time zones as arrays: what a place's clock shows at any instant, and when it shows a given time.

Python's `zoneinfo` answers for one time at once; a file of ten million records needs all of them together. The rules
are read from the `tzdata` package's TZif files (RFC 9636): the moves of the clock they list, then those that the rule
in their footer gives, up to the year 2199.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from commonweal.core.errors import InputError

Seconds = npt.NDArray[np.int64]
LAST = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp())
BEFORE_ALL = -(2**62)
WEEK = 7 * 86_400
HORIZON = LAST + 53 * WEEK


@dataclass(frozen=True, eq=False)
class Clock:
    """A place's clock: from ``moved[k]`` to ``moved[k + 1]`` it is ``ahead[k]`` seconds ahead of UTC.

    ``moved[0]`` lies before all time. ``latest[k]`` is the latest time the clock has shown by ``moved[k + 1]``; it
    never falls, which is what makes the first instant of a shown time a binary search.
    """

    moved: Seconds
    ahead: Seconds
    latest: Seconds

    def offset(self, utc: Seconds) -> Seconds:
        """Give how far the clock is ahead of UTC, in seconds."""
        found: Seconds = self.ahead[np.searchsorted(self.moved, utc, side="right") - 1]
        return found

    def from_utc(self, utc: Seconds) -> Seconds:
        """Give what the clock shows, in seconds since its own 1970-01-01T00:00."""
        return utc + self.offset(utc)

    def first(self, shown: Seconds) -> Seconds:
        """Give the first instant at which the clock shows this time or a later one."""
        stretch = np.searchsorted(self.latest, shown, side="right")
        return np.maximum(self.moved[stretch], shown - self.ahead[stretch])

    def to_utc(self, shown: Seconds) -> tuple[Seconds, npt.NDArray[np.bool_]]:
        """Give the first instant at which the clock shows exactly this time, and whether there is one."""
        known = shown < LAST
        utc = self.first(np.where(known, shown, 0))
        return utc, known & (self.from_utc(utc) == shown)

    def hours(self, since: int, until: int) -> Seconds:
        """Give the instants in ``[since, until)`` at which the clock shows a full hour or is moved."""
        begin = np.searchsorted(self.moved, since, side="right") - 1
        end = np.searchsorted(self.moved, until, side="left")
        stretches = []
        for stretch in range(int(begin), int(end)):
            ahead = int(self.ahead[stretch])
            low = max(since, int(self.moved[stretch]))
            high = min(until, int(self.moved[stretch + 1]) if stretch + 1 < len(self.moved) else until)
            full = np.arange(-(-(low + ahead) // 3600) * 3600 - ahead, high, 3600, dtype=np.int64)
            stretches += [np.array([low], dtype=np.int64)] * (low > since) + [full]
        return np.unique(np.concatenate(stretches))


@cache
def clock(time_zone: str) -> Clock:
    """Read a zone's rules.

    Raises
    ------
    InputError
        There is no such zone in the IANA database.

    Examples
    --------
    >>> int(clock("Asia/Kathmandu").offset(np.array([1_700_000_000]))[0]) / 3600
    5.75
    """
    resource = files("tzdata").joinpath("zoneinfo")
    parts = time_zone.split("/")
    # A name is looked up in a package: it must not climb out of it.
    if not all(part.replace("-", "").replace("_", "").replace("+", "").isalnum() for part in parts):
        raise _unknown(time_zone)
    resource = resource.joinpath(*parts)
    if not resource.is_file():
        raise _unknown(time_zone)
    content = resource.read_bytes()
    if not content.startswith(b"TZif"):
        raise _unknown(time_zone)
    with resource.open("rb") as file:
        zone = ZoneInfo.from_file(file, key=time_zone)
    return _clock(content, zone)


@cache
def rules_version() -> str:
    """Give the version of the IANA rules in use."""
    return str(import_module("tzdata").IANA_VERSION)


def _unknown(time_zone: str) -> InputError:
    return InputError(f"there is no time zone {time_zone!r}", expected="an IANA name such as Africa/Freetown")


def _clock(content: bytes, zone: ZoneInfo) -> Clock:
    moved, ahead = _listed(content)
    standing_rule = content.rsplit(b"\n", 2)[1]
    if b"," in standing_rule:  # without a comma it names no moves
        later = _by_rule(zone, max(moved[-1], 0))
        moved += later
        ahead += [_offset(zone, move) for move in later]
    real = [0, *(k for k in range(1, len(moved)) if ahead[k] != ahead[k - 1])]
    moves = np.array([moved[k] for k in real], dtype=np.int64)
    offsets = np.array([ahead[k] for k in real], dtype=np.int64)
    ends = np.append(moves[1:], HORIZON) + offsets
    return Clock(moves, offsets, np.maximum.accumulate(ends))


def _listed(content: bytes) -> tuple[list[int], list[int]]:
    """Read the moves a TZif file lists: its 64-bit block, which follows a 32-bit one for older readers."""
    skip = 44 + _length(content, 0, 4)
    _, _, _, moves, types, _ = struct.unpack_from(">6l", content, skip + 20)
    at = skip + 44
    times = struct.unpack_from(f">{moves}q", content, at)
    kinds = struct.unpack_from(f">{moves}B", content, at + 8 * moves)
    at += 9 * moves
    offsets = [struct.unpack_from(">l", content, at + 6 * kind)[0] for kind in range(types)]
    # Before the first move, the first kind holds (RFC 9636, 3.2).
    return [BEFORE_ALL, *times], [offsets[0], *(offsets[kind] for kind in kinds)]


def _length(content: bytes, header: int, width: int) -> int:
    """Give the length of the data block behind a header, whose times take `width` bytes."""
    ut, standard, leaps, moves, types, letters = struct.unpack_from(">6l", content, header + 20)
    return int(moves * (width + 1) + types * 6 + letters + leaps * (width + 4) + standard + ut)


def _by_rule(zone: ZoneInfo, since: int) -> list[int]:
    """Find the moves after the listed ones. The footer's rule moves a clock twice a year, never within a week."""
    found = []
    probes = range(since, HORIZON, WEEK)
    before = _offset(zone, probes[0])
    for low in probes[:-1]:
        after = _offset(zone, low + WEEK)
        if after != before:
            found.append(_between(zone, low, low + WEEK))
        before = after
    return found


def _between(zone: ZoneInfo, low: int, high: int) -> int:
    before = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def _offset(zone: ZoneInfo, instant: int) -> int:
    offset = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=instant)).astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
