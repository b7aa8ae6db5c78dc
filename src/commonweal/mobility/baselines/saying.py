"""Findings in plain sentences, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from commonweal.core.wording import Wording
from commonweal.mobility.baselines.baseline import LIKE, Like
from commonweal.mobility.baselines.hidden import AllTogether
from commonweal.mobility.baselines.noticing import Finding, What
from commonweal.mobility.baselines.outages import Failure
from commonweal.mobility.baselines.series import Key
from commonweal.web.languages import _, current, translated
from commonweal.web.words import count, day_in_words, days_in_words, share

NAMES: Mapping[What, str] = {
    What.FALL: Wording("fewer people"),
    What.RISE: Wording("more people"),
    What.OUTAGE: Wording("network outage"),
    What.HIDDEN: Wording("no longer published"),
}
REASONS: Mapping[Failure, str] = {
    Failure.SILENT: Wording(
        "No hour of these days has a value: without events, nothing can be said of people. "
        "It looks like a network outage."
    ),
    Failure.HOURS: Wording(
        "Some hours fell away at once and came back at once, as people do not. It looks like a network outage."
    ),
    Failure.ACTIVITY: Wording(
        "Those still seen there made far fewer events than usual. It looks like a network outage."
    ),
    Failure.NETWORK: Wording(
        "The whole network had far fewer events a subscriber than usual. It looks like a network outage."
    ),
}
CERTAINTY: Mapping[str, str] = {"high": Wording("high"), "fair": Wording("fair"), "low": Wording("low")}
LIKE_NAMES: Mapping[Like, str] = dict(
    zip(LIKE, (Wording("the same weekday"), Wording("workdays or weekends"), Wording("any day")), strict=True)
)


def where(key: Key, names: Mapping[str, str]) -> str:
    """Name an area, or the way from one to another."""
    said = [names.get(code, code) for code in key]
    if len(said) == 2:
        return _("%(origin)s to %(destination)s", origin=said[0], destination=said[1])
    return said[0] if said else _("all areas together")


def when(finding: Finding) -> str:
    """Say the days of a finding."""
    if finding.until is None and (finding.lasting or finding.days > 1):
        return _("since %(day)s", day=day_in_words(finding.since))
    last: date = finding.until or finding.since
    if last == finding.since:
        return _("on %(day)s", day=day_in_words(last))
    return _("on %(days)s", days=days_in_words(finding.since, last))


def change(part: float | None) -> str:
    """Write a relative change with its sign.

    Examples
    --------
    >>> change(-0.314), change(0.12), change(None)
    ('-31%', '+12%', '–')
    """
    if part is None or part != part:
        return "–"
    return f"+{share(part)}" if part > 0 else share(part)


def interval(low: float | None, high: float | None) -> str:
    """Say an interval of changes; an end that was not reached is open.

    Examples
    --------
    >>> interval(-0.5, -0.25), interval(-0.5, float("inf")), interval(None, None)
    ('-50% to -25%', '-50% or more', '–')
    """
    if low is None:
        return "–"
    if high is None or high == float("inf"):
        return _("%(low)s or more", low=change(low))
    return _("%(low)s to %(high)s", low=change(low), high=change(high))


def days_of(found: AllTogether) -> str:
    """Say the days of a change of all together."""
    return day_in_words(found.first) if found.first == found.last else days_in_words(found.first, found.last)


def sentences(found: AllTogether) -> list[str]:
    """Say the change of all together, over what is published alone and with what is hidden."""
    one, other = found.published, found.with_hidden
    return [
        _(
            "All together on %(days)s, over what is published: %(change)s (%(interval)s).",
            days=days_of(found),
            change=change(one.change),
            interval=interval(one.low, one.high),
        ),
        _(
            "With what is hidden, known to be below k: %(change)s (%(interval)s); %(published)s values are published "
            "and %(hidden)s hidden.",
            change=change(other.change),
            interval=interval(other.low, other.high),
            published=count(other.published),
            hidden=count(other.hidden),
        ),
    ]


def sentence(finding: Finding, names: Mapping[str, str]) -> str:
    """Say a finding: what, where, since when, how much, how sure.

    Examples
    --------
    >>> days = date(2024, 3, 4), date(2024, 3, 6), 3, False
    >>> found = Finding(What.FALL, ("A",), *days, 100, 60, -0.4, -0.6, -0.2, -5.2, None, -40)
    >>> sentence(found, {"A": "Ada"})
    'Ada: -40% on 4 – 6 March 2024, 60 a day instead of 100 (interval -60% to -20%). It lies 5.2 usual spreads away.'
    """
    said = {"where": where(finding.key, names), "when": when(finding), "expected": count(finding.expected)}
    if finding.seen is None or finding.relative is None:
        parts = [
            _(
                "%(where)s: no value is published %(when)s, though about %(expected)s were usual. Fewer people, or "
                "hidden to protect others.",
                **said,
            )
        ]
    else:
        parts = [
            _(
                "%(where)s: %(change)s %(when)s, %(seen)s a day instead of %(expected)s "
                "(interval %(low)s to %(high)s).",
                **said,
                change=change(finding.relative),
                seen=count(finding.seen),
                low=change(finding.low),
                high=change(finding.high),
            )
        ]
        parts.append(_how_sure(finding))
    if finding.failure:
        parts.append(translated(REASONS[finding.failure]))
    if finding.recovered_on:
        parts.append(_("Back to what is usual from %(day)s.", day=day_in_words(finding.recovered_on)))
    elif finding.until is None and finding.share_recovered is not None and finding.share_recovered > 0.05:
        parts.append(_("%(share)s of it is made up for.", share=share(finding.share_recovered)))
    return " ".join(parts)


def _how_sure(finding: Finding) -> str:
    if finding.p_value is not None:
        percent = current().number(100 * finding.p_value, 2)
        return _("A lasting step: %(number)s%% of series without any show as much.", number=percent)
    return _("It lies %(number)s usual spreads away.", number=count(abs(finding.z or 0.0), 1))
