"""The utility curve: how far a table with noise is from the raw one, for each ε.

It looks at raw counts and at drawn noise that is thrown away: it is for whoever chooses the rule, and never published.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from commonweal.disclosure.private.table import Prepared, draw


@dataclass(frozen=True)
class Utility:
    """How useful a table is at one ε.

    Parameters
    ----------
    epsilon
        ε of the whole rule.
    error
        Median over cells of |published − raw| / raw.
    worst
        The error that nine cells in ten keep below.
    cells
        How many cells were looked at.
    """

    epsilon: float
    error: float
    worst: float
    cells: int


def utility_curve(
    prepared: Prepared,
    raw: pa.Table,
    epsilons: Sequence[float],
    *,
    at_least: int = 1000,
    only: Callable[[pa.Table], pa.Array] | None = None,
) -> list[Utility]:
    """Draw a table for each ε and compare it with the raw one.

    Parameters
    ----------
    prepared
        The bounded table, made ready; its rule's ε is replaced by each of `epsilons`.
    raw
        Keys and the measure, counted **without** bounds: so that what bounds cut off is part of the error.
    epsilons
        Which ε to try.
    at_least
        Only cells of so many people, raw.
    only
        Gives for a table which rows to look at: a level.

    Returns
    -------
    One for each ε; NaN where no cell has so many people.
    """
    curve = []
    for epsilon in epsilons:
        drawn = draw(replace(prepared, rule=replace(prepared.rule, epsilon=epsilon))).table
        error = relative_errors(prepared, drawn, raw, at_least=at_least, only=only)
        median, worst = (float(np.quantile(error, q)) if len(error) else float("nan") for q in (0.5, 0.9))
        curve.append(Utility(epsilon, median, worst, len(error)))
    return curve


def relative_errors(
    prepared: Prepared,
    drawn: pa.Table,
    raw: pa.Table,
    *,
    at_least: int = 1000,
    only: Callable[[pa.Table], pa.Array] | None = None,
) -> np.ndarray:
    """Give |published − raw| / raw of every cell of so many people; a cell that is not shown is wrong by all."""
    key, measure = list(prepared.dataset.key), prepared.dataset.measures[0].name
    drawn = drawn.filter(only(drawn)) if only else drawn
    truth = raw.select([*key, measure]).rename_columns([*key, "raw"])
    both = truth.join(drawn.select([*key, measure]), key, join_type="inner")
    real = both["raw"].to_numpy().astype(float)
    said = both[measure].fill_null(0).to_numpy().astype(float)
    large = real >= at_least
    return np.abs(said[large] - real[large]) / real[large]
