"""Work and storage: whether jobs get done, and how much room there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request

from commonweal.core.jobs import service as jobs
from commonweal.core.jobs.health import Health, health
from commonweal.core.jobs.models import Job
from commonweal.web import words
from commonweal.web.administration.parts import TAG, WORK, administrators_only, job_address, part
from commonweal.web.administration.storage import Folder, Storage
from commonweal.web.document import Document, document
from commonweal.web.figure import Figure, Heading
from commonweal.web.following import state_of
from commonweal.web.languages import _, ngettext
from commonweal.web.table import Row

NEWEST = 100

routes = APIRouter()


@document(routes, WORK, administrators_only, summary="Jobs and storage", tag=TAG, figure="folders")
def work(request: Request) -> Document:
    """How the queue is doing, the newest jobs, the size of the records, and what the folders hold."""
    state = request.app.state
    storage: Storage = state.storage
    found, newest, measured = health(state.database), jobs.newest(state.database, NEWEST), storage.measured()
    records = state.database.size()
    return part(
        WORK,
        _("Work and storage"),
        "work.html",
        values={"health": found, "waiting_since": found.oldest_waiting and words.moment(found.oldest_waiting)},
        tiles=_tiles(found, records),
        data={
            "queue": {
                "queued": found.queued,
                "running": found.running,
                "failed_in_the_last_day": found.failed,
                "oldest_waiting": found.oldest_waiting and found.oldest_waiting.isoformat(),
                "workers": found.workers,
            },
            "jobs": [_job_record(job) for job in newest],
            "records": {"bytes": records},
            "folders": [_folder_record(one) for one in measured.folders],
            "measured_at": measured.at.isoformat(),
        },
        figures=[_jobs(newest), _folders(measured.folders, words.moment(measured.at))],
    )


def _tiles(found: Health, records: int) -> list[tuple[str, str]]:
    return [
        (words.count(found.workers), ngettext("worker", "workers", found.workers)),
        (words.count(found.running), ngettext("job at work", "jobs at work", found.running)),
        (words.count(found.queued), ngettext("job waits", "jobs wait", found.queued)),
        (words.count(found.failed), ngettext("job failed in 24 hours", "jobs failed in 24 hours", found.failed)),
        (words.size(records), _("records")),
    ]


def _jobs(newest: Sequence[Job]) -> Figure:
    return Figure(
        name="jobs",
        title=_("Jobs"),
        caption=_("The newest first; times are UTC."),
        headings=(
            Heading(_("Job"), key="id", is_time=True),
            Heading(_("Kind"), key="kind"),
            Heading(_("State"), key="state"),
            Heading(_("Doing"), key="doing"),
            Heading(_("Who"), key="who"),
            Heading(_("Submitted"), key="submitted", is_time=True),
        ),
        rows=[
            Row(
                (
                    str(job.id),
                    job.kind,
                    state_of(job),
                    job.doing,
                    job.who,
                    f"{job.submitted:%Y-%m-%d %H:%M}",
                ),
                href=job_address(job.id),
            )
            for job in newest
        ],
        records=[_job_record(job) for job in newest],
    )


def _job_record(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "doing": job.doing,
        "who": job.who,
        "submitted": job.submitted.isoformat(),
    }


def _folders(measured: Sequence[Folder], at: str) -> Figure:
    return Figure(
        name="folders",
        title=_("Storage"),
        caption=_("What each folder holds, and the room that is left on its disk, as of %(at)s UTC.", at=at),
        headings=(
            Heading(_("Folder"), key="folder"),
            Heading(_("Where"), key="path"),
            Heading(_("Files"), key="files", is_number=True),
            Heading(_("Size"), key="bytes", is_number=True, is_time=True),
            Heading(_("Free"), key="free", is_number=True, is_time=True),
        ),
        rows=[
            Row(
                (
                    one.name,
                    str(one.path),
                    _at_least(words.count(one.files), one),
                    _at_least(words.size(one.size), one),
                    _("missing") if one.free is None else words.size(one.free),
                ),
                has_value=one.free is not None,
            )
            for one in measured
        ],
        records=[_folder_record(one) for one in measured],
    )


def _at_least(said: str, folder: Folder) -> str:
    return said if folder.is_counted else _("more than %(number)s", number=said)


def _folder_record(folder: Folder) -> dict[str, Any]:
    return {
        "folder": folder.name,
        "path": str(folder.path),
        "files": folder.files,
        "bytes": folder.size,
        "counted": folder.is_counted,
        "free": folder.free,
    }
