"""Import on a cluster: blocks are parsed by whichever worker is free, brought together by bucket, and laid.

Spark's own shuffle brings a bucket's events to one partition and sorts them within it by where they stood in the
files. What travels is a block's events of a bucket as one sealed piece, not event by event: rows sent through Spark one
by one cost some tenfold, and what lies on its disks is so encrypted whatever Spark is told. A bucket's pieces are laid
by the same function as on one machine, so the store is the same, row for row.

Nothing is kept between attempts but what an epoch's manifest commits: an import that is killed begins anew, with what
is committed left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from uuid import uuid4

from commonweal.core.cluster import Cluster, Shuffled
from commonweal.core.errors import Conflict, InputError
from commonweal.mobility import staging, transit
from commonweal.mobility.importing import HOPELESS, Done, Import, bucket_bits, refuse_unreadable
from commonweal.mobility.laying import Laying, commit, edges, is_merged, settle
from commonweal.mobility.pieces import Piece, whole
from commonweal.mobility.staging import FileReport, Staged
from commonweal.mobility.store import EpochStore
from commonweal.mobility.workers import Gathering, Work, gather_reports

_STEPS = 1000


@dataclass
class SpreadImport(Import):
    """An import at work on a cluster. Parameters are those of `Import`."""

    _rejects: bool = field(default=False, init=False)

    def run(self) -> Done:
        """Import; give a report for each file, and what to call once the reports are recorded."""
        staged = self._begin()
        keys, project = self.book.settings.keys, self.book.project.name
        try:
            with Cluster(self.book.settings) as cluster:
                transit.begin(keys, project, staged.identity)
                stores = self._work(cluster, staged)
        except InputError:  # a file or the mapping must change first, and then it is another import
            staging.remove(self.folder, (), staged.identity)
            raise
        finally:
            transit.end(keys, project)
        return staged.files, lambda: staging.remove(self.folder, stores, staged.identity)

    def _begin(self) -> Staged:
        """Take up what is committed of this import; give up what threads have staged of it."""
        request = self.request
        staged = Staged.read(self.folder, request.identity) or Staged(request.identity, [], period=request.period)
        if staged.merged and staged.engine != "spark":
            raise Conflict(
                "this import was begun on threads, and a part of it is committed",
                where=f"project {self.book.project.name}",
                expected="--engine threads, once",
            )
        staging.remove_runs(self._stores(staged), staged.identity)
        self.request = replace(request, period=(staged.period[0], staged.period[1]))
        files = [FileReport(path.name, size=path.stat().st_size) for path in request.files]
        staged = Staged(staged.identity, files, period=staged.period, merged=staged.merged, engine="spark")
        staged.write(self.folder)
        return staged

    def _work(self, cluster: Cluster, staged: Staged) -> list[EpochStore]:
        work = Work(
            staged.identity,
            uuid4().hex,
            self.book.project.name,
            self.book.settings.keys,
            self.folder.parent,
            self.request.layout,
            self.request.cells,
            self.request.period,
            tuple(self.book.epochs),
            bucket_bits(self.book.project, self.request),
        )
        pieces, moments = self._survey(cluster, work, staged)
        if not pieces:
            return []
        work = self._with_epochs(work, moments)
        work, shuffled = self._scatter(cluster, work, pieces, staged)
        guarding = self._some_epoch(staged) if self._rejects else None
        starts = sorted({*map(int, staged.newest), *([] if guarding is None else [guarding])})
        stores = [self._store(moment) for moment in starts]
        work = replace(work, epochs=tuple(self.book.epochs))
        open_stores = [store for store in stores if not is_merged(staged, store)]
        if open_stores:
            self._gather(shuffled, work, staged, open_stores, guarding)
        settle(staged)
        return stores

    def _survey(self, cluster: Cluster, work: Work, staged: Staged) -> tuple[list[Piece], list[int]]:
        files = [whole(path, number) for number, path in enumerate(self.request.files)]
        surveys = cluster.map(work.survey, files, lambda done: self._told(done, len(files), 0, 0.1, "reading"))
        for report, (survey, _) in zip(staged.files, surveys, strict=True):
            report.digest = survey.digest
        pieces = [piece for survey, _ in surveys for piece in survey.pieces]
        return pieces, [moment for _, moments in surveys for moment in moments]

    def _with_epochs(self, work: Work, moments: list[int]) -> Work:
        """Make the epochs that events fall into, here, where they are recorded, before a pseudonym is made."""
        for moment in sorted(moments):
            self.book.at(moment)
        return replace(work, epochs=tuple(self.book.epochs))

    def _scatter(
        self, cluster: Cluster, work: Work, pieces: list[Piece], staged: Staged
    ) -> tuple[Work, Shuffled[Piece]]:
        while True:
            shuffled = cluster.shuffle(work.scatter, pieces, work.reports + 1)
            told = partial(self._told, total=len(pieces) + 1, begins=0.1, ends=1.0, what="reading")
            [reports] = shuffled.map(gather_reports, [work.reports], told)
            missing = [moment for _, said in reports for moment in said.get("missing", ())]
            if not missing:
                break
            work = self._with_epochs(work, missing)  # of a time that did not show at the beginning of any piece
        for number, said in reports:
            report, path = staged.files[number], self.request.files[number]
            report.digest = said.get("digest", report.digest)
            report.rows += said.get("lines", 0)
            for reason, count in said.get("rejected", {}).items():
                report.reject(reason, count)
                self._rejects = True
            for epoch, newest in said.get("newest", {}).items():
                staged.newest[epoch] = max(staged.newest.get(epoch, 0), newest)
            refuse_unreadable(report, path, HOPELESS, f"the first {report.rows:,}")
        for report, path in zip(staged.files, self.request.files, strict=True):
            refuse_unreadable(report, path, 1, "its")
        return work, shuffled

    def _gather(
        self, shuffled: Shuffled[Piece], work: Work, staged: Staged, stores: list[EpochStore], guarding: int | None
    ) -> None:
        calendar = self.book.project.calendar
        spans = {store.manifest.starts: edges(calendar, store, staged) for store in stores}
        gathering = Gathering(
            work, Laying.of(self.request.cells, staged), spans, guarding if guarding in spans else None
        )
        told = partial(self._told, total=work.reports, begins=0.0, ends=1.0, what="sorting")
        gathered = shuffled.map(gathering, range(work.reports), told)
        rejects = [segment for part in gathered for segment in part.rejects]
        for store in stores:
            own = store.manifest.starts
            laid = [one for part in gathered for one in part.laid[own]]
            kept = rejects if own == guarding else []
            commit(self.folder, staged, store, laid, kept, self.request.cells.digest)

    def _told(self, done: int, total: int, begins: float, ends: float, what: str) -> None:
        self.check()
        self.progress(round(_STEPS * (begins + (ends - begins) * done / max(1, total))), _STEPS, what)

    def _some_epoch(self, staged: Staged) -> int:
        return max(map(int, staged.newest), default=None) or super()._some_epoch(staged)
