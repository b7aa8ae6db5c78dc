"""The whole house, used as its users use it: through the `commonweal` command, in processes of their own."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

REQUIRE_ALL = os.environ.get("COMMONWEAL_REQUIRE_ALL") == "1"
PATIENCE = 300.0
SECRET = "5a" * 32  # of a fixed epoch key, so that pseudonyms, and with them digests, are the same in every place


def _program() -> list[str]:
    beside = Path(sys.executable).with_name("commonweal")
    return [str(beside)] if beside.exists() else [sys.executable, "-c", "from commonweal.cli import main; main()"]


PROGRAM = _program()


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that says what was wrong."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, f"not one line that says what was wrong:\n{self.err}"
        assert self.err.rstrip().splitlines()[-1] == lines[0], f"something follows the error:\n{self.err}"
        return lines[0].removeprefix("error: ")


@dataclass(frozen=True)
class Place:
    """A data directory and its key directory, worked on through the command."""

    data: Path
    keys: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None

    def all_environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COMMONWEAL_")}
        own = {"COMMONWEAL_DATA": str(self.data), "COMMONWEAL_KEYS": str(self.keys), "COMMONWEAL_THREADS": "2"}
        return kept | own | dict(self.environment)

    def start(self, *arguments: object, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start a command as the head of a process group of its own."""
        return subprocess.Popen(
            [*prefix, *PROGRAM, *(str(argument) for argument in arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.all_environment(),
            cwd=self.folder,
            start_new_session=True,
        )

    def attempt(self, *arguments: object, say: str | None = None, prefix: tuple[str, ...] = ()) -> Ended:
        """Run a command to its end, however that may be; never with a traceback."""
        return finish(self.start(*arguments, prefix=prefix), say)

    def run(self, *arguments: object, say: str | None = None) -> str:
        """Run a command that must succeed; give what it printed."""
        ended = self.attempt(*arguments, say=say)
        assert ended.code == 0, f"commonweal {' '.join(map(str, arguments))} ended with {ended.code}:\n{ended.err}"
        return ended.out

    def fail(self, *arguments: object, code: int, say: str | None = None) -> str:
        """Run a command that must fail with an exit code and one line; give the line."""
        ended = self.attempt(*arguments, say=say)
        assert ended.code == code, f"ended with {ended.code}, not {code}:\n{ended.out}\n{ended.err}"
        return ended.error

    def elsewhere(self, folder: Path, **environment: str) -> "Place":
        """Name two directories in another folder."""
        return Place(folder / "data", folder / "keys", {**self.environment, **environment})

    def copy(self, folder: Path, **environment: str) -> "Place":
        """Copy both directories into a new folder."""
        made = self.elsewhere(folder, **environment)
        shutil.copytree(self.data, made.data)
        shutil.copytree(self.keys, made.keys)
        return made

    def with_keys(self, keys: Path) -> "Place":
        """The same data with another key directory."""
        return Place(self.data, keys, self.environment)

    def working_in(self, folder: Path) -> "Place":
        """The same, with another working directory."""
        return Place(self.data, self.keys, self.environment, folder)

    # What there is ────────────────────────────────────────────────────────────────────────────────────────────────

    def digests(self) -> dict[str, tuple[int, str, list[Any]]]:
        """Of every dataset: version, content digest and the digests of what it was made from."""
        from commonweal.core.catalog.reading import datasets

        return {
            release.dataset: (release.version, release.digest, list(release.provenance.inputs))
            for release in self._looked_at(datasets)
        }

    def imports(self, project: str = "sample") -> list[tuple[str, str, int, int, str]]:
        """Of every imported file: name, digest, rows, accepted, rejected by reason."""
        from commonweal.mobility.imported import list_imports

        reports = self._looked_at(lambda database: list_imports(database, project))
        return sorted((r["file"], r["digest"], r["rows"], r["accepted"], r["rejected"]) for r in reports)

    def _looked_at(self, look: Callable[[Any], Any]) -> Any:
        """Read the records from here, which is quicker than through the command."""
        from commonweal.core.database import Database

        database = Database(f"sqlite:///{self.data / 'commonweal.db'}")
        try:
            return look(database)
        finally:
            database.close()

    def manifests(self) -> dict[str, str]:
        """Of every epoch: digest of what its manifest says the events are."""
        from commonweal.mobility.manifest import read_manifest

        folders = {path.parent for path in (self.data / "store").glob("*/*/manifest-*.json")}
        return {str(folder.relative_to(self.data)): read_manifest(folder).digest for folder in folders}

    def table(self, name: str, out: Path) -> list[dict[str, str]]:
        """The rows of a dataset's newest release, as its CSV says them."""
        import csv

        self.run("catalog", "export", name, "--out", out, "--format", "csv")
        with out.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def leftovers(self) -> list[str]:
        """Files that belong to nothing which was committed."""
        return sorted(_leftovers(self.data, self.keys))

    def verify(self) -> None:
        """The audit log and the catalog are whole."""
        assert "the audit log is whole" in self.run("audit", "verify")
        said = self.run("catalog", "verify")
        assert "damaged" not in said
        assert "swept" not in said, said
        assert "not known" not in said, said


@pytest.fixture(scope="session", name="finish")
def _finish() -> Callable[..., Ended]:
    return finish


@pytest.fixture(scope="session", name="create")
def _create() -> Callable[..., None]:
    return create


def finish(process: subprocess.Popen[str], say: str | None = None) -> Ended:
    """Wait for a command; it may fail, but not with a traceback."""
    try:
        out, err = process.communicate(say or "", timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        kill_group(process)
        out, err = process.communicate()
        raise AssertionError(f"the command did not end within {PATIENCE:.0f} s:\n{out}\n{err}") from None
    assert "Traceback" not in err, err
    return Ended(process.returncode, out, err)


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kill a command and everything it started, as a power cut would."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


# The documented rest of an undisturbed run: what is there besides segments, manifests and releases.
_EXPECTED = (
    r"commonweal\.toml",
    r"commonweal\.db(-wal|-shm)?",
    r"lake/\.lock",
    r"staged/\.lock",
    r"lake/[a-z_]+\.[a-z_]+/\d+-[0-9a-f]{12}/(table\.parquet|release\.json)",
    r"store/[a-z0-9_-]+/\.lock",
    r"store/[a-z0-9_-]+/cells\.parquet",
    r"store/[a-z0-9_-]+/[^/]+/manifest-\d+\.json",
    r"store/[a-z0-9_-]+/[^/]+/derived/[a-z_]+/\d{3}\.parquet",
)


def _leftovers(data: Path, keys: Path) -> Iterator[str]:
    from commonweal.mobility.manifest import read_manifest

    named = set()
    for folder in {path.parent for path in (data / "store").glob("*/*/manifest-*.json")}:
        manifest = read_manifest(folder)
        named |= {folder / segment.file for segment in manifest.segments}
        named.add(folder / f"manifest-{manifest.sequence}.json")
        if len(list(folder.glob("manifest-*.json"))) > 1:
            yield f"older manifests in {folder}"
    for path in data.rglob("*"):
        place = path.relative_to(data).as_posix()
        if path.is_dir():
            if path.parent == data / "spill" or (path.name == "staging" and any(path.iterdir())):
                yield f"{place}/"
        elif path not in named and not any(re.fullmatch(pattern, place) for pattern in _EXPECTED):
            yield place
    for path in keys.rglob("*"):
        if path.is_file() and path.name.startswith("."):
            yield f"keys/{path.relative_to(keys)}"


STANDING = (
    *("disclosure", "standing", "grant", "threshold", "--domain", "mobility"),
    *("--parameters", '{"k": 2}', "--why", "for every test"),
)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Place]:
    """Make a data directory and a key directory with the command."""

    def make(folder: Path | None = None, **environment: str) -> Place:
        root = folder or tmp_path_factory.mktemp("place")
        place = Place(root / "data", root / "keys", environment)
        place.run("init", place.data, "--keys", place.keys)
        place.run(*STANDING)
        return place

    return make


@dataclass(frozen=True)
class Sample:
    """A small sample country, and how to import it."""

    folder: Path

    @property
    def files(self) -> list[Path]:
        return sorted((self.folder / "events").iterdir())

    @property
    def importing(self) -> list[object]:
        return self.importing_into("sample")

    def importing_into(self, project: str, files: list[Path] | None = None) -> list[object]:
        """Arguments of the command that imports it."""
        return [
            *("mobility", "import", *(files or self.files), "--project", project),
            *("--mapping", self.folder / "mapping.toml", "--cells", self.folder / "cells.csv"),
            *("--from", "2026-03-01", "--to", "2026-03-05"),
        ]


RUNNING = ("mobility", "run", "--project", "sample")


@pytest.fixture(scope="session")
def sample(once: Callable[..., Any], two_days: Path) -> Sample:
    """1,500 subscribers over three days, generated once."""

    def generate(folder: Path) -> Sample:
        country = folder / "country"
        outside = Place(country, country)
        outside.run("demo", "generate", country, "--subscribers", 1500, "--days", 3, "--seed", 1)
        return Sample(country)

    return once("sample", generate)


@pytest.fixture(scope="session")
def begun(fresh: Callable[..., Place], once: Callable[..., Any]) -> Place:
    """A place with the project `sample`, whose key is fixed, and no events yet. To be copied, never changed."""

    def begin(folder: Path) -> Place:
        place = fresh(folder)
        create(place, "sample")
        return place

    return once("begun", begin)


def create(place: Place, project: str, secret: str = SECRET) -> None:
    """Make a project on the sample country whose key of 2026 is known beforehand."""
    place.run("mobility", "create", project, "--areas", "natural-earth:GN,LR,SL", "--time-zone", "Africa/Conakry")
    key = place.keys / "mobility" / project / "2026.key"
    key.parent.mkdir(parents=True, mode=0o700)
    key.write_text(f"{secret}\n")
    key.chmod(0o600)


@pytest.fixture(scope="session")
def imported(begun: Place, sample: Sample, once: Callable[..., Any]) -> Place:
    """The sample country imported without disturbance. To be copied, never changed."""

    def import_all(folder: Path) -> Place:
        place = begun.copy(folder)
        place.run(*sample.importing)
        return place

    return once("imported", import_all)


@dataclass(frozen=True)
class Undisturbed:
    """What an undisturbed import and run come to."""

    place: Place
    imports: list[tuple[str, str, int, int, str]]
    manifests: dict[str, str]
    digests: dict[str, tuple[int, str, list[Any]]]

    def equals(self, place: Place) -> None:
        """Another place has come to the same, and nothing is left beside it."""
        assert place.imports() == self.imports
        assert place.manifests() == self.manifests
        assert place.digests() == self.digests
        assert place.leftovers() == []
        place.verify()


@pytest.fixture(scope="session")
def undisturbed(imported: Place, once: Callable[..., Any]) -> Undisturbed:
    """The sample country imported, run and published without disturbance. To be read, never changed."""

    def publish(folder: Path) -> Undisturbed:
        place = imported.copy(folder)
        place.run(*RUNNING)
        found = Undisturbed(place, place.imports(), place.manifests(), place.digests())
        assert place.leftovers() == []
        return found

    return once("undisturbed", publish)


@pytest.fixture
def small_file_system(tmp_path: Path) -> Iterator[Path]:
    """An empty file system of 24 MB in memory, which only root may mount."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=24m,mode=0700", "none", str(folder)]
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True) if shutil.which("mount") else None
    if mounted is None or mounted.returncode:
        reason = f"no file system can be mounted here: {mounted.stderr.strip() if mounted else 'there is no mount'}"
        if REQUIRE_ALL and os.geteuid() == 0:
            pytest.fail(f"required here: {reason}")
        pytest.skip(reason)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
