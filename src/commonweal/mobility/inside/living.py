"""Where everybody lives, works and usually is: permanence scores, labels, and homes by rule."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from commonweal.mobility.borders.counted import numbers
from commonweal.mobility.counting import derive_bucket, window_of
from commonweal.mobility.inside.naming import areas, lists, times
from commonweal.mobility.measures import permanence as daily
from commonweal.mobility.measures.home_rules import DERIVATION as HOMES
from commonweal.mobility.measures.home_rules import RULES, Homes
from commonweal.mobility.measures.usual_environment import LABELS, Scores, over_run, scores
from commonweal.mobility.runs import Plan, buckets_for

HOURS = 24
EPOCH = date(1970, 1, 1).toordinal()


def permanence(planned: Plan) -> pa.Table:
    """Give the daily permanence score of every subscriber of a run in every area, by `measures.permanence`.

    Returns
    -------
    Sorted by subscriber and day: ``subscriber`` (int64, pseudonym), ``day`` (UTC, its beginning), ``area`` (code),
    ``hours`` (list of int8, the hours of the clock that score 1), ``score`` (int64, how many these are). An area
    without a score has no row.
    """
    parts = []
    for bucket in buckets_for(planned, daily.DERIVATION):
        found = numbers(derive_bucket(bucket, daily.DERIVATION))
        scored = found["hours"][:, None] >> np.arange(HOURS) & 1
        score = scored.sum(axis=1)
        parts.append(
            pa.table(
                {
                    "subscriber": found["subscriber"],
                    "day": times(found["start"], bucket),
                    "area": areas(planned, found["area"]),
                    "hours": lists(score, pa.array(np.nonzero(scored)[1].astype(np.int8))),
                    "score": score,
                }
            )
        )
    return pa.concat_tables(parts).combine_chunks()


def monthly_permanence(planned: Plan) -> pa.Table:
    """Give the scores of every subscriber in each calendar month of a run, area by area: daily ones added up.

    Of a month that the run holds in part, its days in the run count.

    Returns
    -------
    Sorted by subscriber, month and area, those with a score: ``subscriber`` (int64, pseudonym), ``month`` (such as
    ``2026-03``), and what `usual_environment` gives but for the labels.
    """
    months = sorted({day.replace(day=1) for day in _days(planned)})
    parts = []
    for bucket in buckets_for(planned, daily.DERIVATION):
        rows = derive_bucket(bucket, daily.DERIVATION)
        for month in months:
            within = [day.toordinal() - EPOCH for day in _days(planned) if day.replace(day=1) == month]
            table = _scored(planned, scores(rows, within[0], within[-1] + 1))
            label = pa.array([f"{month:%Y-%m}"] * table.num_rows, pa.string())
            parts.append(table.add_column(1, "month", label))
    whole = pa.concat_tables(parts)
    return whole.sort_by([(name, "ascending") for name in ("subscriber", "month", "area")]).combine_chunks()


def _days(planned: Plan) -> list[date]:
    return [planned.first + timedelta(days=number) for number in range((planned.last - planned.first).days)]


def _scored(planned: Plan, of: Scores) -> pa.Table:
    return pa.table(
        {
            "subscriber": np.repeat(of.subscriber, np.diff(of.first)),
            "area": areas(planned, of.area),
            **dict(zip(("score", "night_score", "working_score", "free_night_score"), of.score, strict=True)),
            **dict(zip(("days", "nights", "working_days", "free_nights"), of.days, strict=True)),
        }
    )


def usual_environment(planned: Plan) -> pa.Table:
    """Give the scores of every subscriber over a run, area by area, and the labels by `measures.usual_environment`.

    Returns
    -------
    Sorted by subscriber and area, those with a score:

    - ``subscriber`` (int64, pseudonym), ``area`` (code);
    - ``score``, ``night_score``, ``working_score``, ``free_night_score`` (int64, hours);
    - ``days``, ``nights``, ``working_days``, ``free_nights`` (int64, how many have such a score);
    - ``usual_environment``, ``home``, ``work``, ``second_home`` (bool).
    """
    parts = []
    for bucket in buckets_for(planned, daily.DERIVATION):
        rows = derive_bucket(bucket, daily.DERIVATION)
        of, labelled = over_run(rows, window_of(bucket, bucket.starts, bucket.ends))
        table = _scored(planned, of)
        for label, row in zip(LABELS, labelled, strict=True):
            table = table.append_column(label.replace(" ", "_"), pa.array(row))
        parts.append(table)
    return pa.concat_tables(parts).combine_chunks()


def homes(planned: Plan) -> pa.Table:
    """Give where every subscriber of a run lives by each of the rules of `measures.home_rules`.

    Returns
    -------
    Sorted by subscriber: ``subscriber`` (int64, pseudonym), ``rule``, ``area`` (code, null where the rule finds none);
    a row for each rule, of everybody with a located event.
    """
    parts = []
    for bucket in buckets_for(planned, HOMES):
        found = Homes.of(derive_bucket(bucket, HOMES))
        parts.append(
            pa.table(
                {
                    "subscriber": np.repeat(found.subscriber, len(RULES)),
                    "rule": pa.array(RULES * len(found.subscriber), pa.string()),
                    "area": areas(planned, found.area.T.ravel()),
                }
            )
        )
    return pa.concat_tables(parts).combine_chunks()
