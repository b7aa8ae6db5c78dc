"""The documentation says what there is, all of it and nothing else; its links and command lines work."""

import doctest
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from commonweal.cli import application
from commonweal.core.domain import job_handlers, load
from commonweal.core.errors import KINDS, CommonwealError
from commonweal.core.jobs.running import Cancelled
from commonweal.core.settings import Settings
from commonweal.domains import DOMAINS, ROOMS
from commonweal.mobility.cell_files import NAMES
from commonweal.mobility.layout import CELL_ROLES, DIRECTIONS, ROLES, Source, parse_layout
from commonweal.mobility.layout import KINDS as EVENT_KINDS
from commonweal.mobility.rejecting import REASONS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
ENTRANCES = [page for page in (ROOT / "README.md", DOCS / "index.md") if page.exists()]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```[^\n]*\n.*?^```$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMANDS_ARE_IN = ("", "sh", "bash", "console", "text")
UNFINISHED = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X"))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def rows(markdown: str) -> list[list[str]]:
    """The cells of every table row, without headings' rules."""
    lines = (line for line in markdown.splitlines() if line.startswith("|") and not re.fullmatch(r"[|\s:-]+", line))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


# Examples ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_example_of_the_methods_is_true() -> None:
    found = doctest.testfile(str(DOCS / "methods.md"), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 50
    assert found.failed == 0


def test_every_definition_of_where_people_are_and_how_they_move_has_an_example() -> None:
    defined = re.split(r"^(?=#{2,3} )", text("docs/methods.md"), flags=re.MULTILINE)[1:]
    titles = [section.partition("\n")[0].lstrip("# ") for section in defined]
    first, last = titles.index("Presence"), titles.index("The threshold")
    told = {title for title, section in zip(titles, defined, strict=True) if ">>> " in section}
    assert set(titles[first:last]) - {"Where cells are heard"} <= told
    modelled = titles[titles.index("Gravity") : titles.index("Digests")]
    assert set(modelled) - {"Changes against a baseline"} <= told


# Settings and errors ──────────────────────────────────────────────────────────────────────────────────────────────


def setting_rows() -> dict[str, list[str]]:
    return {row[0].strip("`"): row for row in rows(text("docs/settings.md")) if row[0].startswith("`COMMONWEAL_")}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_is_documented_with_its_name_type_default_and_meaning(name: str) -> None:
    _, in_file, kind, default, meaning = setting_rows()[f"COMMONWEAL_{name.upper()}"]
    assert in_file == ("–" if name == "data" else f"`{name}`")
    assert kind
    assert len(meaning.split()) >= 3
    declared = Settings.model_fields[name].default
    if isinstance(declared, bool):
        assert default == f"`{str(declared).lower()}`"
    elif isinstance(declared, str | int) and declared != "":
        assert default == f"`{declared}`"


def test_no_setting_is_documented_that_is_not_there() -> None:
    assert set(setting_rows()) == {f"COMMONWEAL_{name.upper()}" for name in Settings.model_fields}


def test_every_variable_that_the_code_reads_is_documented() -> None:
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    read = {name for path in sources for name in re.findall(r"\bCOMMONWEAL_[A-Z_]*[A-Z]\b", path.read_text("utf-8"))}
    said = set(re.findall(r"\bCOMMONWEAL_[A-Z_]*[A-Z]\b", text("docs/settings.md") + text("CONTRIBUTING.md")))
    assert read <= said


def test_every_exit_code_is_documented_and_no_other() -> None:
    kinds: list[type[CommonwealError]] = [*KINDS.values(), Cancelled]
    table = rows(text("docs/commands.md").partition("## Exit codes")[2])
    documented = {row[1].strip("`"): (int(row[0]), int(row[2])) for row in table if row[1].startswith("`")}
    assert documented == {kind.__name__: (kind.exit_code, kind.status) for kind in kinds}


# Commands ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def program() -> Any:
    """The whole command line, every group loaded."""
    return typer.main.get_command(application(list(typer.main.get_command(application([])).commands)))  # type: ignore[attr-defined]


def leaves(group: Any, path: tuple[str, ...] = ("commonweal",)) -> Iterator[tuple[str, Any]]:
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from leaves(command, (*path, name))
        if not hasattr(command, "commands") or command.invoke_without_command:
            yield " ".join((*path, name)), command


COMMANDS = dict(leaves(program()))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_documented(command: str) -> None:
    assert f"| `{command}` |" in text("docs/commands.md")


def test_no_command_is_documented_that_is_not_there() -> None:
    documented = {row[0].strip("`") for row in rows(text("docs/commands.md")) if row[0].startswith("`commonweal")}
    assert documented == set(COMMANDS)


@pytest.mark.parametrize("option", sorted({o for p in COMMANDS["commonweal mobility create"].params for o in p.opts}))
def test_every_choice_of_a_project_is_explained(option: str) -> None:
    if option.startswith("--"):
        assert f"| `{option}` |" in text("docs/mobility.md")


def command_lines() -> Iterator[tuple[str, str]]:
    """Every call of commonweal in a block of commands: page, and the call alone."""
    for page in PAGES:
        for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines() if language in COMMANDS_ARE_IN else ():
                for part in line.split(" | "):
                    if found := re.search(r"(?:^|^\$ |^\+ |(?:^|\s)[A-Z_]+=\S+ +)(commonweal .+)", part.strip()):
                        yield named(page), without_remark(found[1])


def without_remark(line: str) -> str:
    """A call without the words in the column beside it, a comment, where its output goes, or parts in brackets.

    >>> without_remark("commonweal jobs list      the newest jobs")
    'commonweal jobs list'
    """
    return re.sub(r"\s\[[^\]]*\]", "", re.split(r"\s{3,}|\s+#\s|\s+[<>]\s", line)[0]).strip()


def complaint(line: str) -> str | None:
    """What the program would complain about in a call, found by parsing it without running anything."""
    try:
        command, rest = program(), shlex.split(line)[1:]
        context = None
        while hasattr(command, "commands"):
            context = typer.Context(command, parent=context, allow_interspersed_args=False)
            _, rest, _ = command.make_parser(context).parse_args(args=list(rest))
            if not rest and command.invoke_without_command:
                return None
            if not rest or rest[0] not in command.commands:
                return f"there is no command {' '.join(rest[:1])!r}"
            command, rest = command.commands[rest[0]], rest[1:]
        command.make_context(command.name, list(rest), parent=context)
    except Exception as error:  # of several kinds, none of them public
        return str(getattr(error, "message", error)) or type(error).__name__
    return None


@pytest.mark.parametrize(("page", "line"), sorted(set(command_lines())))
def test_a_documented_command_line_would_be_accepted(page: str, line: str) -> None:
    assert complaint(line) is None, f"{page}: {line}"


@pytest.mark.parametrize(
    "line",
    [
        "commonweal mobility imports",
        "commonweal mobility run --projekt x",
        "commonweal mobility walk",
        "commonweal jobs show twelve",
        "commonweal mobility retain --project x --from 2026-01-01",
        "commonweal keys rotate --project x --from yesterday",
        "commonweal mobility",
    ],
)
def test_a_wrong_command_line_is_found(line: str) -> None:
    assert complaint(line)


# Mobility ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("role", [*ROLES, "joined_by"])
def test_every_column_of_a_mapping_is_explained(role: str) -> None:
    assert f"| `[columns]` `{role}` |" in text("docs/mobility.md")


@pytest.mark.parametrize("field", Source.__dataclass_fields__)
def test_every_field_of_a_source_is_explained(field: str) -> None:
    assert f"| `[source]` `{field}` |" in text("docs/mobility.md")


@pytest.mark.parametrize("word", [*EVENT_KINDS, *DIRECTIONS])
def test_every_word_of_ours_is_named(word: str) -> None:
    assert f"`{word}`" in text("docs/mobility.md")


@pytest.mark.parametrize("role", CELL_ROLES)
def test_every_column_of_a_cell_file_is_explained_with_its_usual_names(role: str) -> None:
    section = text("docs/mobility.md").partition("### The cell file")[2].partition("\n### ")[0]
    row = next(row for row in rows(section) if f"`{role}`" in row[0])
    assert ", ".join(NAMES[role]) in row[2]


@pytest.mark.parametrize("reason", REASONS[1:])
def test_every_reason_for_a_reject_is_explained(reason: str) -> None:
    assert f"| `{reason}` |" in text("docs/mobility.md")


def test_the_mapping_that_is_shown_is_one() -> None:
    shown = [block for language, block in FENCE.findall(text("docs/mobility.md")) if language == "toml"]
    assert [parse_layout(tomllib.loads(block)).time_zone for block in shown] == ["Africa/Freetown"]


# Datasets ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def published() -> set[str]:
    declared = (load(named) for room in ROOMS for named in room.datasets)
    return {one.name for many in declared for one in (many if isinstance(many, tuple) else (many,))}


def test_every_dataset_is_documented_where_its_domain_is() -> None:
    missing = [name for name in published() if f"| `{name}` |" not in text(f"docs/{name.partition('.')[0]}.md")]
    assert missing == []


def test_no_dataset_is_documented_that_is_not_there() -> None:
    """Whatever is written like a dataset is one, or a kind of job, or an action of the audit log."""
    actions = {
        action
        for path in (ROOT / "src").rglob("*.py")
        for action in re.findall(r'action="([a-z.-]+)"', path.read_text("utf-8"))
    }
    domains = "|".join(domain.name for domain in DOMAINS)
    wrong = {
        f"{named(page)}: {name}"
        for page in PAGES
        for name in re.findall(rf"`((?:{domains})\.[a-z_]+)`", page.read_text("utf-8"))
        if name not in published() | set(job_handlers(ROOMS)) | actions
    }
    assert wrong == set()


# Pages and links ──────────────────────────────────────────────────────────────────────────────────────────────────


def links(page: Path) -> list[str]:
    found = LINK.findall(CODE.sub("", page.read_text(encoding="utf-8")))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the usual viewers make them."""
    plain = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = (
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in re.findall(r"^#+ (.+)$", plain, re.MULTILINE)
    )
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_script_that_is_named_is_there(page: Path) -> None:
    scripts = set(re.findall(r"(?<![\w/.])(scripts/[\w/.]*\w|\.ci/\w+)", page.read_text(encoding="utf-8")))
    assert {script for script in scripts if not (ROOT / script).exists()} == set()


def test_every_page_is_reached_from_the_entrance() -> None:
    reached: set[Path] = set()
    left = [page.resolve() for page in ENTRANCES]
    while left:
        page = left.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        left += [(page.parent / link.partition("#")[0]).resolve() for link in links(page)]
    assert [named(page) for page in PAGES if page.resolve() not in reached] == []


def test_nothing_unfinished_is_left() -> None:
    """In what is committed or about to be: the files that git knows, or all where there is no git."""
    folders = ["src", "scripts", "docs", "tests", *(named(page) for page in ROOT.glob("*.md"))]
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *folders], cwd=ROOT, capture_output=True)
    known = [ROOT / name for name in listed.stdout.decode().splitlines()]
    files = known or [path for folder in folders for path in [ROOT / folder, *(ROOT / folder).rglob("*")]]
    own = {Path(__file__), ROOT / "scripts" / "check"}
    marks = re.compile(rf"\b(?:{UNFINISHED})\b")
    found = []
    for path in files:
        if path in own or not path.is_file() or b"\0" in (content := path.read_bytes()):
            continue
        lines = content.decode(errors="replace").splitlines()
        found += [f"{named(path)}:{number}" for number, line in enumerate(lines, 1) if marks.search(line)]
    assert found == []
