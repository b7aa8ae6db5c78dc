"""Sample countries that several tests look at, each generated once."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from commonweal.demo.generate import Choices, generate

DAYS, SUBSCRIBERS = 7, 3000


@pytest.fixture(scope="session")
def sample(once: Callable[..., Any], two_days: Path) -> Callable[..., Path]:
    """Give the folder of a small sample country, a week of 3,000 subscribers, under chosen circumstances.

    To be read, never changed.
    """

    @cache
    def folder(*scenarios: str) -> Path:
        def make(folder: Path) -> Path:
            choices = Choices(
                subscribers=SUBSCRIBERS, days=DAYS, seed=7, events_per_day=10.0, scenarios=frozenset(scenarios)
            )
            generate(folder, choices)
            return folder

        return once("_".join(("week", *scenarios)), make)

    return folder


@pytest.fixture(scope="session")
def ordinary(sample: Callable[..., Path]) -> Path:
    """The sample country in an ordinary week."""
    return sample()
