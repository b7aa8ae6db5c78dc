"""Sample countries that several tests look at, each generated once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.demo.generate import Choices, generate

DAYS, SUBSCRIBERS = 7, 3000


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Give the folder of a small sample country, a week of 3,000 subscribers, under chosen circumstances."""
    made: dict[tuple[str, ...], Path] = {}

    def folder(*scenarios: str) -> Path:
        if scenarios not in made:
            made[scenarios] = tmp_path_factory.mktemp("_".join(("sample", *scenarios)))
            choices = Choices(
                subscribers=SUBSCRIBERS, days=DAYS, seed=7, events_per_day=10.0, scenarios=frozenset(scenarios)
            )
            generate(made[scenarios], choices)
        return made[scenarios]

    return folder


@pytest.fixture(scope="session")
def ordinary(sample: Callable[..., Path]) -> Path:
    """The sample country in an ordinary week."""
    return sample()
