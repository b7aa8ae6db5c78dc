"""Radius of gyration by a tool of the field: `PYTHON field_tools.py scikit-mobility|bandicoot WALKS.npz`.

Run by the Python of an environment of its own (see docs/benchmarks.md), since these tools need older NumPy and pandas
than ours. Prints seconds and events of the function alone, on tables in memory, its input made before.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np

FIRST = datetime(2026, 4, 1)


def by_scikit_mobility(walks: Any) -> float:
    """Seconds of ``skmob.measures.individual.radius_of_gyration``."""
    import pandas as pd  # type: ignore[import-untyped]
    from skmob.measures.individual import radius_of_gyration  # type: ignore[import-not-found]

    when = pd.to_datetime(walks["time"], unit="s")
    walk = pd.DataFrame({"uid": walks["subscriber"], "datetime": when, "lat": walks["lat"], "lng": walks["lon"]})
    begun = perf_counter()
    radius_of_gyration(walk, show_progress=False)
    return perf_counter() - begun


def import_bandicoot() -> ModuleType:
    """Import bandicoot 0.6, which is of Python 3.6, with the two functions it needs that newer Pythons have no more."""

    def formatted(
        arguments: Sequence[str],
        rest: str | None = None,
        named: str | None = None,
        defaults: Sequence[Any] | None = None,
        formatvalue: Callable[[Any], str] = lambda value: f"={value!r}",
    ) -> str:
        given = list(defaults or ())
        bare = len(arguments) - len(given)
        said = [*arguments[:bare], *(n + formatvalue(v) for n, v in zip(arguments[bare:], given, strict=True))]
        said += [f"*{rest}"] * (rest is not None) + [f"**{named}"] * (named is not None)
        return f"({', '.join(said)})"

    gone = {"getargspec": lambda function: inspect.getfullargspec(function)[:4], "formatargspec": formatted}
    for name, function in gone.items():
        if not hasattr(inspect, name):
            setattr(inspect, name, function)
    import bandicoot  # type: ignore[import-not-found]

    found: ModuleType = bandicoot
    return found


def by_bandicoot(walks: Any) -> float:
    """Seconds of ``bandicoot.spatial.radius_of_gyration``."""
    bandicoot = import_bandicoot()
    from bandicoot.core import Position, Record, User  # type: ignore[import-not-found]

    users, subscribers = [], walks["subscriber"]
    for rows in np.split(np.arange(len(subscribers)), np.flatnonzero(np.diff(subscribers)) + 1):
        user = User()
        names = [str(walks["area"][k]) for k in rows]
        when = [FIRST + timedelta(seconds=int(walks["time"][k])) for k in rows]
        user.antennas = {name: (walks["lat"][k], walks["lon"][k]) for name, k in zip(names, rows, strict=True)}
        user.records = [Record("call", "out", "", at, 60, Position(name)) for at, name in zip(when, names, strict=True)]
        users.append(user)
    begun = perf_counter()
    for user in users:
        bandicoot.spatial.radius_of_gyration(user, groupby=None)
    return perf_counter() - begun


TOOLS = {"scikit-mobility": by_scikit_mobility, "bandicoot": by_bandicoot}

if __name__ == "__main__":
    with np.load(sys.argv[2]) as file:
        given = {name: file[name] for name in file.files}
    print(TOOLS[sys.argv[1]](given), len(given["subscriber"]))
