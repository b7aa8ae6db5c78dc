"""What is known of single subscribers: for whoever holds a project's keys, on the machine that has them.

These tables are never published, and no page or interface gives them: subscribers are pseudonyms, but where somebody
was tells who they are. A run is planned with `runs.plan`, which opens nothing; its epoch's key is needed here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from commonweal.core.engine import map_buckets
from commonweal.core.settings import Settings
from commonweal.mobility.cells import read_register
from commonweal.mobility.cleaning import semantic
from commonweal.mobility.cleaning.flagging import Flag
from commonweal.mobility.cleaning.parameters import DEFAULT as CLEANING
from commonweal.mobility.cleaning.parameters import Cleaning
from commonweal.mobility.counting import Bucket, derive_bucket, each_window
from commonweal.mobility.measure import Derivation, Scope
from commonweal.mobility.runs import Plan, buckets_for
from commonweal.mobility.sequences import Events
from commonweal.mobility.stays import derivations
from commonweal.mobility.stays.parameters import BOUNCE, DEFAULT, Segmenting
from commonweal.mobility.stays.segmenting import State


def flagged_events(planned: Plan, cleaning: Cleaning = CLEANING) -> pa.Table:
    """Give every event of a run with its flag.

    Returns
    -------
    ``subscriber`` (int64, pseudonym), ``time`` (UTC), ``cell`` (identifier), ``area`` (code, or null), ``flag`` (a
    `Flag` by its name, in lower case) and ``abroad``; sorted by subscriber and time.
    """
    return _events(planned, semantic.flagged(cleaning))


def cleaned_events(planned: Plan, bounce: int = BOUNCE, cleaning: Cleaning = CLEANING) -> pa.Table:
    """Give the events of a run that cleaning leaves, those that bounced between two cells where the subscriber was.

    Parameters
    ----------
    bounce
        Seconds within which a jump to an overlapping cell and back is undone; 0 leaves all where they were recorded.

    Returns
    -------
    As `flagged_events`, with ``bounced``.
    """
    return _events(planned, derivations.settled(bounce, cleaning))


def flag_counts(
    settings: Settings,
    planned: Plan,
    cleaning: Cleaning = CLEANING,
    on_done: Callable[[int], None] = lambda done: None,
) -> pa.Table:
    """Count a run's flagged events by day, cell and flag.

    Returns
    -------
    ``day`` (UTC, its beginning), ``cell`` (identifier, or null for all cells together), ``flag``, ``events`` and
    ``people``, distinct subscribers: those of all cells together are not the sum over cells.
    """
    derivation = semantic.flag_counts(cleaning)
    references = [(bucket, derivation) for bucket in buckets_for(planned, derivation)]
    counts = map_buckets(settings, _count_flags, references, on_done)["flags"]
    names = pa.array([None, *_identifiers(planned)], pa.string())
    return pa.table(
        {
            "day": Scope.times(counts["start"]),
            "cell": names.take(pa.array(counts["cell"].to_numpy() + 1)),
            "flag": _names(Flag, counts["flag"].to_numpy()),
            "events": counts["events"],
            "people": counts["people"],
        }
    )


def stays(
    planned: Plan, segmenting: Segmenting = DEFAULT, bounce: int = BOUNCE, cleaning: Cleaning = CLEANING
) -> pa.Table:
    """Give the time segments of every subscriber of a run, from the first day on which one is seen to the last day.

    Returns
    -------
    ``subscriber`` (int64, pseudonym), ``start`` and ``end`` (UTC), ``state`` (name of a `State`, in lower case),
    ``plmn`` (MCC · 1000 + MNC abroad, else null) and ``cells`` (identifiers); sorted by subscriber and time. Segments
    of a subscriber touch one another; midnight cuts them.
    """
    derivation = derivations.stays(segmenting, bounce, cleaning)
    identifiers = np.array(_identifiers(planned), dtype=object)
    parts = []
    for bucket in buckets_for(planned, derivation):
        network = bucket.network
        assert network is not None
        rows = _filled(derive_bucket(bucket, derivation), bucket)
        cells = rows["cells"].combine_chunks()
        named = pa.array(identifiers[network.cell[cells.flatten().to_numpy()]], pa.string())
        plmn = rows["plmn"].to_numpy()
        parts.append(
            pa.table(
                {
                    "subscriber": rows["subscriber"],
                    "start": Scope.times(rows["start"].to_numpy().astype(np.int64) + bucket.epoch_starts),
                    "end": Scope.times(rows["end"].to_numpy().astype(np.int64) + bucket.epoch_starts),
                    "state": _names(State, rows["state"].to_numpy()),
                    "plmn": pa.array(plmn, mask=plmn == 0),
                    "cells": pa.LargeListArray.from_arrays(_offsets(cells), named),
                }
            )
        )
    return pa.concat_tables(parts).combine_chunks()


def _count_flags(reference: tuple[Bucket, Derivation]) -> dict[str, pa.Table]:
    bucket, derivation = reference
    return {"flags": derive_bucket(bucket, derivation)}


def _events(planned: Plan, derivation: Derivation) -> pa.Table:
    identifiers = pa.array(_identifiers(planned), pa.string())
    areas = pa.array([None, *planned.areas.codes], pa.string())
    parts = []
    for bucket in buckets_for(planned, derivation):
        network = bucket.network
        assert network is not None
        found: list[Events] = [events for events, _ in each_window(bucket, bucket.windows, derivation)]
        for events in found:
            columns = {name: events.columns[name] for name in ("abroad", "bounced") if name in events.columns}
            parts.append(
                pa.table(
                    {
                        "subscriber": events.subscriber,
                        "time": Scope.times(events.time.astype(np.int64) + bucket.epoch_starts),
                        "cell": identifiers.take(pa.array(network.cell[events.span])),
                        "area": areas.take(pa.array(events.area + 1)),
                        "flag": _names(Flag, events.columns["flag"]),
                        **columns,
                    }
                )
            )
    table = pa.concat_tables(parts)
    return table.take(pa.array(np.argsort(table["subscriber"].to_numpy(), kind="stable")))


def _identifiers(planned: Plan) -> list[str]:
    return read_register(planned.store.folder.parent).identifiers


def _names(kind: type[Flag] | type[State], values: np.ndarray) -> pa.Array:
    return pa.array([each.name.lower() for each in kind], pa.string()).take(pa.array(values.astype(np.int64)))


def _offsets(lists: pa.LargeListArray) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(lists.value_lengths().to_numpy())]), pa.int64())


def _filled(rows: pa.Table, bucket: Bucket) -> pa.Table:
    """Add the days on which nothing is known of somebody any more, up to the last day of the run."""
    if not rows.num_rows:
        return rows
    days = bucket.days - bucket.epoch_starts
    subscriber, start = rows["subscriber"].to_numpy(), rows["start"].to_numpy()
    day = np.searchsorted(days, start, side="right") - 1
    who, first = np.unique(subscriber, return_index=True)
    silent = np.ones((len(who), len(days) - 1), bool)
    silent &= np.arange(len(days) - 1) >= day[first][:, None]
    silent[np.searchsorted(who, subscriber), day] = False
    person, lost = np.nonzero(silent)
    unknown = pa.table(
        {
            "subscriber": who[person],
            "start": days[lost],
            "end": days[lost + 1],
            "state": np.full(len(lost), State.UNKNOWN),
            "plmn": np.zeros(len(lost), np.int64),
            "cells": pa.array([[]] * len(lost), pa.large_list(pa.int32())),
        }
    ).cast(rows.schema.remove_metadata())
    table = pa.concat_tables([rows.replace_schema_metadata(None), unknown]).combine_chunks()
    order = np.lexsort((table["start"].to_numpy(), table["subscriber"].to_numpy()))
    return table.take(pa.array(order))
