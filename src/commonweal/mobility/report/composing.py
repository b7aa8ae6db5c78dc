"""Putting a report together, in the language that is read now: sections in order, numbered."""

from __future__ import annotations

from dataclasses import replace

from commonweal.core.database import Database
from commonweal.core.settings import Settings
from commonweal.disclosure.releasing.looking import behind
from commonweal.mobility.report.blocks import Absent, Block, Report, Section, Subheading
from commonweal.mobility.report.gathering import Gathered
from commonweal.mobility.report.sections import (
    annex,
    anonymisation,
    background,
    borders,
    challenges,
    datasets,
    flows,
    homes,
    limitations,
    methods,
    presence,
    walks,
)
from commonweal.web.languages import _
from commonweal.web.words import clock, day, days_in_words


def compose(gathered: Gathered, approvals: anonymisation.Approvals) -> Report:
    """Write the report of what was gathered.

    Parameters
    ----------
    approvals
        What the ledger says of each release, as `approvals_of` reads it.
    """
    sections = (
        background.summary(gathered),
        background.background(gathered),
        datasets.section(gathered),
        anonymisation.section(gathered, approvals),
        methods.section(gathered),
        results(gathered),
        limitations.section(gathered),
        challenges.section(gathered),
        annex.tables(gathered),
        annex.words(gathered),
        annex.provenance(gathered),
        annex.literature(gathered),
    )
    said = {"day": day(gathered.moment), "time": clock(gathered.moment.time())}
    return Report(
        title=_("Mobility in %(country)s", country=gathered.subject.name),
        lead=_(
            "What mobile phone records say of where people are and how they move, %(span)s",
            span=days_in_words(*gathered.days),
        ),
        sections=tuple(_numbered(number, section) for number, section in enumerate(sections, 1)),
        moment=gathered.moment,
        sources=gathered.sources,
        says={
            "contents": _("Contents"),
            "moment": _("As published on %(day)s, %(time)s UTC", **said),
            "kind": _("Country report, made from releases only"),
            "table": _("Table"),
        },
    )


def results(gathered: Gathered) -> Section:
    """Say what the tables show, with maps."""
    blocks = (
        *presence.blocks(gathered),
        *homes.blocks(gathered),
        *walks.blocks(gathered),
        *flows.blocks(gathered),
        *borders.blocks(gathered),
    )
    return Section("results", _("Results"), blocks)


def approvals_of(settings: Settings, database: Database, gathered: Gathered) -> anonymisation.Approvals:
    """Read from the ledger what stands behind each release.

    Raises
    ------
    Damaged
        The ledger is not whole, or a release names an entry that is not there.
    """
    found = {}
    for release in gathered.sources:
        known = behind(settings, database, release)
        if known is not None:
            found[release.label] = known.entry.said
    return found


def _numbered(number: int, section: Section) -> Section:
    blocks: list[Block] = []
    part = 0
    for block in section.blocks:
        if isinstance(block, Subheading):
            part += 1
            blocks.append(replace(block, number=f"{number}.{part}"))
        else:
            blocks.append(block)
    return replace(section, number=str(number), blocks=tuple(blocks))


def says_nothing(report: Report) -> list[str]:
    """List what the report says that there is no release for."""
    return [block.text for section in report.sections for block in section.blocks if isinstance(block, Absent)]
