"""Annexes: further released tables, words, where each release comes from, and sources."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import State
from commonweal.core.catalog.declaration import heading
from commonweal.mobility.report import citing
from commonweal.mobility.report.blocks import Absent, Block, Listed, Points, Section, Subheading, Text
from commonweal.mobility.report.gathering import Gathered, Layer
from commonweal.mobility.report.sections import borders, walks
from commonweal.mobility.telling import VALUES, called, column_meanings
from commonweal.web.figure import Heading
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.provenance import facts
from commonweal.web.table import Row
from commonweal.web.words import count, moment, state

ROWS = 25
LITERATURE = (
    "ITU, Big Data for development: preventing the spread of epidemics; reports on Guinea, Liberia and Sierra Leone. "
    "www.itu.int/en/ITU-D/Emergency-Telecommunications/Pages/BigData/default.aspx",
    "UN Committee of Experts on Big Data and Data Science for Official Statistics, Handbook on the Use of Mobile Phone "
    "Data for Official Statistics.",
    "A. Wesolowski, N. Eagle, A. M. Noor, R. W. Snow, C. O. Buckee (2012), Heterogeneous Mobile Phone Ownership and "
    "Usage Patterns in Kenya, PLoS ONE 7.",
    "Y.-A. de Montjoye, C. A. Hidalgo, M. Verleysen, V. D. Blondel (2013), Unique in the Crowd: The privacy bounds of "
    "human mobility, Scientific Reports 3.",
    "M. Vanhoof, F. Reis, T. Ploetz, Z. Smoreda (2018), Assessing the Quality of Home Detection from Mobile Phone Data "
    "for Official Statistics, Journal of Official Statistics 34.",
    "G. Ranjan, H. Zang, Z.-L. Zhang, J. Bolot (2012), Are call detail records biased for sampling human mobility?, "
    "ACM SIGMOBILE Mobile Computing and Communications Review 16.",
    "P. Deville, C. Linard, S. Martin et al. (2014), Dynamic population mapping using mobile phone data, Proceedings "
    "of the National Academy of Sciences 111.",
    "S. M. McDonald (2016), Ebola: A Big Data Disaster. Privacy, Property, and the Law of Disaster Experimentation, "
    "Centre for Internet and Society Papers 2016.01.",
)
"""In the order of the numbers that the text names them by; titles stay in their own language."""


def tables(gathered: Gathered) -> Section:
    """Show every other released table, whatever it is, by its own description."""
    blocks: list[Block] = []
    told = {gathered.further(name) for name in (*borders.SHOWN, *walks.SHOWN)}
    others = [layer for layer in gathered.others if layer not in told]
    if not others:
        blocks.append(Absent(_("No further table of mobility is published for this period.")))
    for layer in others:
        blocks += [Subheading(translated(layer.dataset.title)), *_table(gathered, layer)]
    return Section("tables", _("Annex: further tables"), tuple(blocks))


def words(gathered: Gathered) -> Section:
    """Say what words mean."""
    meanings = (
        (_("Subscriber"), _("a SIM under its pseudonym: not a name, not a number, and not always one person")),
        (_("Event"), _("one row of the operator's records: a subscriber, a time, a cell")),
        (_("Cell"), _("what an operator's mast serves with one antenna")),
        (_("Area"), _("a named polygon of a set of areas, such as a province or a district")),
        (_("Presence"), _("distinct subscribers seen in an area during an hour or a day")),
        (_("Flow"), _("distinct subscribers seen in one area and next in another during a day")),
        (_("Home area"), _("the area where a subscriber's days most often end")),
        (_("Suppressed"), _("not published, because few people stand behind it, or nobody, or to protect others")),
        (_("Missing"), _("there is no value, for want of data")),
        (_("Release"), _("one published, unchangeable version of a table, with a digest over its rows")),
        (_("Digest"), _("a long number made from the rows: if one letter of them changes, it is another")),
    )
    rows = [Row(pair) for pair in meanings]
    return Section(
        "words", _("Annex: words"), (Listed(_("Words"), "", (Heading(_("Word")), Heading(_("Meaning"))), rows),)
    )


def provenance(gathered: Gathered) -> Section:
    """Say of each release where it comes from, whole."""
    blocks: list[Block] = [
        Text(
            _(
                "Each digest is SHA-256 over the rows in their order, as the catalog keeps it. Whoever holds the table "
                "can compute it again."
            )
        )
    ]
    for release in gathered.sources:
        rows = [
            Row((fact.name, "; ".join(f"{text} ({digest})" if digest else text for text, digest in fact.said)))
            for fact in facts(release)
            if fact.name != _("Published")
        ]
        rows.insert(1, Row((_("Published"), _("%(moment)s UTC", moment=moment(release.published_at)))))
        blocks += [
            Subheading(release.label),
            Listed(
                _("Where %(release)s comes from", release=release.label),
                "",
                (Heading(_("What")), Heading(_("Said of the release"))),
                rows,
            ),
        ]
    return Section("provenance", _("Annex: where the releases come from"), tuple(blocks))


def literature(gathered: Gathered) -> Section:
    """List the sources."""
    numbered = tuple(f"{number}. {text}" for number, text in enumerate(LITERATURE, 1))
    return Section("sources", _("Annex: sources"), (Points(numbered),))


def _table(gathered: Gathered, layer: Layer) -> list[Block]:
    dataset = layer.dataset
    shown = _largest_first(layer).slice(0, ROWS).to_pylist()
    rows = [Row(tuple(_cell(gathered, layer, row, column.name) for column in dataset.declared)) for row in shown]
    numbers = {measure.name for measure in dataset.measures}
    headings = tuple(
        Heading(translated(heading(column)), is_number=column.name in numbers) for column in dataset.declared
    )
    left = layer.table.num_rows - len(rows)
    more = (
        ngettext("%(num)s more row is in the catalog.", "%(num)s more rows are in the catalog.", left)
        if left > 0
        else ""
    )
    found: list[Block] = [Text(translated(dataset.description)), Points(tuple(column_meanings(dataset)))]
    if dataset.measures:
        found.append(Text(f"{citing.exactness(layer)} {citing.hidden(layer)}"))
    title = translated(dataset.title)
    found.append(Listed(_("Table: %(title)s", title=title), "", headings, rows, citing.source(layer.releases), more))
    return found


def _largest_first(layer: Layer) -> pa.Table:
    """Give the rows with a published number first, the largest before others; the rest in the order of the table."""
    order = [(measure.name, "descending") for measure in layer.dataset.measures]
    return layer.table.take(pc.sort_indices(layer.table, order)) if order else layer.table


def _cell(gathered: Gathered, layer: Layer, row: dict[str, Any], name: str) -> str:
    value = row[name]
    said = row.get(f"{name}_state")
    if value is None:
        return state(State(said)) if said else "–"
    if name in layer.dataset.areas:
        return gathered.places.names.get(str(value), str(value))
    if hasattr(value, "isoformat"):
        return moment(value, gathered.calendar.time_zone) if hasattr(value, "hour") else value.isoformat()
    if name in VALUES or isinstance(value, bool) or not isinstance(value, int | float):
        return called(name, str(value))
    return count(value, 0 if value == round(value) else 2)
