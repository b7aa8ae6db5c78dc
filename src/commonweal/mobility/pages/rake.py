"""Raking on the site: published flows between areas in people, brought to known populations, each with an interval."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request

from commonweal.core.catalog import Privacy, Release, State
from commonweal.core.errors import InputError
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.asking import named
from commonweal.mobility.baselines.series import areas_and_start
from commonweal.mobility.pages import in_people, parts
from commonweal.mobility.pages.rake_figures import Pair, figure, pairs_of
from commonweal.mobility.pages.tables.asking import Asked
from commonweal.mobility.pages.tables.columns import title_of
from commonweal.mobility.pages.tables.families import Kind
from commonweal.mobility.pages.tables.page import asked_part, choices_of
from commonweal.mobility.pages.tables.reading import Published, Shown, read, shown
from commonweal.mobility.pages.viewing import RELEASE
from commonweal.mobility.published import FLOWS
from commonweal.mobility.scaling.published import raked
from commonweal.mobility.scaling.raked_release import HIDDEN, RakedPart, RakedRelease, has_pairs, require_pairs
from commonweal.mobility.scaling.raking import DRAWS
from commonweal.web.access import needs
from commonweal.web.document import Document, document
from commonweal.web.documentation import address_of
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.reading import opened, readable, version_of, versions_readable
from commonweal.web.words import count, share

ADDRESS = "/mobility/rake"
TEMPLATE = "mobility_rake.html"
METHOD = "scaling-to-people"
_ONLY = "Only this value, where the table is told by it."

routes = APIRouter()


def part_in_address(
    release: Annotated[int | None, RELEASE] = None,
    area: Annotated[
        str | None, Query(description="Only flows from and to the area of this code.", examples=["SL-W"])
    ] = None,
    day: Annotated[str | None, Query(description="Which day; without it, the newest.", examples=["2026-03-02"])] = None,
    at: Annotated[int | None, Query(description="Which hour of that day, from 0.", ge=0, le=24, examples=[8])] = None,
    way: Annotated[str | None, Query(description=_ONLY, examples=["across"])] = None,
    part: Annotated[str | None, Query(description=_ONLY, examples=["either"])] = None,
    period: Annotated[str | None, Query(description=_ONLY, examples=["month"])] = None,
) -> Asked:
    """Read which part of a table of pairs is asked for."""
    only = {name: value for name, value in {"way": way, "part": part, "period": period}.items() if value}
    return Asked(release, area or None, day or None, at, None, only)


@document(
    routes,
    ADDRESS,
    needs(Permission.READ),
    summary="Published flows in people, raked to known populations",
    tag="mobility",
    figure="flows",
)
def rake_page(
    request: Request,
    asked: Annotated[Asked, Depends(part_in_address)],
    table: Annotated[
        str | None, Query(description="A dataset of mobility with origins and destinations.", examples=[FLOWS])
    ] = None,
    population: Annotated[str | None, in_people.POPULATION] = None,
    destinations: Annotated[
        str | None,
        Query(
            description="The same of people at the destination; without it, the table says where they go.",
            examples=["mobility.population@1"],
        ),
    ] = None,
    growth: in_people.Growth = None,
) -> Document:
    """Rake published flows to people at the origin, or at both ends: each pair's number with an interval."""
    state, title = request.app.state, translated(Wording("Flows in people"))
    tables = [one.dataset for one in readable(request) if rakeable(one)]
    name = table or (FLOWS if FLOWS in tables else next(iter(tables), FLOWS))
    version = version_of(request, name, asked.release)
    if version is None:
        if table:
            versions_readable(request, table)
        return parts.nothing(request, title, "raked", "flows")
    published = read(state.settings, state.database, name, version)
    _require_rakeable(published)
    seen = shown(published, Kind(name, METHOD), asked)
    layers = in_people.populations(request, published.release)
    origins = _chosen(request, population) or next(iter(layers), None)
    into = _chosen(request, destinations)
    values = {
        "chooser": {"address": ADDRESS, "kinds": _tables(request, name)},
        "form": {
            "kept": [("table", name), *([("release", asked.release)] if asked.release else [])],
            "populations": in_people.choices(layers, origins, population),
            "destinations": in_people.choices(layers, into, destinations),
            "growth": growth or "",
            **choices_of(seen),
        },
    }
    rate = in_people.growth_of(growth)
    if origins is None:
        return in_people.without_population(request, published.release, "raked", title, TEMPLATE, values)
    ends = [in_people.address_of_release(opened(request, one)) if one else None for one in (origins, into)]
    assert ends[0] is not None
    found = raked(state.settings, state.database, name, version, ends[0], ends[1], rate, _rows_of(seen))
    query = {"table": name, "release": version, "population": ends[0], "destinations": ends[1], "growth": growth}
    pinned = {key: str(value) for key, value in (query | asked_part(seen)).items() if value}
    pairs = pairs_of(found, published.places)
    of_area = [pair for pair in pairs if seen.area in (None, pair.origin, pair.destination)]
    sources = list({one.label: one for one in (published.release, origins, into) if one}.values())

    def href(**more: str) -> str:
        return f"{ADDRESS}?{urlencode(pinned | more, safe=':@')}#flows"

    return Document(
        title=title,
        template=TEMPLATE,
        package=parts.PACKAGE,
        lead=_lead(seen, origins, into),
        tiles=_tiles(found, pairs),
        values={
            "tabs": parts.tabs(request),
            "releases": parts.origins(sources),
            "without": None,
            "method": address_of("methods", METHOD),
            **values,
        },
        figures=[figure(found, of_area, seen, href)],
        notes=_notes(found, pairs),
        sources=sources,
        query=pinned,
        data={"raked": _data(found, of_area, seen)},
    )


