"""The whole time of everybody: stays, moves, and what is unknown."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from commonweal.mobility.cleaning.parameters import DEFAULT as CLEANING
from commonweal.mobility.cleaning.parameters import Cleaning
from commonweal.mobility.counting import Bucket, derive_bucket
from commonweal.mobility.inside.naming import identifiers_of, lists, names, times
from commonweal.mobility.runs import Plan, buckets_for
from commonweal.mobility.stays import derivations
from commonweal.mobility.stays.parameters import BOUNCE, DEFAULT, Segmenting
from commonweal.mobility.stays.segmenting import State


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
    identifiers = np.array(identifiers_of(planned), dtype=object)
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
                    "start": times(rows["start"], bucket),
                    "end": times(rows["end"], bucket),
                    "state": names(State, rows["state"].to_numpy()),
                    "plmn": pa.array(plmn, mask=plmn == 0),
                    "cells": lists(cells.value_lengths(), named),
                }
            )
        )
    return pa.concat_tables(parts).combine_chunks()


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
