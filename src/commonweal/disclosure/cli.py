"""`commonweal disclosure`: rules, audits, approval, ledger."""

from __future__ import annotations

import typer

from commonweal.disclosure.key_commands import app as keys
from commonweal.disclosure.ledger import cli as ledger
from commonweal.disclosure.linear.commands import audit
from commonweal.disclosure.planning.commands import plan
from commonweal.disclosure.releasing import cli as releasing

app = typer.Typer(help="The rules that keep people from being found in what is published.", no_args_is_help=True)
app.command("audit")(audit)
app.command("plan")(plan)
app.command("proposals")(releasing.proposals)
app.command("show")(releasing.show)
app.command("approve")(releasing.approve)
app.command("reject")(releasing.reject)
app.add_typer(releasing.standing, name="standing")
app.add_typer(ledger.ledger, name="ledger")
app.add_typer(ledger.budget, name="budget")
app.add_typer(keys, name="keys")
