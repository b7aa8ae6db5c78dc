"""What a page says of what it does not show: how much is suppressed, and why."""

from __future__ import annotations

from commonweal.core.catalog import State
from commonweal.mobility.published import DailySubscribers, Moves, Presence
from commonweal.web.languages import _, ngettext
from commonweal.web.timeline import Shown
from commonweal.web.words import count, share


def what_is_not_shown(
    presence: Presence, shown: Shown, moves: Moves | None, daily: DailySubscribers | None
) -> list[str]:
    """Say how much of what a page is about is suppressed, and why, in sentences."""
    said = _suppressed(presence, shown)
    if moves:
        said.append(
            ngettext(
                "Of the day's flows, %(hidden)s of %(num)s is suppressed.",
                "Of the day's flows, %(hidden)s of %(num)s are suppressed.",
                moves.pairs,
                hidden=count(moves.suppressed),
            )
        )
    said.append(
        _(
            "A count is published only if at least %(least)s distinct people stand behind it. Suppressed means fewer, "
            "or nobody; every area has a row for every period, so a row by itself says nothing.",
            least=presence.threshold,
        )
    )
    if daily:
        said.append(_("The day's total is rounded down, since an exact one would tell what was hidden."))
    else:
        said.append(_("No total is shown, since a total would tell what was hidden."))
    return said


def hidden_pairs(moves: Moves) -> str:
    """Say how many pairs of areas have no flow to show."""
    return ngettext(
        "%(hidden)s of %(num)s pair of areas is suppressed.",
        "%(hidden)s of %(num)s pairs of areas are suppressed.",
        moves.pairs,
        hidden=count(moves.suppressed),
    )


def _suppressed(presence: Presence, shown: Shown) -> list[str]:
    series = presence.series[shown.unit]
    areas, values = len(series.areas), series.states.size
    now = {"hidden": count(series.counted(State.SUPPRESSED, series.index(shown.start)))}
    total = series.counted(State.SUPPRESSED)
    ever = {"hidden": count(total), "share": share(total / values)}
    if shown.unit == "hour":
        return [
            ngettext(
                "In this hour %(hidden)s of %(num)s area is suppressed.",
                "In this hour %(hidden)s of %(num)s areas are suppressed.",
                areas,
                **now,
            ),
            ngettext(
                "In all hours of the release %(hidden)s of %(num)s value is suppressed, %(share)s.",
                "In all hours of the release %(hidden)s of %(num)s values are suppressed, %(share)s.",
                values,
                **ever,
            ),
        ]
    return [
        ngettext(
            "On this day %(hidden)s of %(num)s area is suppressed.",
            "On this day %(hidden)s of %(num)s areas are suppressed.",
            areas,
            **now,
        ),
        ngettext(
            "On all days of the release %(hidden)s of %(num)s value is suppressed, %(share)s.",
            "On all days of the release %(hidden)s of %(num)s values are suppressed, %(share)s.",
            values,
            **ever,
        ),
    ]
