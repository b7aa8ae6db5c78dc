"""`commonweal audit`: read and verify the audit log."""

from __future__ import annotations

from typing import Annotated

import typer

from commonweal.core import audit
from commonweal.core.console import opened, print_json, print_table

app = typer.Typer(help="The hash-chained log of who did what to what and why.", no_args_is_help=True)


@app.command("verify")
def verify() -> None:
    """Prove that no entry was altered, removed, reordered, inserted or cut off; else say which and fail."""
    home = opened()
    report = audit.verify(home.settings, home.database)
    for finding in report.findings:
        print(finding.what)
    report.refuse_damage()
    assert report.head is not None  # an unreadable head is a finding
    print(f"the audit log is whole: {report.entries} entries, head {report.head.sequence} {report.head.hash}")


@app.command("list")
def list_entries(
    last: Annotated[int, typer.Option(min=1, help="How many of the newest entries to show.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print every field, as the hash covers it.")] = False,
) -> None:
    """Show the newest entries, oldest of them first."""
    entries = audit.newest(opened().database, last)[::-1]
    if as_json:
        print_json([{**entry.fields(), "hash": entry.hash} for entry in entries])
        return
    print_table(
        ("entry", "at (UTC)", "who", "action", "what", "why"),
        (
            (entry.sequence, f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.who, entry.action, entry.what, entry.why)
            for entry in entries
        ),
    )
