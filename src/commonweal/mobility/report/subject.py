"""What a report is about: a country, or a project; and which areas and releases belong to it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from babel.core import get_global

from commonweal.core.areas import load, natural_earth
from commonweal.core.areas.world import NAME as NATURAL_EARTH
from commonweal.core.catalog import Release
from commonweal.core.database import Database
from commonweal.core.errors import NotFound
from commonweal.core.wording import Wording
from commonweal.web.languages import OFFERED, current

LEADING = re.compile(r"([A-Za-z]{2,3})(?=[-_.\d]|$)")
"""Letters at the beginning of an area's code that may be its country's."""


@dataclass(frozen=True)
class Subject:
    """What a report is about.

    Parameters
    ----------
    project
        Name of the project, if it was named; all its areas are meant.
    country
        ISO 3166-1 code of two letters, if a country was.
    """

    project: str | None = None
    country: str | None = None

    @property
    def name(self) -> str:
        """What it is called, in the reader's language."""
        return current().territory(self.country) if self.country else str(self.project)

    @property
    def code(self) -> str:
        """What it is called in the name of a file."""
        return (self.country or str(self.project)).lower()

    def holds(self, country: str | None) -> bool:
        """Say whether an area that lies in a country belongs to it."""
        return self.country is None or country == self.country


def country_code(asked: str) -> str | None:
    """Give the ISO 3166-1 code of two letters of a country named by either code, or by name in a language of the site.

    Examples
    --------
    >>> [country_code(asked) for asked in ("GN", "sle", "Libéria", "cote d'ivoire", "Atlantis")]
    ['GN', 'SL', 'LR', 'CI', None]
    """
    return _countries().get(_plain(asked))


@lru_cache
def _countries() -> dict[str, str]:
    codes = map(str, OFFERED["en"].locale.territories)
    known = {code for code in codes if re.fullmatch("[A-Z]{2}", code)} - {"ZZ", "EU", "UN"}
    found = {_plain(language.territory(code)): code for language in OFFERED.values() for code in sorted(known)}
    longer = get_global("territory_aliases")
    found |= {_plain(code): stands[0] for code, stands in longer.items() if len(code) == 3 and stands[0] in known}
    return found | {_plain(code): code for code in known}


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.strip().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")).casefold()
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def find_subject(database: Database, asked: str, published: Sequence[Release]) -> Subject:
    """Find what is asked for among what is published.

    Parameters
    ----------
    asked
        A project's name; or a country: two letters, three letters, or its name.
    published
        The releases that may be read.

    Raises
    ------
    NotFound
        Nothing is published, there is no such country or project, or nothing is published about it.
    """
    if not published:
        raise NotFound(
            Wording("mobility has published nothing yet"),
            expected=Wording("a release: import records, then commonweal mobility run --project NAME"),
        )
    projects = sorted({str(release.provenance.parameters.get("project", "")) for release in published} - {""})
    if asked in projects:
        return Subject(project=asked)
    code = country_code(asked)
    countries = sorted(
        {country for release in published for country in countries_of(database, release).values() if country}
    )
    known = Wording(
        "one of these countries: %(countries)s; or of these projects: %(projects)s",
        countries=", ".join(countries) or "–",
        projects=", ".join(projects) or "–",
    )
    if code is None:
        raise NotFound(Wording("there is no country or project %(asked)s", asked=repr(asked)), expected=known)
    if code not in countries:
        raise NotFound(Wording("nothing is published about %(country)s", country=code), expected=known)
    return Subject(country=code)


def countries_of(database: Database, release: Release) -> Mapping[str, str | None]:
    """Give the country of each area of the set that a release is about; empty if it is about none."""
    stood = release.provenance.parameters.get("areas_at")
    return _of_set(database, release.area_set, date.fromisoformat(stood) if stood else None)


@lru_cache(maxsize=16)
def _of_set(database: Database, area_set: str | None, at: date | None) -> Mapping[str, str | None]:
    if area_set is None:
        return {}
    if area_set.partition(":")[0] == NATURAL_EARTH:
        chosen = area_set.partition(":")[2]
        areas = natural_earth([code.strip() for code in chosen.split(",")] if chosen else None)
        return dict(zip(areas.codes, areas.parents, strict=True))
    try:
        areas = load(database, area_set, at)
    except NotFound:
        return {}
    above: dict[str, str | None] = dict(zip(areas.codes, areas.parents, strict=True))
    names: dict[str, str] = {}
    for level in range(areas.level - 1, -1, -1):
        try:
            higher = load(database, area_set, at, level)
        except NotFound:
            continue
        above |= dict(zip(higher.codes, higher.parents, strict=True))
        names |= dict(zip(higher.codes, higher.names, strict=True))
    return {code: _country_above(code, above, names) for code in areas.codes}


def _country_above(code: str, above: Mapping[str, str | None], names: Mapping[str, str]) -> str | None:
    """Find a country in an area's code, or in those or the names of what lies above it; the highest first."""
    chain: list[str] = []
    step: str | None = code
    while step and step not in chain:
        chain.append(step)
        step = above.get(step)
    for each in reversed(chain):
        leading = LEADING.match(each)
        if found := country_code(each) or country_code(names.get(each, "")):
            return found
        if leading and (found := country_code(leading[1])):
            return found
    return None
