"""The floor plan: who may import whom, and what only disclosure may do. Read from the source, so nothing is run."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "commonweal"
DOMAINS = {
    "mobility",
    "sensing",
    "indicators",
    "alerting",
    "cirt",
    "infrastructure",
    "epidemics",
    "participation",
}
FLOORS = {"core": 0, "web": 1, "disclosure": 2, **dict.fromkeys(DOMAINS, 3), "roof": 4}
ROOF = {"domains", "cli", "server", "demo", "__main__"}
IMPORT_STRING = re.compile(r"(commonweal(?:\.\w+)+):\w[\w.]*")
MODULES = sorted(SOURCE.rglob("*.py"))


def room_of(module: str) -> str | None:
    """The room of a dotted name; None for the package itself, which holds only its version."""
    parts = module.split(".")
    if len(parts) == 1:
        return None
    return "roof" if parts[1] in ROOF else parts[1]


def imported(tree: ast.Module, package: str) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything of this package that a module imports, by statement or by string."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names if alias.name.startswith("commonweal"))
            case ast.ImportFrom(module=module, level=0, names=names) if module == "commonweal":
                yield from ((node.lineno, f"commonweal.{alias.name}") for alias in names if alias.name != "__version__")
            case ast.ImportFrom(module=module, level=0) if module and module.startswith("commonweal."):
                yield node.lineno, module
            case ast.ImportFrom(module=module, level=level, names=names) if level:
                base = package.split(".")[: len(package.split(".")) - level + 1]
                yield from ((node.lineno, ".".join([*base, *filter(None, [module]), alias.name])) for alias in names)
            case ast.Constant(value=str(text)) if found := IMPORT_STRING.fullmatch(text):
                yield node.lineno, found[1]


def climbing(source: str, module: str) -> list[str]:
    """What a module imports from its own floor's other rooms or from above."""
    own = room_of(module)
    found = []
    for line, name in imported(ast.parse(source), module.rpartition(".")[0]):
        other = room_of(name)
        if own is None or other is None or other == own:
            continue
        if other not in FLOORS or own not in FLOORS or FLOORS[other] >= FLOORS[own]:
            found.append(f"{module}, line {line}: {own} imports {name}")
    return found


def dotted(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def test_every_folder_of_the_package_has_its_floor() -> None:
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders - ROOF <= set(FLOORS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: dotted(path))
def test_a_module_imports_from_its_own_room_and_from_floors_below(path: Path) -> None:
    module = dotted(path) + (".__init__" if path.name == "__init__.py" and path.parent != SOURCE else "")
    assert climbing(path.read_text(encoding="utf-8"), module) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("commonweal.core.areas", "from commonweal.mobility import DOMAIN"),
        ("commonweal.core.areas", "import commonweal.web.shell"),
        ("commonweal.web.shell", "from commonweal import disclosure"),
        ("commonweal.mobility.flows", "def late():\n    from commonweal.alerting.cap import Alert"),
        ("commonweal.mobility.flows", "from commonweal.domains import ROOMS"),
        ("commonweal.core.domain", "LATER = 'commonweal.mobility.cli:app'"),
        ("commonweal.core.areas.loading", "from ...mobility import flows"),
    ],
)
def test_an_import_that_climbs_or_crosses_is_found(module: str, source: str) -> None:
    assert climbing(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("commonweal.mobility.flows", "from commonweal.core import areas\nfrom commonweal.disclosure import release"),
        ("commonweal.mobility.flows", "from commonweal.mobility.stays import stays"),
        ("commonweal.domains", "from commonweal.mobility import DOMAIN"),
        ("commonweal.core.settings", "from commonweal import __version__"),
    ],
)
def test_an_import_from_the_own_room_or_below_is_fine(module: str, source: str) -> None:
    assert climbing(source, module) == []


def test_only_disclosure_names_the_signing_key() -> None:
    naming = {path for path in MODULES if "disclosure-signing.key" in path.read_text(encoding="utf-8")}
    importing = {
        path
        for path in MODULES
        if "disclosure" not in path.relative_to(SOURCE).parts
        and re.search(r"\bPRIVATE_KEY\b|\bcertify\b|_signing_key", path.read_text(encoding="utf-8"))
    }
    assert naming == {SOURCE / "disclosure" / "certificate.py"}
    assert importing == set()
