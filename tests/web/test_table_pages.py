"""Pages of published tables: how people move, borders, where they live by rule; and any layer beside them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pyarrow as pa
import pytest

from commonweal.core.areas import load
from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy, publish
from commonweal.domains import initialise
from commonweal.mobility.measures import (
    border_crossings,
    border_pairs,
    home_agreement,
    home_rules,
    homes,
    radius_of_gyration,
)
from commonweal.mobility.walks.distributing import DISTANCES

AREA_SET = "natural-earth:GN,LR,SL"
DAYS = (date(2026, 3, 2), date(2026, 3, 4))
STARTS = [datetime(2026, 3, day, tzinfo=UTC) for day in (2, 3)]
KNOWN, HIDDEN = "SL-W", "GN-BE"


@pytest.fixture(scope="module")
def tables(tmp_path_factory, publish_counts):
    """One release of each shape of table, and cases by area and day from elsewhere."""
    folder = tmp_path_factory.mktemp("tables")
    home = initialise(folder / "data", folder / "keys")
    codes = load(home.database, AREA_SET).codes
    people = {code: 0 if code == HIDDEN else 40 + 25 * (place % 7) for place, code in enumerate(codes)}
    edges = list(zip(DISTANCES.edges[:-1], DISTANCES.edges[1:], strict=True))
    radius = [
        (code, float(low), float(high), STARTS[0], *[max(0, people[code] - 12 * place)] * 2)
        for code in codes
        for place, (low, high) in enumerate(edges)
    ]
    lived = [
        (code, rule, STARTS[0], *[people[code] and people[code] + 3 * place] * 2)
        for code in codes
        for place, rule in enumerate(home_rules.RULES)
    ]
    agreed = [
        (home_rules.RULES[rule], home_rules.RULES[other], home_agreement.OUTCOMES[outcome], STARTS[0], n, n)
        for rule, other, outcome in home_agreement.CELLS
        for n in [300 if outcome == home_agreement.SAME else 100]
    ]
    crossed = [
        (country, direction, who, start, n, n)
        for country in ("GN", "LR", "SL")
        for direction in ("in", "out")
        for who in ("resident", "visitor")
        for start in STARTS
        for n in [{"GN": 120, "LR": 60, "SL": 0}[country] + 5 * start.day]
    ]
    pairs = [
        (way, origin, destination, start, n, n)
        for way in border_pairs.WAYS
        for origin in codes[:8]
        for destination in codes[:8]
        for start in STARTS
        for n in [20 + 9 * codes.index(origin) if origin < destination else 3]
    ]
    counted = ("subscribers", "people")
    add = lambda dataset, rows, *names: publish_counts(home, dataset, DAYS, rows, *names, *counted)  # noqa: E731
    releases = {
        "radius": add(radius_of_gyration.MEASURE.dataset, radius, "area", "at_least", "below", "start"),
        "homes": add(homes.DATASET, lived, "area", "rule", "start"),
        "agreement": add(home_agreement.DATASET, agreed, "rule", "other", "outcome", "start"),
        "crossings": add(border_crossings.DATASET, crossed, "country", "direction", "who", "start"),
        "pairs": add(border_pairs.DATASET, pairs, "way", "origin", "destination", "start"),
    }
    _publish_cases(home, codes)
    yield SimpleNamespace(home=home, people=people, edges=edges, **releases)
    home.database.close()


def _publish_cases(home, codes):
    dataset = Dataset(
        name="health.cases",
        title="Cases",
        description="Made up.",
        dimensions=(
            Dimension("area", "area", "Where.", hierarchy="area"),
            Dimension("day", "date", "When.", hierarchy="period"),
        ),
        measures=(Measure("cases", "integer", "How many.", "{cases}", Kind.SUM),),
        privacy=Privacy.OPEN,
    )
    days = [DAYS[0] + timedelta(days=number) for number in range(2)]
    rows = [(code, day, 7 + number) for code in codes if code != HIDDEN for number, day in enumerate(days)]
    cases = pa.table(dict(zip(("area", "day", "cases"), map(list, zip(*rows, strict=True)), strict=True)))
    cases = cases.append_column("cases_state", pa.array(["reported"] * len(cases)))
    inputs = [Input("cases.csv", "ab" * 32, "file")]
    publish(
        home.settings, home.database, dataset, cases, inputs=inputs, parameters={}, who="os:tester", area_set=AREA_SET
    )


@pytest.fixture(scope="module")
def site(tables, site_for):
    return site_for(tables.home)


def test_x(site, tables):
    print(site.page("/mobility/movement").text[:100])
