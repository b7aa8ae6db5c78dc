"""Pseudonyms: keyed hashes made before anything is written.

A pseudonym is HMAC-SHA-256 (RFC 2104) of the normalised identifier under the epoch's key, cut to its first 64 bits
and read as a signed integer::

    HMAC(K, m) = H((K ⊕ opad) ‖ H((K ⊕ ipad) ‖ m))

It is composed from the engine's own SHA-256, since calling Python once per identifier would cost more than all the
rest of an import; the key travels as a bound parameter, never in the text of a query. Tests compare it with the
standard library's `hmac`.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

# National and international spellings of one number must meet: separators go, "00" and "+" mean the same.
_NORMALISED = r"""
    CASE WHEN regexp_full_match(raw, '[1-9][0-9]*') THEN raw
         WHEN regexp_full_match(raw, '[1-9][0-9]{6,}[.]0+') THEN regexp_replace(raw, '[.]0+', '')
         WHEN NOT regexp_full_match(raw, '[(]?[+]?[0-9 ()./-]+') THEN raw
         WHEN regexp_matches(raw, '^[ ()./-]*([+]|0[ ()./-]*0)')
             THEN regexp_replace(regexp_replace(raw, '^[ ()./-]*([+]|0[ ()./-]*0)', ''), '[ ()./-]', '', 'g')
         WHEN regexp_matches(raw, '^[ ()./-]*0') AND $country_code <> ''
             THEN $country_code || regexp_replace(regexp_replace(raw, '^[ ()./-]*0', ''), '[ ()./-]', '', 'g')
         ELSE regexp_replace(raw, '[ ()./-]', '', 'g') END
"""
_AROUND = r"[\s\p{Cc}\p{Cf}\pZ]+"  # blanks, controls, marks of direction
_BARE = rf"(SELECT regexp_replace(raw, '^{_AROUND}|{_AROUND}$', '', 'g') AS raw FROM identifiers)"
_HMAC = f"""
    SELECT ('0x' || left(sha256($outer::BLOB || unhex(sha256($inner::BLOB || encode({_NORMALISED})))), 16))::UBIGINT
    FROM {_BARE}
"""
_IS_NUMBER = f"SELECT regexp_full_match({_NORMALISED}, '[0-9]{{7,15}}') FROM {_BARE}"
_BLOCK = 64


def pseudonyms(
    connection: duckdb.DuckDBPyConnection, identifiers: pa.Array, key: bytes, country_code: str = ""
) -> np.ndarray:
    """Turn identifiers into pseudonyms.

    Parameters
    ----------
    connection
        An in-memory engine that cannot spill.
    identifiers
        Strings, shape (n,), without nulls. Blanks and control signs around them are dropped; in numbers also spaces,
        dots, hyphens, slashes and brackets, a decimal zero, and a leading
        ``+`` or ``00`` too; with a country code, a leading ``0`` becomes it.
    key
        The epoch's pseudonym key.
    country_code
        Telephone country code such as ``"232"``, or nothing.

    Returns
    -------
    int64, shape (n,)

    Examples
    --------
    >>> import hmac
    >>> key = bytes(32)
    >>> made = pseudonyms(duckdb.connect(), pa.array(["23276123456", "+232 76-123456"]), key)
    >>> made[0] == made[1] == int.from_bytes(hmac.digest(key, b"23276123456", "sha256")[:8], signed=True)
    np.True_
    """
    padded = key.ljust(_BLOCK, b"\0")
    parameters: dict[str, bytes | str] = {
        "inner": bytes(byte ^ 0x36 for byte in padded),
        "outer": bytes(byte ^ 0x5C for byte in padded),
        "country_code": country_code,
    }
    hashed = _of_each(connection, _HMAC, identifiers, parameters)
    return np.ascontiguousarray(hashed).view(np.int64)


def are_numbers(connection: duckdb.DuckDBPyConnection, identifiers: pa.Array) -> np.ndarray:
    """Tell telephone numbers and IMSIs, however they are spelled, from other texts: they have 7 to 15 digits.

    ITU-T E.164 and E.212 allow at most 15; fewer than 7 are no subscriber's number.

    >>> are_numbers(duckdb.connect(), pa.array(["+232 76-123456", "232 76", "23276O23456"])).tolist()
    [True, False, False]
    """
    return _of_each(connection, _IS_NUMBER, identifiers, {"country_code": ""})


def _of_each(
    connection: duckdb.DuckDBPyConnection, query: str, identifiers: pa.Array, parameters: dict[str, bytes | str]
) -> np.ndarray:
    connection.register("identifiers", pa.table({"raw": identifiers}))
    try:
        found = connection.execute(query, parameters).fetchnumpy()
    finally:
        connection.unregister("identifiers")
    return np.asarray(next(iter(found.values())))


def bucket_of(pseudonym: np.ndarray, bits: int) -> np.ndarray:
    """Give the bucket of each pseudonym: its top bits, in the order of the pseudonyms themselves.

    2ⁿ buckets split into 2ⁿ⁺¹ without rehashing, and buckets put end to end are in global order.

    >>> bucket_of(np.array([-(2**63), -1, 0, 2**63 - 1]), 4)
    array([ 0,  7,  8, 15])
    """
    return (pseudonym >> (64 - bits)) + (1 << (bits - 1))
