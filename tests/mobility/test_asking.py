"""What people ask for on the site: with the right for it, from the inbox alone, and queued once."""

from pathlib import Path
from typing import Any

import pytest

from commonweal.core import jobs
from commonweal.core.errors import InputError, NotFound, NotSignedIn, Refused
from commonweal.core.identity import Grant, Permission, Role, Visitor
from commonweal.core.identity.visitor import NOBODY
from commonweal.mobility import asking, service
from commonweal.mobility.asking import Asked, import_parameters, run_parameters
from commonweal.mobility.projects import Project, create_project

ANALYST = Visitor(7, "Ada", (Grant(Role.ANALYST),))
LINES = [f"4477009{n:05},2026-03-{1 + n % 2:02}T{n % 24:02}:00:00,a1,call,4477000{n:05},{n}" for n in range(60)]


@pytest.fixture
def inbox(operator) -> Path:
    """The inbox of an operator's data directory, with what they hand over."""
    folder: Path = operator.settings.inbox
    for path in (operator.events("calls.csv", LINES), operator.mapping, operator.cells):
        path.rename(folder / path.name)
    return folder


def asked(**said: Any) -> Asked:
    return Asked(
        **({"project": "operator", "files": ("calls.csv",), "mapping": "mapping.toml", "cells": "cells.csv"} | said)
    )


def ask(operator: Any, visitor: Visitor = ANALYST, **said: Any) -> int:
    return asking.import_from_inbox(operator.settings, operator.database, visitor, asked(**said))


def test_what_is_asked_for_is_queued_as_the_command_would(operator, inbox):
    job = jobs.get(operator.database, ask(operator, first="2026-03-01", last="2026-03-02"))
    assert (job.kind, job.who, job.state) == ("mobility.import", "person:7", "queued")
    assert job.parameters == {
        "project": "operator",
        "files": [str(inbox / "calls.csv")],
        "mapping": str(inbox / "mapping.toml"),
        "cells": str(inbox / "cells.csv"),
        "first": "2026-03-01",
        "last": "2026-03-03",
    }
    result = service.import_job(operator.job(**job.parameters))
    assert [file["name"] for file in result["files"]] == ["calls.csv"]


def test_the_same_asked_for_twice_is_one_job_until_it_has_ended(operator, inbox):
    first = ask(operator)
    assert ask(operator) == first
    assert len({asking.run_now(operator.settings, operator.database, ANALYST, "operator") for _ in range(2)}) == 1
    jobs.cancel(operator.database, first, "os:clerk")
    assert ask(operator) != first


def test_present_devices_are_run_with_a_file_of_land_use_from_the_inbox(operator, inbox):
    (inbox / "ground.geojson").write_text("{}")

    def run(*said):
        return asking.run_now(operator.settings, operator.database, ANALYST, "operator", *said)

    job = jobs.get(operator.database, run("present", "ground.geojson"))
    assert job.parameters["measures"] == ["present"]
    assert job.parameters["land_use"] == str(inbox / "ground.geojson")
    assert "land_use" not in jobs.get(operator.database, run("present")).parameters
    with pytest.raises(InputError, match="only present devices depend on land use"):
        run("", "ground.geojson")
    with pytest.raises(InputError, match=r"no file '\.\./ground.geojson' in the inbox"):
        run("present", "../ground.geojson")


@pytest.mark.parametrize(
    ("grants", "only"),
    [
        ([], None),
        ([Grant(Role.VIEWER)], None),
        ([Grant(Role.STEWARD, "mobility")], None),
        ([Grant(Role.ADMINISTRATOR)], None),
        ([Grant(Role.ANALYST, "alerting")], None),
        ([Grant(Role.ANALYST, "mobility", "districts")], None),
        ([Grant(Role.ANALYST, "mobility", "squares/A")], None),
        ([Grant(Role.ANALYST)], frozenset({Permission.READ, Permission.FOLLOW})),
    ],
)
def test_nobody_imports_runs_or_looks_without_the_right_for_the_projects_areas(operator, inbox, grants, only):
    """Area and privilege escalation."""
    visitor = Visitor(7, "Ada", tuple(grants), only)
    for attempt in (
        lambda: ask(operator, visitor),
        lambda: asking.run_now(operator.settings, operator.database, visitor, "operator"),
        lambda: asking.look(operator.settings, operator.database, visitor, asked()),
    ):
        with pytest.raises(Refused, match="no role of yours allows it"):
            attempt()
    with pytest.raises(NotSignedIn):
        ask(operator, NOBODY)
    assert jobs.newest(operator.database) == []


def test_a_role_for_the_projects_areas_is_enough(operator, inbox):
    visitor = Visitor(7, "Ada", (Grant(Role.ANALYST, "mobility", "squares"),))
    assert ask(operator, visitor)
    assert asking.run_now(operator.settings, operator.database, visitor, "operator")


def test_a_project_that_is_not_there_names_only_those_that_may_be_used(operator, inbox):
    with pytest.raises(NotFound) as raised:
        ask(operator, project="other")
    assert raised.value.expected == "operator"
    with pytest.raises(NotFound) as raised:
        ask(operator, Visitor(7, "Ada", (Grant(Role.ANALYST, "mobility", "districts"),)), project="other")
    assert raised.value.expected is None


