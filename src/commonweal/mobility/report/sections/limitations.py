"""Limitations: first those that can be told from the releases themselves, then those of all such data."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow.compute as pc

from commonweal.core.catalog import State
from commonweal.mobility.published import PRESENCE
from commonweal.mobility.report import citing
from commonweal.mobility.report.blocks import Listed, Points, Section, Subheading
from commonweal.mobility.report.gathering import OF_DAYS, Gathered, Layer, dates_of, seconds_of
from commonweal.web.figure import Heading
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.table import Row
from commonweal.web.words import count, day

NAMED = 8
"""How many days or areas are named before the rest is only counted."""


def section(gathered: Gathered) -> Section:
    """Say what the numbers cannot say."""
    return Section(
        "limitations",
        _("Limitations"),
        (
            Subheading(_("Of these releases")),
            Points(
                (
                    *_days(gathered),
                    *_areas(gathered),
                    _(
                        "One project, %(project)s, stands behind these tables: the subscribers of one operator. Where "
                        "it has few customers or no cells, people are there and not in the tables.",
                        project=str(gathered.choices.get("project") or "–"),
                    ),
                    _scaling(gathered),
                )
            ),
            _hidden(gathered),
            Subheading(_("Of phone records in general")),
            Points(
                (
                    _(
                        "A subscriber is a SIM, not a person: some people have several, some share one, many have "
                        "none. Where it was looked into, in Kenya, owners were more often men, in towns, and better "
                        "off (source 3)."
                    ),
                    _(
                        "A phone is seen only when it is used. Whoever calls seldom seems to move less than they do; a "
                        "change in calling looks like a change in movement (sources 2 and 6)."
                    ),
                    _(
                        "A place is the area of a cell's mast. Cells may reach far, most of all in the country, so "
                        "people near the edge of an area may be counted in the next."
                    ),
                    _(
                        "Homes found by rules differ from rule to rule, and no rule is right for all; without a census "
                        "beside them their error is not known (source 5)."
                    ),
                    _(
                        "Counts of subscribers follow the population where they could be compared, but not in "
                        "proportion: they need a calibration before they are read as people (source 7)."
                    ),
                    _(
                        "A day without records, for a fault of the network or of a file, looks like a day without "
                        "people."
                    ),
                )
            ),
        ),
    )


def missing_days(gathered: Gathered) -> list[date]:
    """Give the days between the first and the last of which presence, or else any table of days, has nothing."""
    layer = gathered.layers.get(PRESENCE) or next(
        (layer for name, layer in gathered.layers.items() if name in OF_DAYS), None
    )
    if layer is None:
        return []
    rows = layer.table.filter(pc.not_equal(layer.table.column(layer.value.state), State.MISSING.value))
    there = set(dates_of(gathered.calendar, seconds_of(rows)))
    first, last = gathered.days
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [each for each in every if each not in there]


def never_published(gathered: Gathered) -> list[str]:
    """Give the areas of which presence publishes no number in any period."""
    layer = gathered.layers.get(PRESENCE)
    if layer is None:
        return []
    with_value = layer.table.filter(layer.table.column(layer.value.name).is_valid())
    return sorted(gathered.own - set(with_value.column("area").to_pylist()))


def _days(gathered: Gathered) -> list[str]:
    absent = missing_days(gathered)
    number = (gathered.days[1] - gathered.days[0]).days + 1
    if not absent:
        return [
            ngettext(
                "Of %(num)s day of the period none is missing.",
                "Of %(num)s days of the period none is missing.",
                number,
            )
        ]
    return [
        ngettext(
            "Of %(num)s day of the period, %(missing)s is missing: %(days)s.",
            "Of %(num)s days of the period, %(missing)s are missing: %(days)s.",
            number,
            missing=count(len(absent)),
            days=_named([day(each) for each in absent]),
        )
    ]


def _areas(gathered: Gathered) -> list[str]:
    if PRESENCE not in gathered.layers:
        return []
    without = never_published(gathered)
    found = []
    if without:
        found.append(
            ngettext(
                "%(num)s area never has a published number: %(areas)s. It may have no cell, few subscribers, or "
                "nobody.",
                "%(num)s areas never have a published number: %(areas)s. They may have no cell, few subscribers, or "
                "nobody.",
                len(without),
                areas=_named([gathered.places.names.get(code, code) for code in without]),
            )
        )
    known = {code for code, country in gathered.countries.items() if gathered.subject.holds(country)}
    outside = sorted(known - gathered.own)
    if outside:
        found.append(
            ngettext(
                "%(num)s area of the set has no row at all.",
                "%(num)s areas of the set have no row at all.",
                len(outside),
            )
        )
    return found


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    left = len(names) - NAMED
    if left <= 0:
        return shown
    return ngettext("%(names)s and %(num)s more", "%(names)s and %(num)s more", left, names=shown)


def _scaling(gathered: Gathered) -> str:
    layers = (*gathered.layers.values(), *gathered.others)
    scaled = sorted(
        layer.newest.label for layer in layers if layer.counted(State.ESTIMATED) or "people" in layer.value.unit
    )
    if scaled:
        return _(
            "Some tables are scaled to the population: %(releases)s. All others count subscribers.",
            releases=", ".join(scaled),
        )
    return _(
        "No release is scaled to the population: every number counts subscribers, and how many people stand for one "
        "differs between areas."
    )


def _hidden(gathered: Gathered) -> Listed:
    rows = [_share_hidden(layer) for layer in (*gathered.layers.values(), *gathered.others)]
    headings = (
        Heading(_("Table")),
        Heading(_("Values"), is_number=True),
        Heading(_("Suppressed"), is_number=True),
        Heading(_("Share suppressed"), is_number=True),
        Heading(_("Missing"), is_number=True),
    )
    caption = _(
        "Of the rows of this country and period. Flows are suppressed most: between most pairs of areas few people "
        "move, or nobody."
    )
    source = citing.source(gathered.sources)
    return Listed(_("What is suppressed or missing"), caption, headings, rows, source)


def _share_hidden(layer: Layer) -> Row:
    values = layer.values
    suppressed, missing = layer.counted(State.SUPPRESSED), layer.counted(State.MISSING)
    return Row(
        (
            translated(layer.dataset.title),
            count(values),
            count(suppressed),
            citing.part(suppressed, values),
            count(missing),
        )
    )
