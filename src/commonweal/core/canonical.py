"""Canonical JSON: one text for one value, so that a digest of the text is a digest of the value."""

from __future__ import annotations

import json
import math
from typing import TypeAlias

from commonweal.core.errors import InputError

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


def canonical(value: object, *, where: str | None = None) -> str:
    """Write plain JSON with sorted keys, no spaces and every character as itself.

    Parameters
    ----------
    value
        None, true and false, whole and finite numbers, text, lists, and dicts with text as keys, nested up to 64 deep.
    where
        What the value is, for the error.

    Returns
    -------
    str
        The text; `canonical(json.loads(text)) == text`.

    Raises
    ------
    InputError
        The value holds something that is not plain JSON: a date, a path, a set, a NaN, half a surrogate pair.

    Examples
    --------
    >>> canonical({"b": [1, 2.5], "a": "Kérouané"})
    '{"a":"Kérouané","b":[1,2.5]}'
    >>> canonical({"when": float("nan")}, where="details")
    Traceback (most recent call last):
    commonweal.core.errors.InputError: details.when: nan is not plain JSON (expected: a finite number)
    """
    _refuse_other_than_json(value, where or "value", depth=0)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _refuse_other_than_json(value: object, where: str, depth: int) -> None:
    if depth > 64:
        raise InputError("nested more than 64 deep", where=where, expected="flatter JSON")
    if value is None or isinstance(value, bool | int):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{value} is not plain JSON", where=where, expected="a finite number")
    elif isinstance(value, str):
        _refuse_unstorable(value, where)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            _refuse_other_than_json(item, f"{where}[{position}]", depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise InputError(f"a key is a {type(key).__name__}", where=where, expected="text as keys")
            _refuse_unstorable(key, where)
            _refuse_other_than_json(item, f"{where}.{key}", depth + 1)
    else:
        # The value itself is not quoted: it may be anything, personal data too.
        raise InputError(
            f"a {type(value).__name__} is not plain JSON",
            where=where,
            expected="null, true, numbers, text, lists, maps",
        )


def _refuse_unstorable(text: str, where: str) -> None:
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise InputError("text with a zero character or half a surrogate pair", where=where, expected="Unicode text")
