"""The operators of the sample countries: PLMNs, market shares by area, and the networks roamers come from.

Mobile country codes are those of ITU-T E.212. Network codes are taken from 90 upwards, where these countries have
assigned none: the sample operators are nobody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from commonweal.core.errors import InputError
from commonweal.demo.geography import Country

MCC = {
    "BD": "470", "BF": "613", "BJ": "616", "CI": "612", "CM": "624", "CN": "460", "CV": "625", "DE": "262",
    "FR": "208", "GB": "234", "GH": "620", "GM": "607", "GN": "611", "GW": "632", "IN": "404", "KE": "639",
    "LR": "618", "ML": "610", "MR": "609", "NE": "614", "NG": "621", "NP": "429", "SL": "619", "SN": "608",
    "TG": "615", "UG": "641", "US": "310",
}  # fmt: skip
"""Mobile country codes (ITU-T E.212, Annex to the Operational Bulletin) of the countries the generator knows."""

OVERSEAS = ("FR", "GB", "US")
BASE_SHARES = (0.46, 0.34, 0.20)


@dataclass(frozen=True)
class Operator:
    """A mobile operator: its PLMN and its share of its country's subscribers."""

    country: str
    plmn: str
    share: float


def country_of_mcc(mcc: str) -> str | None:
    """Give the country of a mobile country code, or None."""
    return next((code for code, value in MCC.items() if value == mcc), None)


def mcc_of(code: str) -> str:
    """Give a country's mobile country code.

    Raises
    ------
    InputError
        When the generator does not know the country.

    Examples
    --------
    >>> [mcc_of(code) for code in ("GN", "LR", "SL")]
    ['611', '618', '619']
    """
    if code not in MCC:
        raise InputError(f"the mobile country code of {code} is unknown", expected=f"one of {', '.join(sorted(MCC))}")
    return MCC[code]


def operators_of(countries: Sequence[Country]) -> tuple[Operator, ...]:
    """Give three operators a country; the first of each belongs to the sample group whose records are written."""
    return tuple(
        Operator(country.code, f"{mcc_of(country.code)}{90 + place}", share)
        for country in countries
        for place, share in enumerate(BASE_SHARES)
    )


def shares_by_area(areas: int, seed: int) -> NDArray[np.float64]:
    """Market shares of the three operators of its country in every area, float64[areas, 3], rows sum to 1.

    The shares of ``BASE_SHARES`` are tilted in each area by a log-normal factor (σ = 0.25), as coverage and
    distribution differ from place to place.
    """
    draw = np.random.Generator(np.random.Philox(key=[seed, 1]))
    shares = np.array(BASE_SHARES) * draw.lognormal(0.0, 0.25, (areas, len(BASE_SHARES)))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float64)


def foreign_networks(countries: Sequence[Country]) -> tuple[Operator, ...]:
    """Give one network for every neighbouring country and for three overseas: roamers come from and go to them.

    Their shares, which sum to 1, are the chance that a roamer is of that network: neighbours send nine in ten.
    """
    inside = {country.code for country in countries}
    near = sorted({n for country in countries for n in country.neighbours if n in MCC} - inside)
    far = sorted(set(OVERSEAS) - inside - set(near))
    weight = {code: 0.9 / max(len(near), 1) for code in near} | {code: 0.1 / max(len(far), 1) for code in far}
    total = sum(weight.values())
    return tuple(Operator(code, f"{MCC[code]}90", share / total) for code, share in weight.items())
