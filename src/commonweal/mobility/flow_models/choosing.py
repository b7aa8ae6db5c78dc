"""Models of where people go who leave, that have no parameter: radiation and population-weighted opportunities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from commonweal.mobility.flow_models.fitted import Fit, exposures, pearson_dispersion
from commonweal.mobility.flow_models.intervening import Ties
from commonweal.mobility.flow_models.opportunities import opportunity_probabilities
from commonweal.mobility.flow_models.pairs import modelled_pairs, observed_flows
from commonweal.mobility.flow_models.places import Matrix, Numbers, Places
from commonweal.mobility.flow_models.radiation import radiation_probabilities
from commonweal.mobility.flow_models.scores import multinomial_log_likelihood


@dataclass(frozen=True)
class Radiation:
    """The radiation model, see `radiation_probabilities`; how many leave each area is taken from the flows.

    Parameters
    ----------
    finite
        Whether to normalise for a finite size (Masucci 2013), so that whoever leaves arrives.
    ties
        See `population_within`.

    Examples
    --------
    >>> at = np.array([0.0, 1.0, 3.0])
    >>> towns = Places(abs(at[:, None] - at), [1, 2, 3])
    >>> Radiation(finite=True).fit([[0, 700, 300], [10, 0, 10], [5, 15, 0]], towns).expected[0].round(6).tolist()
    [0.0, 800.0, 200.0]
    """

    finite: bool = False
    ties: Ties = "within"

    @property
    def title(self) -> str:
        """The model in words."""
        return "radiation, finite size" if self.finite else "radiation"

    def fit(self, flows: Matrix, places: Places, exposure: Matrix | None = None) -> Fit:
        """Find how many leave each area; parameters and errors are as of `fit_outflows`."""
        return fit_outflows(
            self.title, radiation_probabilities(places, finite=self.finite, ties=self.ties), flows, exposure
        )


@dataclass(frozen=True)
class Opportunities:
    """The population-weighted opportunities model, see `opportunity_probabilities`; outflows are taken from the flows.

    Parameters
    ----------
    ties
        See `population_within`.

    Examples
    --------
    >>> at = np.array([0.0, 1.0, 3.0])
    >>> towns = Places(abs(at[:, None] - at), [1, 2, 3])
    >>> Opportunities().fit([[0, 9, 1], [10, 0, 6], [5, 15, 0]], towns).expected[1].round(6).tolist()
    [10.0, 0.0, 6.0]
    """

    ties: Ties = "within"

    @property
    def title(self) -> str:
        """The model in words."""
        return "population-weighted opportunities"

    def fit(self, flows: Matrix, places: Places, exposure: Matrix | None = None) -> Fit:
        """Find how many leave each area; parameters and errors are as of `fit_outflows`."""
        return fit_outflows(self.title, opportunity_probabilities(places, ties=self.ties), flows, exposure)


def fit_outflows(title: str, chance: Numbers, flows: Matrix, exposure: Matrix | None = None) -> Fit:
    r"""Find how many leave each area, where the chances of where they go are given.

    .. math::
        \hat T_{ij} = \hat T_i\, p_{ij}, \qquad
        \hat T_i = \frac{\sum_{j\ \text{known}} T_{ij}}{\sum_{j\ \text{known}} e_{ij}\, p_{ij}} \sum_j p_{ij}

    If all flows of an area are known, :math:`\hat T_i` is its observed outflow; what is suppressed is made up for by
    the chance to go there. The likelihood is the multinomial one of where people went, given how many left.

    Parameters
    ----------
    title
        The model in words.
    chance
        (n, n) p, 0 on the diagonal.
    flows
        (n, n); None or NaN where not known.
    exposure
        (n, n) e: how long each pair was watched; 1 if None.

    Raises
    ------
    InputError
        Flows are not numbers from 0, or a known flow was watched for no time.

    Examples
    --------
    Half go to an area of which nothing is known, 20 to the other: 40 leave.

    >>> chance = np.array([[0, 0.5, 0.5], [1, 0, 0], [1, 0, 0]])
    >>> fit_outflows("chance", chance, [[0, 20, None], [7, 0, 0], [9, 0, 0]]).expected.tolist()
    [[0.0, 20.0, 20.0], [7.0, 0.0, 0.0], [9.0, 0.0, 0.0]]
    """
    n = len(chance)
    counts, known = observed_flows(flows, n)
    exposed = exposures(exposure, n, known)
    left = np.where(known, counts, 0.0).sum(1)
    seen = np.where(known, exposed * chance, 0.0).sum(1)
    # Where nothing was seen of an area, or only pairs to which nobody is thought to go, its outflow is not known.
    outflow = np.divide(left * chance.sum(1), seen, out=np.full(n, np.nan), where=seen > 0)
    expected = np.where(chance > 0, outflow[:, None] * chance, 0.0)
    with np.errstate(divide="ignore"):
        variance = np.where((expected > 0) & (left > 0)[:, None], (1 / left)[:, None], np.nan)
    estimated = int(known.any(1).sum())
    observed = np.where(known, counts, np.nan)
    return Fit(
        title,
        {},
        expected,
        variance,
        "multinomial",
        multinomial_log_likelihood(observed, expected * exposed),
        int(known.sum()),
        estimated,
        pearson_dispersion(counts, expected * exposed, known, estimated),
        modelled_pairs(n),
    )
