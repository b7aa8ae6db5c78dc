"""Changes on the site: what is unusual against a baseline, on a map and as a list that a person reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request

from commonweal.core.catalog import get
from commonweal.core.errors import InputError
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.asking import Question, Watched, named, watch
from commonweal.mobility.baselines.baseline import GIVEN, LIKE
from commonweal.mobility.baselines.saying import LIKE_NAMES
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.beside import choices as layers_of
from commonweal.mobility.pages.changes_figures import figures
from commonweal.mobility.pages.viewing import RELEASE
from commonweal.mobility.published import FLOWS, PRESENCE
from commonweal.web.access import needs
from commonweal.web.document import Document, document
from commonweal.web.geography import Geography, geography
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.reading import opened, version_of
from commonweal.web.words import count, day_in_words, days_in_words

ADDRESS = "/mobility/changes"
TABLES = {"presence": PRESENCE, "flows": FLOWS}
TABLE_NAMES = {"presence": Wording("Presence"), "flows": Wording("Flows")}

routes = APIRouter()


@dataclass(frozen=True, eq=False)
class Shown:
    """What the page shows: a comparison, the day on the map, the areas."""

    watched: Watched
    table: str
    day: date
    places: Geography
    area: str | None


@document(
    routes, ADDRESS, needs(Permission.READ), summary="What changed against a baseline", tag="mobility", figure="list"
)
def changes_page(
    request: Request,
    table: Annotated[str, Query(description="`presence` or `flows`.", examples=["presence"])] = "presence",
    first: Annotated[
        str | None, Query(alias="from", description="First day of the baseline.", examples=["2026-03-01"])
    ] = None,
    last: Annotated[
        str | None,
        Query(
            alias="to",
            description="Last day of the baseline; without it, all but the last seven days are.",
            examples=["2026-03-03"],
        ),
    ] = None,
    like: Annotated[
        str | None, Query(description="Which days are compared: `weekday`, `workday` or `any`.", examples=["any"])
    ] = None,
    holidays: Annotated[
        str | None, Query(description="Days to leave out, with commas between them.", examples=["2026-03-02"])
    ] = None,
    area: Annotated[
        str | None, Query(description="Only what concerns the area of this code.", examples=["SL-W"])
    ] = None,
    day: Annotated[
        str | None, Query(description="The day on the map; without it, the newest.", examples=["2026-03-02"])
    ] = None,
    beside: Annotated[
        str | None,
        Query(description="A release to show beside it: its name, @ and its version.", examples=["mobility.home@1"]),
    ] = None,
    hidden: Annotated[
        bool, Query(description="Whether the change of all together is estimated with what is hidden.", examples=[True])
    ] = False,
    release: Annotated[int | None, RELEASE] = None,
    baseline: Annotated[
        int | None,
        Query(description="Version of a release whose days are the history.", ge=1, le=2**31 - 1, examples=[1]),
    ] = None,
) -> Document:
    """List what is unusual: what, where, since when, how much, how sure; and the change of each area on a day."""
    if table not in TABLES:
        raise InputError(
            Wording("there is no table %(name)s", name=repr(table)), where="table", expected=", ".join(TABLES)
        )
    state, title = request.app.state, translated(Wording("Changes"))
    version = version_of(request, TABLES[table], release)
    if version is None:
        return parts.nothing(request, title, "changes")
    period = _day(first, "from"), _day(last, "to")
    asked = Question(*period, _like(like), _days(holidays), area=area or None, with_hidden=hidden)
    history = version_of(request, TABLES[table], baseline) if baseline is not None else None
    watched = watch(
        state.settings,
        state.database,
        get(state.database, TABLES[table], version),
        asked,
        lambda shown, name: parts.opened_beside(request, shown, name),
        baseline=get(state.database, TABLES[table], history) if history is not None else None,
        beside=opened(request, named(state.database, beside)) if beside else None,
    )
    shown = _shown(request, watched, table, day, area or None)
    query = {
        "release": version,
        "table": table,
        "from": watched.changed.reference.first,
        "to": watched.changed.reference.last,
        "like": watched.changed.reference.like,
        "holidays": holidays,
        "area": area,
        "day": shown.day.isoformat(),
        "beside": beside,
        "hidden": "true" if hidden else None,
        "baseline": baseline,
    }
    pinned = {name: str(value) for name, value in query.items() if value}
    sources = [
        watched.release,
        *([watched.baseline] if watched.baseline else []),
        *watched.beside,
        *([watched.layer.release] if watched.layer else []),
    ]
    return Document(
        title=title,
        template="mobility_changes.html",
        package=parts.PACKAGE,
        lead=_lead(watched),
        tiles=_tiles(watched),
        values={
            "tabs": parts.tabs(request),
            "form": _form(request, shown, pinned, release, baseline, beside),
            "releases": parts.origins(sources),
        },
        figures=figures(
            watched, shown.places, shown.day, shown.area, lambda code: _address(pinned | {"area": code}) + "#days"
        ),
        notes=_notes(watched),
        sources=sources,
        query=pinned,
        data={"changes": watched.record() | {"day": shown.day.isoformat(), "areas": _on_the_day(shown)}},
    )


def _shown(request: Request, watched: Watched, table: str, day: str | None, area: str | None) -> Shown:
    dates = watched.series.dates
    chosen = _day(day, "day") or dates[-1]
    if chosen not in dates:
        raise InputError(
            Wording("there is nothing of %(day)s", day=chosen.isoformat()),
            where="day",
            expected=Wording("%(first)s to %(last)s", first=dates[0].isoformat(), last=dates[-1].isoformat()),
        )
    stood = watched.release.provenance.parameters.get("areas_at")
    at = date.fromisoformat(stood) if stood else dates[0]
    places = geography(request.app.state.database, watched.release.area_set, watched.areas, at)
    return Shown(watched, table, chosen, places, area)


def _day(text: str | None, where: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(Wording("this is no date"), where=where, expected=Wording("such as 2024-01-31")) from None


def _days(text: str | None) -> frozenset[date]:
    found = (_day(part.strip(), "holidays") for part in (text or "").split(","))
    return frozenset(day for day in found if day)


def _like(text: str | None) -> Any:
    if text and text not in LIKE:
        raise InputError(
            Wording("there is no kind of day %(name)s", name=repr(text)), where="like", expected=", ".join(LIKE)
        )
    return text or None


def _address(query: dict[str, str]) -> str:
    return f"{ADDRESS}?{urlencode(query, safe=':')}"


def _lead(watched: Watched) -> str:
    reference, dates = watched.changed.reference, watched.series.dates
    assert reference.first is not None
    assert reference.last is not None
    return _(
        "%(days)s beside the median of %(baseline)s, %(like)s",
        days=days_in_words(dates[0], dates[-1]),
        baseline=days_in_words(reference.first, reference.last),
        like=translated(LIKE_NAMES[reference.like]),
    )


def _tiles(watched: Watched) -> list[tuple[str, str]]:
    outages = sum(one.failure is not None for one in watched.findings)
    keys = len(watched.series.keys)
    some = _("%(some)s of %(all)s", some=count(keys - watched.without_history), all=count(keys))
    history = _("pairs with history enough") if watched.series.flows else _("areas with history enough")
    return [
        (count(len(watched.findings) - outages), _("unusual changes")),
        (count(outages), _("look like network outages")),
        (some, history),
        parts.published_tile(watched.release),
    ]


def _notes(watched: Watched) -> list[str]:
    least = watched.changed.reference.minimum
    notes = [
        ngettext(
            "An area has a number only if at least %(num)s like day of the baseline is published of it.",
            "An area has a number only if at least %(num)s like days of the baseline are published of it.",
            least,
        ),
        _("What is suppressed has no change: it is not shown as zero, and not as a fall."),
        _(
            "A fall is taken for a network outage if hours fell away at once and came back at once, if no hour has a "
            "value, or if events fell more than those who were seen explain. A fall may still be an outage that did "
            "none of this."
        ),
        parts.why_suppressed(watched.least),
    ]
    if watched.series.changed_on_purpose:
        notes.append(
            _("The counts were rounded or had noise added before they were published; changes carry that too.")
        )
    if watched.layer is not None:
        notes.append(
            _("The other release stands beside the changes. That both changed does not mean that one caused the other.")
        )
    return notes


def _form(
    request: Request,
    shown: Shown,
    pinned: dict[str, str],
    release: int | None,
    baseline: int | None,
    beside: str | None,
) -> dict[str, Any]:
    watched = shown.watched
    return {
        "pinned": pinned,
        "kept": [(name, value) for name, value in (("release", release), ("baseline", baseline)) if value],
        "tables": [(name, translated(text), name == shown.table) for name, text in TABLE_NAMES.items()],
        "likes": [(name, translated(LIKE_NAMES[name]), name == watched.changed.reference.like) for name in LIKE],
        "areas": [(code, shown.places.names[code], code == shown.area) for code in shown.places.codes],
        "days": [(day.isoformat(), day_in_words(day), day == shown.day) for day in watched.series.dates],
        "layers": layers_of(request, watched.release, beside),
    }


def _on_the_day(shown: Shown) -> list[dict[str, Any]]:
    """Give each area's change on the day shown."""
    watched, changed = shown.watched, shown.watched.changed
    if watched.series.flows:
        return []
    day = watched.series.dates.index(shown.day)
    return [
        {
            "code": code,
            "name": shown.places.names.get(code, code),
            "change": round(float(changed.relative[day, place]), 6) if changed.why[day, place] == GIVEN else None,
            "why": changed.why[day, place],
        }
        for place, (code,) in enumerate(watched.series.keys)
    ]
