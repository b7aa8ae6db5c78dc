"""What pages have in common that make people of subscribers: by which population, how it grows, what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query, Request

from commonweal.core.catalog import Privacy, Release, datasets
from commonweal.core.errors import InputError
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.joining import joinable
from commonweal.mobility.pages import parts
from commonweal.mobility.scaling.asking import OLD
from commonweal.web.access import visitor_of
from commonweal.web.document import Document
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.reading import area_of, may_read
from commonweal.web.words import count

POPULATION = Query(
    description="A release of people by area: its name, @ and its version.", examples=["mobility.population@1"]
)
Growth = Annotated[str | None, Query(description="Growth of the population in a year, per cent.", examples=["2.5"])]


def growth_of(typed: str | None) -> float | None:
    """Read per cent a year as a part; a form that is not filled in sends nothing.

    Raises
    ------
    InputError
        It is no number from -50 to 50.

    Examples
    --------
    >>> growth_of("2.5"), growth_of("")
    (0.025, None)
    """
    if not typed:
        return None
    try:
        number = float(typed)
    except ValueError:
        number = float("nan")
    if not -50 <= number <= 50:
        raise InputError(
            Wording("%(typed)s is no growth", typed=repr(typed)),
            where="growth",
            expected=Wording("per cent a year, from -50 to 50"),
        )
    return number / 100


def populations(request: Request, shown: Release) -> list[Release]:
    """Give the open releases of the same areas, people first."""
    found = [
        one
        for one in datasets(request.app.state.database)
        if one.schema.privacy is Privacy.OPEN
        and one.area_set == shown.area_set
        and joinable(one)
        and "period" not in one.schema.key
        and may_read(request, one)
    ]
    return sorted(found, key=lambda one: (one.dataset != "mobility.population", one.dataset))


def choices(layers: Sequence[Release], chosen: Release | None, asked: str | None = None) -> list[tuple[str, str, bool]]:
    """List (name, title, whether it is chosen) of populations; the one that is chosen as it was asked for."""
    found = []
    for one in layers:
        current = chosen is not None and one.dataset == chosen.dataset
        found.append((asked if asked and current else one.dataset, translated(one.schema.title), current))
    return found


def address_of_release(release: Release) -> str:
    """Write a release as an address says it."""
    return f"{release.dataset}@{release.version}"


def without_population(
    request: Request, shown: Release, key: str, title: str, template: str, values: Mapping[str, Any]
) -> Document:
    """Give the page that says that no population is published for the areas of a release, and how one comes about.

    Parameters
    ----------
    key
        Of the page in its data.
    values
        What else its template needs.
    """
    why = _("No population is published for these areas, so their numbers cannot be scaled to people.")
    command = f"commonweal mobility population census.csv --areas {shown.area_set} --source SOURCE"
    may_publish = visitor_of(request).may(Permission.RUN, "mobility", area_of(shown))
    return Document(
        title=title,
        template=template,
        package=parts.PACKAGE,
        lead="",
        values={
            "tabs": parts.tabs(request),
            "releases": parts.origins([shown]),
            "without": {"why": why, "command": command, "may_publish": may_publish},
            **values,
        },
        notes=[why, command],
        sources=[shown],
        query={"table": shown.dataset, "release": str(shown.version)},
        data={key: None},
    )


def old_census(years: float | None) -> list[str]:
    """Say that people were counted long ago, if they were."""
    if years is None or years <= OLD:
        return []
    return [
        ngettext(
            "People were counted %(num)s year before. Say by how much they grow in a year to bring them forward.",
            "People were counted %(num)s years before. Say by how much they grow in a year to bring them forward.",
            round(years),
        )
    ]


def interval(low: float | None, high: float | None) -> str:
    """Say an interval of people, or a dash."""
    return "–" if low is None or high is None else f"{count(low)} – {count(high)}"


def whole(people: float | None) -> int | None:
    """Round people."""
    return None if people is None else round(people)
