"""Backups: those that there are, making and verifying one, and how to make an installation of one again."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Request
from sqlalchemy.engine import make_url
from starlette.responses import Response

from commonweal.core.backup import listing
from commonweal.core.backup.listing import Backup
from commonweal.core.backup.service import CREATE, VERIFY
from commonweal.core.errors import CommonwealError
from commonweal.core.jobs import service as jobs
from commonweal.core.settings import Settings
from commonweal.web import words
from commonweal.web.access import visitor_of
from commonweal.web.administration.parts import (
    BACKUP,
    TAG,
    Form,
    administrators_only,
    again,
    job_address,
    part,
    went_well,
)
from commonweal.web.document import Document, document
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _
from commonweal.web.table import Row

Name = Annotated[str, Path(description="Name of the file.", examples=["2026-03-02T081502Z"])]

routes = APIRouter()


@document(routes, BACKUP, administrators_only, summary="Backups", tag=TAG, figure="backups")
def backups(request: Request) -> Document:
    """The backups in their folder, with what the audit log and the last verification say of each."""
    return _backups(request)


@routes.post(BACKUP, include_in_schema=False)
@administrators_only
def make_backup(request: Request, form: Form) -> Response:
    """Have a backup made, by a job."""
    state = request.app.state
    try:
        listing.refuse_unready(state.settings)
        number = jobs.submit_or_adopt(state.database, CREATE, {}, visitor_of(request).who)
    except CommonwealError as error:
        return again(request, _backups(request, error), BACKUP, error)
    return went_well(job_address(number))


@document(routes, f"{BACKUP}/{{name}}", administrators_only, summary="A backup", tag=TAG, figure="restore")
def one_backup(request: Request, name: Name) -> Document:
    """What is known of a backup, and the commands that make an installation of it again."""
    state = request.app.state
    return _backup(state.settings, listing.get(state.settings, state.database, name))


@routes.post(f"{BACKUP}/{{name}}/verify", include_in_schema=False)
@administrators_only
def verify_backup(request: Request, name: str, form: Form) -> Response:
    """Have a backup verified, by a job."""
    state = request.app.state
    backup = listing.get(state.settings, state.database, name)
    return went_well(
        job_address(jobs.submit_or_adopt(state.database, VERIFY, {"file": backup.name}, visitor_of(request).who))
    )


def _backups(request: Request, error: CommonwealError | None = None) -> Document:
    state = request.app.state
    settings: Settings = state.settings
    found = listing.backups(settings, state.database)
    free = _free(settings)
    return part(
        BACKUP,
        _("Backups"),
        "backups.html",
        error=error,
        values={
            "folders": [folder and str(folder) for folder in (settings.backups, settings.backup_keys)],
            "free": free and words.size(free),
            "any": bool(found),
        },
        data={
            "backups_folder": settings.backups and str(settings.backups),
            "keys_folder": settings.backup_keys and str(settings.backup_keys),
            "free": free,
            "backups": [_plain(backup) for backup in found],
        },
        figures=[_table(found)],
    )


def _free(settings: Settings) -> int | None:
    if settings.backups is not None:
        with suppress(OSError):
            return shutil.disk_usage(settings.backups).free
    return None


def _backup(settings: Settings, backup: Backup) -> Document:
    keys_path = backup.keys_path or (settings.backup_keys and settings.backup_keys / backup.name)
    commands = _commands(settings, backup, str(keys_path or "FILE2"))
    on_server = make_url(settings.database_url).get_backend_name() == "postgresql"
    steps = _steps(commands, on_server)
    return part(
        BACKUP,
        backup.name,
        "backup.html",
        values={
            "backup": backup,
            "size": words.size(backup.size),
            "made": _made(backup),
            "verdict": backup.verdict,
            "verified": _verified(backup),
            "needs_keys": _needs_keys(),
            "keys_path": keys_path and str(keys_path),
            "steps": steps,
        },
        lead=_("%(size)s, written on %(at)s UTC", size=words.size(backup.size), at=words.moment(backup.written)),
        data=_plain(backup) | {"restore": {"needs_an_empty_database": on_server, **commands}},
        figures=[_restoring(steps)],
        notes=[_needs_keys()],
    )


def _commands(settings: Settings, backup: Backup, keys: str) -> dict[str, list[str]]:
    """Give what to type: to prove the backup, to restore it, and to prove what was restored."""
    data, new_keys = f"{settings.data}-restored", f"{settings.keys}-restored"

    def line(*words: str) -> str:
        return shlex.join(("commonweal", *words))

    return {
        "verify": [line("backup", "verify", str(backup.path), "--keys", keys)],
        "restore": [line("backup", "restore", str(backup.path), "--keys", keys, data, "--keys-to", new_keys)],
        "prove": [
            line("--data", data, *words) for words in (("audit", "verify"), ("catalog", "verify"), ("db", "check"))
        ],
        "serve": [line("--data", data, "serve")],
    }


def _steps(commands: Mapping[str, Sequence[str]], on_server: bool) -> list[tuple[str, Sequence[str]]]:
    """Say what to do to restore a backup, each step with what to type."""
    database = "export COMMONWEAL_DATABASE_URL=postgresql://USER@HOST/NAME"
    return [
        (_("Stop the server, and every worker."), ()),
        (_("Prove that the backup is whole, and that the keys belong to it:"), commands["verify"]),
        *([(_("Make an empty database, and name it in the environment:"), (database,))] if on_server else []),
        (_("Restore it:"), commands["restore"]),
        (_("Prove what was restored:"), commands["prove"]),
        (
            _(
                "Write the settings that name a place into the new commonweal.toml again, and do again what was done "
                "since: keys that were destroyed and people who were locked out are back."
            ),
            (),
        ),
        (_("Start the server in the new place, and never the old one beside it:"), commands["serve"]),
    ]


def _restoring(steps: Sequence[tuple[str, Sequence[str]]]) -> Figure:
    """Give the steps as a table, for the brief: it is read when there is no site to look at."""
    lines = [(number, text, line) for number, (text, typed) in enumerate(steps, 1) for line in typed or ("",)]
    return Figure(
        name="restore",
        title=_("Restoring it"),
        caption=_("What to do, in this order."),
        headings=(Heading(_("Step")), Heading(_("What to do")), Heading(_("What to type"))),
        rows=[Row((str(number), text, line)) for number, text, line in lines],
        records=[{"step": number, "do": text, "type": line or None} for number, text, line in lines],
    )


def _needs_keys() -> str:
    return _(
        "This file holds no key. It can be restored only with the backup of the keys that was made with it, or beside "
        "the key directory that was not lost."
    )


def _table(found: Sequence[Backup]) -> Figure:
    return Figure(
        name="backups",
        title=_("Backups of the data"),
        caption=_("The newest first; times are UTC. Choose one to verify it, or to see how it is restored."),
        headings=(
            Heading(_("File"), key="name"),
            Heading(_("Written"), key="written", is_time=True),
            Heading(_("Size"), key="bytes", is_number=True, is_time=True),
            Heading(_("Its keys"), key="keys"),
            Heading(_("Verified"), key="verified"),
        ),
        rows=[
            Row(
                (
                    backup.name,
                    words.moment(backup.written),
                    words.size(backup.size),
                    _("at hand") if backup.keys_path else _("not here"),
                    _verified(backup),
                ),
                href=f"{BACKUP}/{quote(backup.name)}",
            )
            for backup in found
        ],
        records=[
            {
                "name": backup.name,
                "written": backup.written.isoformat(),
                "bytes": backup.size,
                "keys": "at hand" if backup.keys_path else "not here",
                "verified": backup.verdict and ("whole" if backup.verdict.is_whole else "damaged"),
                "digest": backup.made and backup.made.digest,
            }
            for backup in found
        ],
    )


def _verified(backup: Backup) -> str:
    verdict = backup.verdict
    if verdict is None:
        return _("not yet")
    at = words.moment(verdict.at)
    if not verdict.is_whole:
        return _("not as it should be, on %(at)s", at=at)
    return _("whole, its keys too, on %(at)s", at=at) if verdict.with_keys else _("whole, on %(at)s", at=at)


def _made(backup: Backup) -> str:
    if backup.made is None:
        return _("The audit log of this installation does not know of it.")
    return _("Made by %(who)s on %(at)s UTC.", who=backup.made.who, at=words.moment(backup.made.at))


def _plain(backup: Backup) -> dict[str, Any]:
    made, verdict = backup.made, backup.verdict
    return {
        "name": backup.name,
        "path": str(backup.path),
        "bytes": backup.size,
        "written": backup.written.isoformat(),
        "keys": {"path": backup.keys_path and str(backup.keys_path), "at_hand": backup.keys_path is not None},
        "made": made and {"at": made.at.isoformat(), "who": made.who, "digest": made.digest, "keys": made.keys},
        "verified": verdict
        and {
            "at": verdict.at.isoformat(),
            "whole": verdict.is_whole,
            "with_keys": verdict.with_keys,
            "finding": verdict.finding or None,
        },
    }
