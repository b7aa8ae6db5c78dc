"""The dataset that a declared one becomes with noise: the same keys, every number with its interval."""

from __future__ import annotations

from dataclasses import replace

from commonweal.core.catalog.declaration import Attribute, Dataset
from commonweal.core.errors import InputError
from commonweal.core.wording import Wording

LOW, HIGH = "low", "high"


def private_dataset(dataset: Dataset, *, title: str, description: str) -> Dataset:
    """Derive the dataset of a table with noise.

    Parameters
    ----------
    dataset
        With one measure, a count of people.
    title, description
        For people.

    Raises
    ------
    InputError
        The dataset does not count people by one whole number.

    Examples
    --------
    >>> from commonweal.core.catalog import Dimension, Kind, Measure, Privacy
    >>> home = Dataset(
    ...     name="demo.home", title="Home", description="", privacy=Privacy.PEOPLE,
    ...     dimensions=(Dimension("area", "area", "Where."),),
    ...     measures=(Measure("subscribers", "integer", "How many.", "{subscribers}", Kind.SUM, "subscribers"),))
    >>> private = private_dataset(home, title="Home with noise", description="")
    >>> private.name, private.columns
    ('demo.home_private', ('area', 'subscribers', 'subscribers_state', 'low', 'high'))
    """
    if len(dataset.measures) != 1 or dataset.measures[0].type != "integer" or dataset.measures[0].counts is None:
        raise InputError("noise is for counts of people", where=dataset.name, expected="one measure, a whole number")
    interval = (
        Attribute(
            LOW,
            "integer",
            Wording(
                "Where the interval begins that holds the count before noise, 19 times in 20 unless said otherwise."
            ),
            title=Wording("Interval from"),
        ),
        Attribute(HIGH, "integer", Wording("Where that interval ends."), title=Wording("Interval to")),
    )
    return replace(dataset, name=f"{dataset.name}_private", title=title, description=description, attributes=interval)
