"""Gravity models, fitted by maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.flow_models.deterrence import Deterrence, log_deterrence
from commonweal.mobility.flow_models.fitted import Estimate, Fit, exposures, only_modelled, pearson_dispersion
from commonweal.mobility.flow_models.gravity_law import Constraint, constraint_known
from commonweal.mobility.flow_models.likelihood import most_likely
from commonweal.mobility.flow_models.pairs import modelled_pairs, observed_flows
from commonweal.mobility.flow_models.places import Matrix, Numbers, Places
from commonweal.mobility.flow_models.scores import multinomial_log_likelihood, poisson_log_likelihood


@dataclass(frozen=True)
class Gravity:
    r"""A gravity model: flows grow with masses and fall with distance.

    The formulas are those of `gravity_flows`. Estimated are, by the known pairs alone,

    - none: log K, α, γ and β, by the Poisson likelihood;
    - production: γ and β, by the multinomial likelihood of each origin's destinations, given its known outflow. The
      expected outflow over known pairs is the observed one; of all pairs it is larger by what the unknown are expected
      to hold;
    - attraction: α and β, likewise of each destination's origins;
    - doubly: β, by the Poisson likelihood with an effect of each origin and destination. Expected outflows and inflows
      over known pairs are the observed ones.

    Standard errors are from the Fisher information, observed and expected being the same (see `most_likely`). They take
    counts to vary as Poisson's; multiply them by √dispersion of the fit where that is well above 1.

    Sources: A. G. Wilson (1971); R. Flowerdew, M. Aitkin (1982); R. Davies, C. Guy (1987), *The statistical modeling of
    flow data when the Poisson assumption is violated*, Geographical Analysis 19, 300–314, for the dispersion.

    Parameters
    ----------
    constraint
        "none", "production", "attraction" or "doubly".
    deterrence
        "power", d^−β, or "exponential", e^(−β d).
    origin_exponent, destination_exponent
        α and γ where the formula names them: estimated if None, else kept at this value. Wilson's own models keep 1.
    beta
        Estimated if None, else kept.
    diagonal
        Whether flows from an area to itself are modelled, for which there must be a distance; left out by default.

    Examples
    --------
    Flows that a production-constrained model made itself are found again:

    >>> from commonweal.mobility.flow_models.gravity_law import gravity_flows
    >>> at = np.array([0.0, 1.0, 3.0, 7.0])
    >>> towns = Places(abs(at[:, None] - at), [1, 2, 3, 5])
    >>> flows = gravity_flows(towns, 1.5, constraint="production", outflow=[1000, 2000, 3000, 5000])
    >>> flows[0, 3] = np.nan
    >>> fit = Gravity("production").fit(flows, towns)
    >>> for name, found in fit.parameters.items():
    ...     print(f"{name} {found.value:.4f} ± {found.standard_error:.4f}")
    destination_exponent 1.0000 ± 0.0230
    beta 1.5000 ± 0.0293
    >>> fit.expected[0].round(2).tolist()
    [0.0, 702.41, 202.77, 94.82]
    """

    constraint: Constraint = "none"
    deterrence: Deterrence = "power"
    origin_exponent: float | None = None
    destination_exponent: float | None = None
    beta: float | None = None
    diagonal: bool = False

    @property
    def title(self) -> str:
        """The model in words."""
        constraint_known(self.constraint)
        kept = {"none": "unconstrained", "production": "production-constrained", "attraction": "attraction-constrained"}
        return f"gravity, {kept.get(self.constraint, 'doubly constrained')}, {self.deterrence}"

    def fit(self, flows: Matrix, places: Places, exposure: Matrix | None = None) -> Fit:
        """Find the most likely parameters.

        Parameters
        ----------
        flows
            (n, n); None or NaN where not known: such pairs take no part.
        places
            Distances, and masses where the formula names them; all above 0.
        exposure
            (n, n) how long each pair was watched, such as days that were added up; 1 if None. Expected flows and the
            constant are for an exposure of 1.

        Raises
        ------
        InputError
            Something is missing or not a number; a mass is 0; or the pairs do not determine the parameters.
        """
        title = self.title
        n = len(places)
        counts, known = observed_flows(flows, n, self.diagonal)
        exposed = exposures(exposure, n, known)
        covariates, offset, fixed, names = self._terms(places)
        found = most_likely(
            counts,
            known,
            exposed,
            offset,
            covariates,
            origins=self.constraint in ("production", "doubly"),
            destinations=self.constraint in ("attraction", "doubly"),
            names=names,
        )
        errors = np.sqrt(np.diag(found.covariance))
        estimates = {
            name: Estimate(float(value), float(error))
            for name, value, error in zip(names, found.slopes, errors, strict=True)
        }
        named = [*(("log_constant",) if self.constraint == "none" else ()), *_ORDER]
        expected = only_modelled(found.expected, self.diagonal, 0.0)
        fitted = expected * exposed
        if self.constraint in ("production", "attraction"):
            turn = np.transpose if self.constraint == "attraction" else np.asarray
            height = multinomial_log_likelihood(turn(np.where(known, counts, np.nan)), turn(fitted), diagonal=True)
        else:
            height = poisson_log_likelihood(np.where(known, counts, np.nan), fitted, diagonal=True)
        return Fit(
            title,
            {name: given for name in named if (given := estimates.get(name, fixed.get(name))) is not None},
            expected,
            only_modelled(found.log_variance, self.diagonal, np.nan),
            "multinomial" if self.constraint in ("production", "attraction") else "poisson",
            height,
            int(known.sum()),
            found.estimated,
            pearson_dispersion(counts, fitted, known, found.estimated),
            modelled_pairs(n, self.diagonal),
        )

    def _terms(self, places: Places) -> tuple[Numbers, Numbers, dict[str, Estimate], tuple[str, ...]]:
        """Give covariates of what is estimated, the offset of what is fixed, the fixed values, and names."""
        n = len(places)
        pairs = modelled_pairs(n, self.diagonal)
        terms: dict[str, tuple[Numbers, float | None]] = {}
        if self.constraint == "none":
            terms["log_constant"] = (np.ones((n, n)), None)
        if self.constraint in ("none", "attraction"):
            logs = _logarithms(places.masses_needed()[0], Wording("origin masses"))
            terms["origin_exponent"] = (np.broadcast_to(logs[:, None], (n, n)), self.origin_exponent)
        if self.constraint in ("none", "production"):
            logs = _logarithms(places.masses_needed()[1], Wording("destination masses"))
            terms["destination_exponent"] = (np.broadcast_to(logs, (n, n)), self.destination_exponent)
        terms["beta"] = (log_deterrence(places.distance, self.deterrence, pairs), self.beta)
        names = tuple(name for name, (_, value) in terms.items() if value is None)
        fixed = {name: Estimate(value, 0.0) for name, (_, value) in terms.items() if value is not None}
        offset = sum((value * term for term, value in terms.values() if value is not None), np.zeros((n, n)))
        free = [terms[name][0] for name in names]
        return np.stack(free, axis=2) if free else np.zeros((n, n, 0)), offset, fixed, names


_ORDER = ("origin_exponent", "destination_exponent", "beta")


def _logarithms(mass: Numbers, what: str) -> Numbers:
    empty = np.flatnonzero(mass <= 0)
    if len(empty):
        raise InputError(
            Wording("%(masses)s: that of area %(area)s is 0", masses=what, area=int(empty[0])),
            expected=Wording("a mass above 0, or no such area"),
        )
    logs: Numbers = np.log(mass)
    return logs
