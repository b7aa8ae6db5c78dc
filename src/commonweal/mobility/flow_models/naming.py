"""Models by the name that a command gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import get_args

from commonweal.core.errors import InputError
from commonweal.mobility.flow_models.choosing import Opportunities, Radiation
from commonweal.mobility.flow_models.deterrence import Deterrence
from commonweal.mobility.flow_models.fitted import FlowModel
from commonweal.mobility.flow_models.gravity import Gravity
from commonweal.mobility.flow_models.gravity_law import Constraint

MODELS: Mapping[str, FlowModel] = MappingProxyType(
    {
        **{
            f"gravity{'' if constraint == 'none' else '-' + constraint}-{deterrence}": Gravity(constraint, deterrence)
            for constraint in get_args(Constraint)
            for deterrence in get_args(Deterrence)
        },
        "radiation": Radiation(),
        "radiation-finite": Radiation(finite=True),
        "opportunities": Opportunities(),
    }
)
WITHOUT_MASSES = ("gravity-doubly-power", "gravity-doubly-exponential")


def models_named(names: Sequence[str], masses: bool) -> dict[str, FlowModel]:
    """Give the models of some names; of none, all that can be fitted with or without masses.

    Raises
    ------
    InputError
        There is no such model.

    Examples
    --------
    >>> list(models_named([], masses=False))
    ['gravity-doubly-power', 'gravity-doubly-exponential']
    >>> models_named(["gravity-production-power"], masses=True)["gravity-production-power"].title
    'gravity, production-constrained, power'
    """
    unknown = [name for name in names if name not in MODELS]
    if unknown:
        raise InputError(f"there is no model {unknown[0]!r}", expected=f"one of: {', '.join(MODELS)}")
    chosen = names or (MODELS if masses else WITHOUT_MASSES)
    return {name: MODELS[name] for name in chosen}
