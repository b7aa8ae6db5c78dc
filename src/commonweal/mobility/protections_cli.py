"""``commonweal mobility measures``: how each measure is protected."""

from __future__ import annotations

from typing import Annotated

import typer

from commonweal.core.console import print_json, print_table


def measures(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List every measure with how it is protected: threshold, rounding, noise with its bound or why there is none."""
    from commonweal.mobility.protections import protections

    found = protections()
    if as_json:
        print_json([one.record() for one in found])
    else:
        rows = [one.row() for one in found]
        print_table(list(rows[0]), [list(row.values()) for row in rows])
