"""`commonweal disclosure proposals`, `show`, `approve`, `reject`, `standing`: thin; the rules are beside."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from commonweal.core.console import opened, print_json, print_table

standing = typer.Typer(help="Rules whose releases are published at once.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Identifier = Annotated[str, typer.Argument(metavar="ID", help="The proposal's, or the beginning of it.")]


def proposals(
    every: Annotated[bool, typer.Option("--all", help="Those that were decided, too.")] = False, as_json: AsJson = False
) -> None:
    """List what waits for a steward, the newest first."""
    from commonweal.disclosure.ledger.telling import days
    from commonweal.disclosure.releasing.proposals import Stage
    from commonweal.disclosure.releasing.proposals import proposals as all_of_them

    found = all_of_them(opened().database, stages=() if every else (Stage.WAITING, Stage.APPROVED))
    if as_json:
        print_json([_as_json(one) for one in found])
        return
    print_table(
        ("proposal", "state", "at (UTC)", "who", "people", "period", "rule", "tables"),
        (
            (
                one.short,
                one.stage.value,
                one.said["at"][:16].replace("T", " "),
                one.who,
                one.said["people"],
                days(one.said["first"], one.said["last"]),
                f"{one.said['rule']} {json.dumps(one.said['parameters'], ensure_ascii=False)}",
                ", ".join(one.datasets),
            )
            for one in found
        ),
    )


def show(identifier: Identifier, as_json: AsJson = False) -> None:
    """Show a proposal: its tables, what protects them, what was found out about them."""
    from commonweal.disclosure.ledger.telling import days
    from commonweal.disclosure.releasing.proposals import get

    one = get(opened().database, identifier)
    if as_json:
        print_json(_as_json(one))
        return
    said = one.said
    rows: list[tuple[str, Any]] = [
        ("proposal", one.id),
        ("state", one.stage.value),
        ("proposed", f"by {one.who}, {said['at'][:16].replace('T', ' ')} UTC"),
        ("people", said["people"]),
        ("period", days(said["first"], said["last"])),
        ("rule", f"{said['rule']} {json.dumps(said['parameters'], ensure_ascii=False)}"),
        ("spends", json.dumps(said["spent"]) if said["spent"] else "nothing of a budget"),
    ]
    rows += [
        ("table", f"{table['dataset']['name']}: {table['rows']:,} rows, {table['hidden']:,} values hidden")
        for table in said["tables"]
    ]
    if one.decided_by:
        rows.append(("decided", f"by {one.decided_by}: {one.why or 'no reason given'}"))
    rows += [("release", f"{dataset} version {version}") for dataset, version in one.releases]
    print_table(("", ""), rows)
    if one.evidence is not None:
        print("evidence")
        print_json(one.evidence)
    if not one.decided_by:
        print(f"next: commonweal disclosure approve {one.short}, or reject {one.short} --why REASON")


def approve(
    identifier: Identifier, why: Annotated[str | None, typer.Option(help="Reason, for the ledger.")] = None
) -> None:
    """Approve a proposal, which is then published; whoever made it cannot."""
    from commonweal.core import audit
    from commonweal.disclosure.releasing.publishing import approve as decide

    home = opened()
    for one in decide(home.settings, home.database, identifier, audit.who(), why).publications:
        came = "published" if one.new else "found"
        print(f"{came} {one.release.dataset} version {one.release.version}: {one.release.rows:,} rows")


def reject(identifier: Identifier, why: Annotated[str, typer.Option(help="Reason, for whoever made it.")]) -> None:
    """Reject a proposal."""
    from commonweal.core import audit
    from commonweal.disclosure.releasing.publishing import reject as decide

    home = opened()
    one = decide(home.settings, home.database, identifier, audit.who(), why)
    print(f"proposal {one.short} is rejected")


@standing.command("grant")
def grant(
    rule: Annotated[str, typer.Argument(help="The rule, such as threshold.")],
    domain: Annotated[str, typer.Option(help="Whose releases: such as mobility.")],
    parameters: Annotated[str, typer.Option(help='The rule\'s parameters, JSON: such as {"k": 15}.')],
    why: Annotated[str, typer.Option(help="Reason, for the ledger.")],
    dataset: Annotated[list[str] | None, typer.Option(help="Only this dataset; may be given again.")] = None,
) -> None:
    """Approve a rule once, so that later releases under it are published at once."""
    from commonweal.core import audit
    from commonweal.core.errors import InputError
    from commonweal.disclosure.releasing.standing import grant as give

    try:
        said = json.loads(parameters)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise InputError("these are no parameters", where="--parameters", expected='a JSON object such as {"k": 15}')
    home = opened()
    given = give(home.settings, home.database, rule, domain, said, audit.who(), why, dataset or ())
    print(f"standing approval {given.number}: releases of {domain} under {rule} {parameters} are published at once")


@standing.command("list")
def list_standing(as_json: AsJson = False) -> None:
    """List standing approvals, those that were withdrawn too."""
    from dataclasses import asdict

    from commonweal.disclosure.releasing.standing import approvals

    home = opened()
    found = approvals(home.settings, home.database)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    print_table(
        ("number", "rule", "parameters", "for", "given by", "why", "withdrawn by"),
        (
            (
                one.number,
                one.rule,
                json.dumps(dict(one.parameters), ensure_ascii=False),
                ", ".join(one.datasets) or one.domain,
                one.given_by,
                one.why,
                one.withdrawn_by,
            )
            for one in found
        ),
    )


@standing.command("withdraw")
def withdraw(
    number: Annotated[int, typer.Argument(help="Its number.")],
    why: Annotated[str, typer.Option(help="Reason, for the ledger.")],
) -> None:
    """Withdraw a standing approval; what was released under it stays."""
    from commonweal.core import audit
    from commonweal.disclosure.releasing.standing import withdraw as take

    home = opened()
    take(home.settings, home.database, number, audit.who(), why)
    print(f"standing approval {number} no longer holds")


def _as_json(one: Any) -> dict[str, Any]:
    return {
        "id": one.id,
        "state": one.stage.value,
        "request": dict(one.said),
        "evidence": one.evidence,
        "decided_by": one.decided_by,
        "decided_at": one.decided_at,
        "why": one.why,
        "entry": one.entry,
        "releases": [{"dataset": dataset, "version": version} for dataset, version in one.releases],
    }
