"""Such a page, put together: which table, what it counts, its figures, what is not shown, where it comes from."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from commonweal.core.catalog import Release, State
from commonweal.core.errors import NotFound
from commonweal.core.wording import Wording
from commonweal.mobility.pages import beside, parts
from commonweal.mobility.pages.tables.asking import Asked
from commonweal.mobility.pages.tables.columns import title_of
from commonweal.mobility.pages.tables.families import FAMILIES, WITH_NOISE, Kind, kind_of
from commonweal.mobility.pages.tables.figures import area_figure, days_figure, distribution_figures, row_figure
from commonweal.mobility.pages.tables.reading import Shown, read, shown
from commonweal.mobility.pages.tables.ways import way_figures
from commonweal.mobility.telling import DIMENSIONS, called, column_meanings
from commonweal.web.document import Document
from commonweal.web.documentation import address_of
from commonweal.web.figure import Figure
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.provenance import chosen
from commonweal.web.reading import readable, version_of
from commonweal.web.words import count, day_in_words


def kinds(request: Request, family: str, current: str | None) -> list[tuple[str, str, bool]]:
    """List (name, title, whether it is shown) of the tables of a page that are published and may be read."""
    there = {release.dataset: release for release in readable(request)}
    names = [name for kind in FAMILIES[family] for name in (kind.name, kind.name + WITH_NOISE)]
    return [
        (name, translated(there[f"mobility.{name}"].schema.title), name == current)
        for name in names
        if f"mobility.{name}" in there
    ]


def chooser(request: Request, family: str, current: str) -> dict[str, Any]:
    """Give what the part of a page needs that chooses a table."""
    return {"address": f"/mobility/{family}", "kinds": kinds(request, family, current)}


def defined(release: Release, section: str) -> dict[str, Any]:
    """Say what a table counts, where its definition stands, and what was chosen when it was made."""
    schema = release.schema
    return {
        "description": translated(schema.description),
        "columns": column_meanings(schema),
        "section": address_of("methods", section),
        "catalog": f"/catalog/{release.dataset}/{release.version}",
        "label": release.label,
        "choices": chosen(release),
    }


def table_page(request: Request, family: str, table: str | None, asked: Asked, title: str) -> Document:
    """Show a table of a page's family: the one asked for, or the first that is published.

    Raises
    ------
    NotFound
        The page has no such table.
    """
    there = kinds(request, family, None)
    name = table or (there[0][0] if there else None)
    if name is None:
        return parts.nothing(request, title, family, FAMILIES[family][0].name)
    kind = kind_of(family, name)
    if kind is None:
        raise NotFound(
            Wording("there is no table %(name)s", name=repr(name)),
            where="table",
            expected=", ".join(one for one, _title, _current in there) or None,
        )
    state = request.app.state
    version = version_of(request, f"mobility.{name}", asked.release)
    if version is None:
        return parts.nothing(request, title, family, kind.name, chooser(request, family, name))
    published = read(state.settings, state.database, f"mobility.{name}", version)
    if not published.table.num_rows:
        return _without_rows(request, family, published.release, kind, title)
    seen = shown(published, kind, asked)
    query = _query(name, version, asked, seen)
    address = f"/mobility/{family}"
    least = parts.threshold_of(published.release)

    def href(**more: str) -> str:
        return f"{address}?{urlencode(query | more, safe=':')}"

    layer = beside.beside_of(request, published.release, asked.beside, seen.covers, published.span)
    drawn = [beside.joined(figure, layer) for figure in _figures(seen, least, href)]
    sources = [published.release, *([layer.layer.release] if layer else [])]
    return Document(
        title=title,
        template="mobility_table.html",
        package=parts.PACKAGE,
        lead=_("%(title)s · %(period)s", title=title_of(seen), period=seen.label),
        tiles=_tiles(seen),
        values={
            "tabs": parts.tabs(request),
            "chooser": chooser(request, family, name),
            "form": _form(request, seen, asked, address),
            "defined": defined(published.release, kind.section),
            "releases": parts.origins(sources),
        },
        figures=drawn,
        notes=_notes(seen, least, layer is not None),
        sources=sources,
        query=query,
        data={family: _data(seen, layer)},
    )


def _without_rows(request: Request, family: str, release: Release, kind: Kind, title: str) -> Document:
    """Say of a table without a row that it has none: it was counted, and there was nothing to count."""
    said = _("%(title)s: counted, and there was nothing to count.", title=translated(release.schema.title))
    name = release.dataset.removeprefix("mobility.")
    return Document(
        title=title,
        template="mobility_table.html",
        package=parts.PACKAGE,
        lead=said,
        tiles=[parts.published_tile(release)],
        values={
            "tabs": parts.tabs(request),
            "chooser": chooser(request, family, name),
            "form": {"selects": (), "days": (), "hours": (), "areas": (), "layers": ()},
            "defined": defined(release, kind.section),
            "releases": parts.origins([release]),
        },
        notes=[said],
        sources=[release],
        query={"table": name, "release": str(release.version)},
        data={family: {"table": release.dataset, "release": release.label, "digest": release.digest, "rows": []}},
    )


def _figures(seen: Shown, least: int | None, href: Any) -> list[Figure]:
    published = seen.published
    if published.has_bins:
        return distribution_figures(seen, href)
    if len(published.ends) == 2:
        return way_figures(seen, href)
    first = area_figure(seen, least, href) if published.ends else row_figure(seen, href)
    return [first, *days_figure(seen, least)]


def _query(name: str, version: int, asked: Asked, seen: Shown) -> dict[str, str]:
    query = {"table": name, "release": version, "beside": asked.beside, **asked_part(seen)}
    return {key: str(value) for key, value in query.items() if value}


def asked_part(seen: Shown) -> dict[str, str | None]:
    """Give the parameters that ask for the part of a table that is seen."""
    at = seen.hours.index(seen.start) if seen.start is not None and seen.hourly else None
    return {
        "area": seen.area,
        "day": None if seen.whole or seen.day is None else seen.day.isoformat(),
        "at": None if at is None else str(at),
        **seen.only,
    }


def _form(request: Request, seen: Shown, asked: Asked, address: str) -> dict[str, Any]:
    published = seen.published
    return {
        "address": address,
        "table": published.release.dataset.removeprefix("mobility."),
        "release": asked.release,
        **choices_of(seen),
        "layers": beside.choices(request, published.release, asked.beside) if published.ends else [],
    }


def choices_of(seen: Shown) -> dict[str, Any]:
    """Give what a form offers of a table: what it is told by, days, hours and areas, each with the one that is seen."""
    published, kind = seen.published, seen.kind
    selects = []
    for name, values in published.told_by.items():
        if name in kind.rows and name != "country":
            continue
        if name == kind.across and not published.ends:
            continue
        if name in kind.rows and len(seen.starts) < 2:
            continue
        label = translated(DIMENSIONS.get(name, name))
        if name == kind.across:
            label = _("On the map")
        options = [(value, called(name, value), value == seen.only.get(name)) for value in values]
        if name == "country":
            options.sort(key=lambda option: option[1])
        if name in kind.rows:
            label = _("Over time")
            options = [("", _("most people"), name not in seen.only), *options]
        selects.append((name, label, options))
    one_of_all = seen.whole or seen.day is None or len(seen.days) < 2
    return {
        "selects": selects,
        "days": [] if one_of_all else [(day.isoformat(), day_in_words(day), day == seen.day) for day in seen.days],
        "hours": [(place, seen.clock(start), start == seen.start) for place, start in enumerate(seen.hours)]
        if seen.hourly
        else [],
        "areas": [(code, published.places.names[code], code == seen.area) for code in published.places.codes],
        "every": not published.has_bins,
    }


def _tiles(seen: Shown) -> list[tuple[str, str]]:
    states = seen.published.told(seen.rows)
    with_value = sum(told.value is not None for told in states)
    suppressed = sum(told.state is State.SUPPRESSED for told in states)
    some = _("%(some)s of %(all)s", some=count(with_value), all=count(len(states)))
    return [
        (some, _("values published")),
        (count(suppressed), _("suppressed")),
        parts.published_tile(seen.published.release),
    ]


def _notes(seen: Shown, least: int | None, has_layer: bool) -> list[str]:
    told = seen.published.told(seen.rows)
    hidden = sum(one.state is State.SUPPRESSED for one in told)
    notes = [
        ngettext(
            "%(hidden)s of %(num)s value is suppressed.",
            "%(hidden)s of %(num)s values are suppressed.",
            len(told),
            hidden=count(hidden),
        ),
    ]
    if least is not None:
        notes.append(parts.why_suppressed(least))
    if seen.published.has_interval:
        notes.append(_("The interval says between which numbers the value lies, nineteen times in twenty."))
    if has_layer:
        notes.append(
            _("The other release stands beside the numbers: that both are high does not say that one caused the other.")
        )
    notes.append(_("Subscribers are phones of one operator, not the population: some people have two, many have none."))
    return notes


def _data(seen: Shown, layer: beside.Beside | None) -> dict[str, Any]:
    published = seen.published
    rows = published.table.take(seen.rows)
    first, last = seen.covers
    return {
        "table": published.release.dataset,
        "release": published.release.label,
        "digest": published.release.digest,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "area": seen.area,
        "only": dict(seen.only),
        "rows": [
            {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
            for row in rows.to_pylist()
        ],
        "beside": layer.record() if layer else None,
    }
