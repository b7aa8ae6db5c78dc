"""The derivations of stays: cleaned events whose ping-pong is settled, and time segments."""

from __future__ import annotations

from dataclasses import astuple, replace
from functools import cache

import numpy as np
import pyarrow as pa

from commonweal.mobility.cleaning.parameters import DEFAULT as CLEANING
from commonweal.mobility.cleaning.parameters import Cleaning
from commonweal.mobility.cleaning.semantic import cleaned
from commonweal.mobility.measure import Derivation, Window
from commonweal.mobility.sequences import Events
from commonweal.mobility.stays import ping_pong
from commonweal.mobility.stays.parameters import BOUNCE, DEFAULT, LOOKBACK, Segmenting
from commonweal.mobility.stays.segmenting import segments


@cache
def settled(bounce: int = BOUNCE, cleaning: Cleaning = CLEANING) -> Derivation:
    """Give the derivation of cleaned events of which those that bounced are where the subscriber was.

    Their ``span`` and ``area`` are changed, and a column ``bounced`` says which they are. With 0 seconds none is.
    """

    def derive(events: Events, window: Window) -> Events:
        network = window.network
        assert network is not None
        sequence = (events.subscriber, events.day, events.time, events.span)
        place = ping_pong.settled(*sequence, events.columns["abroad"], network.first, network.other, bounce)
        bounced = place != np.arange(len(place))
        moved = events.with_columns(bounced=bounced)
        if bounced.any():
            moved = replace(moved, span=events.span.take(place), area=events.area.take(place))
        return moved.within(window.own, (window.hours, window.days)) if window.own else moved

    return Derivation(
        "settled",
        derive,
        of=cleaned(cleaning),
        lookback=1,
        lookahead=1,
        network=True,
        kept=False,
        parameters=f"bounce={bounce}",
    )


def stay_segments(events: Events, window: Window, segmenting: Segmenting) -> tuple[np.ndarray, ...]:
    """Cut the time of a window's settled events into segments, as `segmenting.segments` gives them."""
    network = window.network
    assert network is not None
    sequence = (events.subscriber, events.day, events.time, events.span)
    where = (events.columns["abroad"], events.columns["serving_plmn"], network.first, network.other)
    return segments(*sequence, *where, window.days, window.own_days, astuple(segmenting), LOOKBACK)


@cache
def stays(segmenting: Segmenting = DEFAULT, bounce: int = BOUNCE, cleaning: Cleaning = CLEANING) -> Derivation:
    """Give the derivation of time segments.

    Its rows: ``subscriber``, ``start`` and ``end`` (seconds from the epoch's start), ``state`` (a `State`), ``plmn``
    (abroad, else 0) and ``cells`` (spans in which the subscriber was seen, in order of their first event).
    """

    def derive(events: Events, window: Window) -> pa.Table:
        row, start, end, state, plmn, begins, cells = stay_segments(events, window, segmenting)
        return pa.table(
            {
                "subscriber": events.subscriber.take(row),
                "start": start,
                "end": end,
                "state": state,
                "plmn": plmn,
                "cells": pa.LargeListArray.from_arrays(begins, cells),
            }
        )

    return Derivation(
        "stays",
        derive,
        of=settled(bounce, cleaning),
        lookback=LOOKBACK,
        lookahead=1,
        network=True,
        parameters=str(segmenting),
    )


SETTLED, STAYS = settled(BOUNCE, CLEANING), stays(DEFAULT, BOUNCE, CLEANING)
