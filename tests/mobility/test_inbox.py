"""The inbox: only plain files that somebody put there can be chosen, by names that are only ever compared."""

import os
from pathlib import Path

import pytest

from commonweal.core.errors import InputError
from commonweal.mobility.inbox import Inbox


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An inbox with good files, and with everything that must not be offered."""
    inbox = tmp_path / "inbox"
    (inbox / "march" / "deeper").mkdir(parents=True)
    (inbox / ".cache").mkdir()
    (tmp_path / "outside").mkdir()
    for name in (
        "calls.csv",
        "mapping.toml",
        "march/01.csv.gz",
        "march/02.csv.gz",
        "march/cells.csv",
        "march/march.toml",
        "march/deeper/03.csv",
        "march/.hidden.csv",
        ".hidden.csv",
        ".cache/x.csv",
        "new\nline.csv",
        "bell\a.csv",
        "reversed\u202evsc.exe",
        "../secret.csv",
        "../outside/secret.csv",
    ):
        (inbox / name).write_text("number,time,cell\n")
    (inbox / os.fsdecode(b"latin-\xe9.csv")).write_text("")
    (inbox / "out.csv").symlink_to(tmp_path / "secret.csv")
    (inbox / "in.csv").symlink_to(inbox / "calls.csv")
    (inbox / "elsewhere").symlink_to(tmp_path / "outside")
    os.mkfifo(inbox / "pipe.csv")
    return inbox


def test_plain_files_are_offered_and_nothing_else(folder):
    inbox = Inbox(folder)
    assert [file.name for file in inbox.records] == [
        "calls.csv",
        "march/01.csv.gz",
        "march/02.csv.gz",
        "march/cells.csv",
    ]
    assert [file.name for file in inbox.mappings] == ["mapping.toml", "march/march.toml"]
    assert {file.size for file in inbox.records} == {17}


@pytest.mark.parametrize(
    "name",
    [
        "../secret.csv",
        "march/../../secret.csv",
        "./calls.csv",
        "march//01.csv.gz",
        "/etc/passwd",
        "calls.csv\0",
        "calls.csv\n",
        "new\nline.csv",
        "out.csv",
        "in.csv",
        "elsewhere/secret.csv",
        ".hidden.csv",
        ".cache/x.csv",
        "march/.hidden.csv",
        "march/deeper/03.csv",
        "pipe.csv",
        "march",
        "",
        ".",
        "..",
    ],
)
def test_a_name_that_is_not_of_the_list_is_refused(folder, name):
    inbox = Inbox(folder)
    with pytest.raises(InputError, match="there is no file"):
        inbox.path(name)
    with pytest.raises(InputError):
        inbox.chosen([name], [])
    with pytest.raises(InputError):
        inbox.text(name)


@pytest.mark.parametrize("name", ["..", ".", "", "/", "elsewhere", ".cache", "march/deeper", "march/..", "march\0"])
def test_a_folder_that_is_not_of_the_list_is_refused(folder, name):
    with pytest.raises(InputError, match="there is no folder"):
        Inbox(folder).chosen([], [name])


def test_a_whole_folder_is_its_records_without_the_cell_file(folder):
    inbox = Inbox(folder)
    assert inbox.chosen([], ["march"], without=["march/cells.csv"]) == ["march/01.csv.gz", "march/02.csv.gz"]
    assert inbox.chosen(["calls.csv", "march/01.csv.gz"], []) == ["calls.csv", "march/01.csv.gz"]
    with pytest.raises(InputError, match="no file of records was chosen"):
        inbox.chosen([], [])
    with pytest.raises(InputError, match="no file of records was chosen"):
        inbox.chosen(["mapping.toml"], [])


def test_a_mapping_is_kept_once_and_never_replaced(folder):
    kept = Inbox(folder).keep("national-1234.toml", "[time]\n")
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("[time]\n", 0o600)
    assert Inbox(folder).keep("national-1234.toml", "another") == kept
    assert Inbox(folder).keep("mapping.toml", "another").read_text() == "number,time,cell\n"
    assert Inbox(folder).text("national-1234.toml") == "[time]\n"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 70_000])
def test_what_is_no_text_of_a_mappings_size_is_not_read_as_one(folder, content):
    (folder / "mapping.toml").write_bytes(content)
    with pytest.raises(InputError, match="this is no mapping"):
        Inbox(folder).text("mapping.toml")


def test_an_inbox_that_is_not_there_is_empty(tmp_path):
    inbox = Inbox(tmp_path / "nowhere")
    assert (inbox.is_there, inbox.records, inbox.mappings) == (False, [], [])
