"""What the report is and for whom, and what it found in short."""

from __future__ import annotations

from commonweal.core.catalog import State
from commonweal.mobility.published import HOMES, PRESENCE
from commonweal.mobility.report import citing
from commonweal.mobility.report.blocks import Points, Section, Text
from commonweal.mobility.report.gathering import Gathered
from commonweal.mobility.report.sections import flows, homes
from commonweal.mobility.report.sections.presence import Present, fullest
from commonweal.web.languages import _, ngettext
from commonweal.web.words import count, days_in_words


def summary(gathered: Gathered) -> Section:
    """Say in short what the releases show."""
    points = [*_presence(gathered), *_homes(gathered), *_flows(gathered)]
    points.append(
        _(
            "All of this is about subscribers of one operator, as their phones were seen: not about the population. "
            "Read the limitations before any of it is used."
        )
    )
    return Section("summary", _("In short"), (Points(tuple(points)),))


def background(gathered: Gathered) -> Section:
    """Say what the report is."""
    return Section(
        "background",
        _("Background"),
        (
            Text(
                _(
                    "In 2014 and 2015 Ebola held Guinea, Liberia and Sierra Leone. Where people were and how they "
                    "moved was hardly known, and the International Telecommunication Union (ITU) had call detail "
                    "records of the three countries analysed, to learn whether they could say it in the next emergency "
                    "without exposing anybody (source 1). This report has the parts that those case studies have."
                )
            ),
            Text(
                _(
                    "It is meant for people who plan: where services, warnings or checks may be needed, and which "
                    "areas are linked by movement. It describes; it explains nothing. That two things changed together "
                    "does not say that one caused the other."
                )
            ),
            Text(
                _(
                    "Everything in it comes from published releases. The same releases give the same report, to the "
                    "last byte, and every table names the releases it is from. Where there is no release for a part, "
                    "the report says so."
                )
            ),
        ),
    )


def _presence(gathered: Gathered) -> list[str]:
    layer = gathered.layers.get(PRESENCE)
    if layer is None:
        return [_("Where people are: nothing is published for this period.")]
    present = Present(gathered, layer)
    most = fullest(present)
    with_value = len(most)
    said = ngettext(
        "Where people are: of %(num)s area, %(some)s has a published number on a typical day.",
        "Where people are: of %(num)s areas, %(some)s have a published number on a typical day.",
        len(present.codes),
        some=count(with_value),
    )
    if most:
        first = present.typical_day[most[0]]
        said += " " + _(
            "Area with most subscribers: %(area)s, %(number)s on the median day (%(source)s).",
            area=gathered.places.names.get(most[0], most[0]),
            number=citing.typical(first),
            source=citing.source(layer.releases),
        )
    return [said]


def _homes(gathered: Gathered) -> list[str]:
    layer = gathered.layers.get(HOMES)
    if layer is None:
        return [_("Home areas: nothing is published for this period.")]
    values = homes.homes_of(layer)
    hidden = sum(value.state is State.SUPPRESSED for value in values.values())
    said = ngettext(
        "Home areas: of %(num)s area, %(hidden)s is suppressed (%(source)s).",
        "Home areas: of %(num)s areas, %(hidden)s are suppressed (%(source)s).",
        len(values),
        hidden=count(hidden),
        source=citing.source(layer.releases),
    )
    return [said]


def _flows(gathered: Gathered) -> list[str]:
    found = []
    for moves, none, largest in (
        (
            flows.domestic(gathered),
            _("Flows between areas: nothing is published for this period."),
            _("Flows between areas: the largest on the median day"),
        ),
        (
            flows.across(gathered),
            _("Across borders: nothing is published for this period."),
            _("Across borders: the largest flow on the median day"),
        ),
    ):
        if moves is None:
            found.append(none)
            continue
        known = moves.typical
        if not known:
            found.append(_("%(what)s: none is published on more than half of the days.", what=largest))
            continue
        origin, destination, value = known[0]
        names = gathered.places.names
        found.append(
            _(
                "%(what)s, %(origin)s → %(destination)s: %(number)s subscribers, %(span)s (%(source)s).",
                what=largest,
                origin=names.get(origin, origin),
                destination=names.get(destination, destination),
                number=citing.typical(value),
                span=days_in_words(moves.days[0], moves.days[-1]),
                source=citing.source(moves.layer.releases),
            )
        )
    return found
