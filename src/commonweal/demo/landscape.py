"""The ground a run stands on: which areas, how many people, whose cells. Nature's defaults, or files of one's own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry import shape

from commonweal.core.areas import Areas, natural_earth
from commonweal.core.errors import InputError, explain
from commonweal.demo.geography import Country, Geography, build, read_countries, read_population


@dataclass(frozen=True)
class Ground:
    """Where the sample people live.

    Parameters
    ----------
    countries
        ISO 3166 codes.
    areas
        A GeoJSON file of areas; without it, Natural Earth's admin-1 areas of the countries.
    code_field, name_field
        Its properties with an area's code and name; without a name the code serves.
    population
        A CSV file of people by area, with a column named as `code_field`.
    population_field
        Its column with the number of people.
    """

    countries: tuple[str, ...] = ("GN", "LR", "SL")
    areas: Path | None = None
    code_field: str = "code"
    name_field: str = "name"
    population: Path | None = None
    population_field: str = "population"


def survey(ground: Ground) -> Geography:
    """Read the areas and people of a ground, and spread the people.

    Raises
    ------
    InputError
        When a file does not say what is needed; the message names file and field.
    """
    countries = read_countries(ground.countries)
    if ground.areas is None:
        areas = natural_earth(ground.countries)
        country_of_area = [str(parent) for parent in areas.parents]
    else:
        areas, country_of_area = read_areas(ground.areas, ground.code_field, ground.name_field, countries)
    population = None
    if ground.population is not None:
        try:
            population = read_population(
                ground.population, ground.code_field, ground.population_field, list(areas.codes)
            )
        except OSError as error:
            raise explain(error, ground.population) from error
    return build(countries, areas, country_of_area, population)


def read_areas(path: Path, code_field: str, name_field: str, countries: tuple[Country, ...]) -> tuple[Areas, list[str]]:
    """Read areas from a GeoJSON file, and the country each lies in.

    The country is that of the code's first two letters; with one country it need not be.
    """
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
    except OSError as error:
        raise explain(error, path) from error
    except (ValueError, KeyError, TypeError):
        raise InputError("this is no GeoJSON feature collection", where=path, expected="a FeatureCollection") from None
    known = {country.code for country in countries}
    codes, names, polygons, of_country = [], [], [], []
    for number, feature in enumerate(features, 1):
        properties = feature.get("properties") or {}
        if code_field not in properties:
            raise InputError(
                f"there is no property {code_field!r}",
                where=f"{path}, feature {number}",
                expected=f"--code-field with one of {', '.join(properties)}",
            )
        code = str(properties[code_field])
        country = code[:2].upper() if code[:2].upper() in known else countries[0].code
        if country != code[:2].upper() and len(countries) > 1:
            raise InputError(
                f"the code {code!r} begins with no chosen country",
                where=f"{path}, feature {number}",
                expected=f"codes beginning with {', '.join(sorted(known))}, or a single --countries",
            )
        codes.append(code)
        names.append(str(properties.get(name_field, code)))
        polygons.append(shapely.make_valid(shape(feature["geometry"])))
        of_country.append(country)
    outlines = np.empty(len(polygons), dtype=object)
    outlines[:] = polygons
    return Areas(tuple(codes), tuple(names), outlines), of_country
