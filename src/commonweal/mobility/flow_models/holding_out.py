"""How well a model foretells flows that it was not fitted to: pairs held out, or whole days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from commonweal.core.errors import InputError
from commonweal.mobility.flow_models.fitted import FlowModel, exposures
from commonweal.mobility.flow_models.pairs import observed_flows
from commonweal.mobility.flow_models.places import Matrix, Numbers, Places
from commonweal.mobility.flow_models.scores import common_part_of_commuters, poisson_log_likelihood


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What came of flows that were held out.

    Parameters
    ----------
    cpc
        Common part of commuters of what was foretold and what was held out.
    log_likelihood
        Poisson's, of what was held out about what was foretold.
    flows
        How many flows were held out and foretold.
    not_foretold
        How many were held out of which the model could say nothing, as when an area's only known pair was held out.
        They are in no score.
    parts
        CPC of each fold or day, NaN where nothing was foretold.
    foretold
        What was foretold: (n, n), or for days (days, n, n); NaN elsewhere.
    """

    cpc: float
    log_likelihood: float
    flows: int
    not_foretold: int
    parts: tuple[float, ...]
    foretold: Numbers


def held_out_pairs(
    model: FlowModel,
    flows: Matrix,
    places: Places,
    *,
    folds: int = 5,
    seed: int = 0,
    exposure: Matrix | None = None,
    diagonal: bool = False,
) -> HeldOut:
    """Hold out each fifth of the known pairs in turn, fit the model to the others, and compare.

    Parameters
    ----------
    model
        What to fit.
    flows
        (n, n); None or NaN where not known: such pairs are neither fitted to nor held out.
    places
        Of the areas.
    folds
        Into how many parts of nearly one size the pairs are divided, at random.
    seed
        Of that division: the same seed gives the same.
    exposure
        (n, n) how long each pair was watched, such as days that were added up; 1 if None.
    diagonal
        Whether flows from an area to itself take part; give it as the model has it.

    Raises
    ------
    InputError
        There are fewer than two folds, or more than known pairs; or the model cannot be fitted without a fold.

    Examples
    --------
    >>> from commonweal.mobility.flow_models.gravity import Gravity
    >>> from commonweal.mobility.flow_models.gravity_law import gravity_flows
    >>> at = np.array([0.0, 1.0, 3.0, 7.0])
    >>> towns = Places(abs(at[:, None] - at), [1, 2, 3, 5])
    >>> held = held_out_pairs(Gravity(), gravity_flows(towns, 1.5, constant=1000), towns)
    >>> round(held.cpc, 6), held.flows, held.not_foretold
    (1.0, 12, 0)
    """
    matrix, known = observed_flows(flows, len(places), diagonal)
    watched = exposures(exposure, len(places), known)
    pairs = np.argwhere(known)
    if not 2 <= folds <= len(pairs):
        raise InputError(f"{len(pairs)} known pairs cannot be divided into {folds} folds", expected="2 folds or more")
    order = np.random.default_rng(seed).permutation(len(pairs))
    foretold, parts = np.full(matrix.shape, np.nan), []
    for fold in range(folds):
        held = np.zeros(matrix.shape, dtype=bool)
        held[tuple(pairs[order[fold::folds]].T)] = True
        expected = model.fit(np.where(known & ~held, matrix, np.nan), places, watched).expected * watched
        foretold[held] = expected[held]
        parts.append(common_part_of_commuters(matrix, np.where(held, expected, np.nan), diagonal=diagonal))
    seen = np.where(known, matrix, np.nan)
    said = int(np.isfinite(foretold[known]).sum())
    return HeldOut(
        common_part_of_commuters(seen, foretold, diagonal=diagonal),
        poisson_log_likelihood(seen, foretold, diagonal=diagonal),
        said,
        int(known.sum()) - said,
        tuple(parts),
        foretold,
    )


def held_out_days(model: FlowModel, days: Sequence[Matrix], places: Places, *, diagonal: bool = False) -> HeldOut:
    """Hold out each day in turn, fit the model to the others, and compare.

    The others are added up pair by pair, over the days on which the pair is known; on how many it is, is the pair's
    exposure, so a day on which it was suppressed is not taken for one on which nobody went. It is not neutral either:
    days on which it was hidden had fewer, so pairs that are hidden at times are foretold too high.

    Parameters
    ----------
    model
        What to fit.
    days
        (n, n) flows of each day; None or NaN where not known.
    places
        Of the areas.
    diagonal
        Whether flows from an area to itself take part; give it as the model has it.

    Raises
    ------
    InputError
        There are fewer than two days, or the model cannot be fitted without one.

    Examples
    --------
    >>> from commonweal.mobility.flow_models.gravity import Gravity
    >>> towns = Places([[0, 1, 3], [1, 0, 2], [3, 2, 0]], [1, 2, 3])
    >>> day = np.array([[0, 40, 10], [40, 0, 30], [10, 30, 0]])
    >>> held = held_out_days(Gravity("production", beta=1.0), [day, day, day], towns)
    >>> held.flows, len(set(held.parts))
    (18, 1)
    """
    tables = [observed_flows(day, len(places), diagonal) for day in days]
    if len(tables) < 2:
        raise InputError(f"there are flows of {len(tables)} days", expected="2 days or more, to hold one out")
    counts = np.array([np.where(known, matrix, 0.0) for matrix, known in tables])
    watched = np.array([known for _, known in tables])
    foretold, parts, heights = np.full(counts.shape, np.nan), [], []
    for day, (matrix, known) in enumerate(tables):
        times = watched.sum(0) - watched[day]
        others = np.where(times > 0, counts.sum(0) - counts[day], np.nan)
        expected = model.fit(others, places, np.maximum(times, 1)).expected
        foretold[day][known] = expected[known]
        parts.append(common_part_of_commuters(matrix, foretold[day], diagonal=diagonal))
        heights.append(poisson_log_likelihood(matrix, foretold[day], diagonal=diagonal))
    both = watched & np.isfinite(foretold)
    total = counts[both].sum() + foretold[both].sum()
    return HeldOut(
        float(2 * np.minimum(counts[both], foretold[both]).sum() / total) if total > 0 else float("nan"),
        float(sum(heights)),
        int(both.sum()),
        int(watched.sum() - both.sum()),
        tuple(parts),
        foretold,
    )
