"""Declarations: what can be declared, and that nothing of it is lost when it is stored."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.catalog import Attribute, Dataset, Dimension, Kind, Measure, Privacy, State
from commonweal.core.catalog.declaration import parse
from commonweal.core.errors import InputError

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(max_size=20)
DIMENSIONS = st.builds(
    Dimension, NAMES, st.sampled_from(["string", "area", "timestamp"]), TEXTS, st.sampled_from(["area", None])
)
MEASURES = st.builds(
    Measure, NAMES, st.sampled_from(["integer", "number"]), TEXTS, TEXTS, st.sampled_from(Kind), st.none() | TEXTS
)


@settings(deadline=None)
@given(
    dimensions=st.lists(DIMENSIONS, max_size=3),
    measures=st.lists(MEASURES, max_size=3),
    privacy=st.sampled_from(Privacy),
    keywords=st.lists(TEXTS, max_size=2),
)
def test_a_declaration_is_read_back_as_it_was_written(
    dimensions: list[Dimension], measures: list[Measure], privacy: Privacy, keywords: list[str]
) -> None:
    try:
        dataset = Dataset(
            name="demo.things",
            title="Things",
            description="",
            dimensions=tuple(dimensions),
            measures=tuple(measures),
            attributes=(Attribute("zz_note", "string", "A note."),),
            privacy=privacy,
            keywords=tuple(keywords),
        )
    except InputError:
        return  # two columns of one name, or counts of people in open data
    assert parse(dataset.record()) == dataset


def declared(**other: object) -> Dataset:
    fields: dict[str, object] = {
        "name": "demo.rain",
        "title": "Rain",
        "description": "",
        "dimensions": (Dimension("day", "date", "When."),),
        "measures": (Measure("depth", "number", "How much.", "mm", Kind.SUM),),
        "privacy": Privacy.OPEN,
    }
    return Dataset(**(fields | other))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"name": "Rain"}, "cannot name a dataset"),
        ({"name": "demo.rain.fall"}, "cannot name a dataset"),
        ({"dimensions": (Dimension("The Day", "date", ""),)}, "cannot name a column"),
        ({"dimensions": (Dimension("day", "hour", ""),)}, "unknown type 'hour'"),  # type: ignore[arg-type]
        ({"dimensions": (Dimension("depth", "date", ""),)}, "depth is declared twice"),
        ({"attributes": (Attribute("depth_state", "string", ""),)}, "depth_state is declared twice"),
        ({"measures": (Measure("n", "string", "", "1", Kind.SUM),)}, "integer or number"),  # type: ignore[arg-type]
        ({"measures": (Measure("n", "integer", "", "1", Kind.SUM, union_over=("month",)),)}, "union over month"),
        (
            {"measures": (Measure("n", "integer", "", "1", Kind.SUM, "subscribers"),)},
            "n counts subscribers, but .* open",
        ),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(wrong: dict[str, object], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        declared(**wrong)


def test_each_state_says_whether_a_value_stands_beside_it() -> None:
    without = {state for state in State if not state.has_value}
    assert without == {State.SUPPRESSED, State.MISSING, State.WITHHELD}


def test_residents_add_up_over_areas_but_not_over_months() -> None:
    residents = Measure("residents", "integer", "", "{residents}", Kind.SUM, union_over=("month",))
    assert residents.kind_over("area") is Kind.SUM
    assert residents.kind_over("month") is Kind.UNION


def test_a_stored_declaration_that_lacks_a_field_is_refused() -> None:
    record = declared().record()
    del record["licence"]
    with pytest.raises(InputError, match="licence"):
        parse(record)
