"""Challenges of such work, and what may come next."""

from __future__ import annotations

from commonweal.mobility.published import FLOWS, HOMES, PRESENCE, QUALITY
from commonweal.mobility.report.blocks import Points, Section, Subheading
from commonweal.mobility.report.gathering import Gathered
from commonweal.web.languages import _


def section(gathered: Gathered) -> Section:
    """Say what is hard, and what would help."""
    return Section(
        "challenges",
        _("Challenges and next steps"),
        (
            Subheading(_("Challenges")),
            Points(
                (
                    _(
                        "Access: records belong to operators, and during the Ebola outbreak it took months until any "
                        "were handed over, where they were at all. Agreements are made before an emergency, or not "
                        "(source 8)."
                    ),
                    _(
                        "Law and trust: in an emergency data were asked for without clear grounds. Who may ask for "
                        "what, for how long and with whose approval must stand before the records do (source 8)."
                    ),
                    _(
                        "Time: a report of last month helps little today. Import, protection and release must be daily "
                        "work if they are to be quick when it matters."
                    ),
                    _(
                        "Representation: the more a place needs help, the fewer phones it may have. Numbers of phones "
                        "alone would send help elsewhere (source 3)."
                    ),
                    _(
                        "Detail against protection: small areas and short times help most and expose most. Whatever is "
                        "suppressed here was the price."
                    ),
                    _("People: the work needs analysts in the country who can run it, doubt it and explain it."),
                )
            ),
            Subheading(_("Next steps")),
            Points(tuple(_next(gathered))),
        ),
    )


def _next(gathered: Gathered) -> list[str]:
    found = []
    wanted: dict[str, str] = {
        PRESENCE: _("Publish presence, so that the next report says where people are."),
        HOMES: _("Publish home areas over at least four weeks, so that the next report says where subscribers live."),
        FLOWS: _("Publish flows, so that the next report says which areas are linked."),
        QUALITY: _("Publish the daily totals, so that a change in subscribers can be told from a change in movement."),
    }
    found += [text for name, text in wanted.items() if name not in gathered.layers]
    length = (gathered.days[1] - gathered.days[0]).days + 1
    if length < 28:
        found.append(
            _("Publish at least four weeks: fewer do not tell an ordinary week from another, nor homes from visits.")
        )
    found += [
        _("Have records of further operators counted, each by itself, and compare their protected tables."),
        _("Set the tables beside a census or a survey of phone ownership before numbers are read as people."),
        _(
            "Ask those who know the areas whether what the maps show is what they see, before anything is decided by "
            "it."
        ),
        _("Agree now, with operators and those who guard data, on what is to be released in an emergency."),
    ]
    return found
