"""Record keys and cell keys: noise that belongs to a set of people, whatever table they are counted in.

Every person p has a key, a fraction of 1 that nobody can compute without a secret; a cell's key is the fraction that
is left of the sum of its people's keys::

    key(p)    = HMAC-SHA-256(K, p), its first 64 bits, as a fraction of 2⁶⁴
    key(cell) = Σ key(p) over the people p of the cell, mod 1

K is derived from the secret and the name of the people-set, so that the people of one set have other keys than those of
another. The same people have the same cell key in every table, on every day and under every name; one person more or
fewer and it is another, unrelated one. A person counts once in a cell.

Sources: B. Fraser, J. Wooton, *A proposed method for confidentialising tabular output to protect against differencing*,
in Monographs of Official Statistics: Work Session on Statistical Data Confidentiality (Eurostat, 2006), 299-302;
HKDF: RFC 5869; HMAC: RFC 2104.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_BYTES = 32
ONE = 2.0**-64


def record_keys(secret: bytes, people_set: str, people: np.ndarray) -> np.ndarray:
    """Give the key of each person.

    Parameters
    ----------
    secret
        At least 32 bytes that only this room reads.
    people_set
        Which people they are: the name under which pseudonyms mean the same persons, such as ``PROJECT/EPOCH``.
    people
        Their pseudonyms, int64, shape (people,).

    Returns
    -------
    uint64, shape (people,)
        As fractions of 2⁶⁴.

    Examples
    --------
    >>> keys = record_keys(bytes(32), "census", np.array([7, 9, 7]))
    >>> bool(keys[0] == keys[2]), bool(keys[0] == keys[1])
    (True, False)
    >>> bool(keys[0] == record_keys(bytes(32), "another", np.array([7]))[0])
    False
    """
    if len(secret) < SECRET_BYTES:
        raise ValueError(f"the secret has {len(secret)} bytes, not {SECRET_BYTES}")
    key = HKDF(SHA256(), 32, None, f"commonweal disclosure record keys {people_set}".encode()).derive(secret)
    each = np.ascontiguousarray(people, ">i8").tobytes()
    drawn = b"".join(hmac.digest(key, each[place : place + 8], sha256)[:8] for place in range(0, len(each), 8))
    return np.frombuffer(drawn, ">u8").astype(np.uint64)


def cell_keys(keys: np.ndarray, cell: np.ndarray, cells: int) -> np.ndarray:
    """Give the key of each cell: the sum of its people's keys, mod 1.

    Parameters
    ----------
    keys
        Of the person behind each row, uint64, shape (rows,). A person stands once in a cell.
    cell
        Which cell the row counts in, 0 … cells − 1, shape (rows,).
    cells
        How many cells there are.

    Returns
    -------
    uint64, shape (cells,)
        As fractions of 2⁶⁴; 0 where there is nobody. Sums wrap around exactly, so keys of buckets can be added, in any
        order.

    Examples
    --------
    Three quarters and a half are a quarter, mod 1:

    >>> half, three_quarters = 1 << 63, 3 << 62
    >>> cell_keys(np.array([half, three_quarters, half], np.uint64), np.array([0, 0, 1]), 3) * ONE
    array([0.25, 0.5 , 0.  ])
    """
    found = np.zeros(cells, np.uint64)
    np.add.at(found, cell, keys.astype(np.uint64))
    return found
