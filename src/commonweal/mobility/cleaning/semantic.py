"""The derivations of cleaning: every event with its flag, those that are left, and how many were flagged."""

from __future__ import annotations

from dataclasses import astuple
from functools import cache

import numpy as np
import pyarrow as pa

from commonweal.core.engine import keyed_counts
from commonweal.mobility.cleaning.flagging import LEFT_IN, Flag, flags
from commonweal.mobility.cleaning.parameters import DEFAULT, Cleaning
from commonweal.mobility.measure import Derivation, Window
from commonweal.mobility.sequences import Events

EVERYWHERE = -1
"""Stands for a cell where all cells of a day are counted together."""


@cache
def flagged(parameters: Cleaning = DEFAULT) -> Derivation:
    """Give the derivation of all events with columns ``flag``, a `Flag`, and ``abroad``."""
    limits = astuple(parameters)

    def derive(events: Events, window: Window) -> Events:
        network = window.network
        assert network is not None
        hours_of_day = np.diff(np.searchsorted(window.hours, window.days))
        columns = (events.columns["home_plmn"], events.columns["serving_plmn"])
        sequence = (events.subscriber_day, events.day, events.hour, events.time, events.span)
        flag, abroad = flags(*sequence, *columns, network.state, network.place, network.countries, hours_of_day, limits)
        if len(network.machines):
            judged = np.isin(flag, (Flag.NONE, Flag.INCORRECT_PLACE, Flag.SUSPICIOUS_PLACE))
            flag[judged & np.isin(events.columns["tac"], network.machines)] = Flag.MACHINE
        return events.with_columns(flag=flag, abroad=abroad)

    return Derivation(
        "flagged",
        derive,
        columns=("home_plmn", "serving_plmn", "tac"),
        network=True,
        kept=False,
        parameters=str(parameters),
    )


def _left(events: Events, window: Window) -> Events:
    flag = events.columns["flag"]
    left = (flag == LEFT_IN[0]) | (flag == LEFT_IN[1])
    return events.without_columns("home_plmn", "tac").where(left)


@cache
def cleaned(parameters: Cleaning = DEFAULT) -> Derivation:
    """Give the derivation of the events that are left: those without a flag, and those whose place is suspicious."""
    return Derivation("cleaned", _left, of=flagged(parameters), kept=False)


@cache
def flag_counts(parameters: Cleaning = DEFAULT) -> Derivation:
    """Give the derivation of how many events, and of how many people, were flagged on a day in a cell.

    Its rows are keyed counts: ``start`` of the day (UTC seconds), ``cell`` (code, or `EVERYWHERE`), ``flag``,
    ``events`` and ``people``. People are counted anew for the whole day: one may have been flagged in several cells.
    """
    return Derivation("flag_counts", _counted, of=flagged(parameters), network=True)


def _counted(events: Events, window: Window) -> pa.Table:
    network = window.network
    assert network is not None
    wrong = events.where(events.columns["flag"] != Flag.NONE)
    days, cells = len(window.days) - 1, int(network.cell.max(initial=-1)) + 2
    flag, whose = wrong.columns["flag"].astype(np.int64), wrong.subscriber_day.astype(np.int64)
    parts = []
    for cell in (network.cell[wrong.span].astype(np.int64) + 1, np.zeros(len(wrong), np.int64)):
        key = (flag * days + wrong.day) * cells + cell
        keys, number, events_of = np.unique(key, return_inverse=True, return_counts=True)
        people = np.unique(whose * max(1, len(keys)) + number) % max(1, len(keys))
        rest, where = np.divmod(keys, cells)
        kind, day = np.divmod(rest, days)
        parts.append(
            keyed_counts(
                {"start": window.days[day] + window.starts, "cell": where - 1, "flag": kind},
                {"events": events_of, "people": np.bincount(people, minlength=len(keys))},
            )
        )
    return pa.concat_tables(parts)


# Called as others call them, so that what several are made of is one.
FLAGGED, CLEANED, FLAG_COUNTS = flagged(DEFAULT), cleaned(DEFAULT), flag_counts(DEFAULT)
