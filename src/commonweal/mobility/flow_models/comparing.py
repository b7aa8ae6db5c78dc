"""Several models fitted to the same flows, side by side."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from commonweal.core.catalog import State
from commonweal.core.errors import InputError, explain
from commonweal.core.wording import Wording
from commonweal.mobility.flow_models.fitted import Fit, FlowModel, finite
from commonweal.mobility.flow_models.holding_out import HeldOut, held_out_days, held_out_pairs
from commonweal.mobility.flow_models.places import Places
from commonweal.mobility.flow_models.predicting import nowcast, predict
from commonweal.mobility.flow_models.released import ReleasedFlows
from commonweal.mobility.flow_models.scores import common_part_of_commuters, poisson_log_likelihood


@dataclass(frozen=True, eq=False)
class Compared:
    """A model, and how near it comes.

    Parameters
    ----------
    name
        Of the model.
    fit
        To all days together, expecting the flows of one; None if it cannot be fitted.
    why_not
        Why it could not be fitted.
    cpc, log_likelihood
        Of the flows that were added up: common part of commuters, and Poisson's likelihood, which unlike the fit's own
        can be compared between all models.
    pairs, days
        The same of pairs and of days that were held out; None where there were too few, or if it cannot be fitted
        without them.
    """

    name: str
    fit: Fit | None
    why_not: str = ""
    cpc: float | None = None
    log_likelihood: float | None = None
    pairs: HeldOut | None = None
    days: HeldOut | None = None

    def record(self) -> dict[str, Any]:
        """Give it as JSON values; what is no finite number is null."""
        return {
            "name": self.name,
            **(self.fit.record() if self.fit else {"not_fitted": self.why_not}),
            "cpc": finite(self.cpc),
            "poisson_log_likelihood": finite(self.log_likelihood),
            "held_out_pairs": _held(self.pairs),
            "held_out_days": _held(self.days),
        }


def compare(
    models: Mapping[str, FlowModel],
    released: ReleasedFlows,
    places: Places,
    *,
    folds: int = 5,
    seed: int = 0,
    hold_days_out: bool = True,
) -> list[Compared]:
    """Fit models to the days of a release together, and score them, also on what is held out.

    A model that cannot be fitted says why, and the others are fitted all the same.

    Parameters
    ----------
    models
        By name.
    released
        The flows.
    places
        Of the areas, in the order of the flows' codes.
    folds, seed
        Into how many parts pairs are divided to be held out, 0 for none, days neither; and the seed of that.
    hold_days_out
        Whether each day is held out too, which takes a fit a day.

    Returns
    -------
    One for each model, in their order.

    Raises
    ------
    InputError
        The known pairs cannot be divided into so many parts.
    """
    known = released.known_pairs
    if folds and not 2 <= folds <= known:
        raise InputError(
            Wording("%(pairs)s known pairs cannot be divided into %(folds)s parts", pairs=known, folds=folds),
            expected=Wording("0 for none, or 2 or more"),
        )
    by_days = hold_days_out and len(released.dates) > 1
    return [_compared(name, model, released, places, folds, seed, by_days) for name, model in models.items()]


def _compared(
    name: str, model: FlowModel, released: ReleasedFlows, places: Places, folds: int, seed: int, by_days: bool
) -> Compared:
    flows, times = released.together()
    try:
        fit = model.fit(flows, places, times)
    except InputError as error:
        return Compared(name, None, _worded(error))
    pairs = days = None
    if folds:
        try:
            pairs = held_out_pairs(model, flows, places, folds=folds, seed=seed, exposure=times)
        except InputError:
            pairs = None
        try:
            days = held_out_days(model, list(released.flows), places) if by_days else None
        except InputError:
            days = None
    return Compared(
        name,
        fit,
        "",
        common_part_of_commuters(flows, fit.expected * times),
        poisson_log_likelihood(flows, fit.expected * times),
        pairs,
        days,
    )


def _worded(error: InputError) -> str:
    """Give what an error reads as, so that a page can say it in the reader's language."""
    said = error.what
    if error.expected:
        said = Wording("%(what)s (expected: %(expected)s)", what=said, expected=error.expected)
    return Wording("%(where)s: %(what)s", where=error.where, what=said) if error.where else said


def write_nowcast(path: Path, released: ReleasedFlows, fit: Fit, level: float) -> int:
    """Write flows of each day and pair as CSV, those that were not published filled in and marked as modelled.

    Columns: date, origin, destination, the flow, low and high of what is modelled, and the state: `modelled`, or what
    the release says. A flow that the model knows nothing of stays as it was. What a model gives is not whole.

    Returns
    -------
    How many flows were filled in.

    Raises
    ------
    InputError
        The level is not between 0 and 1.
    Unavailable
        The file cannot be written.
    """
    predict(fit, level=level)  # refuses a level before a file that is there is lost
    filled = 0
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("date", "origin", "destination", released.measure, "low", "high", "state"))
            for row in _rows(released, fit, level):
                filled += row[-1] == "modelled"
                writer.writerow(row)
    except OSError as error:
        raise explain(error, path) from error
    return filled


def _rows(released: ReleasedFlows, fit: Fit, level: float) -> Iterator[tuple[object, ...]]:
    for day, flows, states in zip(released.dates, released.flows, released.states, strict=True):
        found = nowcast(flows, fit, level=level)
        for i, origin in enumerate(released.codes):
            for j, destination in enumerate(released.codes):
                if i != j:
                    values = (found.flows[i, j], found.low[i, j], found.high[i, j])
                    modelled = found.states[i, j] is State.MODELLED
                    yield (
                        day.isoformat(),
                        origin,
                        destination,
                        *(None if np.isnan(value) else f"{value:.6g}" for value in values),
                        str(found.states[i, j] if modelled else states[i, j]),
                    )


def _held(held: HeldOut | None) -> dict[str, Any] | None:
    if held is None:
        return None
    return {
        "cpc": finite(held.cpc),
        "poisson_log_likelihood": finite(held.log_likelihood),
        "flows": held.flows,
        "not_foretold": held.not_foretold,
    }
