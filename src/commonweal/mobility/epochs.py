"""Epochs: the spans of time in which a subscriber keeps one pseudonym.

By default an epoch is a year of the project's calendar. A key is made when the first event of an epoch comes in;
rotating begins a new epoch early, destroying a key ends all reading of an old one.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import select

from commonweal.core.database import Database
from commonweal.core.errors import Refused
from commonweal.core.periods import Calendar
from commonweal.core.settings import Settings
from commonweal.mobility import keys
from commonweal.mobility.keys import EpochKey
from commonweal.mobility.manifest import Manifest
from commonweal.mobility.models import EpochRecord
from commonweal.mobility.projects import Project
from commonweal.mobility.store import EpochStore, project_folder

MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, order=True)
class Epoch:
    """A span of time with a key of its own.

    Parameters
    ----------
    starts, ends
        UTC seconds; the end is not included.
    name
        Such as ``2026`` or, after a rotation, ``2026-05-17``.
    fingerprint
        Of its key.
    destroyed
        Whether the key is gone.
    """

    starts: int
    ends: int
    name: str
    fingerprint: str = field(compare=False)
    destroyed: bool = field(compare=False, default=False)


def epochs_of(database: Database, project: str) -> list[Epoch]:
    """Give a project's epochs in order of time."""
    with database.reading() as session:
        records = session.scalars(select(EpochRecord).where(EpochRecord.project == project))
        return sorted(_epoch(record) for record in records)


def _epoch(record: EpochRecord) -> Epoch:
    return Epoch(
        int(record.starts_at.timestamp()),
        int(record.ends_at.timestamp()),
        record.name,
        record.fingerprint,
        record.destroyed_at is not None,
    )


