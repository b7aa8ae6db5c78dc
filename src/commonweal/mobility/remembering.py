"""Pseudonyms that have been made before, remembered in memory for as long as an import lasts.

Most identifiers come again and again, and hashing is what an import spends most of its time on. Those that are plain
numbers, as nearly all are, can be kept and found as integers.
"""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from commonweal.core.kernels import kernel
from commonweal.mobility.pseudonyms import pseudonyms

REMEMBERED = 4_000_000  # numbers for each key, 16 bytes each
_LONGEST = 18  # digits that fit into 64 bits


class Remembered:
    """Pseudonyms of numbers, by key. Threads may share it: what one loses of another's is made again."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}

    def pseudonyms(
        self, connection: duckdb.DuckDBPyConnection, identifiers: pa.Array, key: bytes, country_code: str
    ) -> np.ndarray:
        """Turn identifiers into pseudonyms, each distinct one once. See `commonweal.mobility.pseudonyms.pseudonyms`.

        Examples
        --------
        >>> texts = pa.array(["23276123456", "+23276123456", "23276123456"])
        >>> len(set(Remembered().pseudonyms(duckdb.connect(), texts, bytes(32), "").tolist()))
        1
        """
        numbers = _plain_numbers(identifiers)
        made = np.empty(len(numbers), np.int64)
        plain, other = np.flatnonzero(numbers >= 0), np.flatnonzero(numbers < 0)
        distinct = pa.array(numbers[plain]).dictionary_encode()
        made[plain] = self._of_numbers(connection, distinct.dictionary.to_numpy(), key)[distinct.indices.to_numpy()]
        texts = identifiers.take(pa.array(other)).dictionary_encode()
        made[other] = pseudonyms(connection, texts.dictionary, key, country_code)[texts.indices.to_numpy()]
        return made

    def _of_numbers(self, connection: duckdb.DuckDBPyConnection, numbers: np.ndarray, key: bytes) -> np.ndarray:
        order = np.argsort(numbers)
        asked = numbers[order]
        known, hashes = self._known.get(key, (np.zeros(0, np.int64), np.zeros(0, np.int64)))
        place = np.searchsorted(known, asked)
        there = place < len(known)
        there[there] = known[place[there]] == asked[there]
        found = np.empty(len(asked), np.int64)
        found[there] = hashes[place[there]]
        new = asked[~there]
        if len(new):
            found[~there] = pseudonyms(connection, pa.array(new).cast(pa.string()), key)
            if len(known) + len(new) <= REMEMBERED:
                self._known[key] = (
                    np.insert(known, place[~there], new),
                    np.insert(hashes, place[~there], found[~there]),
                )
            else:  # more people than are worth remembering: begin anew with the latest
                self._known[key] = (asked, found)
        made = np.empty(len(asked), np.int64)
        made[order] = found
        return made


def _plain_numbers(texts: pa.Array) -> np.ndarray:
    """Give the value of texts that are nothing but a number without leading zeros, -1 for others."""
    _, offsets, data = texts.buffers()
    if data is None:
        return np.full(len(texts), -1)
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return _numbers(ends, np.frombuffer(data, np.uint8))


@kernel()
def _numbers(ends: np.ndarray, data: np.ndarray) -> np.ndarray:
    values = np.empty(len(ends) - 1, np.int64)
    for i in range(len(values)):
        start, end = ends[i], ends[i + 1]
        value: Any = np.int64(-1)
        if 0 < end - start <= _LONGEST and 49 <= data[start] <= 57:
            value = 0
            for j in range(start, end):
                digit = np.int64(data[j]) - 48
                if digit < 0 or digit > 9:
                    value = -1
                    break
                value = value * 10 + digit
        values[i] = value
    return values
