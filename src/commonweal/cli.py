"""The command line: one command group a room, loaded only when it is called."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from commonweal import __version__
from commonweal.core.domain import load
from commonweal.core.without_pandas import leave_out_pandas
from commonweal.domains import ROOMS

EXTRA_GROUPS = {
    "keys": (
        "Keys of the private stores: list, rotate, destroy, certificates of it.",
        "commonweal.mobility.keys_cli:app",
    ),
    "demo": ("The sample country: generate it, run it, score it.", "commonweal.demo.cli:app"),
}


def application(arguments: list[str]) -> typer.Typer:
    """Assemble the commands; only the group that the arguments name is imported."""
    app = typer.Typer(
        name="commonweal",
        help="See how a city and a country function, know where people are without exposing anyone.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(_begin)
    app.command("init")(_init)
    app.command("serve")(_serve)
    records = typer.Typer(help="The records' database: upgrade, check.", no_args_is_help=True)
    records.command("upgrade")(_upgrade)
    records.command("check")(_check)
    app.add_typer(records, name="db")
    groups = {room.name: (room.summary, room.commands) for room in ROOMS if room.commands} | EXTRA_GROUPS
    for name, (summary, commands) in sorted(groups.items()):
        group = load(commands) if name in arguments else _unloaded()
        app.add_typer(group, name=name, help=summary, no_args_is_help=True)
    return app


def _unloaded() -> typer.Typer:
    group = typer.Typer()
    group.callback()(lambda: None)
    return group


def _version(wanted: bool) -> None:
    if wanted:
        print(f"commonweal {__version__}")
        raise typer.Exit


def _begin(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option(help="The data directory; else COMMONWEAL_DATA, else the working directory.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if data is not None:
        os.environ["COMMONWEAL_DATA"] = str(data)  # worker processes follow it too
    context.obj = ROOMS  # for commands of the ground floor, which cannot know the rooms above them


def _init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the data will lie.")],
    keys: Annotated[Path, typer.Option(help="Where the keys will lie: elsewhere, readable by you alone.")],
) -> None:
    """Write a ready data directory and, elsewhere, a key directory."""
    from commonweal.domains import initialise

    settings = initialise(directory, keys).settings
    print(f"data directory  {settings.data}")
    print(
        f"key directory   {settings.keys}   back it up apart from the data; without it the private store is unreadable"
    )


def _upgrade() -> None:
    """Bring the database to the newest version, and the triggers that protect audit log and ledger into force."""
    from commonweal.core.console import opened

    for trigger in opened().database.upgrade(ROOMS):
        print(f"in force again: {trigger}")
    print("the database is up to date")


def _check() -> None:
    """Say whether database, migrations and models agree, and audit log and ledger are protected."""
    from commonweal.core.console import opened

    opened().database.check(ROOMS)
    print("the database is up to date, equals the models and protects audit log and ledger")


def _serve(
    host: Annotated[
        str | None, typer.Option(help="Address to bind to; other than this machine's own needs TLS.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind to.")] = None,
    tls: Annotated[Path | None, typer.Option(help="PEM file with a certificate chain, to serve HTTPS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file with the certificate's key.")] = None,
    worker: Annotated[
        bool | None,
        typer.Option("--worker/--no-worker", help="Run queued jobs too, or leave them to `commonweal jobs work`."),
    ] = None,
) -> None:
    """Serve the site and the API, and run queued jobs."""
    from commonweal.core.console import opened
    from commonweal.server import serve

    serve(opened().settings.served(host, port, tls, tls_key, worker))


def main() -> None:
    """Run the command line; an error is one line on standard error and its exit code."""
    leave_out_pandas()
    try:
        application(sys.argv[1:])()
    except Exception as error:
        from commonweal.core.errors import explain

        if os.environ.get("COMMONWEAL_DEBUG") in ("1", "true"):
            raise
        shown = explain(error)
        print(f"error: {shown}", file=sys.stderr)
        sys.exit(shown.exit_code)
