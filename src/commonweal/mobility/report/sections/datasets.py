"""Datasets: which releases the report is made from, of what period and areas, and what they do not tell."""

from __future__ import annotations

from datetime import date

from commonweal.core.catalog import Release
from commonweal.mobility.report import citing
from commonweal.mobility.report.blocks import Absent, Block, Listed, Points, Section, Subheading, Text
from commonweal.mobility.report.gathering import ACTIVITY, Gathered, dates_of, seconds_of
from commonweal.web.figure import Heading
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.table import Row
from commonweal.web.words import count, day, days_in_words


def section(gathered: Gathered) -> Section:
    """Say what the report is made from."""
    project = str(gathered.choices.get("project") or "–")
    blocks: list[Block] = [
        Text(
            _(
                "Mobile network operators write a record for every call, message and data session: which SIM used "
                "which cell, and when. The records themselves are not in this report, nor was any of them read for it. "
                "It is made from the published tables below, which anybody with the right to read them can open and "
                "check."
            )
        ),
        _facts(gathered, project),
        Subheading(_("Releases")),
        _releases(gathered),
        Subheading(_("Events")),
        *_events(gathered),
        Subheading(_("What the releases do not tell")),
        Points(
            (
                _("how many customers the operator has, and which share of the market: neither is published here;"),
                _("which kinds of events the records hold, and how often a phone writes one;"),
                _("who uses a SIM: age, sex, income or occupation are in no table;"),
                _("anything of subscribers of other operators, and of people without a phone."),
            )
        ),
    ]
    if gathered.aside:
        blocks += [Subheading(_("Not in this report")), _aside(gathered)]
    return Section("datasets", _("Datasets"), tuple(blocks))


def _facts(gathered: Gathered, project: str) -> Listed:
    first, last = gathered.days
    number = (last - first).days + 1
    own = len(gathered.own)
    begins = f"{gathered.calendar.day_starts:%H:%M}"
    clock = _("time of %(zone)s; a day begins at %(time)s", zone=gathered.calendar.time_zone, time=begins)
    facts = [
        (_("Project"), _("%(project)s, one operator's records", project=project)),
        (_("Period"), f"{days_in_words(first, last)} ({ngettext('%(num)s day', '%(num)s days', number)})"),
        (_("Clock"), clock),
        (
            _("Areas"),
            ngettext(
                "%(num)s area of the set %(set)s", "%(num)s areas of the set %(set)s", own, set=gathered.area_set or "–"
            ),
        ),
        (_("Least number of people"), str(gathered.choices.get("k") or "–")),
    ]
    rows = [Row(fact) for fact in facts]
    return Listed(_("At a glance"), "", (Heading(_("What")), Heading(_("Said of the releases"))), rows)


def _releases(gathered: Gathered) -> Listed:
    rows = [
        Row(
            (
                translated(release.schema.title),
                release.dataset,
                str(release.version),
                _period(gathered, release),
                count(release.rows),
                f"{release.digest[: citing.DIGEST]}…",
            )
        )
        for release in gathered.sources
    ]
    headings = (
        Heading(_("Table")),
        Heading(_("Dataset")),
        Heading(_("Release"), is_number=True),
        Heading(_("Days")),
        Heading(_("Rows"), is_number=True),
        Heading(_("Digest")),
    )
    caption = _("Published, unchangeable tables; the annex has their digests whole, and what they were made with.")
    return Listed(_("Releases that the report is made from"), caption, headings, rows)


def _period(gathered: Gathered, release: Release) -> str:
    said = release.provenance.parameters
    if "first_day" in said and "last_day" in said:
        return days_in_words(date.fromisoformat(said["first_day"]), date.fromisoformat(said["last_day"]))
    if release.periods:
        return days_in_words(*(moment.date() for moment in release.periods))
    return "–"


def _events(gathered: Gathered) -> list[Block]:
    layer = gathered.layers.get(ACTIVITY)
    if layer is None:
        return [Absent(_("No release says how many events the records hold."))]
    name = layer.value.name
    dates = dates_of(gathered.calendar, seconds_of(layer.table))
    pairs = sorted(zip(dates, layer.table.to_pylist(), strict=True), key=lambda pair: pair[0])
    rows = [
        Row(
            (
                day(each),
                "–" if row[name] is None else count(row[name]),
                count(row["rounded_to"]) if row.get("rounded_to") else "–",
            ),
            has_value=row[name] is not None,
        )
        for each, row in pairs
    ]
    headings = (
        Heading(_("Day"), is_time=True),
        Heading(_("Events"), is_number=True),
        Heading(_("Rounded down to a multiple of"), is_number=True),
    )
    return [
        Text(citing.exactness(layer)),
        Listed(
            _("Events of each day"),
            translated(layer.dataset.description),
            headings,
            rows,
            citing.source(layer.releases),
        ),
    ]


def _aside(gathered: Gathered) -> Listed:
    rows = [
        Row(
            (
                release.dataset,
                str(release.version),
                str(release.provenance.parameters.get("project", "–")),
                _period(gathered, release),
            )
        )
        for release in sorted(gathered.aside, key=lambda release: (release.dataset, release.version))
    ]
    headings = (
        Heading(_("Dataset")),
        Heading(_("Release"), is_number=True),
        Heading(_("Project")),
        Heading(_("Days")),
    )
    return Listed(
        _("Other releases about the same"),
        _("Made otherwise, of another project, or of days that a newer release has; a report of a project names it."),
        headings,
        rows,
    )
