"""What is kept of a bucket's counts and derived rows, so that nothing is made twice.

They are kept, encrypted, under a digest of all that they depend on: the segments of the days that are looked at, the
cells, the areas, the calendar and the code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from commonweal.core.errors import Damaged
from commonweal.mobility.measure import Derivation, Measure, sources
from commonweal.mobility.store import EpochStore

if TYPE_CHECKING:
    from commonweal.mobility.counting import Bucket

_STARTS, _CODE = b"starts", b"code"


class Kept:
    """One measure's or derivation's tables of a bucket, window by window: those that are kept, and those to make.

    Parameters
    ----------
    item
        The measure or derivation.
    bucket
        The bucket.
    around
        How many days before the period, and after it, are needed too, by what is made of it.
    """

    def __init__(self, item: Measure | Derivation, bucket: Bucket, around: tuple[int, int] = (0, 0)) -> None:
        self.item = item
        self.name = item.name
        self.code = code_digest()
        self.made: dict[int, tuple[str, pa.Table]] = {}  # by the window's start: what it depends on, and the table
        self.bucket = bucket
        self.around = around

    def windows(self) -> list[tuple[int, int]]:
        """Start and end of each window that is made for itself, in order: those of the period, and days around it."""
        bucket = self.bucket
        if self.item.window == "run":
            return [(bucket.starts, bucket.ends)]
        days = bucket.days_around.tolist()
        first, last = days.index(bucket.starts), days.index(bucket.ends)
        before, after = days[first - self.around[0] : first], days[last + 1 : last + 1 + self.around[1]]
        return list(pairwise([*before, *bucket.windows.tolist(), *after]))

    def tables(self) -> list[pa.Table]:
        """The period's tables in order of time."""
        starts, ends = self.bucket.starts, self.bucket.ends
        return [self.made[start][1] for start, _ in self.windows() if starts <= start < ends]

    def needs(self, start: int, depends_on: str) -> bool:
        """Say whether the table of a window must be made."""
        return start not in self.made or self.made[start][0] != depends_on

    def fingerprint(self, depends_on: Sequence[str], start: int, end: int) -> str:
        """Give the digest of all that a window's table depends on."""
        chosen = [part.parameters for part in sources(self.item) if isinstance(part, Derivation)]
        said = [self.code, self.bucket.meaning, start, end, list(depends_on), chosen]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]

    def file(self) -> str:
        """Where it is kept, below the epoch's folder."""
        return f"derived/{self.name}/{self.bucket.number:03}.parquet"

    def recall(self, store: EpochStore) -> None:
        """Take up what was kept."""
        if not (store.folder / self.file()).exists():
            return
        try:
            kept = store.read(self.file())
        except Damaged:  # what was kept can be made again
            return
        if kept.schema.metadata.get(_CODE) != self.code.encode():
            return
        for start, (fingerprint, first, rows) in json.loads(kept.schema.metadata[_STARTS]).items():
            own = {name: value for name, value in kept.schema.metadata.items() if name not in (_STARTS, _CODE)}
            self.made[int(start)] = (fingerprint, kept.slice(first, rows).replace_schema_metadata(own or None))

    def keep(self, store: EpochStore) -> None:
        """Keep the tables for the next time, but for windows that were cut otherwise within the period."""
        bucket, windows = self.bucket, {start for start, _ in self.windows()}
        kept = {s: made for s, made in self.made.items() if s in windows or not bucket.starts <= s < bucket.ends}
        place, index = 0, {}
        for start, (fingerprint, table) in kept.items():
            index[start] = (fingerprint, place, table.num_rows)
            place += table.num_rows
        whole = pa.concat_tables([table for _, table in kept.values()])
        metadata = (whole.schema.metadata or {}) | {_STARTS: json.dumps(index).encode(), _CODE: self.code.encode()}
        store.write(whole.combine_chunks().replace_schema_metadata(metadata), self.file())


@cache
def code_digest() -> str:
    """Digest of the code that counts depend on."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in code_files())).hexdigest()


def code_files() -> list[Path]:
    """List the files of measures and derivations, and of what lies beneath them."""
    here = Path(__file__).parent
    own = "behind bounding cells counting coverage measure mobile_countries network plmn sequences"
    files = [here.parent / "core" / f"{name}.py" for name in ("engine", "grouping", "kernels")]
    files += [here / f"{name}.py" for name in own.split()]
    for folder in ("measures", "borders", "cleaning", "footprint", "stays", "walks"):
        files += sorted((here / folder).glob("*.py"))
    return files
