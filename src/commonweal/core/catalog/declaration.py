"""What a dataset is before any of it is published: its columns, keys, units, licence and privacy class.

A declaration is plain data. From it the catalog derives the Arrow schema a table must have, the order of
its rows and the record kept beside every release; from it an audit of disclosure derives what adds up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias, get_args

from commonweal.core.errors import InputError

ColumnType = Literal["string", "integer", "number", "boolean", "date", "timestamp", "area"]
Hierarchy = Literal["area", "period"]

CREATIVE_COMMONS_ATTRIBUTION = "https://creativecommons.org/licenses/by/4.0/"


class Kind(StrEnum):
    """How the parts of a measure relate to their whole.

    ``SUM``: the whole is the sum of its parts (residents by home area). ``UNION``: the whole counts distinct
    things that may stand in several parts, so it lies between the largest part and the sum of the parts
    (people present by hour). ``RATIO``: neither; nothing adds up.
    """

    SUM = "sum"
    UNION = "union"
    RATIO = "ratio"


class State(StrEnum):
    """What a published value is, or why there is none. Missing and suppressed are never zero."""

    REPORTED = "reported"
    MODELLED = "modelled"
    ESTIMATED = "estimated"
    ROUNDED = "rounded"
    PERTURBED = "perturbed"
    SUPPRESSED = "suppressed"
    MISSING = "missing"
    WITHHELD = "withheld"

    @property
    def has_value(self) -> bool:
        """Whether a value stands beside this state."""
        return self not in _WITHOUT_VALUE


_WITHOUT_VALUE = (State.SUPPRESSED, State.MISSING, State.WITHHELD)

STATE_MEANINGS: Mapping[State, str] = {
    State.REPORTED: "counted or measured, published as it is",
    State.MODELLED: "computed by a model from other values",
    State.ESTIMATED: "estimated from a part of what it describes",
    State.ROUNDED: "rounded so that it says nothing about hidden values",
    State.PERTURBED: "noise was added on purpose to protect people",
    State.SUPPRESSED: "hidden because too few people stand behind it; this includes nobody",
    State.MISSING: "there is no value, for want of data",
    State.WITHHELD: "hidden because it would complete hidden values elsewhere",
}


class Privacy(StrEnum):
    """Whether people can be exposed by a dataset. ``PEOPLE`` is published through disclosure only."""

    OPEN = "open"
    PEOPLE = "people"


@dataclass(frozen=True)
class Dimension:
    """A column of the key: what a row is about.

    Parameters
    ----------
    name
        Column name in lower case.
    type
        One of the column types; ``area`` is the code of an area in the release's area set.
    description
        One sentence for the reader.
    hierarchy
        ``"area"`` or ``"period"`` when the values have parents and children, otherwise None.
    unit
        UCUM code when the values are quantities (the edge of a bin), otherwise None.
    title
        Heading for people; made from the name when left out.
    """

    name: str
    type: ColumnType
    description: str
    hierarchy: Hierarchy | None = None
    unit: str | None = None
    title: str | None = None


@dataclass(frozen=True)
class Measure:
    """A published value, with a column ``<name>_state`` beside it.

    Parameters
    ----------
    name
        Column name in lower case.
    type
        ``"integer"`` or ``"number"``.
    description
        One sentence for the reader.
    unit
        UCUM code: ``"1"``, ``"km"``, or an annotation such as ``"{subscribers}"``.
    kind
        How parts relate to wholes.
    counts
        Whose counts these are (``"subscribers"``), or None when nobody is counted. Measures that count
        the same people can be subtracted from one another, within a dataset and between datasets. Whoever is
        counted is a person: a dataset with such a measure is about people.
    union_over
        Dimensions over which a ``SUM`` is only a union: residents add up over areas, not over months.
    numerator, denominator
        For a ``RATIO``: the measures it divides, as ``"measure"`` or ``"domain.thing:measure"``.
    title
        Heading for people; made from the name when left out.
    """

    name: str
    type: Literal["integer", "number"]
    description: str
    unit: str
    kind: Kind
    counts: str | None = None
    union_over: tuple[str, ...] = ()
    numerator: str | None = None
    denominator: str | None = None
    title: str | None = None

    @property
    def state(self) -> str:
        """Name of the column that holds the state of each value."""
        return f"{self.name}_state"

    def kind_over(self, dimension: str) -> Kind:
        """How the values relate to their whole along one dimension.

        >>> residents = Measure("residents", "integer", "By home.", "{residents}", Kind.SUM, union_over=("month",))
        >>> residents.kind_over("area").value, residents.kind_over("month").value
        ('sum', 'union')
        """
        return Kind.UNION if self.kind is Kind.SUM and dimension in self.union_over else self.kind


@dataclass(frozen=True)
class Attribute:
    """A column that describes a row and is neither key nor measure (a label, a note). It may be null."""

    name: str
    type: ColumnType
    description: str
    unit: str | None = None
    title: str | None = None


Column: TypeAlias = Dimension | Measure | Attribute


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A named, typed table that may be published again and again, each time as a new release.

    Parameters
    ----------
    name
        ``"domain.thing"``, such as ``"mobility.presence"``.
    title, description
        For people.
    dimensions
        The key, in the order in which rows are sorted. Empty for a table of a single row.
    measures
        The values. Each brings a column of states.
    attributes
        Columns that describe a row.
    privacy
        ``Privacy.PEOPLE`` when any value is derived from people; no other is taken where a measure counts them.
    licence
        Address of the licence's text.
    keywords
        For search.
    theme
        Code of the EU data-theme vocabulary (``"TRAN"``, ``"SOCI"``), or None.

    Examples
    --------
    >>> presence = Dataset(
    ...     name="mobility.presence", title="Presence", description="Distinct subscribers.", privacy=Privacy.PEOPLE,
    ...     dimensions=(Dimension("area", "area", "Where.", hierarchy="area"),),
    ...     measures=(Measure("subscribers", "integer", "How many.", "{subscribers}", Kind.UNION, "subscribers"),))
    >>> presence.columns
    ('area', 'subscribers', 'subscribers_state')
    """

    name: str
    title: str
    description: str
    dimensions: tuple[Dimension, ...]
    measures: tuple[Measure, ...]
    privacy: Privacy
    attributes: tuple[Attribute, ...] = ()
    licence: str = CREATIVE_COMMONS_ATTRIBUTION
    keywords: tuple[str, ...] = ()
    theme: str | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", self.name):
            raise InputError(f"{self.name!r} cannot name a dataset", expected='"domain.thing" in lower case')
        for column in self.declared:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", column.name):
                raise InputError(
                    f"{column.name!r} cannot name a column", where=self.name, expected="lower case letters, digits, _"
                )
            if column.type not in get_args(ColumnType):
                raise InputError(
                    f"column {column.name} has unknown type {column.type!r}",
                    where=self.name,
                    expected=" or ".join(get_args(ColumnType)),
                )
        repeated = {name for name in self.columns if self.columns.count(name) > 1}
        if repeated:
            raise InputError(f"column {min(repeated)} is declared twice", where=self.name, expected="distinct names")
        for measure in self.measures:
            if measure.type not in ("integer", "number"):
                raise InputError(
                    f"measure {measure.name} is {measure.type}", where=self.name, expected="integer or number"
                )
            if measure.counts is not None and self.privacy is not Privacy.PEOPLE:
                raise InputError(
                    f"measure {measure.name} counts {measure.counts or 'somebody'}, but privacy is {self.privacy}",
                    where=self.name,
                    expected="privacy people",
                )
            unknown = set(measure.union_over) - set(self.key)
            if unknown:
                raise InputError(
                    f"measure {measure.name} is a union over {min(unknown)}", where=self.name, expected="a dimension"
                )

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the dimensions, in sorting order."""
        return tuple(dimension.name for dimension in self.dimensions)

    @property
    def declared(self) -> tuple[Column, ...]:
        """Every declared column: dimensions, measures, attributes."""
        return (*self.dimensions, *self.measures, *self.attributes)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column in published order: dimensions, each measure and its state, attributes."""
        values = (name for measure in self.measures for name in (measure.name, measure.state))
        return (*self.key, *values, *(attribute.name for attribute in self.attributes))

    @property
    def areas(self) -> tuple[str, ...]:
        """Names of the dimensions that hold area codes."""
        return tuple(dimension.name for dimension in self.dimensions if dimension.type == "area")

    def measure(self, name: str) -> Measure:
        """Return the measure of that name.

        Raises
        ------
        InputError
            If the dataset declares no such measure.
        """
        for measure in self.measures:
            if measure.name == name:
                return measure
        names = ", ".join(measure.name for measure in self.measures)
        raise InputError(f"there is no measure {name!r}", where=self.name, expected=names)

    def record(self) -> dict[str, Any]:
        """Return the declaration as JSON values; :func:`parse` is its inverse."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "privacy": self.privacy.value,
            "licence": self.licence,
            "keywords": list(self.keywords),
            "theme": self.theme,
            "dimensions": [_record(dimension) for dimension in self.dimensions],
            "measures": [_record(measure) for measure in self.measures],
            "attributes": [_record(attribute) for attribute in self.attributes],
        }


def parse(record: Mapping[str, Any]) -> Dataset:
    """Return the declaration that ``Dataset.record`` wrote.

    Raises
    ------
    InputError
        If a field is missing or says something no declaration can say.
    """
    try:
        measures = [
            Measure(**{**measure, "kind": Kind(measure["kind"]), "union_over": tuple(measure["union_over"])})
            for measure in record["measures"]
        ]
        return Dataset(
            name=record["name"],
            title=record["title"],
            description=record["description"],
            privacy=Privacy(record["privacy"]),
            licence=record["licence"],
            keywords=tuple(record["keywords"]),
            theme=record["theme"],
            dimensions=tuple(Dimension(**dimension) for dimension in record["dimensions"]),
            measures=tuple(measures),
            attributes=tuple(Attribute(**attribute) for attribute in record["attributes"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"the stored declaration cannot be read: {error}", expected="a record written by the catalog"
        ) from error


def heading(column: Column) -> str:
    """Return what a reader sees above a column.

    >>> heading(Dimension("home_area", "area", "Where people live."))
    'Home area'
    """
    return column.title or column.name.replace("_", " ").capitalize()


def _record(column: Column) -> dict[str, Any]:
    fields = dict(vars(column))
    if isinstance(column, Measure):
        fields |= {"kind": column.kind.value, "union_over": list(column.union_over)}
    return fields
