"""`commonweal disclosure`: rules, audits, approval."""

from __future__ import annotations

import typer

from commonweal.disclosure.linear.commands import audit

app = typer.Typer(help="The rules that keep people from being found in what is published.", no_args_is_help=True)
app.command("audit")(audit)
