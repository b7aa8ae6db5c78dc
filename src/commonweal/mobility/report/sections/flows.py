"""Results: how people move between areas inside the country, and from and to its neighbours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from commonweal.mobility.published import FLOWS
from commonweal.mobility.report import citing
from commonweal.mobility.report.blocks import Absent, Block, Drawn, Listed, Subheading, Text, picture
from commonweal.mobility.report.gathering import Gathered, Layer, dates_of, seconds_of
from commonweal.mobility.report.maps import FLOWS_DRAWN, flow_map
from commonweal.mobility.report.typical import Laid, Typical, lay
from commonweal.web.chart import Line, time_chart
from commonweal.web.figure import Heading, Legend
from commonweal.web.geography import Geography
from commonweal.web.languages import _, current, ngettext
from commonweal.web.table import Row
from commonweal.web.words import count, day, days_in_words, share, short_day

LISTED = 30


@dataclass(frozen=True, eq=False)
class Moving:
    """Flows of some pairs of areas, laid out by day and pair.

    Parameters
    ----------
    layer
        Where they are from.
    days
        n days.
    pairs
        m pairs of codes.
    laid
        Values by day and pair.
    """

    layer: Layer
    days: list[date]
    pairs: list[tuple[str, str]]
    laid: Laid

    @property
    def typical(self) -> list[tuple[str, str, Typical]]:
        """Pairs that have a typical value, the largest first."""
        found = zip(self.pairs, self.laid.typical(), strict=True)
        known = [(*pair, value) for pair, value in found if value.value is not None]
        return sorted(known, key=lambda flow: (-(flow[2].value or 0), flow[0], flow[1]))

    @property
    def steady(self) -> tuple[int, list[float]]:
        """How many pairs are published on every day, and the sum of these on each day."""
        whole = ~np.isnan(self.laid.values).any(axis=0)
        return int(whole.sum()), [float(total) for total in self.laid.values[:, whole].sum(axis=1)]

    @property
    def ever(self) -> int:
        """How many pairs are published on some day."""
        return int((~np.isnan(self.laid.values)).any(axis=0).sum())


def moving(gathered: Gathered, wanted: Callable[[str, str], bool]) -> Moving | None:
    """Lay out the flows of the pairs that are wanted; None if there are none."""
    layer = gathered.layers.get(FLOWS)
    if layer is None:
        return None
    ends = [layer.table.column(name).to_pylist() for name in ("origin", "destination")]
    every = list(zip(*ends, strict=True))
    chosen = np.array([origin != destination and wanted(origin, destination) for origin, destination in every], bool)
    if not chosen.any():
        return None
    rows = layer.table.filter(chosen)
    kept = [pair for pair, is_chosen in zip(every, chosen, strict=True) if is_chosen]
    dates = dates_of(gathered.calendar, seconds_of(rows))
    days, pairs = sorted(set(dates)), sorted(set(kept))
    day_of, pair_of = ({each: place for place, each in enumerate(all_of)} for all_of in (days, pairs))
    part = layer.only(rows)
    laid = lay(
        part,
        np.array([day_of[each] for each in dates]),
        np.array([pair_of[each] for each in kept]),
        (len(days), len(pairs)),
    )
    return Moving(part, days, pairs, laid)


def domestic(gathered: Gathered) -> Moving | None:
    """Give the flows inside a country, or inside each of a project's countries."""

    def inside(origin: str, destination: str) -> bool:
        both = {origin, destination} <= gathered.own
        return both and gathered.countries.get(origin) == gathered.countries.get(destination)

    return moving(gathered, inside)


def across(gathered: Gathered) -> Moving | None:
    """Give the flows between areas of different countries."""

    def crossing(origin: str, destination: str) -> bool:
        here, there = gathered.countries.get(origin), gathered.countries.get(destination)
        return here is not None and there is not None and here != there

    return moving(gathered, crossing)


def blocks(gathered: Gathered) -> list[Block]:
    """Say how people move, inside and across the border."""
    found: list[Block] = [Subheading(_("Flows between areas"))]
    inside = domestic(gathered)
    if inside is None:
        found.append(Absent(_("No release of flows between areas of the country is published for this period.")))
    else:
        found += _shown(
            gathered,
            inside,
            gathered.own_places,
            name="flows",
            title=_("The largest flows between areas on a typical day"),
            by_day=_("Flows between areas, day by day"),
        )
    found.append(Subheading(_("Mobility across borders")))
    abroad = across(gathered)
    if abroad is None:
        found.append(
            Absent(
                _(
                    "No release of flows to or from areas of another country is published for this period. Such tables "
                    "need records with cells on both sides of the border, or records of roaming."
                )
            )
        )
        return found
    found.append(
        Text(
            _(
                "These are flows between areas of different countries, as one operator's cells saw them. A phone near "
                "a border may use a cell on the other side without its owner crossing; this is not removed here."
            )
        )
    )
    found += _shown(
        gathered,
        abroad,
        gathered.places,
        name="across",
        title=_("The largest flows across borders on a typical day"),
        by_day=_("Flows across borders, day by day"),
    )
    return found


