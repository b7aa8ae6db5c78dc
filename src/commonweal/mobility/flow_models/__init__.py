"""Models of population flow: what flows between n areas are expected from masses, distances and observed flows.

A model is said by its choices (`Gravity`, `Radiation`, `Opportunities`), fitted to the flows that are known, and gives
a `Fit`: expected flows, parameters with standard errors, its likelihood. Laws with given parameters are plain functions
of `Places`. `balance` brings a table to margins; scores and `held_out_pairs`, `held_out_days` say how good a model is;
`predict` and `nowcast` give flows with intervals. A flow that was suppressed is nowhere taken for zero.
"""

from commonweal.mobility.flow_models.balancing import Balanced, balance
from commonweal.mobility.flow_models.choosing import Opportunities, Radiation
from commonweal.mobility.flow_models.fitted import Estimate, Fit, FlowModel
from commonweal.mobility.flow_models.gravity import Gravity
from commonweal.mobility.flow_models.gravity_law import gravity_flows
from commonweal.mobility.flow_models.holding_out import HeldOut, held_out_days, held_out_pairs
from commonweal.mobility.flow_models.intervening import population_within
from commonweal.mobility.flow_models.opportunities import opportunity_probabilities
from commonweal.mobility.flow_models.places import Places
from commonweal.mobility.flow_models.predicting import Nowcast, Prediction, nowcast, predict
from commonweal.mobility.flow_models.radiation import radiation_probabilities
from commonweal.mobility.flow_models.scores import (
    common_part_of_commuters,
    multinomial_log_likelihood,
    poisson_log_likelihood,
)

__all__ = [
    "Balanced",
    "Estimate",
    "Fit",
    "FlowModel",
    "Gravity",
    "HeldOut",
    "Nowcast",
    "Opportunities",
    "Places",
    "Prediction",
    "Radiation",
    "balance",
    "common_part_of_commuters",
    "gravity_flows",
    "held_out_days",
    "held_out_pairs",
    "multinomial_log_likelihood",
    "nowcast",
    "opportunity_probabilities",
    "poisson_log_likelihood",
    "population_within",
    "predict",
    "radiation_probabilities",
]
