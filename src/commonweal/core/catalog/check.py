"""Whether a table is what its dataset declares: columns, types, units, keys, states. If not, which row says so."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog.declaration import Column, ColumnType, Dataset, Dimension, Measure, Privacy, State
from commonweal.core.catalog.order import key_order
from commonweal.core.errors import InputError

ARROW_TYPES: dict[ColumnType, pa.DataType] = {
    "string": pa.string(),
    "area": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def arrow_schema(dataset: Dataset) -> pa.Schema:
    """Return the schema of a published table; each field's metadata holds its description and unit."""
    fields = []
    for column in dataset.declared:
        metadata = {"description": column.description} | ({"unit": column.unit} if column.unit else {})
        nullable = not isinstance(column, Dimension)
        fields.append(pa.field(column.name, ARROW_TYPES[column.type], nullable=nullable, metadata=metadata))
        if isinstance(column, Measure):
            fields.append(
                pa.field(column.state, pa.string(), nullable=False, metadata={"description": f"State of {column.name}"})
            )
    return pa.schema(fields)


def conform(dataset: Dataset, table: pa.Table) -> pa.Table:
    """Return the table as it would be published, or refuse it with the row that breaks the declaration.

    Parameters
    ----------
    dataset
        The declaration.
    table
        Rows in any order; dictionaries, narrower integers and other time units are widened to the canonical types.

    Returns
    -------
    pyarrow.Table
        Columns in declared order, canonical types, rows in key order.

    Raises
    ------
    InputError
        Naming dataset, column and row (from 1, as given). Values are quoted for open data only.
    """
    _refuse_other_columns(dataset, table)
    described = {column.name: column for column in dataset.declared}
    arrays = []
    for name in dataset.columns:
        column = table.column(name)
        declared = described.get(name)
        if declared is not None:
            _refuse_other_unit(dataset, table.schema.field(name), declared)
        arrays.append(_canonical(dataset, name, declared.type if declared else "string", column))
    checked = pa.table(arrays, schema=arrow_schema(dataset))
    for dimension in dataset.dimensions:
        _refuse_empty_keys(dataset, dimension, checked.column(dimension.name))
    for measure in dataset.measures:
        _refuse_wrong_states(dataset, measure, checked)
    order, repeated = key_order(dataset, checked)
    if len(repeated):
        _refuse(
            dataset, ", ".join(dataset.key) or "table", int(repeated.min()), "a second row with the same key",
            "one row a key", None,
        )  # fmt: skip
    return checked if _ascending(order) else checked.take(pa.array(order))


def with_states(dataset: Dataset, table: pa.Table) -> pa.Table:
    """Return the table with every state column it lacks: ``reported`` beside a value, ``missing`` beside none.

    >>> from commonweal.core.catalog import Dataset, Kind, Measure, Privacy
    >>> rain = Dataset(name="demo.rain", title="Rain", description="", dimensions=(), privacy=Privacy.OPEN,
    ...                measures=(Measure("depth", "number", "Depth.", "mm", Kind.SUM),))
    >>> with_states(rain, pa.table({"depth": [3.5]}))["depth_state"].to_pylist()
    ['reported']
    """
    for measure in dataset.measures:
        if measure.name in table.column_names and measure.state not in table.column_names:
            present = table.column(measure.name).is_valid()
            table = table.append_column(
                measure.state, pc.if_else(present, State.REPORTED.value, State.MISSING.value).cast(pa.string())
            )
    return table


def _refuse_other_columns(dataset: Dataset, table: pa.Table) -> None:
    given = table.column_names
    missing = [name for name in dataset.columns if name not in given]
    extra = [name for name in given if name not in dataset.columns]
    repeated = [name for name in dataset.columns if given.count(name) > 1]
    for problem, names in (("is missing", missing), ("is not declared", extra), ("stands twice", repeated)):
        if names:
            raise InputError(
                f"column {names[0]} {problem}", where=dataset.name, expected=f"columns {', '.join(dataset.columns)}"
            )


