"""`commonweal disclosure ledger` and `commonweal disclosure budget`."""

from __future__ import annotations

from typing import Annotated

import typer

from commonweal.core.console import opened, print_json, print_table

ledger = typer.Typer(help="What was released of whom, under which rule, and what it spent.")
budget = typer.Typer(help="What may be spent of each person's privacy.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@ledger.callback(invoke_without_command=True)
def list_entries(context: typer.Context, as_json: AsJson = False) -> None:
    """List the ledger: releases, budgets, standing approvals."""
    if context.invoked_subcommand is not None:
        return
    from commonweal.disclosure.ledger.entries import read
    from commonweal.disclosure.ledger.telling import what_is_spent, what_it_says

    home = opened()
    with home.database.reading() as session:
        entries = read(session, home.settings)
    if as_json:
        print_json([entry.fields() | {"hash": entry.hash, "signature": entry.signature} for entry in entries])
        return
    print_table(
        ("entry", "at (UTC)", "who", "", "what", "spent", "allowed by"),
        (
            (
                entry.sequence,
                f"{entry.at:%Y-%m-%d %H:%M}",
                entry.who,
                entry.kind,
                what_it_says(entry),
                what_is_spent(entry),
                _allowed(entry.said.get("approval")),
            )
            for entry in entries
        ),
    )


@ledger.command("verify")
def verify() -> None:
    """Prove that nothing in the ledger was altered, removed, reordered or put back; else say what and fail."""
    from commonweal.disclosure.ledger.verifying import verify as prove

    home = opened()
    report = prove(home.settings, home.database)
    for finding in report.findings:
        print(finding.what)
    report.refuse_damage()
    assert report.head is not None  # an unreadable head is a finding
    print(f"the ledger is whole: {report.entries} entries, head {report.head.sequence} {report.head.hash}")


@budget.command("set")
def set_(
    people: Annotated[str, typer.Argument(help="Whose: such as mobility/PROJECT.")],
    rho: Annotated[float, typer.Option(help="ρ (zCDP) that all releases together may spend in each unit.")],
    unit: Annotated[str, typer.Option(help="person-day, person-week or person-month.")] = "person-day",
    delta: Annotated[float, typer.Option(help="δ that thresholds may spend; with 0, keys must be public.")] = 0.0,
    why: Annotated[str | None, typer.Option(help="Reason, for the ledger.")] = None,
) -> None:
    """Set what may be spent of each person's privacy; what has been spent stays spent."""
    from commonweal.core import audit
    from commonweal.disclosure.ledger.budgets import set_budget
    from commonweal.disclosure.ledger.telling import amounts

    home = opened()
    made = set_budget(home.settings, home.database, people, unit, rho, audit.who(), why, delta=delta)
    print(f"{made.people}: {amounts(made.rho, made.delta)} a {made.unit} for all releases together")


@budget.command("list")
def list_budgets(as_json: AsJson = False) -> None:
    """List the budgets, and the least that is left of each."""
    from commonweal.disclosure.ledger.budgets import budgets
    from commonweal.disclosure.ledger.spending import number_text

    home = opened()
    rows = [
        {
            "people": one.budget.people,
            "unit": one.budget.unit.value,
            "rho": one.budget.rho,
            "left": float(number_text(one.least)),
            "delta": one.budget.delta,
            "delta left": float(number_text(one.least_delta)),
            "set by": one.set_by,
            "releases": one.releases,
        }
        for one in budgets(home.settings, home.database)
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(list(rows[0]) if rows else ["nothing yet"], [list(row.values()) for row in rows])


def _allowed(approval: dict[str, object] | None) -> str:
    if approval is None:
        return ""
    return f"standing approval {approval['standing']}" if "standing" in approval else str(approval["by"])
