"""One border as two operators have published it: both counts of each day side by side, and what they say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import pyarrow as pa
from fastapi import APIRouter, Query, Request

from commonweal.core.catalog import Release, State, get
from commonweal.core.errors import InputError, NotFound, Unavailable
from commonweal.core.identity import Permission
from commonweal.core.periods import Calendar
from commonweal.core.wording import Wording
from commonweal.mobility import asking
from commonweal.mobility.baselines.series import calendar_of
from commonweal.mobility.borders.asking import exported
from commonweal.mobility.borders.joining import NAME, View, joined
from commonweal.mobility.mobile_countries import COUNTRIES
from commonweal.mobility.pages import parts
from commonweal.web import table, words
from commonweal.web.access import needs, visitor_of
from commonweal.web.document import Document, document
from commonweal.web.documentation import address_of
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _, translated
from commonweal.web.reading import opened, versions_readable
from commonweal.web.words import count, day_in_words

ADDRESS = "/mobility/border-views"
FILE = "inbox:"
"""Before the name of a file of the inbox, which another installation has exported."""
SHOWN = 50
Share = Annotated[str | None, Query(description="The part that it sees, per cent, if it is known.", examples=["40"])]

routes = APIRouter()


@dataclass(frozen=True, eq=False)
class Source:
    """What one operator has published: a release here, or a file of the inbox."""

    table: pa.Table
    release: Release | None


@document(
    routes,
    ADDRESS,
    needs(Permission.READ),
    summary="One border as two operators have published it",
    tag="mobility",
    figure="views",
)
def border_views(
    request: Request,
    one: Annotated[
        str | None, Query(description="Version of one operator's release; without it, the newest.", examples=["1"])
    ] = None,
    other: Annotated[
        str | None,
        Query(
            description="Version of the other one's, or inbox: and the name of an exported file; empty: only the form.",
            examples=[""],
        ),
    ] = None,
    one_country: Annotated[str | None, Query(description="Its country, ISO 3166-1.", examples=["SL"])] = None,
    other_country: Annotated[str | None, Query(description="Its country, ISO 3166-1.", examples=["GN"])] = None,
    one_residents: Share = None,
    one_visitors: Share = None,
    other_residents: Share = None,
    other_visitors: Share = None,
) -> Document:
    """Join what two operators have published of a border: no record and no identifier is exchanged."""
    title = translated(Wording("Two views of a border"))
    try:
        versions = list(reversed(versions_readable(request, NAME)))
    except NotFound:
        return parts.nothing(request, title, "border_views", "border_crossings")
    asked = {
        "one": one or str(versions[0].version),
        "other": other or "",
        "one_country": (one_country or "").upper(),
        "other_country": (other_country or "").upper(),
        "one_residents": one_residents or "",
        "one_visitors": one_visitors or "",
        "other_residents": other_residents or "",
        "other_visitors": other_visitors or "",
    }
    pinned = {name: value for name, value in asked.items() if value}
    complete = all(asked[name] for name in ("other", "one_country", "other_country"))
    found, sources = _joined(request, asked) if complete else (None, [])
    return Document(
        title=title,
        template="mobility_border_views.html",
        package=parts.PACKAGE,
        lead=_(
            "People who crossed on a day, as the operators on both sides have published it. Each sees a part of them; "
            "no record and no identifier is exchanged."
        ),
        tiles=_tiles(found) if found is not None else (),
        values={
            "tabs": parts.tabs(request),
            "form": {
                "asked": asked,
                "ones": _choices(versions, asked["one"]),
                "others": _choices(versions, asked["other"]) + _files(request, asked["other"]),
            },
            "method": address_of("methods", "across-borders"),
            "releases": parts.origins([one.release for one in sources if one.release]),
        },
        figures=[_figure(found or [], sources)],
        notes=[
            _(
                "Without the part that an operator sees, its count is only what there are at least. Nothing tells whom "
                "both have seen, so two counts are never added up."
            ),
            parts.why_suppressed(parts.threshold_of(versions[0])),
        ],
        sources=[one.release for one in sources if one.release],
        query=pinned,
        private=any(one.release is None for one in sources),
        data={"border_views": None if found is None else [_record(row) for row in found]},
    )


def _choices(versions: Sequence[Release], chosen: str) -> list[tuple[str, str, bool]]:
    """Give the releases to choose among, the newest first."""
    return [
        (
            str(release.version),
            _(
                "version %(version)s, %(project)s",
                version=release.version,
                project=release.provenance.parameters.get("project", "–"),
            ),
            str(release.version) == chosen,
        )
        for release in versions[:SHOWN]
    ]


def _files(request: Request, chosen: str) -> list[tuple[str, str, bool]]:
    """Give the exported files that whoever may run something finds in the inbox."""
    state, visitor = request.app.state, visitor_of(request)
    if not visitor.may_somewhere(Permission.RUN, "mobility"):
        return []
    try:
        files = asking.inbox_for(state.settings, state.database, visitor).records
    except Unavailable:  # the page of importing says so
        return []
    names = [file.name for file in files if file.name.lower().endswith(".parquet")][:SHOWN]
    return [(FILE + name, name, FILE + name == chosen) for name in names]


def _source(request: Request, asked: str, where: str) -> Source:
    state, visitor = request.app.state, visitor_of(request)
    if asked.startswith(FILE):
        if not visitor.may_somewhere(Permission.RUN, "mobility"):
            visitor.require(Permission.RUN, "mobility")
        inbox = asking.inbox_for(state.settings, state.database, visitor)
        return Source(exported(inbox.path(asked.removeprefix(FILE))), None)
    if not asked.isdecimal() or int(asked) >= 2**31:
        raise InputError(
            Wording("there is no release %(name)s", name=repr(asked)),
            where=where,
            expected=Wording("the number of a version, or a file of the inbox"),
        )
    release = opened(request, get(state.database, NAME, int(asked)))
    return Source(release.table(state.settings), release)


def _joined(request: Request, asked: dict[str, str]) -> tuple[list[dict[str, Any]], list[Source]]:
    sources, views = [], []
    for side in ("one", "other"):
        country = asked[f"{side}_country"]
        if country not in COUNTRIES:
            raise InputError(
                Wording("there is no country %(name)s", name=repr(country)),
                where=f"{side}_country",
                expected=Wording("a code such as GN or SL"),
            )
        sources.append(_source(request, asked[side], side))
        shares = [_share(asked[f"{side}_{who}"], f"{side}_{who}") for who in ("residents", "visitors")]
        views.append(View(country, sources[-1].table, *shares))
    ours, theirs = views
    return joined(ours, theirs).to_pylist(), sources


def _share(typed: str, where: str) -> float | None:
    """Read per cent; a form that is not filled in sends nothing."""
    if not typed:
        return None
    try:
        number = float(typed)
    except ValueError:
        number = float("nan")
    if not 0 < number <= 100:
        raise InputError(
            Wording("%(typed)s is no share", typed=repr(typed)),
            where=where,
            expected=Wording("per cent, more than 0, at most 100"),
        )
    return number / 100


def _record(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"start": row["start"].isoformat()}


def _tiles(rows: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    both = sum(row["views"] == 2 for row in rows)
    tiles = [(_("%(some)s of %(all)s", some=count(both), all=count(len(rows))), _("counts that both have published"))]
    judged = [row["agree"] for row in rows if row["agree"] is not None]
    if judged:
        tiles.append(
            (
                _("%(some)s of %(all)s", some=count(sum(judged)), all=count(len(judged))),
                _("that differ by no more than chance"),
            )
        )
    return tiles


def _figure(rows: Sequence[dict[str, Any]], sources: Sequence[Source]) -> Figure:
    calendar = next((calendar_of(one.release) for one in sources if one.release), Calendar("UTC"))
    days = calendar.from_utc([int(row["start"].timestamp()) for row in rows]).tolist()
    agree = {None: "–", True: _("yes"), False: _("no")}
    return Figure(
        name="views",
        title=_("Who crossed, as both sides see it"),
        caption=_("People of each country who crossed in each direction, by day; intervals hold 19 times in 20."),
        headings=(
            Heading(_("Day"), key="start", is_time=True),
            Heading(_("People of"), key="people_of"),
            Heading(_("From"), key="from"),
            Heading(_("To"), key="to"),
            Heading(_("One operator"), is_number=True, key="one"),
            Heading(_("The other one"), is_number=True, key="other"),
            Heading(_("At least"), is_number=True, key="at_least"),
            Heading(_("Estimate"), is_number=True, key="estimate"),
            Heading(_("Interval"), is_number=True),
            Heading(_("Agree within chance"), key="agree"),
        ),
        rows=[
            table.Row(
                (
                    day_in_words(datetime.fromtimestamp(day, UTC).date()),
                    row["people_of"],
                    row["from"],
                    row["to"],
                    _said(row["one"], row["one_state"]),
                    _said(row["other"], row["other_state"]),
                    _number(row["at_least"]),
                    _number(row["estimate"]),
                    "–" if row["low"] is None else f"{_number(row['low'])} – {_number(row['high'])}",
                    agree[row["agree"]],
                ),
                has_value=row["at_least"] is not None,
            )
            for day, row in zip(days, rows, strict=True)
        ],
        records=[_record(row) for row in rows],
        empty=_("Choose what the other operator has published, and the country of each."),
    )


def _said(value: int | None, state: str) -> str:
    return words.state(State(state)) if value is None else count(value)


def _number(value: float | None) -> str:
    return "–" if value is None else count(round(value))