def _refuse_other_unit(dataset: Dataset, field: pa.Field, declared: Column) -> None:
    unit = (field.metadata or {}).get(b"unit")
    if unit is not None and unit.decode() != (declared.unit or ""):
        raise InputError(
            f"column {declared.name} is in {unit.decode()!r}", where=dataset.name, expected=f"unit {declared.unit!r}"
        )


def _canonical(dataset: Dataset, name: str, declared: ColumnType, column: pa.ChunkedArray) -> pa.ChunkedArray:
    target = ARROW_TYPES[declared]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not _castable(column.type, declared):
        raise InputError(
            f"column {name} has type {column.type}", where=dataset.name, expected=f"{declared}, that is Arrow {target}"
        )
    if column.type != target:
        try:
            column = column.cast(target)
        except pa.ArrowInvalid:
            row = _first_uncastable(column, target)
            _refuse(dataset, name, row, f"does not fit {target}", f"a {declared} without loss", column[row])
    if declared == "number":
        unreal = pc.invert(pc.fill_null(pc.is_finite(column), fill_value=True))
        _refuse_first(dataset, name, unreal, "is not a finite number", "a finite number, or null", column)
    return column


def _castable(given: pa.DataType, declared: ColumnType) -> bool:
    types = pa.types
    if types.is_null(given):
        return True
    match declared:
        case "string" | "area":
            return bool(types.is_string(given) or types.is_large_string(given) or types.is_string_view(given))
        case "integer":
            return bool(types.is_integer(given))
        case "number":
            return bool(types.is_integer(given) or types.is_floating(given))
        case "boolean":
            return bool(types.is_boolean(given))
        case "date":
            return bool(types.is_date(given))
        case "timestamp":
            return bool(types.is_timestamp(given) and given.tz is not None)


def _first_uncastable(column: pa.ChunkedArray, target: pa.DataType) -> int:
    low, high = 0, len(column)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            column.slice(low, middle - low).cast(target)
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low


def _refuse_empty_keys(dataset: Dataset, dimension: Dimension, column: pa.ChunkedArray) -> None:
    _refuse_first(dataset, dimension.name, column.is_null(), "is null in the key", "a value", column)
    if pa.types.is_string(column.type):
        empty = pc.equal(pc.binary_length(column), 0)
        _refuse_first(dataset, dimension.name, empty, "is empty in the key", "a value", column)


def _refuse_wrong_states(dataset: Dataset, measure: Measure, table: pa.Table) -> None:
    values, states = table.column(measure.name), table.column(measure.state)
    known = pc.is_in(states, pa.array([state.value for state in State]))
    names = " or ".join(State)
    _refuse_first(dataset, measure.state, pc.invert(known), "is no state", names, states)
    having = pc.is_in(states, pa.array([state.value for state in State if state.has_value]))
    without = pc.and_(having, values.is_null())
    _refuse_first(dataset, measure.name, without, "has no value but its state says it has one", "a value", states)
    beside = pc.and_(pc.invert(having), values.is_valid())
    _refuse_first(dataset, measure.name, beside, "has a value but its state says there is none", "null", states)


def _refuse_first(
    dataset: Dataset, column: str, wrong: pa.ChunkedArray, problem: str, expected: str, values: pa.ChunkedArray
) -> None:
    row = pc.index(wrong, value=True).as_py()
    if row >= 0:
        _refuse(dataset, column, row, problem, expected, values[row])


def _refuse(dataset: Dataset, column: str, row: int, problem: str, expected: str, value: pa.Scalar | None) -> None:
    shown = ""
    if dataset.privacy is Privacy.OPEN and value is not None and value.is_valid:
        shown = f"{str(value)[:40]!r} "
    raise InputError(f"{shown}{problem}", where=f"{dataset.name}, column {column}, row {row + 1}", expected=expected)


def _ascending(order: Any) -> bool:
    return bool((order[1:] > order[:-1]).all())
