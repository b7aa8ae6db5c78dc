"""What the pages of mobility have in common: their tabs, how counts are said, colours and legends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from fastapi import Request

from commonweal.core.catalog import Release, State
from commonweal.core.identity import Permission
from commonweal.mobility.pages.navigation import tabs as tabs
from commonweal.mobility.published import Cell, Move
from commonweal.mobility.published import beside as beside_it
from commonweal.web.access import visitor_of
from commonweal.web.classes import Classes
from commonweal.web.document import Document
from commonweal.web.figure import Heading, Legend
from commonweal.web.flows import Flow
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.map import MapArea
from commonweal.web.provenance import download_links, facts
from commonweal.web.reading import may_read, opened, readable
from commonweal.web.table import Row
from commonweal.web.words import count, day_in_words, state

PACKAGE = "commonweal.mobility"


def opened_beside(request: Request, shown: Release, name: str) -> Release | None:
    """Open the newest release of another dataset that goes with the one shown and that whoever asks may read."""
    found = beside_it(request.app.state.database, shown, name, lambda release: may_read(request, release))
    return opened(request, found) if found else None


def origins(releases: Sequence[Release]) -> list[dict[str, Any]]:
    """Say of each release where it comes from and how to take it along."""
    return [
        {"title": translated(release.schema.title), "facts": facts(release), "downloads": download_links(release)}
        for release in releases
    ]


def threshold_of(release: Release) -> int | None:
    """Give the least number of people behind a published count, as the certificate says."""
    return release.certificate.parameters.get("k") if release.certificate else None


def says(cell: Cell, least: int | None) -> str:
    """Say a value, or why there is none."""
    if cell.value is not None:
        said = subscribers(cell.value)
        return said if cell.state is State.REPORTED else f"{said} ({state(cell.state)})"
    if cell.state is State.SUPPRESSED:
        return _("suppressed: fewer than %(least)s subscribers, or none", least=least)
    return _("no data") if cell.state is State.MISSING else state(cell.state)


def subscribers(number: float) -> str:
    """Say a number of subscribers."""
    return ngettext("%(num)s subscriber", "%(num)s subscribers", round(number))


def why_suppressed(least: int | None) -> str:
    """Say what suppressed means."""
    return _(
        "A count is published only if at least %(least)s distinct people stand behind it. Suppressed means fewer, "
        "or nobody; every area has a row for every period, so a row by itself says nothing.",
        least=least,
    )


def map_areas(
    cells: Sequence[Cell], outlines: Mapping[str, Any], least: int | None, href: Mapping[str, str]
) -> list[MapArea]:
    """Give the areas that can be drawn, with what is published of them."""
    return [
        MapArea(
            cell.code,
            cell.name,
            outlines[cell.code],
            cell.value,
            cell.state.value,
            says(cell, least),
            href.get(cell.code),
        )
        for cell in cells
        if cell.code in outlines
    ]


def legend(title: str, classes: Classes, least: int | None, *, flow: str | None = None, note: str = "") -> Legend:
    """Say what the colours and textures of a map of counts mean."""
    return Legend(
        title,
        [(f"class-{classes.shade(step)}", text) for step, text in enumerate(classes.labels())],
        [
            ("suppressed", _("suppressed: fewer than %(least)s, or none", least=least)),
            ("missing", _("no data")),
        ],
        flow,
        note,
    )


def gaps_of(values: Sequence[float | None], states: Sequence[State]) -> list[str]:
    """Give the texture of each moment of a line: what has a value has none."""
    return [
        "" if value is not None else "suppressed" if said is State.SUPPRESSED else "missing"
        for value, said in zip(values, states, strict=True)
    ]


def gaps_meant(gaps: Sequence[str], least: int | None) -> dict[str, str]:
    """Say what the textures of a chart mean, of those that are drawn."""
    meant = {"suppressed": _("suppressed: fewer than %(least)s, or none", least=least), "missing": _("no data")}
    return {pattern: text for pattern, text in meant.items() if pattern in gaps}


def area_headings() -> tuple[Heading, ...]:
    """Give the head of a table of areas."""
    return (
        Heading(_("Area"), key="name"),
        Heading(_("Subscribers"), is_number=True, key="subscribers"),
        Heading(_("State"), key="state"),
    )


def area_rows(cells: Sequence[Cell], current: str | None = None) -> list[Row]:
    """Say what is published of each area."""
    return [
        Row(
            (cell.name, "–" if cell.value is None else count(cell.value), state(cell.state)),
            has_value=cell.value is not None,
            current=cell.code == current,
        )
        for cell in cells
    ]


def area_records(cells: Sequence[Cell], **beside: Any) -> list[dict[str, Any]]:
    """Give what is published of each area as values."""
    return [
        {"area": cell.code, "name": cell.name, **beside, "subscribers": _whole(cell.value), "state": cell.state.value}
        for cell in cells
    ]


def flow_headings() -> tuple[Heading, ...]:
    """Give the head of a table of flows."""
    return (
        Heading(_("From"), key="origin_name"),
        Heading(_("To"), key="destination_name"),
        Heading(_("Subscribers"), is_number=True, key="subscribers"),
    )


def flow_rows(moves: Sequence[Move], names: Mapping[str, str]) -> list[Row]:
    """Say each flow."""
    return [Row((names[move.origin], names[move.destination], count(move.subscribers))) for move in moves]


def flow_records(moves: Sequence[Move], names: Mapping[str, str], day: date) -> list[dict[str, Any]]:
    """Give each flow as values."""
    return [
        {
            "origin": move.origin,
            "origin_name": names[move.origin],
            "destination": move.destination,
            "destination_name": names[move.destination],
            "day": day.isoformat(),
            "subscribers": move.subscribers,
        }
        for move in moves
    ]


def flow_in_words(move: Move, names: Mapping[str, str]) -> str:
    """Say a flow in one sentence."""
    return _(
        "%(origin)s to %(destination)s: %(subscribers)s",
        origin=names[move.origin],
        destination=names[move.destination],
        subscribers=subscribers(move.subscribers),
    )


def flows_drawn(moves: Sequence[Move], names: Mapping[str, str]) -> list[Flow]:
    """Give flows as a map draws them."""
    return [Flow(move.origin, move.destination, move.subscribers, flow_in_words(move, names)) for move in moves]


def largest_flows(number: int, largest: float) -> str:
    """Say what the width of so many flows means."""
    return ngettext(
        "the largest flow of the day: wide where people leave, at most %(largest)s",
        "the %(num)s largest flows of the day: wide where people leave, at most %(largest)s",
        number,
        largest=count(largest),
    )


def largest_ways(number: int, largest: float) -> str:
    """Say what the width of so many ways between areas means."""
    return ngettext(
        "the largest: wide where people come from, at most %(largest)s",
        "the %(num)s largest: wide where people come from, at most %(largest)s",
        number,
        largest=count(largest),
    )


def flows_caption(number: int, day: date) -> str:
    """Say what a table of the largest of so many flows shows."""
    said = day_in_words(day)
    if not number:
        return _("No flow is published for %(day)s.", day=said)
    return ngettext(
        "Subscribers seen in one area and next in another, %(day)s: the largest of %(num)s published flow.",
        "Subscribers seen in one area and next in another, %(day)s: the largest of %(num)s published flows.",
        number,
        day=said,
    )


def beside(release: Release, **more: str) -> dict[str, str]:
    """Say what stands beside the rows of a figure in its files."""
    return {"release": release.label, "digest": release.digest, "licence": release.schema.licence, **more}


def published_tile(release: Release) -> tuple[str, str]:
    """Give the tile that says which release is shown."""
    day = day_in_words(release.published_at.date())
    return _("Release %(version)s", version=release.version), _("published on %(day)s", day=day)


def with_count_tile(cells: Sequence[Cell]) -> tuple[str, str]:
    """Give the tile that says how many areas have a count."""
    with_value = sum(cell.value is not None for cell in cells)
    return _("%(some)s of %(all)s", some=count(with_value), all=count(len(cells))), _("areas with a published count")


def nothing(
    request: Request, title: str, what: str, measure: str = "presence", chooser: Mapping[str, Any] | None = None
) -> Document:
    """Give the page that says that nothing is published yet; or, where other tables are, how this one comes about.

    Parameters
    ----------
    what
        Key of the page in its data.
    measure
        The measure whose table is not there.
    chooser
        What chooses another table of the page.
    """
    others = any(release.dataset.startswith("mobility.") for release in readable(request))
    return Document(
        title=title,
        template="mobility_nothing.html",
        package=PACKAGE,
        values={
            "tabs": tabs(request),
            "chooser": chooser or {"kinds": ()},
            "command": f"commonweal mobility run --project NAME --measure {measure}" if others else "",
            "may_run": visitor_of(request).may_somewhere(Permission.RUN, "mobility"),
        },
        data={what: None},
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
