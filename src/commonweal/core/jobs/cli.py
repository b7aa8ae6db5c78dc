"""`commonweal jobs`: see long work, cancel it, resume it, and work off the queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from commonweal.core.audit import who
from commonweal.core.console import opened, print_json, print_table, rooms_of
from commonweal.core.domain import job_handlers
from commonweal.core.jobs import failure, launch, service
from commonweal.core.jobs.models import Job
from commonweal.core.jobs.progress import follow

app = typer.Typer(help="Long work: progress, log, cancel, resume.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(metavar="ID", help="The job's number.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Why = Annotated[str | None, typer.Option(help="The reason, for the audit log.")]


@app.command("list")
def list_jobs(
    last: Annotated[int, typer.Option(min=1, help="How many of the newest jobs to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the newest jobs, newest first."""
    jobs = service.newest(opened().database, last)
    if as_json:
        print_json([_fields(job) for job in jobs])
        return
    print_table(
        ("job", "kind", "state", "progress", "who", "submitted (UTC)"),
        ((job.id, job.kind, job.state, _share(job), job.who, f"{job.submitted:%Y-%m-%d %H:%M:%S}") for job in jobs),
    )


@app.command("show")
def show(number: Number, as_json: AsJson = False) -> None:
    """Show one job: what was asked, how far it is, how it ended, what it logged."""
    database = opened().database
    job = service.get(database, number)
    lines = service.lines(database, number)
    if as_json:
        print_json(_fields(job) | {"lines": [{"at": line.at.isoformat(), "text": line.text} for line in lines]})
        return
    print_table(("", ""), ((name, value) for name, value in _fields(job).items() if value not in (None, "", {})))
    for line in lines:
        print(f"{line.at:%Y-%m-%d %H:%M:%S}  {line.text}")


@app.command("cancel")
def cancel(number: Number, why: Why = None) -> None:
    """Stop a job: at once if it waits, at its next check if it runs. What it saved is kept."""
    job = service.cancel(opened().database, number, who(), why)
    print(f"job {number} is {job.state}" if job.finished else f"job {number} was asked to stop")


@app.command("resume")
def resume(
    context: typer.Context,
    number: Number,
    why: Why = None,
    queue: Annotated[bool, typer.Option("--queue", help="Leave it to `commonweal jobs work`.")] = False,
) -> None:
    """Take a failed or cancelled job up again where it stopped, here and now."""
    home = opened()
    job = service.resume(home.database, number, who(), why)
    if queue:
        print(f"job {number} is queued")
        return
    with follow(job.kind) as on_progress:
        result = launch.follow_job(home.settings, home.database, number, who(), _registry(context), on_progress)
    print(f"job {number} has succeeded")
    if result:
        print_json(result)


@app.command("work")
def work(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End when the queue is empty.")] = False,
) -> None:
    """Run queued jobs, one after another, until stopped. Start several to run several at a time."""
    home = opened()
    launch.work(home.settings, home.database, _registry(context), once=once)


def _registry(context: typer.Context) -> Mapping[str, str]:
    return job_handlers(rooms_of(context))


def _share(job: Job) -> str:
    return f"{100 * job.done / job.total:.0f} % {job.doing}".strip() if job.total else job.doing


def _fields(job: Job) -> dict[str, Any]:
    times = {"submitted": job.submitted, "started": job.started, "finished": job.finished}
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "who": job.who,
        "parameters": job.parameters,
        **{name: time.isoformat() if time else None for name, time in times.items()},
        "attempts": job.attempts,
        "done": job.done,
        "total": job.total,
        "doing": job.doing,
        "result": job.result,
        "error": str(failure.restore(job.error)) if job.error else None,
    }
