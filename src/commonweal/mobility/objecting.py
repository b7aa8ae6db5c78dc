"""Those who objected: in each epoch's store a list of their pseudonyms, so that an objection outlasts the next import.

The list is a segment like any other: encrypted, named by the manifest, committed together with the erasure, and gone
with the epoch's key. It cannot be carried into another epoch, where people have other pseudonyms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.mobility.manifest import Segment
from commonweal.mobility.parsing import Parsed
from commonweal.mobility.rejecting import REJECTS
from commonweal.mobility.store import EpochStore

OBJECTIONS = pa.schema([pa.field("subscriber", pa.int64(), nullable=False)])

OBJECTIONS_ARE_NOT_CARRIED_OVER = (
    "people have other pseudonyms in a new epoch: give the numbers of those who objected again to "
    "commonweal mobility forget"
)


def objectors(store: EpochStore) -> pa.Array:
    """Give the pseudonyms of those who objected, int64, in order."""
    lists = [store.read(segment.file) for segment in store.manifest.segments if segment.store == "objections"]
    return pa.concat_tables([OBJECTIONS.empty_table(), *lists])["subscriber"].combine_chunks()


def knowing_fewer(stores: Iterable[EpochStore]) -> list[str]:
    """Give the epochs that know of fewer objections than another, since they began after these were made."""
    known = {
        store.manifest.epoch: sum(segment.rows for segment in store.manifest.segments if segment.store == "objections")
        for store in stores
    }
    return [epoch for epoch, objections in known.items() if objections < max(known.values())]


def write_objections(store: EpochStore, subscribers: np.ndarray) -> list[Segment]:
    """Write the list with subscribers added to it; it holds once a manifest names it."""
    whose = np.union1d(objectors(store).to_numpy(), subscribers)
    if not len(whose):
        return []
    table = pa.table([whose], schema=OBJECTIONS)
    return [store.write_segment("objections", 0, store.manifest.starts, store.manifest.ends, table)]


def without_objectors(parsed: Parsed, objectors_of: Callable[[int], pa.Array]) -> Parsed:
    """Reject the events of those who objected, of which only the line is kept, and cut them where they were met.

    Parameters
    ----------
    parsed
        What a block came to.
    objectors_of
        Gives the pseudonyms of those who objected in an epoch.
    """
    events: dict[int, pa.Table] = {}
    rejects = [parsed.rejects]
    for epoch, table in parsed.events.items():
        whose = objectors_of(epoch)
        if len(whose):
            own = pc.is_in(table["subscriber"], value_set=whose)
            rejects.append(_rejects_of(table["line"].filter(own)))
            table = without_counterparts(table.filter(pc.invert(own)), whose)
        if table.num_rows:
            events[epoch] = table
    return Parsed(events, pa.concat_tables(rejects), parsed.lines)


def _rejects_of(lines: pa.ChunkedArray) -> pa.Table:
    said = {"line": lines, "reason": pa.repeat("objected", len(lines))}
    nothing = {field.name: pa.nulls(len(lines), field.type) for field in REJECTS if field.name not in said}
    return pa.table(said | nothing, schema=REJECTS)


def without_counterparts(table: pa.Table, whose: pa.Array) -> pa.Table:
    """Leave out who was at the other end, where it is one of these."""
    place = table.schema.get_field_index("counterpart")
    met = pc.is_in(table["counterpart"], value_set=whose)
    blank = pc.if_else(met, pa.scalar(None, pa.int64()), table["counterpart"])
    return table.set_column(place, table.schema.field(place), blank)
