"""Figures of a published table: areas on a map, a distribution, or rows; and the days."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa

from commonweal.mobility.pages import parts
from commonweal.mobility.pages.tables.columns import cells_of, columns_of, headings_of, say, title_of
from commonweal.mobility.pages.tables.reading import BINS, NOT_THERE, Shown, Told
from commonweal.mobility.published import Cell
from commonweal.mobility.telling import DIMENSIONS, bin_heading, bin_name, called
from commonweal.web.chart import Band, Line, line_legend, time_chart
from commonweal.web.classes import quantile_classes
from commonweal.web.figure import Chart, Figure, Heading, Legend
from commonweal.web.languages import _, translated
from commonweal.web.map import choropleth
from commonweal.web.table import Row
from commonweal.web.tally import Class, tally
from commonweal.web.words import share, short_day, state

Href = Callable[..., str]
LINES = 5


def area_figure(shown: Shown, least: int | None, href: Href) -> Figure:
    """Draw each area on a map, and list it."""
    published, places = shown.published, shown.published.places
    table = shown.table(shown.rows, published.ends[0])
    rows, records, cells = [], [], []
    for code in places.codes:
        by_column = table.get((code,), {})
        said, record = cells_of(shown, by_column)
        told = by_column.get(shown.main, NOT_THERE)
        rows.append(
            Row(
                (places.names[code], *said),
                has_value=any(one.value is not None for one in by_column.values()),
                current=code == shown.area,
            )
        )
        records.append({"area": code, "name": places.names[code], **record})
        cells.append(Cell(code, places.names[code], told.value, told.state))
    of_main = shown.of_choice
    if shown.across != ("",):
        of_main = of_main[published.where(shown.kind.across, shown.main)[of_main]]
    values = published.values[of_main]
    classes = quantile_classes(values[~np.isnan(values)])
    title = title_of(shown)
    main = title if shown.across == ("",) else f"{title}, {called(shown.kind.across, shown.main)}"
    areas = parts.map_areas(cells, places.outlines, least, {code: href(area=code) for code in places.outlines})
    picture = choropleth(
        areas,
        classes,
        label=_("Map: %(title)s, %(period)s", title=main, period=shown.label),
        projection=places.projection,
        selected=shown.area,
    )
    return Figure(
        name="map",
        title=main,
        caption=_("%(title)s, %(period)s.", title=title, period=shown.label),
        headings=(Heading(_("Area"), key="name"), *headings_of(shown)),
        rows=rows,
        records=records,
        picture=picture if areas else None,
        legend=parts.legend(main, classes, least),
        geometry=places.outlines,
        areas=("area",),
        says=parts.beside(published.release),
    )


def distribution_figures(shown: Shown, href: Href) -> list[Figure]:
    """Draw the distribution of the chosen area, or of the one of which most is published; and list that of each."""
    published, places = shown.published, shown.published.places
    unit = next(one.unit or "" for one in published.release.schema.dimensions if one.name == BINS[0])
    lower, upper = (published.table.column(name).take(pa.array(shown.rows)).to_pylist() for name in BINS)
    codes = published.text(published.ends[0], shown.rows)
    edges = sorted(set(zip(lower, upper, strict=True)))
    found: dict[str, dict[tuple[float, float], Told]] = {code: {} for code in places.codes}
    for code, low, high, told in zip(codes, lower, upper, published.told(shown.rows), strict=True):
        found[code][low, high] = told
    known = {code: sum(told.value or 0 for told in bins.values()) for code, bins in found.items()}
    chosen = shown.area or max(known, key=lambda code: known[code])
    name, title = places.names[chosen], title_of(shown)
    names = [bin_name(low, high, unit, last=place == len(edges) - 1) for place, (low, high) in enumerate(edges)]
    tolds = [found[chosen].get(edge, NOT_THERE) for edge in edges]
    caption = _("%(title)s, %(period)s: residents of %(area)s.", title=title, period=shown.label, area=name)
    one = Figure(
        name="distribution",
        title=_("%(title)s, %(area)s", title=title, area=name),
        caption=caption,
        headings=(
            Heading(bin_heading(unit), key="at_least", is_time=True),
            Heading(_("Subscribers"), is_number=True, key="subscribers"),
            Heading(_("State"), key="state"),
        ),
        rows=[
            Row((said, say(told), state(told.state)), has_value=told.value is not None)
            for said, told in zip(names, tolds, strict=True)
        ],
        records=[
            {
                "area": chosen,
                "at_least": low,
                "below": high,
                "subscribers": told.value,
                "state": told.state.value,
                "low": told.low,
                "high": told.high,
            }
            for (low, high), told in zip(edges, tolds, strict=True)
        ],
        picture=tally(
            [
                Class(said, told.value, told.state.value, say(told) if told.value is not None else state(told.state))
                for said, told in zip(names, tolds, strict=True)
            ],
            label=_("Chart: %(caption)s", caption=caption),
        ),
        legend=Legend(bin_heading(unit), note=_("A number on the edge of two belongs to the upper.")),
        says=parts.beside(published.release),
    )
    keys = [f"from_{low:g}" for low, _high in edges]
    every = Figure(
        name="areas",
        title=_("%(title)s, every area", title=title),
        caption=_("%(title)s, %(period)s: residents of each area. – is suppressed.", title=title, period=shown.label),
        headings=(
            Heading(_("Area"), key="name"),
            *(Heading(said, is_number=True, key=key) for said, key in zip(names, keys, strict=True)),
        ),
        rows=[
            Row(
                (places.names[code], *(say(found[code].get(edge, NOT_THERE)) for edge in edges)),
                has_value=any(told.value is not None for told in found[code].values()),
                current=code == chosen,
                href=href(area=code),
            )
            for code in places.codes
        ],
        records=[
            {"area": code, "name": places.names[code]}
            | {key: found[code].get(edge, NOT_THERE).value for key, edge in zip(keys, edges, strict=True)}
            | {
                f"{key}_state": found[code].get(edge, NOT_THERE).state.value
                for key, edge in zip(keys, edges, strict=True)
            }
            for code in places.codes
        ],
        geometry=places.outlines,
        areas=("area",),
        says=parts.beside(published.release),
    )
    return [one, every]


def row_figure(shown: Shown, href: Href) -> Figure:
    """List what has no areas; a row of which nothing is published is left out where rows are countries."""
    published, kind = shown.published, shown.kind
    table = shown.table(shown.rows, *kind.rows)
    columns = columns_of(shown)
    agreed, over_time, current = kind.across == "outcome", len(shown.starts) > 1, chosen_row(shown)
    rows, records = [], []
    order = sorted(table, key=lambda key: [_place(shown, name, one) for name, one in zip(kind.rows, key, strict=True)])
    for key in order:
        by_column = table[key]
        if "country" in kind.rows and all(told.value is None for told in by_column.values()):
            continue
        said, record = cells_of(shown, by_column)
        if agreed:
            agreement = agreement_of(by_column)
            said.insert(0, "–" if agreement is None else share(agreement))
            record["agreement"] = agreement
        names = [called(name, one) for name, one in zip(kind.rows, key, strict=True)]
        link = href(**{kind.rows[0]: key[0]}) if kind.rows[0] == "country" and over_time else None
        there = any(told.value is not None for told in by_column.values())
        rows.append(Row((*names, *said), there, over_time and key == current, link))
        codes = dict(zip(kind.rows, key, strict=True))
        named = {f"{name}_name": one for name, one in zip(kind.rows, names, strict=True)}
        records.append(codes | named | record)
    if "country" in kind.rows:
        paired = sorted(
            zip(rows, records, strict=True), key=lambda pair: -sum(pair[1][key] or 0 for _v, key, _n in columns)
        )
        rows, records = [row for row, _r in paired], [record for _r, record in paired]
    more = (Heading(_("Agreement"), is_number=True, key="agreement"),) if agreed else ()
    return Figure(
        name="table",
        title=title_of(shown),
        caption=_row_caption(shown, rows),
        headings=(
            *(Heading(translated(DIMENSIONS[name]), key=f"{name}_name") for name in kind.rows),
            *more,
            *headings_of(shown),
        ),
        rows=rows,
        records=records,
        says=parts.beside(published.release),
        empty=_row_caption(shown, rows) if "country" in kind.rows else "",
    )


def agreement_of(outcomes: Mapping[str, Told]) -> float | None:
    """Give the share with the same home of those for whom both rules find one; None where a part is hidden.

    Examples
    --------
    >>> from commonweal.core.catalog import State
    >>> reported = lambda number: Told(number, State.REPORTED)
    >>> agreement_of({"same": reported(80), "different": reported(20), "neither": reported(7)})
    0.8
    >>> agreement_of({"same": reported(80), "different": Told(None, State.SUPPRESSED)}) is None
    True
    """
    same, different = outcomes.get("same", NOT_THERE), outcomes.get("different")
    if same.value is None or different is None or different.value is None or not same.value + different.value:
        return None
    return same.value / (same.value + different.value)


def _row_caption(shown: Shown, rows: list[Row]) -> str:
    said = _("%(title)s, %(period)s.", title=title_of(shown), period=shown.label)
    if "country" not in shown.kind.rows:
        return said
    left_out = _("Countries of which nothing is published are left out.")
    nothing = _("Nothing is published of any country.")
    return f"{said} {left_out if rows else nothing}"


def _place(shown: Shown, name: str, value: str) -> int:
    return shown.published.told_by[name].index(value)


def chosen_row(shown: Shown) -> tuple[str, ...] | None:
    """Give the row whose days are drawn: of the chosen area or country, or the one with most people."""
    published, kind = shown.published, shown.kind
    if len(published.ends) == 1 and shown.area:
        return (shown.area,)
    by = published.ends if len(published.ends) == 1 else kind.rows
    table = shown.table(shown.rows, *by)
    if shown.only.get("country") and "country" in by:
        place = by.index("country")
        table = {key: row for key, row in table.items() if key[place] == shown.only["country"]} or table
    if not table:
        return None
    return max(table, key=lambda key: max((told.value or -1 for told in table[key].values()), default=-1))


def days_figure(shown: Shown, least: int | None) -> list[Figure]:
    """Draw the chosen area or row over all periods of the table, if there are several."""
    published, kind = shown.published, shown.kind
    row = chosen_row(shown)
    if row is None or published.starts is None or len(shown.starts) < 2 or len(published.ends) == 2:
        return []
    by = published.ends or kind.rows
    chosen = shown.of_choice
    for name, value in zip(by, row, strict=True):
        chosen = chosen[published.where(name, value)[chosen]]
    columns = columns_of(shown)[:LINES]
    side = published.text(kind.across, chosen) if kind.across in published.told_by else [""] * len(chosen)
    at = dict[int, dict[str, Told]]()
    dates = dict[int, date]()
    for place, beside, told in zip(chosen.tolist(), side, published.told(chosen), strict=True):
        start = int(published.starts[place])
        at.setdefault(start, {})[beside] = told
        dates[start] = published.dates[place]
    starts = sorted(at)
    name = " · ".join(
        published.places.names.get(value, value) if by is published.ends else called(one, value)
        for one, value in zip(by, row, strict=True)
    )
    hourly = len(set(dates.values())) < len(starts)
    if not any(told.value is not None for tolds in at.values() for told in tolds.values()):
        return []  # a drawing of nothing says no more than that all of it is suppressed
    lines = [Line(said, [at[start].get(value, NOT_THERE).value for start in starts]) for value, _key, said in columns]
    gaps = [_gap([at[start].get(value, NOT_THERE) for value, _key, _said in columns]) for start in starts]
    band, between = None, _("Interval")
    if published.has_interval and len(columns) == 1:
        tolds = [at[start].get(columns[0][0], NOT_THERE) for start in starts]
        band = Band(between, [told.low for told in tolds], [told.high for told in tolds])
    one_day = hourly and len(set(dates.values())) == 1
    labels = [
        shown.clock(start)
        if one_day
        else short_day(dates[start])
        if place == 0 or dates[start] != dates[starts[place - 1]]
        else ""
        for place, start in enumerate(starts)
    ]
    title = _("%(title)s, %(area)s over time", title=title_of(shown), area=name)
    zone = str(published.release.provenance.parameters.get("time_zone", "UTC"))
    return [
        Figure(
            name="days",
            title=title,
            caption=_("%(title)s, times of %(zone)s.", title=title, zone=zone),
            headings=(Heading(_("Period"), key="start", is_time=True), *headings_of(shown)),
            rows=[
                Row(
                    (
                        f"{short_day(dates[start])}, {shown.clock(start)}" if hourly else short_day(dates[start]),
                        *cells_of(shown, at[start])[0],
                    ),
                    has_value=any(told.value is not None for told in at[start].values()),
                    current=start == shown.start,
                )
                for start in starts
            ],
            records=[
                {"start": f"{datetime.fromtimestamp(start, UTC):%Y-%m-%dT%H:%M:%SZ}", **cells_of(shown, at[start])[1]}
                for start in starts
            ],
            picture=time_chart(starts, labels, lines, label=_("Chart: %(title)s", title=title), band=band, gaps=gaps),
            legend=line_legend(title_of(shown), lines, band=band, gaps=parts.gaps_meant(gaps, least)),
            chart=Chart(
                "start",
                tuple((key, said) for _value, key, said in columns),
                zone,
                band=("low", "high", between) if band else None,
                gaps=tuple(key for _value, key, _said in columns),
                why=f"{columns[0][1]}_state" if len(columns) == 1 else "state",
            ),
            says=parts.beside(published.release),
        )
    ]


def _gap(tolds: Sequence[Told]) -> str:
    """Give the texture of a moment: none where a line has a value."""
    if any(told.value is not None for told in tolds):
        return ""
    return parts.gaps_of([None], [tolds[0].state])[0] if tolds else "missing"
