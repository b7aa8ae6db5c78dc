"""``commonweal keys``: the epochs of a project and their keys."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from commonweal.core.console import opened, print_table

app = typer.Typer(help="Keys of the private stores: list, rotate, destroy, certificates of it.")

ProjectName = Annotated[str, typer.Option("--project", "-p", help="The project.")]


@app.command("list")
def list_(project: ProjectName) -> None:
    """List a project's epochs and the fingerprints of their keys."""
    from commonweal.mobility.epochs import epochs_of
    from commonweal.mobility.measure import utc
    from commonweal.mobility.projects import get_project

    database = opened().database
    rows = [
        (
            epoch.name,
            f"{utc(epoch.starts):%Y-%m-%d %H:%M}",
            f"{utc(epoch.ends):%Y-%m-%d %H:%M}",
            epoch.fingerprint,
            "destroyed" if epoch.destroyed else "",
        )
        for epoch in epochs_of(database, get_project(database, project).name)
    ]
    print_table(["epoch", "from (UTC)", "to (UTC)", "fingerprint", ""], rows)


@app.command("rotate")
def rotate(
    project: ProjectName,
    day: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day under the new key.")],
) -> None:
    """Begin a new epoch on a day: from then on people have other pseudonyms."""
    from commonweal.core import audit
    from commonweal.mobility.custody import rotate_key
    from commonweal.mobility.objecting import OBJECTIONS_ARE_NOT_CARRIED_OVER
    from commonweal.mobility.projects import get_project

    home = opened()
    epoch = rotate_key(home.settings, home.database, get_project(home.database, project), day.date(), audit.who())
    print(f"epoch {epoch.name} begins; its key has fingerprint {epoch.fingerprint}")
    print(OBJECTIONS_ARE_NOT_CARRIED_OVER)


@app.command("destroy")
def destroy(
    project: ProjectName,
    epoch: Annotated[str, typer.Argument(help="The epoch whose key is destroyed, for ever.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    why: Annotated[str | None, typer.Option(help="Reason, for the audit log.")] = None,
) -> None:
    """Destroy an epoch's key: its store can never be read again."""
    from commonweal.core import audit
    from commonweal.mobility.custody import destroy_key
    from commonweal.mobility.projects import get_project

    home = opened()
    chosen = get_project(home.database, project)
    if not yes:
        typer.confirm(
            f"Nobody will ever read the events of epoch {epoch} of project {project} again. Destroy its key?",
            abort=True,
        )
    destroy_key(home.settings, home.database, chosen, epoch, audit.who(), why)
    print(f"the key of epoch {epoch} is destroyed; see: commonweal keys certificate --project {project} {epoch}")


@app.command("certificate")
def certificate(
    project: ProjectName,
    epoch: Annotated[str, typer.Argument(help="An epoch whose key was destroyed.")],
) -> None:
    """Print the signed certificate that an epoch's key was destroyed, as JSON."""
    from commonweal.core.console import print_json
    from commonweal.mobility.custody import certificate_of
    from commonweal.mobility.projects import get_project

    database = opened().database
    print_json(certificate_of(database, get_project(database, project), epoch).record())


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A certificate, as JSON.")],
    public_key: Annotated[
        Path | None, typer.Option(help="The public key, PEM; that of this installation if not given.")
    ] = None,
) -> None:
    """Verify a certificate that a key was destroyed; with --public-key, anywhere and without an installation."""
    from commonweal.core.catalog.certificate import read_public_key
    from commonweal.core.errors import explain
    from commonweal.disclosure import destruction

    found = destruction.read(file)
    try:
        ring = public_key.read_bytes() if public_key else read_public_key(opened().settings.keys)
    except OSError as error:
        raise explain(error, public_key) from error
    destruction.verify(found, ring)
    said, entry = found.statement, found.ledger_entry
    print(f"signed by disclosure, for entry {entry['sequence']} of the audit log")
    print(f"key {said['key']} of epoch {said['epoch']} of project {said['project']}")
    print(f"destroyed at {said['destroyed_at']} by {said['destroyed_by']}: {len(said['unreadable'])} segments")