def natural_span(calendar: Calendar, length: str, moment: int) -> tuple[str, int, int]:
    """Give the name and span of the calendar's year, quarter or month that holds a moment.

    >>> natural_span(Calendar("UTC"), "year", 1_772_323_200)
    ('2026', 1767225600, 1798761600)
    """
    months = MONTHS[length]
    # A day boundary may put the moment's own date in the next or last span; look at both sides.
    near = datetime.fromtimestamp(moment, UTC).date()
    for shift in (-1, 0, 1):
        number = (near.year * 12 + near.month - 1) // months + shift
        first = [date((number + step) * months // 12, (number + step) * months % 12 + 1, 1) for step in (0, 1)]
        edges = calendar.edges(first[0], first[1], "month")
        starts, ends = int(edges[0]), int(edges[-1])
        if starts <= moment < ends:
            name = {"year": f"{first[0]:%Y}", "month": f"{first[0]:%Y-%m}"}.get(length)
            return name or f"{first[0]:%Y}-Q{first[0].month // 3 + 1}", starts, ends
    raise AssertionError("months of a calendar are contiguous")


def key_of(folder: Path, project: str, epoch: Epoch) -> EpochKey:
    """Open an epoch's key, which lies in a key directory.

    Raises
    ------
    Refused
        It has been destroyed.
    """
    if epoch.destroyed:
        raise Refused(
            f"the key of epoch {epoch.name} has been destroyed; its events cannot be read or added to",
            where=f"project {project}",
            expected="a period after it",
        )
    return keys.open_key(folder, project, epoch.name, epoch.fingerprint)


class EpochBook:
    """The epochs of a project, for those who read and write its store.

    New epochs are recorded, with their keys, the first time an event falls into them.
    """

    def __init__(self, settings: Settings, database: Database, project: Project) -> None:
        self.settings = settings
        self.database = database
        self.project = project
        self.epochs = epochs_of(database, project.name)
        self._keys: dict[str, EpochKey] = {}
        self._making = threading.Lock()

    def of_times(self, times: np.ndarray) -> np.ndarray:
        """Give, for each UTC second, the start of its epoch, which numbers it; epochs not yet there are made."""
        starts = np.empty(len(times), np.int64)
        left = np.arange(len(times))
        while len(left):
            epoch = self.at(int(times[left[0]]))
            inside = (times[left] >= epoch.starts) & (times[left] < epoch.ends)
            starts[left[inside]] = epoch.starts
            left = left[~inside]
        return starts

    def at(self, moment: int) -> Epoch:
        """Give the epoch that holds a UTC second; one not yet there is made, with its key."""
        with self._making:
            for epoch in self.epochs:
                if epoch.starts <= moment < epoch.ends:
                    return epoch
            name, starts, ends = natural_span(self.project.calendar, self.project.epoch_length, moment)
            starts = max([starts, *(epoch.ends for epoch in self.epochs if epoch.ends <= moment)])
            ends = min([ends, *(epoch.starts for epoch in self.epochs if epoch.starts > moment)])
            if any(epoch.name == name for epoch in self.epochs):
                name = f"{datetime.fromtimestamp(starts, UTC):%Y-%m-%dT%H%M}"
            return self._make(name, starts, ends)

    def begin(self, moment: int) -> Epoch:
        """Begin a new epoch at a moment: rotate the key.

        Raises
        ------
        Refused
            Events from that moment on have been stored already, under the key that would be rotated away.
        """
        current = self.at(moment)
        if current.starts == moment:
            return current
        stored = self.store(current)
        newest = max((segment.end for segment in stored.manifest.events()), default=0)
        if newest > moment:
            raise Refused(
                f"the store holds events until {datetime.fromtimestamp(newest, UTC):%Y-%m-%d %H:%M} UTC",
                where=f"epoch {current.name}",
                expected="a later moment",
            )
        stored.shorten(moment)  # first: done again, it changes nothing
        with self.database.transaction() as session:
            record = session.get_one(EpochRecord, (self.project.name, current.name))
            record.ends_at = datetime.fromtimestamp(moment, UTC)
        self.epochs = epochs_of(self.database, self.project.name)
        with self._making:
            return self._make(f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H%M}", moment, current.ends)

    def _make(self, name: str, starts: int, ends: int) -> Epoch:
        key = keys.create(self.settings.keys, self.project.name, name)
        with self.database.transaction() as session:
            if session.get(EpochRecord, (self.project.name, name)) is None:
                session.add(
                    EpochRecord(
                        project=self.project.name,
                        name=name,
                        starts_at=datetime.fromtimestamp(starts, UTC),
                        ends_at=datetime.fromtimestamp(ends, UTC),
                        fingerprint=key.fingerprint,
                    )
                )
        self.epochs = epochs_of(self.database, self.project.name)
        return next(epoch for epoch in self.epochs if epoch.name == name)

    def key(self, epoch: Epoch) -> EpochKey:
        """Open an epoch's key.

        Raises
        ------
        Refused
            It has been destroyed.
        """
        if epoch.name not in self._keys or epoch.destroyed:
            self._keys[epoch.name] = key_of(self.settings.keys, self.project.name, epoch)
        return self._keys[epoch.name]

    def has_key(self, epoch: Epoch) -> bool:
        """Say whether an epoch's key is there."""
        return keys.key_path(self.settings.keys, self.project.name, epoch.name).exists()

    def pseudonym_key(self, starts: int) -> bytes:
        """Give the pseudonym key of the epoch that starts at a UTC second."""
        return self.key(self.at(starts)).pseudonym

    def store(self, epoch: Epoch, bucket_bits: int | None = None) -> EpochStore:
        """Open an epoch's store, beginning it if it is not there."""
        folder = project_folder(self.settings.store, self.project.name) / epoch.name
        manifest = Manifest(
            self.project.name,
            epoch.name,
            epoch.starts,
            epoch.ends,
            bucket_bits or self.project.bucket_bits,
            fingerprint="",
            data_key="",
        )
        return EpochStore.create(folder, manifest, self.key(epoch))
