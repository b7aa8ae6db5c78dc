"""`commonweal disclosure keys`: the key that signs certificates, and those that did before."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="The key that signs certificates: list, rotate.", no_args_is_help=True)


@app.command("list")
def list_keys(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the public keys: the one that signs, then those retired, which verify what they signed before."""
    from commonweal.core.catalog import ring
    from commonweal.core.catalog.certificate import read_public_key
    from commonweal.core.console import opened, print_json, print_table

    rows = [
        {"key": key.fingerprint, "until entry": key.until}
        for key in ring.parse(read_public_key(opened().settings.keys))
    ]
    print_json(rows) if as_json else print_table(
        list(rows[0]), [[row["key"], "signs" if row["until entry"] is None else row["until entry"]] for row in rows]
    )


@app.command("rotate")
def rotate(why: Annotated[str | None, typer.Option(help="The reason, for the audit log.")] = None) -> None:
    """Exchange the signing key for a new one and destroy the old one; what it signed goes on verifying."""
    from commonweal.core.audit import who
    from commonweal.core.console import opened
    from commonweal.disclosure.certificate import rotate_keys

    home = opened()
    print(f"key {rotate_keys(home.settings, home.database, who(), why).fingerprint} signs now; the one before is gone")
