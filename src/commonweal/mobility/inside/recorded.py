"""Events as they were recorded, with what cleaning says of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from commonweal.core.engine import map_buckets
from commonweal.core.settings import Settings
from commonweal.mobility.cleaning import semantic
from commonweal.mobility.cleaning.flagging import Flag
from commonweal.mobility.cleaning.parameters import DEFAULT as CLEANING
from commonweal.mobility.cleaning.parameters import Cleaning
from commonweal.mobility.counting import Bucket, derive_bucket, each_window
from commonweal.mobility.inside.naming import areas, identifiers_of, names, times
from commonweal.mobility.measure import Derivation, Scope
from commonweal.mobility.runs import Plan, buckets_for
from commonweal.mobility.sequences import Events
from commonweal.mobility.stays import derivations
from commonweal.mobility.stays.parameters import BOUNCE


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
    cells = pa.array([None, *identifiers_of(planned)], pa.string())
    return pa.table(
        {
            "day": Scope.times(counts["start"]),
            "cell": cells.take(pa.array(counts["cell"].to_numpy() + 1)),
            "flag": names(Flag, counts["flag"].to_numpy()),
            "events": counts["events"],
            "people": counts["people"],
        }
    )


def _count_flags(reference: tuple[Bucket, Derivation]) -> dict[str, pa.Table]:
    bucket, derivation = reference
    return {"flags": derive_bucket(bucket, derivation)}


def _events(planned: Plan, derivation: Derivation) -> pa.Table:
    identifiers = pa.array(identifiers_of(planned), pa.string())
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
                        "time": times(events.time, bucket),
                        "cell": identifiers.take(pa.array(network.cell[events.span])),
                        "area": areas(planned, events.area),
                        "flag": names(Flag, events.columns["flag"]),
                        **columns,
                    }
                )
            )
    table = pa.concat_tables(parts)
    return table.take(pa.array(np.argsort(table["subscriber"].to_numpy(), kind="stable")))
