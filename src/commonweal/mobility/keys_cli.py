"""``commonweal keys``: the epochs of a project and their keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from commonweal.core.console import opened, print_table

app = typer.Typer(help="Keys of the private stores: list, rotate, destroy.")

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
    print(f"the key of epoch {epoch} is destroyed")
