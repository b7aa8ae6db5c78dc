"""Erasing from the store: what is older than may be kept, and those who object.

What was counted from erased events and kept for the next run is erased with them; what has been published stands.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.mobility.manifest import Segment
from commonweal.mobility.merging import in_order
from commonweal.mobility.objecting import without_counterparts, write_objections
from commonweal.mobility.store import EpochStore


def erase_before(store: EpochStore, moment: int) -> Counter[str]:
    """Erase events and rejects before a UTC second; give how many ``events`` and ``rejects``."""
    over = store.manifest.ends <= moment  # then its key is destroyed next, and with it all that is left
    keep: list[Segment] = []
    erased: Counter[str] = Counter()
    for segment in store.manifest.segments:
        ages = segment.store in ("events", "rejects")
        if over or (ages and segment.end <= moment):
            erased[segment.store] += segment.rows
        elif ages and segment.start < moment:
            table = store.read(segment.file)
            column, since = ("time", store.manifest.starts) if segment.store == "events" else ("dated", 0)
            left = table.filter(pc.greater_equal(table[column], moment - since))
            erased[segment.store] += segment.rows - left.num_rows
            keep.append(store.write_segment(segment.store, segment.bucket, segment.start, segment.end, left))
        else:
            keep.append(segment)
    _commit(store, keep)
    return erased


@dataclass(frozen=True)
class Erased:
    """What erasing subscribers from an epoch came to.

    Parameters
    ----------
    events
        How many events were erased or lost their counterpart.
    met
        The pseudonyms, of those asked for, that events had.
    """

    events: int
    met: np.ndarray


def erase_subscribers(store: EpochStore, subscribers: np.ndarray, rank_of_cell: np.ndarray) -> Erased:
    """Erase subscribers' events, and their pseudonyms where they are counterparts; from now on they have objected.

    Erasure and objection are one commit, so that there is never one without the other.

    Parameters
    ----------
    subscribers
        Pseudonyms, int64.
    rank_of_cell
        Each cell code's place among the identifiers in order of their text.
    """
    whose = pa.array(np.unique(subscribers))
    keep: list[Segment] = write_objections(store, subscribers)
    met = [np.zeros(0, np.int64)]
    changed = 0
    for segment in store.manifest.segments:
        if segment.store != "events":
            keep += [segment] if segment.store != "objections" else []
            continue
        table = store.read(segment.file)
        own, other = (pc.is_in(table[name], value_set=whose) for name in ("subscriber", "counterpart"))
        touched = pc.sum(pc.or_(own, other)).as_py() or 0
        if not touched:
            keep.append(segment)
            continue
        changed += touched
        met += [table["subscriber"].filter(own).to_numpy(), table["counterpart"].filter(other).to_numpy()]
        # Without their counterparts, rows may stand in another order, or say the same.
        left = in_order(without_counterparts(table.filter(pc.invert(own)), whose), rank_of_cell)
        keep.append(store.write_segment("events", segment.bucket, segment.start, segment.end, left))
    _commit(store, keep)
    return Erased(changed, np.unique(np.concatenate(met)))


def discard_staged(project: Path) -> None:
    """Drop imports that never ended: what they staged may hold anyone. They begin anew when run again."""
    shutil.rmtree(project / ".staging", ignore_errors=True)
    for staged in project.glob("*/staging"):
        shutil.rmtree(staged, ignore_errors=True)


def _commit(store: EpochStore, segments: list[Segment]) -> None:
    # First what was counted from them: if this process ends in between, nothing of them is left beside the events.
    shutil.rmtree(store.folder / "derived", ignore_errors=True)
    if tuple(sorted(segments)) != store.manifest.segments:
        store.commit(replace(store.manifest, segments=tuple(sorted(segments))))
