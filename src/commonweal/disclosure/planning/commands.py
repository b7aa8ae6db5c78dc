"""`commonweal disclosure plan`: what each rule would make of tables, before any is published."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

DAY = ["%Y-%m-%d"]


def plan(
    context: typer.Context,
    people: Annotated[str, typer.Argument(metavar="PEOPLE", help="The people-set, such as mobility/PROJECT.")],
    first: Annotated[datetime | None, typer.Option(formats=DAY, metavar="DAY", help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option(formats=DAY, metavar="DAY", help="Last day.")] = None,
    k: Annotated[list[int] | None, typer.Option("--k", metavar="K", help="A threshold; may be given again.")] = None,
    base: Annotated[
        list[int] | None, typer.Option(metavar="B", help="A base of controlled rounding; may be given again.")
    ] = None,
    epsilon: Annotated[
        list[float] | None, typer.Option(metavar="E", help="An ε of differential privacy; may be given again.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare rules for tables before a release; nothing is published, and the audit log says who looked."""
    from commonweal.core import audit
    from commonweal.core.console import opened, print_json, print_table, rooms_of
    from commonweal.core.domain import job_handlers
    from commonweal.core.jobs import run_now
    from commonweal.core.jobs.progress import follow
    from commonweal.disclosure.ledger.telling import days
    from commonweal.disclosure.planning.choosing import Rules
    from commonweal.disclosure.planning.service import KIND, plan_parameters

    home = opened()
    rules = Rules.parse({"thresholds": k, "bases": base, "epsilons": epsilon})
    asked = plan_parameters(people, first and first.date(), last and last.date(), rules)
    with follow("Comparing") as on_progress:
        registry = job_handlers(rooms_of(context))
        found = run_now(home.settings, home.database, KIND, asked, audit.who(), registry, on_progress) or {}
    if as_json:
        print_json(found)
        return
    print(f"{found['people']}, {days(found['first'], found['last'])}: for choosing a rule, not to be passed on")
    print_table(
        (
            "rule",
            "cells kept",
            "people covered",
            "error: half below",
            "nine in ten below",
            "narrowest interval",
            "worked out exactly",
            "finds a person of two",
            "may be chosen",
        ),
        map(_row, found["choices"]),
    )
    if found["curve"]:
        print("with noise, cells of enough people are wrong by:")
        print_table(
            ("ε", "half below", "nine in ten below", "cells"),
            (
                (f"{point['epsilon']:g}", _share(point["error"]), _share(point["worst"]), f"{point['cells']:,}")
                for point in found["curve"]
            ),
        )


def _row(choice: Mapping[str, Any]) -> tuple[object, ...]:
    from commonweal.disclosure.planning.comparing import RULES

    said = ", ".join(f"{_NAMES.get(name, name)} = {value:g}" for name, value in choice["parameters"].items())
    spent = f", spends ρ = {choice['spent']['rho']:.3g} a {choice['spent']['unit']}" if choice["spent"] else ""
    auc = choice["membership"]
    return (
        f"{RULES[choice['rule']]}: {said}{spent}",
        _share(choice["cells"]),
        _share(choice["people"]),
        _share(choice["error"]),
        _share(choice["worst"]),
        "–" if choice["narrowest"] is None else f"{choice['narrowest']:,}",
        f"{choice['recovered']:,}",
        "not tried" if auc is None else f"{100 * max(auc, 0.5):.0f} times in 100",
        "yes" if choice["safe"] else "no: weaker than the threshold" if choice["weak"] else "no",
    )


_NAMES = {"epsilon": "ε"}


def _share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
