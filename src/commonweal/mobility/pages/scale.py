"""Scaling on the site: a published table in people, by a published population, each number with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fastapi import APIRouter, Query, Request

from commonweal.core.catalog import Privacy, Release, State, datasets, get
from commonweal.core.errors import InputError
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.asking import named
from commonweal.mobility.baselines.joining import joinable
from commonweal.mobility.baselines.series import areas_and_start, calendar_of
from commonweal.mobility.pages import in_people, parts
from commonweal.mobility.pages.scale_figures import Row, figures
from commonweal.mobility.pages.viewing import RELEASE
from commonweal.mobility.published import PRESENCE
from commonweal.mobility.scaling.asking import Question, ScaledRelease, people_of, scale
from commonweal.mobility.scaling.calibration import INTERVALS, METHODS
from commonweal.web.access import needs
from commonweal.web.document import Document, document
from commonweal.web.documentation import address_of
from commonweal.web.geography import geography
from commonweal.web.languages import _, translated
from commonweal.web.reading import may_read, opened, version_of
from commonweal.web.words import clock, count, day_in_words

ADDRESS = "/mobility/scale"
TEMPLATE = "mobility_scale.html"
MOST_MOMENTS = 24 * 14

routes = APIRouter()


@dataclass(frozen=True, eq=False)
class Moment:
    """A time of the table, in UTC seconds: a day, or an hour where it has no days."""

    start: int | None
    address: str
    text: str


@document(
    routes,
    ADDRESS,
    needs(Permission.READ),
    summary="Published numbers in people, with intervals",
    tag="mobility",
    figure="people",
)
def scale_page(
    request: Request,
    table: Annotated[str, Query(description="A dataset of mobility with areas.", examples=[PRESENCE])] = PRESENCE,
    population: Annotated[str | None, in_people.POPULATION] = None,
    method: Annotated[
        str, Query(description="`ratio`, `area-ratio`, `power` or `stated`.", examples=["ratio"])
    ] = "ratio",
    growth: in_people.Growth = None,
    start: Annotated[
        str | None,
        Query(description="The day, or the hour; without it, the newest.", examples=["2026-03-02"]),
    ] = None,
    release: Annotated[int | None, RELEASE] = None,
) -> Document:
    """Show a published table in people: each area's number with an interval, by a census and a method."""
    state, title = request.app.state, translated(Wording("In people"))
    if method not in METHODS:
        raise InputError(
            Wording("there is no method %(name)s", name=repr(method)), where="method", expected=", ".join(METHODS)
        )
    version = version_of(request, table, release)
    if version is None:
        return parts.nothing(request, title, "scaled")
    shown = opened(request, get(state.database, table, version))
    _require_scalable(shown)
    layers = in_people.populations(request, shown)
    chosen = named(state.database, population) if population else next(iter(layers), None)
    moments = _moments(shown, shown.table(state.settings))
    moment = _choose(moments, start)
    form = _form(request, shown, layers, chosen, population, method, growth, moments, moment, release)
    if chosen is None:
        return in_people.without_population(request, shown, "scaled", title, TEMPLATE, {"form": form})
    asked = Question(method, in_people.growth_of(growth))
    scaled = scale(
        state.settings,
        state.database,
        shown,
        people_of(state.settings, opened(request, chosen), shown),
        asked,
        lambda one, name: parts.opened_beside(request, one, name),
    )
    rows = _rows(scaled, moment)
    stood = shown.provenance.parameters.get("areas_at")
    at = date.fromisoformat(stood) if stood else scaled.day
    places = geography(state.database, shown.area_set, tuple(sorted(row.code for row in rows)), at)
    sources = list({one.label: one for one in (shown, chosen, scaled.calibration.release)}.values())
    query = {
        "table": table,
        "release": version,
        "population": in_people.address_of_release(chosen),
        "method": method,
        "growth": growth,
        "start": moment.address,
    }
    return Document(
        title=title,
        template=TEMPLATE,
        package=parts.PACKAGE,
        lead=_lead(scaled, chosen, moment),
        tiles=_tiles(scaled, rows),
        values={
            "tabs": parts.tabs(request),
            "form": form,
            "releases": parts.origins(sources),
            "without": None,
            "method": address_of("methods", "scaling-to-people"),
        },
        figures=figures(scaled, rows, places, moment.text),
        notes=_notes(scaled),
        sources=sources,
        query={name: str(value) for name, value in query.items() if value not in (None, "")},
        data={
            "scaled": scaled.record()
            | {"start": moment.address, "areas": [row.record(places.names.get(row.code, row.code)) for row in rows]}
        },
    )


def scalable(release: Release) -> bool:
    """Whether a release counts something by area and time alone, in people's sequences."""
    return (
        release.dataset.startswith("mobility.")
        and release.schema.privacy is Privacy.PEOPLE
        and joinable(release)
        and release.area_set is not None
    )


def _require_scalable(release: Release) -> None:
    if not scalable(release):
        raise InputError(
            Wording("its keys are %(keys)s", keys=", ".join(release.schema.key)),
            where=release.label,
            expected=Wording("counts by one area"),
        )


