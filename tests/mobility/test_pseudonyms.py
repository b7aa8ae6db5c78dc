"""Identifiers become keyed hashes at the door: the standard's HMAC, and nothing raw anywhere afterwards."""

from __future__ import annotations

import gzip
import hmac
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import category

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.mobility.pseudonyms import bucket_of, pseudonyms

ENGINE = duckdb.connect()
KEY = bytes(range(32))
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def by_standard_library(text: str, key: bytes = KEY) -> int:
    """HMAC-SHA-256 cut to 64 bits, as Python makes it."""
    return int.from_bytes(hmac.digest(key, text.encode(), "sha256")[:8], signed=True)


def made(*texts: str, key: bytes = KEY, country_code: str = "") -> list[int]:
    """Pseudonyms of texts."""
    return [int(one) for one in pseudonyms(ENGINE, pa.array(texts, pa.string()), key, country_code)]


@given(st.lists(words.map(str.strip), max_size=8))
@settings(deadline=None)
def test_a_pseudonym_of_any_text_is_what_the_standard_library_makes(texts: list[str]) -> None:
    texts = [text for text in texts if not re.fullmatch(r"\(?\+?[0-9 ()./-]+", text)]
    texts = [text for text in texts if not any(category(sign) in ("Cc", "Cf") for sign in text[:1] + text[-1:])]
    assert made(*texts) == [by_standard_library(text) for text in texts]


@given(number=st.integers(10**7, 10**15 - 1), key=st.binary(min_size=1, max_size=64))
@settings(deadline=None)
def test_a_pseudonym_of_any_number_is_what_the_standard_library_makes(number: int, key: bytes) -> None:
    assert made(str(number), key=key) == [by_standard_library(str(number), key)]


