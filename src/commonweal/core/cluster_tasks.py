"""What workers of a cluster run: a function on a reference, on a stream of keyed records, on a partition of them."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from commonweal.core import durable

if TYPE_CHECKING:
    from pyspark import SparkContext

Record = tuple[tuple[int, ...], bytes]
"""A key that begins with the number of its partition, and what goes there."""


class Told(Exception):
    """An error in words that may be written into a log."""


def told_by(error: Exception) -> Told:
    """Say it as a job's error is kept: of one that is not of the house only its type and place."""
    from commonweal.core.jobs.failure import describe

    return Told(json.dumps(describe(error)))


@dataclass(frozen=True)
class References:
    """All references, sent to each machine once and opened by each process once.

    They travel as bytes: Spark's own way of encrypting objects on their way fails where these hold large arrays.
    """

    name: str
    packed: Any

    @classmethod
    def of(cls, spark: SparkContext, references: Sequence[Any]) -> References:
        from pyspark import cloudpickle

        packed = cloudpickle.dumps(list(references))  # type: ignore[no-untyped-call]
        return cls(uuid4().hex, spark.broadcast(packed))

    def __getitem__(self, number: int) -> Any:
        if self.name not in _references:
            _references.clear()
            _references[self.name] = pickle.loads(self.packed.value)  # noqa: S301
        return _references[self.name][number]


_references: dict[str, list[Any]] = {}


class Task:
    """A function of one reference."""

    def __init__(self, function: Callable[[Any], Any], references: References) -> None:
        self.function, self.references = function, references

    def __call__(self, number: int) -> Any:
        durable.several_machines()
        try:
            return self.function(self.references[number])
        except Exception as error:
            raise told_by(error) from None


class Stream(Task):
    """A function that gives records, one after another."""

    def __call__(self, number: int) -> Iterator[Any]:
        durable.several_machines()
        try:
            yield from self.function(self.references[number])
        except GeneratorExit:
            raise
        except Exception as error:
            raise told_by(error) from None


class Partition:
    """A function of a partition's records."""

    def __init__(self, function: Callable[[int, Iterator[Record]], Any]) -> None:
        self.function = function

    def __call__(self, records: Iterable[Record]) -> list[Any]:
        from pyspark import TaskContext

        durable.several_machines()
        task = TaskContext.get()
        assert task is not None
        try:
            return [self.function(task.partitionId(), iter(records))]
        except Exception as error:
            raise told_by(error) from None


class Among:
    """Which of several shall add a result."""

    def __init__(self, several: int) -> None:
        self.several = several

    def __call__(self, number: int, results: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        return ((number % self.several, result) for result in results)


class Pairwise:
    """Addition of two results."""

    def __init__(self, add: Callable[[Sequence[Any]], Any]) -> None:
        self.add = add

    def __call__(self, one: Any, other: Any) -> Any:
        return self.add([one, other])


def itself(key: int) -> int:
    return key


def partition_of(key: tuple[int, ...]) -> int:
    return key[0]