def _moments(release: Release, table: pa.Table) -> list[Moment]:
    _ends, name = areas_and_start(release)
    if name is None:
        return [Moment(None, "", translated(Wording("all of it")))]
    if "period" in release.schema.key:
        table = table.filter(pc.equal(table.column("period"), "day"))
    column = table.column(name).cast(pa.timestamp("s", tz="UTC")).cast(pa.int64())
    starts = np.sort(pc.unique(column).to_numpy())[-MOST_MOMENTS:]
    shown = calendar_of(release).from_utc(starts).tolist()
    days = [datetime.fromtimestamp(one, UTC) for one in shown]
    hourly = len({one.date() for one in days}) < len(days)
    return [
        Moment(begins, f"{one:%Y-%m-%dT%H:%M}" if hourly else f"{one:%Y-%m-%d}", _in_words(one, hourly=hourly))
        for begins, one in zip(starts.tolist(), days, strict=True)
    ]


def _in_words(shown: datetime, *, hourly: bool) -> str:
    day, hour = day_in_words(shown.date()), clock(shown.time())
    return _("%(day)s, %(clock)s", day=day, clock=hour) if hourly else day


def _choose(moments: Sequence[Moment], asked: str | None) -> Moment:
    if not moments:
        return Moment(None, "", "")
    if not asked:
        return moments[-1]
    for moment in moments:
        if moment.address == asked:
            return moment
    raise InputError(
        Wording("there is nothing of %(day)s", day=asked),
        where="start",
        expected=Wording("%(first)s to %(last)s", first=moments[0].address, last=moments[-1].address),
    )


def _rows(scaled: ScaledRelease, moment: Moment) -> list[Row]:
    (area,), name = areas_and_start(scaled.release)
    measure, table = scaled.release.schema.measures[0], scaled.table
    if "period" in scaled.release.schema.key:
        table = table.filter(pc.equal(table.column("period"), "day"))
    if name is not None:
        column = table.column(name).cast(pa.timestamp("s", tz="UTC")).cast(pa.int64())
        table = table.filter(pc.equal(column, moment.start))
    return [
        Row(
            row[area],
            row[measure.name],
            State(row[measure.state]),
            row["people"],
            row["low"],
            row["high"],
            bool(row["outside"]),
        )
        for row in table.to_pylist()
    ]


def _lead(scaled: ScaledRelease, population: Release, moment: Moment) -> str:
    return _(
        "%(table)s of %(when)s in people, by %(population)s: %(method)s",
        table=translated(scaled.release.schema.title),
        when=moment.text,
        population=translated(population.schema.title),
        method=translated(METHODS[scaled.fit.method]),
    )


def _tiles(scaled: ScaledRelease, rows: Sequence[Row]) -> list[tuple[str, str]]:
    with_number = sum(row.people is not None for row in rows)
    tiles = [
        (_("%(some)s of %(all)s", some=count(with_number), all=count(len(rows))), _("areas with a scaled number")),
        (count(int(scaled.fit.calibrated.sum())), _("areas that were calibrated on")),
    ]
    found = scaled.fit.parameters()
    if scaled.fit.method == "ratio":
        tiles.append((count(found["ratio"], 2), _("people for each subscriber")))
    if scaled.fit.method == "power":
        tiles.append((count(found["beta"], 3), _("β, ± %(error)s", error=count(found["beta_error"], 3))))
    return [*tiles, parts.published_tile(scaled.release)]


def _notes(scaled: ScaledRelease) -> list[str]:
    notes = [
        _(
            "What is suppressed is not scaled. The rule counts subscribers: at least %(least)s of them stand behind "
            "every number here, however many people it says.",
            least=scaled.least,
        )
        if scaled.least
        else _("What is suppressed is not scaled."),
        _(
            "The interval is %(interval)s. It holds 19 times in 20 if the method is right. That phones are used more "
            "at some hours than at others is not in it.",
            interval=translated(INTERVALS[scaled.fit.method]),
        ),
        _("Who did not use the phone was not seen: a number of people seen in an hour is not all who were there."),
        _("“Outside” marks a number smaller, or larger, than all that the method was calibrated on."),
    ]
    return [*notes, *in_people.old_census(scaled.years_old)]


def _form(
    request: Request,
    shown: Release,
    layers: Sequence[Release],
    chosen: Release | None,
    population: str | None,
    method: str,
    growth: str | None,
    moments: Sequence[Moment],
    moment: Moment,
    release: int | None,
) -> dict[str, Any]:
    tables = [one for one in datasets(request.app.state.database) if scalable(one) and may_read(request, one)]
    return {
        "kept": [("release", release)] if release else [],
        "tables": [(one.dataset, translated(one.schema.title), one.dataset == shown.dataset) for one in tables],
        "populations": in_people.choices(layers, chosen, population),
        "methods": [(name, translated(text), name == method) for name, text in METHODS.items()],
        "moments": [(one.address, one.text, one is moment) for one in moments],
        "growth": growth or "",
    }
