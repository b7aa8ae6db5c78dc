"""People inside a place on the site: what is published of the areas that somebody's own place meets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from commonweal.core.catalog import State
from commonweal.core.errors import InputError, NotFound
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.viewing import RELEASE, UNITS, Asked, View, view
from commonweal.mobility.published import PRESENCE, Cell, presence_of
from commonweal.web.access import needs
from commonweal.web.document import ERRORS, Document, document
from commonweal.web.figure import Figure, Heading
from commonweal.web.geography import close_up
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.map import choropleth, outline_layer
from commonweal.web.picking import as_geojson, in_words, outlines_of, picking, written_in_address
from commonweal.web.place import Place, Written
from commonweal.web.reading import version_of
from commonweal.web.timeline import Shown
from commonweal.web.words import count, day_in_words, share

PACKAGE = parts.PACKAGE
ADDRESS = "/mobility/inside"
OUTLINES = "/mobility/areas.geojson"
DECIMALS = 4
LEAST_SAID = 0.01
"""Part of a surface, in whole per cent."""
GEOJSON: dict[int | str, dict[str, Any]] = {200: {"description": "Outlines.", "content": {"application/geo+json": {}}}}

routes = APIRouter()


@dataclass(frozen=True)
class Met:
    """An area that the place meets: what is published of all of it, and which part of its surface lies inside."""

    cell: Cell
    inside: float


@dataclass(frozen=True, eq=False)
class Inside:
    """What is published of the areas that a place meets, in the period shown."""

    seen: View
    place: Place

    @cached_property
    def met(self) -> list[Met]:
        """The areas, by name."""
        shares = self.place.shares(self.seen.presence.geography.polygons)
        return [Met(cell, shares[cell.code]) for cell in self.seen.cells if cell.code in shares]

    @property
    def counts(self) -> list[float]:
        """The counts that are published."""
        return [met.cell.value for met in self.met if met.cell.value is not None]

    @property
    def at_least(self) -> float | None:
        """The largest count: so many different people were seen in the areas, however often each was counted."""
        return max(self.counts, default=None)

    @property
    def at_most(self) -> float | None:
        """All counts together: as many were seen in these areas if nobody was counted in two of them."""
        return sum(self.counts) if self.counts else None

    def without_count(self, why: State) -> int:
        """Count the areas in a state."""
        return sum(met.cell.state is why for met in self.met)

    @property
    def words(self) -> str:
        """The place, in words."""
        return in_words(self.place, self.seen.presence.geography.names)

    @property
    def query(self) -> dict[str, str]:
        """What asks for just this again, whatever is published later."""
        return self.seen.pinned | self.place.query


@document(routes, ADDRESS, needs(Permission.READ), summary="People inside a place", tag="mobility", figure="inside")
def inside_page(
    request: Request,
    written: Annotated[Written, Depends(written_in_address)],
    start: Annotated[
        str | None,
        Query(
            description="An hour, or with a date alone a whole day, by the place's clock or with an offset; "
            "without it, the newest.",
            examples=["2026-03-02T08:00", "2026-03-02"],
        ),
    ] = None,
    release: Annotated[int | None, RELEASE] = None,
    day: Annotated[
        str | None, Query(description="A day, as the form asks, with `at`.", examples=["2026-03-02"])
    ] = None,
    at: Annotated[int | None, Query(description="Which hour of that day, from 0.", ge=0, le=24, examples=[8])] = None,
) -> Document:
    """Published counts of the areas that a place meets, which part of each lies inside, and what they say together."""
    title = translated(Wording("People inside a place"))
    seen = view(request, Asked(start, release=release), (day, at or 0) if day else None)
    if seen is None:
        return parts.nothing(request, title, "inside")
    place, error = None, None
    try:
        place = _place(written, seen)
    except InputError as found:
        error = found
    asked = {
        "tabs": parts.tabs(request),
        "choices": _choices(seen, place),
        "picking": picking(
            written, seen.presence.geography, address=ADDRESS, outlines=_outlines(seen), place=place, error=error
        ),
    }
    asked["releases"] = parts.origins([seen.presence.release])
    if place is None:
        return Document(
            title=title,
            template="mobility_inside.html",
            package=PACKAGE,
            lead=seen.lead,
            values=asked | {"answer": None},
            data={"inside": None},
            error=error,
        )
    answer = Inside(seen, place)
    return Document(
        title=title,
        template="mobility_inside.html",
        package=PACKAGE,
        lead=f"{answer.words} · {seen.lead}",
        tiles=_tiles(answer),
        values=asked | {"answer": answer},
        figures=[_figure(answer)] if answer.met else [],
        notes=_notes(answer),
        sources=[seen.presence.release],
        query=answer.query,
        data=_data(answer),
    )


@routes.get(
    OUTLINES,
    tags=["mobility"],
    summary="Outlines of the areas of a release",
    operation_id="mobility_areas",
    response_class=Response,
    responses=ERRORS | GEOJSON,
)
@needs(Permission.READ)
def outlines(request: Request, release: Annotated[int | None, RELEASE] = None) -> Response:
    """Areas of a release of presence, simplified for the screen, with their codes and names."""
    state = request.app.state
    version = version_of(request, PRESENCE, release)
    if version is None:
        raise NotFound(Wording("no release of %(dataset)s is published", dataset="mobility.presence"))
    return outlines_of(request, presence_of(state.settings, state.database, version).geography)


def _place(written: Written, seen: View) -> Place | None:
    place = written.place(seen.presence.geography.names)
    if place and place.drawn and not seen.presence.geography.polygons:
        raise InputError(
            Wording("the outlines of these areas are not here, so nothing drawn can be compared with them"),
            where="polygon" if place.polygon else "centre",
            expected=Wording("areas that are picked"),
        )
    return place


def _outlines(seen: View) -> str:
    return f"{OUTLINES}?release={seen.presence.release.version}"


def _at(seen: View, place: Place | None, period: Shown) -> str:
    asked = replace(seen.asked, start=seen.timeline.address(period)).query | (place.query if place else {})
    return f"{ADDRESS}?{urlencode(asked, safe=':,')}"


def _choices(seen: View, place: Place | None) -> dict[str, Any]:
    timeline, shown = seen.timeline, seen.shown
    hours = timeline.hours(timeline.day(shown.start)) if shown.unit == "hour" else []
    return {
        "units": [
            {
                "text": translated(text),
                "href": _at(seen, place, timeline.in_unit(shown, unit)),
                "current": unit == shown.unit,
            }
            for unit, text in UNITS.items()
            if unit in seen.presence.series
        ],
        "days": [
            (timeline.date_of(day).isoformat(), day_in_words(timeline.date_of(day)), day == timeline.day(shown.start))
            for day in timeline.days()
        ],
        "clock": [(timeline.clock(hour.start), hour == shown) for hour in hours],
        "release": seen.asked.release,
    }


def _tiles(answer: Inside) -> list[tuple[str, str]]:
    met = len(answer.met)
    found = [(count(met), ngettext("area that the place meets", "areas that the place meets", met))]
    if answer.at_least is not None and answer.at_most is not None:
        found += [
            (count(answer.at_least), _("subscribers in these areas at least: the largest count")),
            (count(answer.at_most), _("at most, if nobody was counted in two areas: all counts together")),
        ]
    return [*found, parts.published_tile(answer.seen.presence.release)]


def _notes(answer: Inside) -> list[str]:
    if not answer.met:
        return [_("The place meets none of the areas of this release.")]
    met, hidden, unknown = len(answer.met), answer.without_count(State.SUPPRESSED), answer.without_count(State.MISSING)
    said = [
        _("Counts are of whole areas. Nothing published says where in an area people were, so a part of one has none."),
        _("Whoever was seen in several of these areas is counted in each of them."),
        ngettext(
            "Suppressed areas come on top of all counts together: %(hidden)s of %(num)s.",
            "Suppressed areas come on top of all counts together: %(hidden)s of %(num)s.",
            met,
            hidden=count(hidden),
        ),
    ]
    if unknown:
        said.append(_("So do areas without data: %(unknown)s of %(all)s.", unknown=count(unknown), all=count(met)))
    return [*said, parts.why_suppressed(answer.seen.presence.threshold)]


def _figure(answer: Inside) -> Figure:
    seen, presence = answer.seen, answer.seen.presence
    cells = [met.cell for met in answer.met]
    places = close_up(presence.geography, [cell.code for cell in cells], answer.place.drawn)
    least, classes = presence.threshold, presence.classes[seen.shown.unit]
    areas = parts.map_areas(cells, places.outlines, least, {})
    words = {"place": answer.words, "period": seen.label}
    picture = choropleth(
        areas,
        classes,
        label=_("Map: distinct subscribers in the areas that the place meets: %(place)s, %(period)s", **words),
        name="inside",
        projection=places.projection,
        over=outline_layer(answer.place.outline(places.outlines), places.projection),
    )
    return Figure(
        name="inside",
        title=_("Subscribers in the areas that the place meets"),
        caption=_(
            "Distinct subscribers of each whole area, and how much of its surface is inside: %(place)s, %(period)s.",
            **words,
        ),
        headings=(
            *parts.area_headings(),
            Heading(_("Surface inside"), is_number=True, key="share_inside"),
        ),
        rows=[
            replace(row, cells=(*row.cells, _share(met.inside)))
            for row, met in zip(parts.area_rows(cells), answer.met, strict=True)
        ],
        records=[
            record | {"share_inside": round(met.inside, DECIMALS)}
            for record, met in zip(
                parts.area_records(cells, start=_utc(seen.shown.start), period=seen.shown.unit), answer.met, strict=True
            )
        ],
        picture=picture if areas else None,
        legend=replace(
            parts.legend(
                _("Distinct subscribers per hour") if seen.shown.unit == "hour" else _("Distinct subscribers per day"),
                classes,
                least,
            ),
            outline=_("the place"),
        ),
        geometry=places.outlines,
        areas=("area",),
        says=parts.beside(presence.release, time_zone=seen.zone, place=answer.words),
    )


def _share(part: float) -> str:
    """Say a part of a surface; what is neither nothing nor all is never said to be."""
    if part < LEAST_SAID:
        return _("under %(share)s", share=share(LEAST_SAID))
    return _("over %(share)s", share=share(1 - LEAST_SAID)) if 1 - LEAST_SAID < part < 1 else share(part)


def _utc(start: int) -> str:
    return f"{datetime.fromtimestamp(start, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _data(answer: Inside) -> dict[str, Any]:
    seen, place = answer.seen, answer.place
    return {
        "inside": {
            "release": seen.presence.release.label,
            "digest": seen.presence.release.digest,
            "period": {
                "unit": seen.shown.unit,
                "start": _utc(seen.shown.start),
                "end": _utc(seen.timeline.end(seen.shown)),
                "label": seen.label,
                "time_zone": seen.zone,
            },
            "place": {
                "areas": list(place.areas),
                "polygon": [list(corner) for corner in place.polygon],
                "centre": list(place.centre) if place.centre else None,
                "radius_km": place.radius,
                "drawn": as_geojson(place.drawn) if place.drawn else None,
            },
            "subscribers_at_least": answer.at_least,
            "counts_together": answer.at_most,
            "suppressed_areas": answer.without_count(State.SUPPRESSED),
            "areas_without_data": answer.without_count(State.MISSING),
            "areas": [
                {
                    "code": met.cell.code,
                    "name": met.cell.name,
                    "share_inside": round(met.inside, DECIMALS),
                    "subscribers": met.cell.value,
                    "subscribers_state": met.cell.state.value,
                }
                for met in answer.met
            ],
        }
    }