SPELLINGS = [
    "23276123456",
    "+23276123456",
    "0023276123456",
    "+232 76 123456",
    " 232-76-123-456 ",
    "(232) 76.123.456",
    "(+232) 76 123456",
    "(00232) 76123456",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings_of_one_number_meet(spelling: str) -> None:
    assert made(spelling) == made("23276123456")


def test_with_a_country_code_national_spellings_meet_too() -> None:
    national = made("076123456", "076 123-456", "(076) 123456", "+23276123456", country_code="232")
    assert set(national) == set(made("23276123456"))


def test_without_a_country_code_a_national_number_is_another() -> None:
    assert made("076123456") != made("23276123456")


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=50), st.integers(0, 12))
def test_buckets_end_to_end_are_in_the_order_of_the_pseudonyms(numbers: list[int], bits: int) -> None:
    pseudonym = np.sort(np.array(numbers, np.int64))
    bucket = bucket_of(pseudonym, bits) if bits else np.zeros(len(pseudonym), np.int64)
    assert (np.diff(bucket) >= 0).all()
    assert bucket.min() >= 0
    assert bucket.max() < 1 << bits


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=50), st.integers(1, 11))
def test_a_bucket_splits_in_two_without_hashing_anew(numbers: list[int], bits: int) -> None:
    pseudonym = np.array(numbers, np.int64)
    assert (bucket_of(pseudonym, bits + 1) // 2 == bucket_of(pseudonym, bits)).all()


# Nothing raw is stored ────────────────────────────────────────────────────────────────────────────────────────────

PEOPLE = ["23276553201", "23277664302", "subscriber-kx91", "Ségou-été-7"]
LINES = [
    f"{PEOPLE[0]},2026-01-05T10:00:00,a1,call,{PEOPLE[1]},30",
    f"{PEOPLE[2]},2026-01-05T10:00:00,a1,call,{PEOPLE[3]},30",
    f"{PEOPLE[3]},2026-01-06T10:00:00,b1,call,{PEOPLE[2]},30",
    f"+{PEOPLE[0][:3]} {PEOPLE[0][3:5]} {PEOPLE[0][5:]},2026-01-05T10:00:00,a1,call,00{PEOPLE[1]},30",  # a duplicate
    # Columns that have slipped by one, to either side, and words in every wrong place:
    f"2026-01-05T10:00:00,a1,call,{PEOPLE[0]},30,",
    f"a1,{PEOPLE[0]},2026-01-05T10:00:00,call,{PEOPLE[1]},30",
    f"2026-01-05T10:00:00,2026-01-05T10:00:00,{PEOPLE[1]},call,,30",
    f"{PEOPLE[0]},2026-01-05T10:00:00,{PEOPLE[2]},{PEOPLE[1]},{PEOPLE[3]},30",
    f"{PEOPLE[0]},2026-01-05T10:00:00,a1,{PEOPLE[2]},,30",
    f"{PEOPLE[0]},2026-01-05T10:00:00,a1,call,,{PEOPLE[3]}",
    f",2026-01-05T10:00:00,+232 76 553 201,call,{PEOPLE[1]},{PEOPLE[0]}",
    # Lines that are none of the table's:
    f'"{PEOPLE[0]},2026-01-05T10:00:00,a1,call,{PEOPLE[1]},30',
    f"{PEOPLE[0]},{PEOPLE[1]}",
    f"{PEOPLE[0]},2026-01-05T10:00:00,a1,call,{PEOPLE[1]},30,{PEOPLE[2]}",
    f"{PEOPLE[0]}\0,2026-01-05T10:00:00,a1,call,{PEOPLE[1]},30",
]


def spelled(person: str) -> list[str]:
    """How an identifier may be found: as it is, and a number also without its country code."""
    return [person, person[3:]] if person.isdigit() else [person]


def bytes_of(path: Path) -> list[bytes]:
    """A file's bytes, and what is in them if they are compressed."""
    raw = path.read_bytes()
    return [raw, gzip.decompress(raw)] if raw[:2] == b"\x1f\x8b" else [raw]


def found_in(content: bytes, person: str) -> bool:
    """Whether an identifier stands in bytes in any usual encoding."""
    return any(
        spelling.encode(encoding) in content
        for spelling in spelled(person)
        for encoding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be")
    )


@pytest.mark.parametrize("killed", [False, True], ids=["finished", "stopped half-way"])
def test_no_identifier_is_in_any_byte_that_was_written(
    killed: bool, operator: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    file = operator.events("calls.csv", LINES)
    content = file.read_bytes()
    assert all(found_in(content, person) for person in PEOPLE), "the search itself finds what is there"
    if killed:

        class Killed(BaseException):
            pass

        def stop(done: int, total: int, what: str) -> None:
            if what == "sorting":
                raise Killed

        from commonweal.core.jobs import Running

        monkeypatch.setattr(Running, "progress", lambda self, *said: stop(*said))
        with pytest.raises(Killed):
            operator.import_(file)
        assert any("staging" in path.parts for path in operator.files())
    else:
        [report] = operator.import_(file)
        assert report["accepted"] == 3
        operator.run()
    searched = [*operator.files(), *(path for path in temporary.rglob("*") if path.is_file())]
    assert len(searched) > 5
    for path in searched:
        for content in bytes_of(path):
            assert not [person for person in PEOPLE if found_in(content, person)], path


def test_no_identifier_is_in_the_rejects_once_they_are_deciphered(operator: Any) -> None:
    [report] = operator.import_(operator.events("calls.csv", LINES))
    rejects = operator.rejects()
    assert len(rejects) == sum(report["rejected"].values()) == len(LINES) - 3
    shown = repr(rejects)
    digits = re.sub(r"[ ().+-]", "", shown)
    assert not [person for person in PEOPLE if person in shown or spelled(person)[-1] in digits]


def test_no_identifier_is_in_the_error_of_an_import_that_cannot_be(operator: Any) -> None:
    file = operator.write("calls.csv", f"{PEOPLE[0]},{PEOPLE[1]}\n" * 3)  # no header: the first line is somebody
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        operator.import_(file)
    assert not [person for person in PEOPLE if person in str(caught.value)]


def test_an_identifier_has_another_pseudonym_in_another_project(start: Callable[..., Any]) -> None:
    one, other = start("one"), start("other")
    for operator in (one, other):
        operator.import_(operator.events("calls.csv", LINES[:1]))
    assert one.stored()[0]["subscriber"] != other.stored()[0]["subscriber"]
