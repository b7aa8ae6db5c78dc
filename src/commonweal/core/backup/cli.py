"""`commonweal backup`: everything in one file, the keys apart in another, and back again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commonweal.core.console import opened, rooms_of

app = typer.Typer(help="Copies of everything, the keys apart: create, verify, restore.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup of the data.")]


@app.command("create")
def create(
    context: typer.Context,
    file: File,
    keys: Annotated[Path, typer.Option(metavar="FILE2", help="The backup of the keys: in another folder, elsewhere.")],
) -> None:
    """Back up everything while it is used: the data into one new file, the keys into another."""
    from commonweal.core.audit import who
    from commonweal.core.backup.service import create

    home = opened()
    manifest = create(home.settings, home.database, rooms_of(context), file, keys, who())
    print(f"data    {file}  {manifest.size:,} bytes in {len(manifest.entries):,} entries, {manifest.rows:,} records")
    print(f"keys    {keys}  {len(manifest.keys):,} keys   keep it apart from the data, in other hands")
    print(f"digest  {manifest.digest}")


@app.command("verify")
def verify(
    file: File,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE2", help="The backup of the keys, to be verified too.")
    ] = None,
) -> None:
    """Prove that a backup is whole and, with the keys', that these belong to it; else say which entry is damaged."""
    from commonweal.core.backup.service import verify

    manifest = verify(file, keys)
    print(
        f"the backup is whole: {manifest.size:,} bytes in {len(manifest.entries):,} entries, {manifest.rows:,} records"
    )
    print(f"made    {manifest.made:%Y-%m-%d %H:%M:%S} UTC by version {manifest.version}")
    print(f"audit   {manifest.audit.sequence} entries, head {manifest.audit.hash}")
    print(f"digest  {manifest.digest}")
    if keys is not None:
        print(f"the keys belong to it: {len(manifest.keys)}")


@app.command("restore")
def restore(
    context: typer.Context,
    file: File,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the data will lie: a new or empty folder.")],
    keys_to: Annotated[
        Path, typer.Option(metavar="DIR2", help="Where the keys will lie; or the key directory that was not lost.")
    ],
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE2", help="The backup of the keys, unless DIR2 has them.")
    ] = None,
) -> None:
    """Make an installation of a backup, in new directories, and prove that it is what was backed up."""
    from sqlalchemy.engine import make_url

    from commonweal.core.audit import who
    from commonweal.core.backup.restoring import restore

    settings, manifest = restore(file, keys, directory, keys_to, rooms_of(context), who())
    print(f"data directory  {settings.data}")
    print(f"key directory   {settings.keys}")
    print(f"database        {make_url(settings.database_url).render_as_string(hide_password=True)}")
    print(f"restored as of {manifest.made:%Y-%m-%d %H:%M:%S} UTC, and proven equal: {manifest.digest}")
