"""What others wrote and the site delivers: locked, licensed, small, complete in itself."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from commonweal.web.assets import FOLDER

VENDORED = FOLDER / "vendor"
LOCK = json.loads((VENDORED / "lock.json").read_text(encoding="utf-8"))
FILES = sorted(path.relative_to(VENDORED).as_posix() for path in VENDORED.rglob("*") if path.is_file())
BUILT_FROM = Path(__file__).parents[2] / "scripts" / "vendoring"
PERMISSIVE = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}
MAP_BUDGET = 105 * 1024
"""Bytes, compressed: what a page loads when somebody draws on a map or explores it."""
NAMES_NOT_ADDRESSES = re.compile(r"http://www\.(opengis\.net/(def/crs|gml/srs)/|w3\.org/(1999|2000)/)")


def text(name):
    return (VENDORED / name).read_text(encoding="utf-8")


def compressed(name, level):
    return len(gzip.compress((VENDORED / name).read_bytes(), level))


def packages(name):
    return [LOCK[name], *LOCK[name]["bundled"]]


def test_every_file_is_in_the_lock_and_no_other():
    assert [name for name in FILES if name != "lock.json"] == sorted(LOCK)


@pytest.mark.parametrize("name", LOCK)
def test_a_file_is_what_the_lock_says(name):
    content = (VENDORED / name).read_bytes()
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (LOCK[name]["sha256"], LOCK[name]["size"])
    # Other builds of zlib compress a little better or worse.
    assert compressed(name, 6) == pytest.approx(LOCK[name]["gzip_size"], rel=0.02)


@pytest.mark.parametrize("name", LOCK)
def test_everything_in_a_file_may_be_passed_on_and_comes_with_its_licence(name):
    for one in packages(name):
        assert one["licence"] in PERMISSIVE, one["package"]
        assert one["homepage"].startswith("https://"), one["package"]
        assert f"{one['package']} {one['version']}\n" in text(LOCK[name]["licence_text"])


def test_what_is_bundled_with_the_map_is_named():
    assert {one["package"] for one in LOCK["ol.js"]["bundled"]} == {"quickselect", "rbush"}


@pytest.mark.parametrize("name", LOCK)
def test_a_file_is_built_from_the_version_that_is_locked(name):
    locked = json.loads((BUILT_FROM / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for one in packages(name):
        assert locked[f"node_modules/{one['package']}"]["version"] == one["version"]


@pytest.mark.parametrize("name", LOCK)
def test_a_file_is_documented_with_its_version_and_licence(name):
    said = (BUILT_FROM.parents[1] / "docs" / "site.md").read_text(encoding="utf-8")
    assert name.endswith(".LICENSE") or f"`{name}`" in said
    for one in packages(name):
        assert re.search(rf"{re.escape(one['package'])}\b[^|,]* {re.escape(one['version'])}\b", said), one["package"]
        assert one["licence"] in said


def test_what_they_are_built_from_is_pinned_by_digest_and_by_no_host():
    wanted = json.loads((BUILT_FROM / "package.json").read_text(encoding="utf-8"))
    for version in (wanted["dependencies"] | wanted["devDependencies"]).values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    locked = json.loads((BUILT_FROM / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, one in locked.items():
        assert "resolved" not in one
        assert name == "" or one["integrity"].startswith("sha512-")


def test_the_map_is_small_enough_for_a_slow_line():
    assert compressed("ol.js", 6) <= MAP_BUDGET


@pytest.mark.parametrize("name", [name for name in LOCK if not name.endswith(".LICENSE")])
def test_a_file_fetches_nothing(name):
    held = text(name)
    assert [found for found in re.findall(r"https?://[^\s\"'`]*", held) if not NAMES_NOT_ADDRESSES.match(found)] == []
    assert "sourceMappingURL" not in held
    assert not re.search(r"url\(|@import", held) or name.endswith(".js")


@pytest.mark.parametrize("name", [name for name in LOCK if name.endswith(".js")])
def test_a_script_evaluates_nothing_and_imports_nothing(name):
    assert re.findall(r"\beval\b|\bFunction\b|\bimport\b|[}*]\s*from\s*[\"']", text(name)) == []
    assert re.search(r"export\{[^}]*\}", text(name))
