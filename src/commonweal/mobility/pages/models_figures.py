"""Figures of models of flow: how near each comes, their parameters, and one of them against what was observed."""

from __future__ import annotations

from typing import Any

import numpy as np

from commonweal.core.wording import Wording
from commonweal.mobility.flow_models.asking import Modelled
from commonweal.mobility.flow_models.comparing import Compared
from commonweal.mobility.flow_models.fitted import finite
from commonweal.mobility.forecasts.asking import number
from commonweal.mobility.pages import parts
from commonweal.web.figure import Figure, Heading, Legend
from commonweal.web.geography import Geography
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.scatter import scatter
from commonweal.web.table import Row
from commonweal.web.words import count, share

LISTED = 200
LEVEL = 0.95
MODEL_NAMES = {
    "gravity-power": Wording("Gravity, unconstrained, power"),
    "gravity-exponential": Wording("Gravity, unconstrained, exponential"),
    "gravity-production-power": Wording("Gravity, production-constrained, power"),
    "gravity-production-exponential": Wording("Gravity, production-constrained, exponential"),
    "gravity-attraction-power": Wording("Gravity, attraction-constrained, power"),
    "gravity-attraction-exponential": Wording("Gravity, attraction-constrained, exponential"),
    "gravity-doubly-power": Wording("Gravity, doubly constrained, power"),
    "gravity-doubly-exponential": Wording("Gravity, doubly constrained, exponential"),
    "radiation": Wording("Radiation"),
    "radiation-finite": Wording("Radiation, finite size"),
    "opportunities": Wording("Population-weighted opportunities"),
}
PARAMETER_NAMES = {
    "log_constant": Wording("logarithm of K"),
    "origin_exponent": Wording("exponent of the origin’s people, α"),
    "destination_exponent": Wording("exponent of the destination’s people, γ"),
    "beta": Wording("deterrence by distance, β"),
}


def figures(modelled: Modelled, shown: Compared | None, places: Geography) -> list[Figure]:
    """Give the figures of all models, and of the one that is shown."""
    found = [_compared(modelled, shown), _parameters(modelled)]
    return [*found, _observed(modelled, shown, places)] if shown else found


def name_of(compared: Compared) -> str:
    """Give a model's name in the reader's language."""
    return translated(MODEL_NAMES[compared.name])


def _compared(modelled: Modelled, shown: Compared | None) -> Figure:
    records: list[dict[str, Any]] = []
    for each in modelled.compared:
        records.append(
            {
                "model": each.name,
                "name": name_of(each),
                "fitted": each.fit is not None,
                "why_not": each.why_not,
                "pairs": each.fit.pairs if each.fit else None,
                "estimated": each.fit.estimated if each.fit else None,
                "dispersion": finite(each.fit.dispersion if each.fit else None),
                "cpc": finite(each.cpc),
                "log_likelihood": finite(each.log_likelihood),
                "pairs_cpc": finite(each.pairs.cpc if each.pairs else None),
                "pairs_log_likelihood": finite(each.pairs.log_likelihood if each.pairs else None),
                "days_cpc": finite(each.days.cpc if each.days else None),
                "days_log_likelihood": finite(each.days.log_likelihood if each.days else None),
            }
        )
    said = (("cpc", 3), ("log_likelihood", 0), ("pairs_cpc", 3), ("pairs_log_likelihood", 0), ("days_cpc", 3))
    return Figure(
        name="models",
        title=_("Models compared"),
        caption=_(
            "CPC is the part of all journeys that model and flows have in common, 1 at best. By pairs and days that a "
            "model was not shown models are best compared."
        ),
        headings=(
            Heading(_("Model"), key="name"),
            Heading(_("Estimated"), is_number=True, key="estimated"),
            Heading(_("Dispersion"), is_number=True, key="dispersion"),
            Heading(_("CPC"), is_number=True, key="cpc"),
            Heading(_("Log-likelihood"), is_number=True, key="log_likelihood"),
            Heading(_("CPC of held-out pairs"), is_number=True, key="pairs_cpc"),
            Heading(_("Their log-likelihood"), is_number=True, key="pairs_log_likelihood"),
            Heading(_("CPC of held-out days"), is_number=True, key="days_cpc"),
        ),
        rows=[
            Row(
                (
                    _named(each),
                    _said(record["estimated"], 0),
                    _said(record["dispersion"], 2),
                    *(_said(record[key], digits) for key, digits in said),
                ),
                has_value=each.fit is not None,
                current=each is shown,
            )
            for each, record in zip(modelled.compared, records, strict=True)
        ],
        records=records,
        says=parts.beside(modelled.release),
    )


