"""The main path as a person walks it at a terminal, and what a wrong step says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from commonweal.cli import main

LINES = [
    f"2327655320{n},2026-01-0{day}T1{n}:00:00,{cell},call,2327655320{(n + 1) % 8},{n}"
    for n in range(8)
    for day in (5, 6)
    for cell in ("a1", "b1")
]


class Terminal:
    """A place to type commands in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data, self.keys = folder / "data", folder / "keys"

    def __call__(self, *command: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command of `commonweal`."""
        return subprocess.run(
            [sys.executable, "-c", "from commonweal.cli import main; main()", *command],
            cwd=self.folder,
            env=os.environ | {"COMMONWEAL_DATA": str(self.data), "COLUMNS": "240"},
            input=typed,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def says(self, *command: str, typed: str = "") -> str:
        """Run a command that must go well; give what it prints."""
        result = self(*command, typed=typed)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def fails(self, code: int, *command: str, typed: str = "") -> str:
        """Run a command that must fail with a code and one line; give the line."""
        result = self(*command, typed=typed)
        assert result.returncode == code, (result.returncode, result.stderr)
        assert "Traceback" not in result.stdout + result.stderr
        [line] = [line for line in result.stderr.splitlines() if line.startswith("error:")]
        assert result.stderr.rstrip().endswith(line)
        return line


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A data directory with areas, cells, a mapping and two files of events."""
    made = Terminal(tmp_path_factory.mktemp("terminal"))
    made.says("init", "data", "--keys", "keys")
    cells = ["cell,longitude,latitude", "a1,-13.23,8.48", "b1,-11.74,7.96", "c1,-10.8,6.31"]
    (made.folder / "cells.csv").write_text("\n".join(cells) + "\n")
    header = "msisdn,time,cell_id,type,called_number,duration"
    (made.folder / "calls.csv").write_text(
        "\n".join([header, *LINES, "nobody,never,a1,call,,", "23276553201,1,"]) + "\n"
    )
    old = f"23276553201,{datetime.now(UTC) - timedelta(days=300):%Y-%m-%dT%H:%M:%S},a1,call,,5"
    (made.folder / "old.csv").write_text(f"{header}\n{old}\n")
    return made


@pytest.fixture(scope="module")
def project(terminal: Terminal) -> str:
    """A project with events imported."""
    said = terminal.says(
        "mobility", "create", "sl", "--areas", "natural-earth:SL,LR", "--time-zone", "Africa/Freetown", "--k", "3"
    )
    assert "next: commonweal mobility import" in said
    (terminal.folder / "mapping.toml").write_text(terminal.says("mobility", "inspect", "calls.csv"))
    terminal.says("mobility", "import", "calls.csv", "-p", "sl", "--mapping", "mapping.toml", "--cells", "cells.csv")
    return "sl"


@pytest.mark.slow
def test_the_main_path_is_walked_from_files_to_releases(terminal: Terminal, project: str) -> None:
    [shown] = json.loads(terminal.says("mobility", "imports", "-p", project, "--json"))
    assert (shown["rows"], shown["accepted"]) == (34, 32)
    assert shown["rejected"] == "bad timestamp 1, malformed line 1"

    rejects = json.loads(terminal.says("mobility", "rejects", "-p", project, "--json"))
    assert sorted((reject["line"], reject["reason"]) for reject in rejects) == [
        (34, "bad timestamp"),
        (35, "malformed line"),
    ]
    digest = rejects[0]["digest"]
    assert len(digest) == 64
    shown = terminal.says("mobility", "rejects", "-p", project)
    assert f"calls.csv   {digest[:12]}   " in shown
    assert digest not in shown
    some = ["mobility", "rejects", "-p", project, "--limit", "1"]
    assert "the first 1 of 2 rejected rows" in terminal.says(*some)
    assert "rejected rows" not in terminal.says(*some, "--reason", "bad timestamp", "--file", "calls.csv")
    assert len(json.loads(terminal.says(*some, "--json"))) == 1
    waiting = terminal.says("mobility", "run", "-p", project, "--measure", "home")
    assert "nothing is published yet: proposal " in waiting
    assert "next, as a steward: commonweal disclosure show " in waiting
    assert json.loads(terminal.says("catalog", "list", "--json")) == []
    approving = ("--domain", "mobility", "--parameters", '{"k": 3}', "--why", "agreed")
    terminal.says("disclosure", "standing", "grant", "threshold", *approving)
    said = terminal.says("mobility", "run", "-p", project)
    for name in ("presence", "home", "flows", "quality", "activity"):
        assert f"published mobility.{name} version 1: " in said
    assert terminal.says("mobility", "run", "-p", project) == said.replace("published", "found")
    assert "mobility.presence" in terminal.says("catalog", "list")
    assert terminal("catalog", "verify").returncode == 0

    noisy = ["mobility", "run", "-p", project, "--measure", "presence", "--private", "1"]
    assert "no budget is set" in terminal.fails(5, *noisy)
    assert "there is no unit 'person-year'" in terminal.fails(2, *noisy, "--unit", "person-year")
    terminal.says("disclosure", "budget", "set", "mobility/sl", "--rho", "1", "--unit", "person-day")
    said = terminal.says(*noisy, "--delta", "0.000001")
    assert said.startswith("proposal ")
    assert terminal.says(*noisy, "--delta", "0.000001") == said

    again = terminal("mobility", "import", "calls.csv", "-p", project, "--mapping", "mapping.toml")
    assert again.returncode == 0
    assert len(json.loads(terminal.says("mobility", "imports", "-p", project, "--json"))) == 1

    listed = json.loads(terminal.says("mobility", "projects", "--json"))
    assert [(one["project"], one["k"]) for one in listed] == [("sl", 3)]
    assert "files fewer" in terminal.says("mobility", "compact", "-p", project)
    assert "are what their manifests say; epochs: 2026" in terminal.says("mobility", "verify", "-p", project)
    said = terminal.says("mobility", "forget", "-p", project, typed="23276553201\n\n")
    assert said.startswith("1 numbers, 1 of them with events; 8 events erased")


@pytest.mark.slow
def test_keys_are_listed_rotated_and_destroyed(terminal: Terminal) -> None:
    terminal.says("mobility", "create", "keyed", "--areas", "natural-earth:SL", "--time-zone", "UTC", "--epoch", "year")
    (terminal.folder / "keyed.toml").write_text(terminal.says("mobility", "inspect", "calls.csv"))
    terminal.says("mobility", "import", "calls.csv", "-p", "keyed", "--mapping", "keyed.toml", "--cells", "cells.csv")
    assert "2026-01-01 00:00" in terminal.says("keys", "list", "-p", "keyed")
    assert "epoch 2026-05-17T0000 begins" in terminal.says("keys", "rotate", "-p", "keyed", "--from", "2026-05-17")
    assert "until 2026-01-07" in terminal.fails(5, "keys", "rotate", "-p", "keyed", "--from", "2026-01-06")

    assert terminal("keys", "destroy", "-p", "keyed", "2026", typed="n\n").returncode == 1
    assert "destroyed" not in terminal.says("keys", "list", "-p", "keyed")
    terminal.says("keys", "destroy", "-p", "keyed", "2026", "--yes", "--why", "asked for")
    assert "destroyed" in terminal.says("keys", "list", "-p", "keyed")
    (terminal.folder / "paper.json").write_text(terminal.says("keys", "certificate", "-p", "keyed", "2026"))
    assert "of epoch 2026 of project keyed\ndestroyed at" in terminal.says("keys", "verify", "paper.json")
    written = (terminal.folder / "paper.json").read_text()
    (terminal.folder / "paper.json").write_text(written.replace("asked for", "never asked"))
    assert "does not verify" in terminal.fails(5, "keys", "verify", "paper.json")
    assert "no epoch '2026' with a key" in terminal.fails(5, "keys", "destroy", "-p", "keyed", "2026", "--yes")
    terminal.fails(5, "mobility", "run", "-p", "keyed", "--from", "2026-01-05", "--to", "2026-01-06")
    terminal.fails(3, "mobility", "run", "-p", "keyed")
    terminal.says("audit", "verify")


@pytest.mark.slow
def test_what_is_too_old_is_erased(terminal: Terminal) -> None:
    terminal.says(
        "mobility", "create", "brief", "--areas", "natural-earth:SL", "--time-zone", "UTC", "--retention-days", "90"
    )
    (terminal.folder / "brief.toml").write_text(terminal.says("mobility", "inspect", "old.csv"))
    terminal.says("mobility", "import", "old.csv", "-p", "brief", "--mapping", "brief.toml", "--cells", "cells.csv")
    [shown] = json.loads(terminal.says("mobility", "imports", "-p", "brief", "--json"))
    assert shown["rejected"] == "out of period 1"
    assert "0 events and 0 rejected rows before" in terminal.says("mobility", "retain", "-p", "brief")


WRONG: dict[str, tuple[int, list[str], str]] = {
    "no such project": (3, ["mobility", "run", "-p", "nowhere"], "there is no project 'nowhere' (expected: one of: "),
    "the same project twice": (
        4,
        ["mobility", "create", "sl", "--areas", "natural-earth:SL", "--time-zone", "UTC"],
        "a project of this name is there already",
    ),
    "a wrong name": (
        2,
        ["mobility", "create", "SL", "--areas", "natural-earth:SL", "--time-zone", "UTC"],
        "lower-case",
    ),
    "a wrong zone": (
        2,
        ["mobility", "create", "x", "--areas", "natural-earth:SL", "--time-zone", "Freetown"],
        "Freetown",
    ),
    "half past four": (
        2,
        ["mobility", "create", "x", "--areas", "natural-earth:SL", "--time-zone", "UTC", "--day-starts", "04:30"],
        "full hour",
    ),
    "four o'clock": (
        2,
        ["mobility", "create", "x", "--areas", "natural-earth:SL", "--time-zone", "UTC", "--day-starts", "four"],
        "'four' is no time of day",
    ),
    "areas nobody imported": (
        3,
        ["mobility", "create", "x", "--areas", "districts", "--time-zone", "UTC"],
        "districts",
    ),
    "no file": (
        2,
        ["mobility", "import", "none.csv", "-p", "sl", "--mapping", "mapping.toml"],
        "none.csv: there is no such file",
    ),
    "no mapping": (6, ["mobility", "import", "calls.csv", "-p", "sl", "--mapping", "none.toml"], "none.toml"),
    "a mapping that is none": (
        2,
        ["mobility", "import", "calls.csv", "-p", "sl", "--mapping", "cells.csv"],
        "this is not TOML",
    ),
    "a period that ends before it begins": (
        2,
        ["mobility", "run", "-p", "sl", "--from", "2026-01-06", "--to", "2026-01-04"],
        "the period ends on",
    ),
    "a period without events": (
        3,
        ["mobility", "run", "-p", "sl", "--from", "2026-03-01", "--to", "2026-03-02"],
        "days within 2026-01",
    ),
    "no such measure": (3, ["mobility", "run", "-p", "sl", "--measure", "speed"], "one of: accidental_roaming, "),
    "no such reason": (3, ["mobility", "rejects", "-p", "sl", "--reason", "bad luck"], "one of: malformed line, "),
    "no such file of rejects": (3, ["mobility", "rejects", "-p", "sl", "--file", "none.csv"], "no file 'none.csv'"),
    "a clock that is none": (2, ["mobility", "run", "-p", "sl", "--day-starts", "noon"], "'noon' is no time of day"),
    "nothing to retain": (5, ["mobility", "retain", "-p", "sl"], "keeps its events"),
    "nothing to inspect": (6, ["mobility", "inspect", "none.csv"], "no such file"),
    "no such epoch": (5, ["keys", "destroy", "-p", "sl", "1999", "--yes"], "no epoch '1999'"),
}


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_step_is_one_line_with_its_code(
    wrong: str, terminal: Terminal, project: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, with what begins every one: others, above, are begun at a terminal."""
    code, command, said = WRONG[wrong]
    monkeypatch.chdir(terminal.folder)
    monkeypatch.setenv("COMMONWEAL_DATA", str(terminal.data))
    monkeypatch.setattr(sys, "argv", ["commonweal", *command])
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert ended.value.code == code, err
    assert "Traceback" not in out + err
    [line] = [line for line in err.splitlines() if line.startswith("error:")]
    assert err.rstrip().endswith(line)
    assert said in line


def test_commands_tell_of_themselves() -> None:
    from typer.testing import CliRunner

    from commonweal.mobility.cli import app

    result = CliRunner().invoke(app, ["--help"])
    for command in (
        "create",
        "projects",
        "inspect",
        "import",
        "run",
        "imports",
        "rejects",
        "forget",
        "retain",
        "verify",
        "compact",
    ):
        assert command in result.output


def test_forgetting_and_compacting_in_this_process(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from commonweal.mobility.cli import app

    monkeypatch.setenv("COMMONWEAL_DATA", str(operator.settings.data))
    operator.import_(operator.events("calls.csv", ["23276553201,2025-01-05T10:00:00,a1,call,,5"]))
    invoke: Callable[..., Any] = CliRunner().invoke
    assert "files fewer" in invoke(app, ["compact", "-p", "operator"]).output
    said = invoke(app, ["forget", "-p", "operator"], input="+232 76 553201\n").output
    assert said == "1 numbers, 1 of them with events; 1 events erased or cut from them; releases stand\n"


@pytest.mark.slow
def test_a_run_prints_that_the_areas_change(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from commonweal.core.areas.service import end
    from commonweal.mobility.cli import app

    monkeypatch.setenv("COMMONWEAL_DATA", str(operator.settings.data))
    end(operator.database, "squares", on=date(2025, 1, 6), level=1, codes=["D"], who="os:tester")
    lines = [f"2327655320{day},2025-01-0{day}T10:00:00,a1,call,,5" for day in (5, 6)]
    operator.import_(operator.events("calls.csv", lines))
    said = CliRunner().invoke(app, ["run", "-p", "operator", "--measure", "home"], catch_exceptions=False)
    assert said.exit_code == 0
    line = "the areas change on 2025-01-06; all days are counted by those of the first day, 2025-01-05"
    assert said.stderr.count(line) == 1
