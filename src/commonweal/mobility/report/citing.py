"""How a report says where a number is from, and how exact it is."""

from __future__ import annotations

from collections.abc import Sequence

from commonweal.core.catalog import Release, State
from commonweal.mobility.report.gathering import Layer
from commonweal.mobility.report.typical import Typical
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.words import count, share, state

DIGEST = 12
"""Letters of a digest that tell it apart from every other here; the annex has them all."""


def source(releases: Sequence[Release]) -> str:
    """Name the releases that numbers are from."""
    named = [
        _(
            "%(dataset)s, release %(version)s, digest %(digest)s…",
            dataset=release.dataset,
            version=release.version,
            digest=release.digest[:DIGEST],
        )
        for release in releases
    ]
    return _("Source: %(releases)s", releases="; ".join(named))


def exactness(layer: Layer) -> str:
    """Say how far a published number of a layer may be from what was counted."""
    certificate = layer.newest.certificate
    if certificate is None:
        return _(
            "These numbers carry no certificate: they are not about people, or nobody vouches for their protection."
        )
    parameters = certificate.parameters
    if layer.has_interval:
        return _(
            "Noise was added to every number. The interval beside it holds the count before noise 19 times in 20, "
            "unless the release says otherwise."
        )
    if certificate.rule == "threshold":
        return _(
            "Numbers are published as counted, without rounding or noise, where at least %(least)s people stand behind "
            "them; all others are suppressed.",
            least=parameters.get("k", "?"),
        )
    if certificate.rule == "rounded-totals":
        return _(
            "Totals are rounded down to a multiple of the number beside them: what was counted is at least the number "
            "shown, and less than the next multiple."
        )
    if certificate.rule == "controlled-rounding":
        return _(
            "Numbers are rounded to multiples of %(base)s that add up: what was counted is less than %(base)s away, "
            "on either side.",
            base=parameters.get("base", "?"),
        )
    if certificate.rule == "cell-key":
        return _(
            "Noise was added by cell key: what was counted is at most %(most)s away, on either side.",
            most=parameters.get("D", "?"),
        )
    return _(
        "People are protected by the rule “%(rule)s”; what it does to a number is for whoever approved it to say.",
        rule=translated(certificate.judged or certificate.rule),
    )


def why_none(layer: Layer) -> str:
    """Say what suppressed means in a layer."""
    if layer.least is None:
        return _("suppressed: hidden to protect people, which includes that there is nobody")
    return _("suppressed: fewer than %(least)s people, or nobody, or hidden to protect others", least=layer.least)


def hidden(layer: Layer) -> str:
    """Say how much of a layer is suppressed, and how much is missing."""
    all_of_them = layer.values
    suppressed, missing = layer.counted(State.SUPPRESSED), layer.counted(State.MISSING)
    return ngettext(
        "Of %(num)s value, %(hidden)s is suppressed (%(share)s) and %(missing)s is missing.",
        "Of %(num)s values, %(hidden)s are suppressed (%(share)s) and %(missing)s are missing.",
        all_of_them,
        hidden=count(suppressed),
        share=part(suppressed, all_of_them),
        missing=count(missing),
    )


def part(some: int, whole: int) -> str:
    """Say a part in whole per cent: all only if it is all, none only if it is none.

    Examples
    --------
    >>> part(10_080, 10_098), part(18, 10_098), part(7, 7), part(0, 0)
    ('99%', '1%', '100%', '0%')
    """
    if not 0 < some < whole:
        return share(1.0 if some else 0.0)
    return share(min(max(some / whole, 0.01), 0.99))


def number(value: float) -> str:
    """Write a count or a median of counts, which may end in a half."""
    return count(value, 0 if value == round(value) else 1)


def typical(value: Typical) -> str:
    """Say a typical value, or why there is none; never as a zero."""
    return state(value.state) if value.value is None else number(value.value)


def interval(value: Typical) -> str:
    """Say where the count before noise lies."""
    if value.low is None or value.high is None:
        return "–"
    return _("%(first)s – %(last)s", first=number(value.low), last=number(value.high))


def on_days(value: Typical) -> str:
    """Say on how many days a value is published."""
    return _("%(some)s of %(all)s", some=count(value.days), all=count(value.of))
