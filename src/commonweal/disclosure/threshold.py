"""The first rule: a value is published only if at least *k* distinct people stand behind it.

    published(cell) = value                 if people(cell) ≥ k
                      nothing, suppressed   otherwise, nobody included

A sum that counts nobody, such as a duration, is also suppressed if one person makes up too much of it: see `dominance`.

Every key of a grid that was made from public knowledge is published, so that the presence of a row says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog.check import ARROW_TYPES
from commonweal.core.catalog.declaration import Dataset, Kind, Measure, State
from commonweal.core.errors import InputError
from commonweal.disclosure.dominance import (
    HALF,
    SECOND,
    Dominance,
    contributions,
    is_judged,
    refuse_wrong_contributions,
)

DEFAULT_THRESHOLD = 15
PEOPLE = "people"


def suppress(
    dataset: Dataset,
    raw: pa.Table,
    grid: pa.Table | None,
    k: int = DEFAULT_THRESHOLD,
    dominance: Dominance = HALF,
) -> pa.Table:
    """Suppress every value behind which stand fewer than *k* people, and every sum that one person dominates.

    Parameters
    ----------
    dataset
        The declaration of what will be published.
    raw
        Key columns, measures, and ``people``: int64, the distinct raw people behind the row, before any scaling.
        A measure of fewer people than the row's brings its own ``<measure>_people``. ``<measure>_state`` may say
        what kept values are (``modelled``, ``estimated``). Keys that are absent have no people. A sum that counts
        nobody brings ``<measure>_largest``, the largest contribution of one person, and ``<measure>_second``, the
        second largest, if `dominance` asks for two.
    grid
        Every key that is published, and the dataset's attributes: areas, periods and bins that are known without the
        records. None only for a dataset without dimensions, which has one row.
    k
        Least number of people, at least 2.
    dominance
        How much of a sum may be of one person.

    Returns
    -------
    pyarrow.Table
        The columns of the dataset, one row a key of the grid; ``people`` is gone. A value that is null (or not a
        number) with enough people behind it is ``missing``. A count below *k* is suppressed whatever its people.

    Raises
    ------
    InputError
        If `people` is not a whole number ≥ 0 in every row, if keys repeat, are null or lie outside the grid, if a
        value is infinite, if a sum comes without its largest contribution, or if *k* < 2. Values are never quoted.

    Notes
    -----
    Source: A. Hundepool et al., *Handbook on Statistical Disclosure Control* (2010), section 4.2.2, the minimum
    frequency rule.

    Examples
    --------
    >>> from commonweal.core.catalog import Dimension, Privacy
    >>> home = Dataset(
    ...     name="demo.home", title="Home", description="", privacy=Privacy.PEOPLE,
    ...     dimensions=(Dimension("area", "area", "Where."),),
    ...     measures=(Measure("subscribers", "integer", "How many.", "{subscribers}", Kind.SUM, "subscribers"),))
    >>> raw = pa.table({"area": ["A", "B"], "subscribers": [40, 3], "people": [40, 3]})
    >>> table = suppress(home, raw, pa.table({"area": ["A", "B", "C"]}), k=15)
    >>> table["subscribers"].to_pylist(), table["subscribers_state"].to_pylist()
    ([40, None, None], ['reported', 'suppressed', 'suppressed'])
    """
    if type(k) is not int or k < 2:
        raise InputError(f"the threshold is {k}", where=dataset.name, expected="a whole number of people, at least 2")
    _refuse_wrong_columns(dataset, raw, dominance)
    joined = on_grid(dataset, raw, grid)
    columns = {name: joined.column(name) for name in dataset.key}
    for measure in dataset.measures:
        columns[measure.name], columns[measure.state] = _protected(measure, joined, k, dominance)
    for attribute in dataset.attributes:
        columns[attribute.name] = joined.column(attribute.name)
    return pa.table({name: columns[name] for name in dataset.columns})


def on_grid(dataset: Dataset, raw: pa.Table, grid: pa.Table | None, *, without: Sequence[str] = ()) -> pa.Table:
    """Return one row for each key of the grid, null where `raw` has no such key.

    The grid brings the dataset's attributes, except those named in `without`.

    Raises
    ------
    InputError
        If a key of either table is null or repeated, or if a key of `raw` is not in the grid.
    """
    if not dataset.dimensions:
        if raw.num_rows > 1:
            raise InputError("more than one row without a key", where=dataset.name, expected="one row")
        return (
            raw
            if raw.num_rows
            else pa.table({name: pa.nulls(1, raw.schema.field(name).type) for name in raw.schema.names})
        )
    if grid is None:
        raise InputError(
            "there is no grid of keys",
            where=dataset.name,
            expected="every key, made from areas and periods and never from the records",
        )
    names = [*dataset.key, *(attribute.name for attribute in dataset.attributes if attribute.name not in without)]
    missing = set(names) - set(grid.column_names)
    if missing:
        raise InputError(f"column {min(missing)} is missing", where=f"grid of {dataset.name}")
    grid = _with_plain_keys(dataset, grid.select(names), "grid")
    raw = _with_plain_keys(dataset, raw, "raw table")
    outside = raw.append_column("row", pa.array(range(raw.num_rows), pa.int64())).join(
        grid.select(dataset.key), keys=list(dataset.key), join_type="left anti"
    )
    if outside.num_rows:
        raise InputError(
            f"the key of row {pc.min(outside.column('row')).as_py() + 1} is not in the grid",
            where=dataset.name,
            expected="a grid with every key that can occur",
        )
    return grid.join(raw, keys=list(dataset.key), join_type="left outer")


def _protected(
    measure: Measure, joined: pa.Table, k: int, dominance: Dominance
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    own = f"{measure.name}_{PEOPLE}"
    people = pc.fill_null(joined.column(own if own in joined.column_names else PEOPLE), 0)
    value = joined.column(measure.name)
    if pa.types.is_floating(value.type):
        value = pc.if_else(pc.is_nan(value), pa.scalar(None, value.type), value)
    value = value.cast(ARROW_TYPES[measure.type])
    enough = pc.greater_equal(people, k)
    if is_judged(measure):
        unsafe = dominance.unsafe(value, *(joined.column(name) for name in contributions(measure, dominance)))
        enough = pc.and_(enough, pc.invert(pc.fill_null(unsafe, False)))
    if measure.counts is not None and measure.kind is not Kind.RATIO:
        enough = pc.and_(enough, pc.fill_null(pc.greater_equal(value, k), True))
    given = joined.column(measure.state) if measure.state in joined.column_names else None
    kept = pc.if_else(value.is_valid(), State.REPORTED.value, State.MISSING.value)
    if given is not None:
        kept = pc.if_else(value.is_valid(), pc.fill_null(given, State.REPORTED.value), State.MISSING.value)
    state = pc.if_else(enough, kept, State.SUPPRESSED.value)
    return pc.if_else(enough, value, pa.scalar(None, value.type)), state.cast(pa.string())


def _refuse_wrong_columns(dataset: Dataset, raw: pa.Table, dominance: Dominance) -> None:
    needed = [*dataset.key, *(measure.name for measure in dataset.measures), PEOPLE]
    allowed = {*needed, *(f"{measure.name}_{PEOPLE}" for measure in dataset.measures)}
    allowed |= {measure.state for measure in dataset.measures}
    for measure in dataset.measures:
        brought = contributions(measure, dominance)
        for name in brought:
            if name not in raw.column_names:
                raise InputError(
                    f"{measure.name} is a sum, and column {name} is missing",
                    where=f"raw table of {dataset.name}",
                    expected="what one person contributes at most to each row, so that no sum tells of one person",
                )
        allowed |= {*brought, f"{measure.name}_{SECOND}"} if brought else set()
    for name in needed:
        if name not in raw.column_names:
            raise InputError(f"column {name} is missing", where=f"raw table of {dataset.name}")
    for name in raw.column_names:
        if name not in allowed:
            raise InputError(
                f"column {name} is not known", where=f"raw table of {dataset.name}", expected=", ".join(needed)
            )
    for name in raw.column_names:
        if name == PEOPLE or (name.endswith(f"_{PEOPLE}") and name not in dataset.columns):
            _refuse_wrong_people(dataset, name, raw.column(name))
    for measure in dataset.measures:
        value = raw.column(measure.name)
        if pa.types.is_floating(value.type):
            _refuse_first(dataset, measure.name, pc.is_inf(value), "is infinite", "a finite number, or null")
        elif not pa.types.is_integer(value.type) and not pa.types.is_null(value.type):
            raise InputError(
                f"measure {measure.name} is {value.type}", where=f"raw table of {dataset.name}", expected=measure.type
            )
        refuse_wrong_contributions(dataset, measure, raw, dominance)


def _refuse_wrong_people(dataset: Dataset, name: str, people: pa.ChunkedArray) -> None:
    if not pa.types.is_integer(people.type):
        raise InputError(f"column {name} is {people.type}", where=f"raw table of {dataset.name}", expected="int64")
    _refuse_first(dataset, name, people.is_null(), "is null", "the number of distinct people behind the row")
    _refuse_first(dataset, name, pc.less(people, 0), "is negative", "the number of distinct people behind the row")


def _refuse_first(dataset: Dataset, column: str, wrong: pa.ChunkedArray, problem: str, expected: str) -> None:
    row = pc.index(wrong, value=True).as_py()
    if row >= 0:
        raise InputError(
            problem, where=f"raw table of {dataset.name}, column {column}, row {row + 1}", expected=expected
        )


def _with_plain_keys(dataset: Dataset, table: pa.Table, which: str) -> pa.Table:
    """Cast the keys to their canonical types, so that both tables join; refuse null and repeated keys."""
    table = _without_odd_types(dataset, table)
    for dimension in dataset.dimensions:
        column = table.column(dimension.name)
        if column.null_count:
            _refuse_first(dataset, dimension.name, column.is_null(), f"is null in the key of the {which}", "a value")
        try:
            plain = column.cast(ARROW_TYPES[dimension.type])
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InputError(
                f"column {dimension.name} is {column.type}", where=f"{which} of {dataset.name}", expected=dimension.type
            ) from error
        table = table.set_column(table.column_names.index(dimension.name), dimension.name, plain)
    keys = table.select(dataset.key)
    if keys.group_by(list(dataset.key)).aggregate([]).num_rows != table.num_rows:
        raise InputError("two rows have the same key", where=f"{which} of {dataset.name}", expected="one row a key")
    return table


def _without_odd_types(dataset: Dataset, table: pa.Table) -> pa.Table:
    """Unpack dictionaries and give columns of nothing but nulls a type: Arrow joins neither."""
    types = {column.name: ARROW_TYPES[column.type] for column in dataset.declared}
    for position, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(position, field.name, table.column(position).cast(field.type.value_type))
        elif pa.types.is_null(field.type):
            typed = types.get(field.name, pa.string())
            table = table.set_column(position, field.name, table.column(position).cast(typed))
    return table