def _named(each: Compared) -> str:
    if each.fit:
        return name_of(each)
    return _("%(name)s: %(value)s", name=name_of(each), value=translated(each.why_not))


def _without_parameters(modelled: Modelled) -> str:
    """Say why no parameter is shown."""
    if any(each.fit for each in modelled.compared):
        return _("None of the models that were fitted has a parameter to estimate.")
    reasons = dict.fromkeys(translated(each.why_not) for each in modelled.compared)
    return _("None of these models could be fitted: %(reasons)s.", reasons="; ".join(reasons))


def _parameters(modelled: Modelled) -> Figure:
    records: list[dict[str, Any]] = []
    for each in modelled.compared:
        for name, estimate in (each.fit.parameters if each.fit else {}).items():
            low, high = estimate.interval(LEVEL)
            records.append(
                {
                    "model": each.name,
                    "name": name_of(each),
                    "parameter": name,
                    "parameter_name": translated(PARAMETER_NAMES[name]),
                    "value": estimate.value,
                    "standard_error": estimate.standard_error,
                    "low": low,
                    "high": high,
                }
            )
    return Figure(
        name="parameters",
        title=_("Parameters and their standard errors"),
        caption=_(
            "The most likely values, with intervals of %(level)s. Standard errors take flows to vary by chance alone; "
            "they are too small by the root of the dispersion.",
            level=share(LEVEL),
        ),
        headings=(
            Heading(_("Model"), key="name"),
            Heading(_("Parameter"), key="parameter_name"),
            Heading(_("Value"), is_number=True, key="value"),
            Heading(_("Standard error"), is_number=True, key="standard_error"),
            Heading(_("Interval"), is_number=True),
        ),
        rows=[
            Row(
                (
                    record["name"],
                    record["parameter_name"],
                    count(record["value"], 4),
                    count(record["standard_error"], 4),
                    _("%(low)s to %(high)s", low=count(record["low"], 4), high=count(record["high"], 4)),
                )
            )
            for record in records
        ],
        records=records,
        says=parts.beside(modelled.release),
        empty=_without_parameters(modelled),
    )


def _observed(modelled: Modelled, shown: Compared, places: Geography) -> Figure:
    """Draw published flows, the mean of the days on which each is known, against those that a model expects."""
    assert shown.fit is not None
    codes, expected = modelled.released.codes, shown.fit.expected
    flows, times = modelled.released.together()
    mean = flows / times
    known = np.isfinite(mean) & np.isfinite(expected) & ~np.eye(len(codes), dtype=bool)
    pairs = sorted(np.argwhere(known).tolist(), key=lambda at: -abs(mean[*at] - expected[*at]))
    records: list[dict[str, Any]] = [
        {
            "origin": codes[i],
            "origin_name": places.names[codes[i]],
            "destination": codes[j],
            "destination_name": places.names[codes[j]],
            "days": int(times[i, j]),
            "observed": number(mean[i, j]),
            "modelled": number(expected[i, j]),
            "difference": number(mean[i, j] - expected[i, j]),
        }
        for i, j in pairs
    ]
    name = name_of(shown)
    return Figure(
        name="observed",
        title=_("Observed against modelled: %(model)s", model=name),
        caption=ngettext(
            "Subscribers a day, mean of the days on which the flow is published: %(num)s pair, those that differ most "
            "first.",
            "Subscribers a day, mean of the days on which the flow is published: %(num)s pairs, those that differ most "
            "first.",
            len(records),
        ),
        headings=(
            Heading(_("From"), key="origin_name"),
            Heading(_("To"), key="destination_name"),
            Heading(_("Days"), is_number=True, key="days"),
            Heading(_("Observed"), is_number=True, key="observed"),
            Heading(_("Modelled"), is_number=True, key="modelled"),
            Heading(_("Difference"), is_number=True, key="difference"),
        ),
        rows=[
            Row(
                (
                    record["origin_name"],
                    record["destination_name"],
                    count(record["days"]),
                    *(count(record[key], 1) for key in ("observed", "modelled", "difference")),
                )
            )
            for record in records[:LISTED]
        ],
        records=records[:LISTED],
        picture=scatter(
            [(record["observed"], record["modelled"]) for record in records],
            _("Observed a day"),
            _("Modelled a day"),
            label=_("Chart: observed and modelled flows, %(model)s", model=name),
        ),
        legend=Legend(
            _("Subscribers a day, each dot a pair of areas"), lines=[("line line-3", _("modelled as observed"))]
        ),
        geometry=places.outlines,
        areas=("origin", "destination"),
        says=parts.beside(modelled.release, model=shown.name),
    )


def _said(value: float | None, digits: int) -> str:
    return "–" if value is None else count(value, digits)