def _shown(gathered: Gathered, moves: Moving, places: Geography, *, name: str, title: str, by_day: str) -> list[Block]:
    layer, flows = moves.layer, moves.typical
    source, span = citing.source(layer.releases), days_in_words(moves.days[0], moves.days[-1])
    caption = ngettext(
        "Distinct subscribers seen in one area and next in another: the median over %(num)s day, %(span)s.",
        "Distinct subscribers seen in one area and next in another: the median over %(num)s days, %(span)s.",
        len(moves.days),
        span=span,
    )
    said = ngettext(
        "Of %(num)s pair of areas, %(ever)s has a published flow on some day, and %(typical)s a typical value.",
        "Of %(num)s pairs of areas, %(ever)s have a published flow on some day, and %(typical)s a typical value.",
        len(moves.pairs),
        ever=count(moves.ever),
        typical=count(len(flows)),
    )
    found: list[Block] = [Text(f"{said} {citing.exactness(layer)} {citing.hidden(layer)}")]
    if not flows:
        found.append(
            Absent(_("No flow is published on more than half of the days, so there is no typical day to show."))
        )
        return found
    drawn, width = flow_map(places, flows, label=title, name=name)
    if drawn is not None:
        shown = Legend(
            _("Distinct subscribers per day"),
            flow=width,
            note=ngettext("%(num)s flow is drawn.", "%(num)s flows are drawn.", min(len(flows), FLOWS_DRAWN)),
        )
        found.append(Drawn(picture(name, title, drawn, caption, shown), source))
    interval = [Heading(_("Interval"), is_number=True)] if layer.has_interval else []
    rows = [
        Row(
            (
                _named(gathered, origin, name),
                _named(gathered, destination, name),
                citing.typical(value),
                *([citing.interval(value)] if interval else []),
                citing.on_days(value),
            )
        )
        for origin, destination, value in flows[:LISTED]
    ]
    headings = (
        Heading(_("From")),
        Heading(_("To")),
        Heading(_("Typical day"), is_number=True),
        *interval,
        Heading(_("Days published"), is_number=True),
    )
    left = len(flows) - len(rows)
    more = (
        ngettext("%(num)s smaller flow is not listed.", "%(num)s smaller flows are not listed.", left) if left else ""
    )
    found.append(Listed(_("Table: %(title)s", title=title), caption, headings, rows, source, more))
    return [*found, *_day_by_day(moves, by_day, name, source)]


def _day_by_day(moves: Moving, title: str, name: str, source: str) -> list[Block]:
    number, totals = moves.steady
    if number == 0 or len(moves.days) < 2:
        return []
    caption = ngettext(
        "Sum of the %(num)s flow that is published on every day; whoever is in several flows is counted in each.",
        "Sum of the %(num)s flows that are published on every day; whoever is in several flows is counted in each.",
        number,
    )
    middle = float(np.median(totals))
    drawn = time_chart(
        list(range(len(moves.days))), [short_day(each) for each in moves.days], [Line(title, totals)], label=title
    )
    rows = [
        Row((day(each), count(total), _against(total, middle))) for each, total in zip(moves.days, totals, strict=True)
    ]
    headings = (
        Heading(_("Day"), is_time=True),
        Heading(_("Subscribers in these flows"), is_number=True),
        Heading(_("Against the median day"), is_number=True),
    )
    return [
        Drawn(picture(f"{name}-by-day", title, drawn, caption), source),
        Listed(_("Table: %(title)s", title=title), caption, headings, rows, source),
    ]


def _against(total: float, middle: float) -> str:
    change = total / middle - 1 if middle else 0.0
    return f"+{share(change)}" if round(change, 2) > 0 else share(round(change, 2) + 0.0)


def _named(gathered: Gathered, code: str, name: str) -> str:
    said = gathered.places.names.get(code, code)
    country = gathered.countries.get(code)
    return f"{said} ({current().territory(country)})" if name == "across" and country else said