def rakeable(release: Release) -> bool:
    """Whether a release counts pairs of areas in people's sequences."""
    return (
        release.dataset.startswith("mobility.")
        and release.schema.privacy is Privacy.PEOPLE
        and has_pairs(release)
        and release.area_set is not None
    )


def _require_rakeable(published: Published) -> None:
    release = published.release
    require_pairs(release)
    if not rakeable(release):
        raise InputError(
            Wording("it does not count people’s flows"), where=release.label, expected=Wording("such as mobility.flows")
        )
    if not published.table.num_rows:
        raise InputError(
            Wording("it was counted, and there was nothing to count"),
            where=release.label,
            expected=Wording("a table with rows"),
        )


def _chosen(request: Request, label: str | None) -> Release | None:
    return named(request.app.state.database, label) if label else None


def _tables(request: Request, current: str) -> list[tuple[str, str, bool]]:
    return [
        (one.dataset, translated(one.schema.title), one.dataset == current)
        for one in readable(request)
        if rakeable(one)
    ]


def _rows_of(seen: Shown) -> tuple[tuple[str, object], ...]:
    """Say which rows are shown: the values of the keys that they have in common."""
    moments = areas_and_start(seen.published.release)[1]
    when = [(moments, datetime.fromtimestamp(seen.start, UTC))] if moments and seen.start is not None else []
    return (*sorted(seen.only.items()), *when)


def _part(found: RakedRelease) -> RakedPart | None:
    return next(iter(found.parts.values()), None)


def _lead(seen: Shown, origins: Release, into: Release | None) -> str:
    said = {"table": title_of(seen), "when": seen.label, "origins": translated(origins.schema.title)}
    if into is None:
        return _("%(table)s, %(when)s, in people: raked to %(origins)s at the origin", **said)
    return _(
        "%(table)s, %(when)s, in people: raked to %(origins)s at the origin and %(into)s at the destination",
        **said,
        into=translated(into.schema.title),
    )


def _tiles(found: RakedRelease, pairs: list[Pair]) -> list[tuple[str, str]]:
    with_number = sum(pair.people is not None for pair in pairs)
    some = _("%(some)s of %(all)s", some=count(with_number), all=count(len(pairs)))
    tiles = [(some, _("pairs with a number of people"))]
    if part := _part(found):
        error = max(0.001, 100 * part.raked.error)
        tiles = [
            (count(part.people), _("people in all, hidden pairs included")),
            (share(part.raked.left_out), _("of them taken to be in hidden pairs")),
            *tiles,
            (_("at most %(number)s%%", number=count(error, 3)), _("largest error of a margin")),
        ]
    return [*tiles, parts.published_tile(found.release)]


def _notes(found: RakedRelease, pairs: list[Pair]) -> list[str]:
    hidden = _(
        "What is suppressed gets no number. In raking, a hidden pair still stands for as many subscribers as lie in "
        "the middle of 0 and the most that the rule hides, and keeps its part of the people. One that was hidden to "
        "protect others may hold more."
    )
    notes = [hidden]
    if found.least:
        notes.append(
            _(
                "The rule counts subscribers: at least %(least)s of them stand behind every number here, however many "
                "people it says.",
                least=found.least,
            )
        )
    notes += [
        _(
            "Raking takes it that everybody who lives at the origin is in one of its pairs, and that those who are "
            "subscribers go where the others go."
        ),
        _(
            "The interval of %(level)s is of chance alone: %(draws)s times, published counts are drawn anew (Poisson), "
            "hidden ones evenly below the least count, and raked. It takes the populations for right, and what raking "
            "takes for true.",
            level=share(found.asked.level),
            draws=count(DRAWS),
        ),
    ]
    if not any(pair.origin == pair.destination for pair in pairs):
        notes.append(
            _(
                "Those who stay in their area are not in this table. It shares all people out among those who go, so "
                "the numbers are larger than how many went."
            )
        )
    if {pair.state for pair in pairs} & {State.ROUNDED, State.PERTURBED}:
        notes.append(_("Published numbers were rounded or changed by noise. That is not in the interval."))
    if left_out := _left_out(found, pairs):
        notes.append(
            ngettext(
                "%(num)s area is left out: it has no population, no flow, or holds others.",
                "%(num)s areas are left out: they have no population, no flow, or hold others.",
                len(left_out),
            )
        )
    return [*notes, *in_people.old_census(found.years_old)]


def _left_out(found: RakedRelease, pairs: list[Pair]) -> set[str]:
    part = _part(found)
    kept = (set(part.origins), set(part.destinations)) if part else (set(), set())
    ends = {pair.origin for pair in pairs}, {pair.destination for pair in pairs}
    return (ends[0] - kept[0]) | (ends[1] - kept[1])


def _data(found: RakedRelease, pairs: list[Pair], seen: Shown) -> dict[str, Any]:
    part, (first, last) = _part(found), seen.covers
    return found.record() | {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "only": dict(seen.only),
        "area": seen.area,
        "least_subscribers": found.least,
        "people": part and round(part.people),
        "hidden_pairs": sum(pair.state.value in HIDDEN for pair in pairs),
        "pairs": [pair.record() for pair in pairs],
    }