def test_the_folder_of_a_project_is_that_projects_alone(operator, inbox):
    """Area escalation: another operator's records are neither seen nor counted as one's own."""
    create_project(operator.database, Project("other", area_set="natural-earth:NP"), "os:clerk")
    for folder in ("operator", "other", "both"):
        (inbox / folder).mkdir()
        (inbox / folder / "day.csv").write_text((inbox / "calls.csv").read_text())
    limited = Visitor(7, "Ada", (Grant(Role.ANALYST, "mobility", "squares"),))
    seen = [file.name for file in asking.inbox_for(operator.settings, operator.database, limited).records]
    assert seen == ["calls.csv", "cells.csv", "both/day.csv", "operator/day.csv"]
    for said in ({"files": ("other/day.csv",)}, {"folders": ("other",), "files": ()}):
        with pytest.raises(InputError, match="there is no"):
            ask(operator, limited, **said)
        with pytest.raises(InputError, match="lies in the folder of another project"):
            ask(operator, **said)
        with pytest.raises(InputError, match="lies in the folder of another project"):
            asking.look(operator.settings, operator.database, ANALYST, asked(**said))
    assert ask(operator, limited, files=("both/day.csv", "operator/day.csv"))


COLUMNS = '[time]\ncolumn="t"\n[columns]\nsubscriber="s"\ncell="c"\n'


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"files": ("../calls.csv",)}, "there is no file"),
        ({"files": ("/etc/passwd",)}, "there is no file"),
        ({"files": ("calls.csv", "calls.csv\0")}, "there is no file"),
        ({"files": ()}, "no file of records was chosen"),
        ({"folders": ("..",)}, "there is no folder"),
        ({"cells": "../cells.csv"}, "there is no file"),
        ({"mapping": "../mapping.toml"}, "there is no file"),
        ({"cells": ""}, "no cells are known yet"),
        ({"first": "yesterday"}, "is no day"),
        ({"first": "2026-03-02", "last": "2026-03-01"}, "the last day lies before the first"),
        ({"mapping": "", "text": "  "}, "there is no mapping yet"),
        ({"mapping": "", "text": "[time"}, "cannot be read as TOML"),
        ({"mapping": "", "text": "x = " + "[" * 5000}, "cannot be read as TOML"),
        ({"mapping": "", "text": "x = " + "9" * 5000}, "cannot be read as TOML"),
        ({"mapping": "", "text": "x" * 70_000}, "there is no mapping yet"),
        ({"mapping": "", "text": COLUMNS + '[source]\nencoding = "a\\u0000"'}, "unknown encoding"),
        ({"mapping": "", "text": COLUMNS.replace('"s"', '"COLUMN"')}, "does not say which column is the subscriber"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_is_queued(operator, inbox, said, what):
    with pytest.raises(InputError, match=what):
        ask(operator, **said)
    assert jobs.newest(operator.database) == []


def test_a_mapping_given_as_a_text_is_kept_in_the_inbox_under_a_name_of_its_content(operator, inbox):
    text = (inbox / "mapping.toml").read_text()
    number = ask(operator, mapping="", text=text)
    kept = Path(jobs.get(operator.database, number).parameters["mapping"])
    assert (kept.parent, kept.read_text()) == (inbox, text)
    assert ask(operator, mapping="", text=text) == number
    other = jobs.get(operator.database, ask(operator, mapping="", text=text + "\n")).parameters["mapping"]
    assert other != str(kept)


def test_cells_that_are_known_need_not_be_given_again(operator, inbox):
    service.import_job(operator.job(**jobs.get(operator.database, ask(operator)).parameters))
    assert ask(operator, cells="")


def test_a_look_proposes_a_mapping_by_the_projects_clock_and_quotes_no_row(operator, inbox):
    operator.events("named.csv", LINES, "msisdn,time,cell,kind,other,seconds").rename(inbox / "named.csv")
    name, found = asking.look(operator.settings, operator.database, ANALYST, asked(files=("named.csv",)))
    assert name == "named.csv"
    assert asking.layout_of(found.mapping, "mapping").time_zone == operator.project.time_zone
    said = " ".join([found.mapping, *(str(one) for one in found.findings), *set(found.doubts) - found.quoting])
    assert not any(field in said for line in LINES for field in line.split(",") if len(field) > 4)
    roles = {one.column: one.role for one in found.findings}
    assert (roles["msisdn"], roles["time"], roles["cell"], roles["kind"]) == ("subscriber", "time", "cell", "kind")


@pytest.mark.parametrize(
    "content",
    [
        "ada77001234,3 March 2026,a1\nbea77001235,3 March 2026,a1\n",
        "ada77001234,ada77001234,3 March 2026,a1\n",
        "number,cell 77001234567,moment\n1,2,3\n",
    ],
)
def test_a_first_line_that_may_be_somebodys_event_is_not_shown_as_names_of_columns(operator, inbox, content):
    (inbox / "calls.csv").write_text(content)
    with pytest.raises(InputError, match="looks like an event") as raised:
        asking.look(operator.settings, operator.database, ANALYST, asked())
    assert "7700123" not in str(raised.value)


def test_only_words_that_many_rows_have_are_quoted(operator, inbox):
    lines = [
        f"4477009{n:05},2026-03-01T00:00:00,a1,{'PATCH' if n % 2 else 'ada' if n < 4 else 'MOC'},1,1" for n in range(60)
    ]
    operator.events("words.csv", lines).rename(inbox / "words.csv")
    _, found = asking.look(operator.settings, operator.database, ANALYST, asked(files=("words.csv",)))
    (kind,) = [one for one in found.findings if one.column == "kind"]
    assert (kind.words, kind.unknown) == (("PATCH",), 2)


def test_the_command_and_the_site_ask_for_the_same_job():
    told = import_parameters("national", [Path("a.csv")], Path("m.toml"), None)
    assert told["files"] == [str(Path("a.csv").absolute())]
    assert (told["cells"], told["first"], told["last"]) == (None, None, None)
    assert run_parameters("national") == {
        "project": "national",
        "first": None,
        "last": None,
        "measures": [],
        "time_zone": None,
        "day_starts": None,
    }
