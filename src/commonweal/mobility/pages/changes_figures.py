"""Figures of changes: the map of a day, the list, the days of one area, and displaced people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from markupsafe import Markup

from commonweal.core.catalog import State
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.asking import Watched, finding_record
from commonweal.mobility.baselines.baseline import GIVEN, HOLIDAY, NO_LEVEL, NOT_ENOUGH
from commonweal.mobility.baselines.displaced import displaced
from commonweal.mobility.baselines.noticing import Finding
from commonweal.mobility.baselines.saying import CERTAINTY, NAMES, change, days_of, interval, sentence, where
from commonweal.mobility.baselines.writing import displaced_records
from commonweal.mobility.pages import parts
from commonweal.web import words
from commonweal.web.chart import Line, line_legend, time_chart
from commonweal.web.classes import Classes
from commonweal.web.figure import Chart, Figure, Heading, Legend
from commonweal.web.flows import Flow, flow_layer
from commonweal.web.geography import Geography
from commonweal.web.languages import _, translated
from commonweal.web.map import MapArea, choropleth
from commonweal.web.table import Row
from commonweal.web.words import count, day_in_words, short_day

BREAKS = Classes((-0.25, -0.1, 0.1, 0.25))
STEPS = (
    Wording("a quarter or more below"),
    Wording("a tenth or more below"),
    Wording("about as usual"),
    Wording("a tenth or more above"),
    Wording("a quarter or more above"),
)
REASONS = {
    NOT_ENOUGH: Wording("not enough history"),
    HOLIDAY: Wording("holiday"),
    NO_LEVEL: Wording("the baseline is zero"),
}
DRAWN, LISTED = 30, 200


def figures(
    watched: Watched, places: Geography, day: date, area: str | None, href: Callable[[str], str]
) -> list[Figure]:
    """Give the figures of a comparison."""
    shown = [_list(watched, places), *_together(watched)]
    if watched.series.flows:
        return [_flow_map(watched, places, shown[0]), *shown[1:], *_displaced(watched, places)]
    return [_map(watched, places, day, area, href), *shown, *_days(watched, places, area)]


def why_not(reason: str) -> str:
    """Say why there is no number."""
    if reason in REASONS:
        return translated(REASONS[reason])
    return words.state(State(reason))


def _map(watched: Watched, places: Geography, day: date, area: str | None, href: Callable[[str], str]) -> Figure:
    changed, layer = watched.changed, watched.layer
    at = watched.series.dates.index(day)
    rows, records, drawn = [], [], []
    for place, (code,) in enumerate(watched.series.keys):
        why, name = str(changed.why[at, place]), places.names.get(code, code)
        given = why == GIVEN
        numbers = {
            "expected": _number(changed.expected[at, place]),
            "seen": _number(watched.series.values[at, place]),
            "change": _number(changed.relative[at, place]),
            "low": _number(changed.low[at, place]),
            "high": _number(changed.high[at, place]),
            "z": _number(changed.z[at, place]),
        }
        said = change(numbers["change"]) if given else why_not(why)
        beside = {} if layer is None else {"beside": layer.values.get(code)}
        records.append({"area": code, "name": name, "day": day.isoformat(), **numbers, "why": why, **beside})
        cells = (
            name,
            _count(numbers["expected"]),
            _count(numbers["seen"]),
            said,
            f"{change(numbers['low'])} … {change(numbers['high'])}" if given else "–",
            _count(numbers["z"], 1),
        )
        rows.append(
            Row((*cells, *(_count(value, 1) for value in beside.values())), has_value=given, current=code == area)
        )
        if code in places.outlines:
            state = "reported" if given else "suppressed" if why == State.SUPPRESSED.value else "missing"
            drawn.append(MapArea(code, name, places.outlines[code], numbers["change"], state, said, href(code)))
    order = sorted(range(len(rows)), key=lambda row: (records[row]["change"] is None, records[row]["change"] or 0.0))
    by_name = {code: place for place, code in enumerate(places.codes)}
    drawn.sort(key=lambda one: by_name[one.code])
    return Figure(
        name="map",
        title=_("Change by area, %(day)s", day=day_in_words(day)),
        caption=_("Subscribers beside the median of like days of the baseline, %(day)s.", day=day_in_words(day)),
        headings=(
            Heading(_("Area"), key="name"),
            Heading(_("Usual"), is_number=True, key="expected"),
            Heading(_("Seen"), is_number=True, key="seen"),
            Heading(_("Change"), is_number=True, key="change"),
            Heading(_("Interval"), is_number=True),
            Heading(_("Robust z"), is_number=True, key="z"),
            *([] if layer is None else [Heading(_beside(watched), is_number=True, key="beside")]),
        ),
        rows=[rows[row] for row in order],
        records=[records[row] for row in order],
        picture=choropleth(
            drawn,
            BREAKS,
            label=_("Map: change against the baseline, %(day)s", day=day_in_words(day)),
            projection=places.projection,
            selected=area,
            scale="change",
        )
        if drawn
        else None,
        legend=Legend(
            _("Subscribers beside what is usual"),
            [(f"change-{BREAKS.shade(step)}", translated(text)) for step, text in enumerate(STEPS)],
            [("suppressed", _("suppressed")), ("missing", _("no number: no data, or not enough history"))],
        ),
        geometry=places.outlines,
        areas=("area",),
        says=parts.beside(watched.release),
    )


def _beside(watched: Watched) -> str:
    layer = watched.layer
    return "" if layer is None else f"{translated(layer.release.schema.title)} ({layer.unit})"


def _list(watched: Watched, places: Geography, picture: Markup | None = None) -> Figure:
    listed, nothing = watched.findings[:LISTED], _("Nothing is unusual after the baseline.")
    flows = watched.series.flows
    return Figure(
        name="list",
        title=_("What is unusual"),
        caption=_("What is unusual after the baseline; what concerns most people comes first.") if listed else nothing,
        headings=(
            Heading(_("Where"), key="where"),
            Heading(_("What"), key="what"),
            Heading(_("Since"), key="since", is_time=True),
            Heading(_("Change"), is_number=True, key="relative"),
            Heading(_("People a day"), is_number=True, key="people"),
            Heading(_("How sure"), key="certainty"),
            Heading(_("In a sentence"), key="sentence"),
        ),
        rows=[_row(finding, places.names) for finding in listed],
        records=[
            {"where": where(finding.key, places.names)}
            | finding_record(finding, watched.layer)
            | {"sentence": sentence(finding, places.names)}
            for finding in listed
        ],
        picture=picture,
        geometry=places.outlines,
        areas=("origin", "destination") if flows else ("area",),
        says=parts.beside(watched.release),
        empty=nothing,
    )


def _row(finding: Finding, names: Mapping[str, str]) -> Row:
    return Row(
        (
            where(finding.key, names),
            translated(NAMES[finding.what]),
            words.day(finding.since),
            change(finding.relative),
            "–" if finding.seen is None else _signed(finding.people),
            translated(CERTAINTY[finding.certainty]),
            sentence(finding, names),
        ),
        has_value=finding.seen is not None,
    )


def _flow_map(watched: Watched, places: Geography, listed: Figure) -> Figure:
    """Draw the flows that changed most on the map of the list."""
    if not places.outlines:
        return listed
    drawn = [one for one in watched.findings if one.seen is not None and set(one.key) <= set(places.centres)][:DRAWN]
    layer = flow_layer(
        [Flow(one.key[0], one.key[1], abs(one.people), sentence(one, places.names)) for one in drawn],
        places.centres,
        label=_("Flows that changed"),
    )
    areas = [
        MapArea(code, places.names[code], places.outlines[code], None, "plain", places.names[code])
        for code in places.codes
        if code in places.outlines
    ]
    picture = choropleth(
        areas, Classes(()), label=_("Map: flows that changed"), name="list", projection=places.projection, over=layer
    )
    return _list(watched, places, picture)


def _together(watched: Watched) -> list[Figure]:
    """Put the change of all together over what is published beside that with what is hidden, if it was asked for."""
    found = watched.together
    if found is None:
        return []
    records = found.records()
    names = (_("What is published"), _("With what is hidden"))
    return [
        Figure(
            name="together",
            title=_("All together, with what is hidden"),
            caption=_(
                "One change of all areas or pairs on %(days)s. A hidden value is taken as below k, or as at least k "
                "where it was hidden to protect others.",
                days=days_of(found),
            ),
            headings=(
                Heading(_("Estimated from"), key="how"),
                Heading(_("Change"), is_number=True, key="change"),
                Heading(_("Interval"), is_number=True),
                Heading(_("Values published"), is_number=True, key="published"),
                Heading(_("Values hidden"), is_number=True, key="hidden"),
            ),
            rows=[
                Row(
                    (
                        name,
                        change(record["change"]),
                        interval(record["low"], record["high"]),
                        count(record["published"]),
                        "–" if record["hidden"] is None else count(record["hidden"]),
                    )
                )
                for name, record in zip(names, records, strict=True)
            ],
            records=records,
            says=parts.beside(watched.release),
        )
    ]


def _days(watched: Watched, places: Geography, area: str | None) -> list[Figure]:
    """Draw the days of the area chosen, or of the one that matters most, beside its baseline."""
    chosen = area or (watched.findings[0].key[0] if watched.findings else None)
    if chosen is None or (chosen,) not in watched.series.keys:
        return []
    place, changed = watched.series.keys.index((chosen,)), watched.changed
    seen = [_number(value) for value in watched.series.values[:, place]]
    usual = [_number(value) for value in changed.expected[:, place]]
    moments = [int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) for day in watched.series.dates]
    name = places.names.get(chosen, chosen)
    lines = [Line(_("Seen"), seen), Line(_("Usual"), usual)]
    gaps = ["missing" if value is None else "" for value in seen]
    return [
        Figure(
            name="days",
            title=_("Day by day: %(area)s", area=name),
            caption=_("Subscribers seen each day in %(area)s, beside what is usual on like days.", area=name),
            headings=(
                Heading(_("Day"), key="day", is_time=True),
                Heading(_("Seen"), is_number=True, key="seen"),
                Heading(_("Usual"), is_number=True, key="usual"),
                Heading(_("Change"), is_number=True, key="change"),
            ),
            rows=[
                Row(
                    (
                        words.day(day),
                        _count(seen[row]),
                        _count(usual[row]),
                        change(_number(changed.relative[row, place]))
                        if changed.why[row, place] == GIVEN
                        else why_not(str(changed.why[row, place])),
                    ),
                    has_value=changed.why[row, place] == GIVEN,
                )
                for row, day in enumerate(watched.series.dates)
            ],
            records=[
                {
                    "day": day.isoformat(),
                    "start": f"{day.isoformat()}T00:00:00Z",
                    "seen": seen[row],
                    "usual": usual[row],
                    "change": _number(changed.relative[row, place]),
                    "why": str(changed.why[row, place]),
                }
                for row, day in enumerate(watched.series.dates)
            ],
            picture=time_chart(
                moments,
                [short_day(day) for day in watched.series.dates],
                lines,
                label=_("Chart: subscribers each day in %(area)s, and what is usual", area=name),
                gaps=gaps,
            ),
            legend=line_legend(
                _("Subscribers"), lines, gaps={"missing": _("nothing is published of the day")} if any(gaps) else {}
            ),
            chart=Chart("start", (("seen", _("Seen")), ("usual", _("Usual"))), gaps=("seen",), why="none"),
            says=parts.beside(watched.release),
        )
    ]


def _displaced(watched: Watched, places: Geography) -> list[Figure]:
    after = [day for day in watched.series.dates if not watched.changed.reference.holds(day)]
    if not after:
        return []
    found = displaced(watched.series, after[0], watched.changed.reference, watched.changed.level)
    newest = [one for one in found if one.day == watched.series.dates[-1]][:LISTED]
    return [
        Figure(
            name="displaced",
            title=_("Who went where more than usual"),
            caption=_(
                "More went than usual, less those who came back, added up from %(first)s to %(last)s. Days on which a "
                "way is not published are left out.",
                first=day_in_words(after[0]),
                last=day_in_words(after[-1]),
            ),
            headings=(
                Heading(_("From"), key="origin_name"),
                Heading(_("Now in"), key="host_name"),
                Heading(_("People"), is_number=True, key="people"),
                Heading(_("Interval"), is_number=True),
                Heading(_("Days published"), is_number=True, key="days_known"),
            ),
            rows=[
                Row(
                    (
                        places.names.get(one.origin, one.origin),
                        places.names.get(one.host, one.host),
                        count(one.people),
                        f"{_signed(one.low)} … {_signed(one.high)}",
                        _("%(some)s of %(all)s", some=count(one.known), all=count(one.days)),
                    )
                )
                for one in newest
            ],
            records=displaced_records(newest, places.names),
            geometry=places.outlines,
            areas=("origin", "host"),
            says=parts.beside(watched.release),
            empty=_("Nobody more than usual went anywhere."),
        )
    ]


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)


def _count(value: float | None, decimals: int = 0) -> str:
    return "–" if value is None else count(value, decimals)


def _signed(value: float) -> str:
    return f"+{count(value)}" if value > 0 else count(value)
