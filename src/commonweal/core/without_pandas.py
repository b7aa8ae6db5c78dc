"""Arrow asks of whatever it is given whether it is of pandas, and loads all of pandas to ask: none of ours is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _Absent(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is left out of this process", name=name)


def leave_out_pandas() -> None:
    """Have pandas not found in this process: for those that are ours from beginning to end."""
    sys.meta_path.insert(0, _Absent())
