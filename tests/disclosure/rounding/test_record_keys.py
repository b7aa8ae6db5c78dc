"""Noise belongs to a set of people: the same people have the same key, in whatever order and table."""

import hmac
from hashlib import sha256

import numpy as np
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.disclosure.rounding.record_keys import cell_keys, record_keys

SECRET = bytes(range(32))


def test_a_record_key_is_the_hmac_of_the_pseudonym_under_a_key_of_the_people_set() -> None:
    key = HKDF(SHA256(), 32, None, b"commonweal disclosure record keys operator/2026").derive(SECRET)
    expected = int.from_bytes(hmac.new(key, (-7).to_bytes(8, "big", signed=True), sha256).digest()[:8], "big")
    assert record_keys(SECRET, "operator/2026", np.array([-7])).tolist() == [expected]


def test_another_secret_and_another_people_set_give_other_keys() -> None:
    people = np.arange(50)
    one = record_keys(SECRET, "a", people)
    assert not np.any(one == record_keys(SECRET, "b", people))
    assert not np.any(one == record_keys(bytes(32), "a", people))


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="31 bytes"):
        record_keys(bytes(31), "a", np.array([1]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30, unique=True), st.randoms())
def test_the_same_people_have_the_same_key_in_every_order_table_and_split(people: list[int], order: object) -> None:
    keys = record_keys(SECRET, "a", np.array(people))
    whole = cell_keys(keys, np.zeros(len(people), int), 1)
    shuffled = list(people)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    elsewhere = cell_keys(record_keys(SECRET, "a", np.array(shuffled)), np.full(len(people), 3), 5)
    half = len(people) // 2
    added = sum(cell_keys(part, np.zeros(len(part), int), 1) for part in (keys[:half], keys[half:]))
    assert whole[0] == elsewhere[3] == added[0]  # type: ignore[index]
    assert elsewhere[[0, 1, 2, 4]].tolist() == [0, 0, 0, 0]


def test_one_person_more_draws_an_unrelated_key() -> None:
    keys = record_keys(SECRET, "a", np.arange(2000))
    growing = np.cumsum(keys) * 2.0**-64
    apart = np.diff(growing) % 1
    assert abs(apart.mean() - 0.5) < 0.03
    assert np.histogram(apart, 10, (0, 1))[0].min() > 150
    assert abs(np.corrcoef(growing[1:], growing[:-1])[0, 1]) < 0.08
