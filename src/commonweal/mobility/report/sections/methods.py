"""How the numbers were made: what each table counts, and what this report does with it."""

from __future__ import annotations

from commonweal.mobility.report.blocks import Listed, Points, Section, Subheading
from commonweal.mobility.report.gathering import Gathered
from commonweal.web.figure import Heading
from commonweal.web.languages import _, translated
from commonweal.web.table import Row


def section(gathered: Gathered) -> Section:
    """Say what is counted, and how."""
    layers = (*gathered.layers.values(), *gathered.others)
    rows = [
        Row(
            (
                translated(layer.dataset.title),
                translated(layer.dataset.description),
                translated(layer.value.description),
            )
        )
        for layer in layers
        if layer.dataset.measures
    ]
    chosen = [
        (_("Home"), gathered.choices.get("home")),
        (_("Flows"), gathered.choices.get("flows")),
    ]
    points = [
        _(
            "Distinct subscribers are counted anew at each level: a day is not the sum of its hours, nor a country the "
            "sum of its areas, since people are seen in several."
        ),
        *(_("%(name)s: %(value)s.", name=name, value=translated(str(value))) for name, value in chosen if value),
        _(
            "A typical day is the median over the days on which a number is published, and only where that is more "
            "than half of the days. Suppressed days are left out, not counted as zero; if they were the quiet ones, "
            "the median lies too high."
        ),
        _("Maps have at most five classes, with bounds at quantiles of the values shown, rounded to two digits."),
        _("Areas are drawn as they stood when the counted days began, with outlines simplified for the page."),
    ]
    headings = (Heading(_("Table")), Heading(_("What it is")), Heading(_("What it counts")))
    return Section(
        "methods",
        _("Methods"),
        (
            Subheading(_("What is counted")),
            Listed(_("Definitions"), _("As the tables declare them."), headings, rows),
            Subheading(_("How it is counted and shown")),
            Points(tuple(points)),
        ),
    )
