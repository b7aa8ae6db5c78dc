"""`commonweal disclosure audit`: what a reader can work out of tables, whoever published them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def audit(
    tables: Annotated[
        list[Path], typer.Argument(metavar="TABLE.csv…", help="Tables with a column value, empty where suppressed.")
    ],
    relations: Annotated[Path, typer.Option(help="JSON file that says which cells add up to which.")],
    threshold: Annotated[
        int | None, typer.Option(metavar="K", help="What is suppressed is known to be below K.")
    ] = None,
    complementary: Annotated[
        bool, typer.Option("--complementary", help="Larger cells may be suppressed too, to protect the small ones.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Bound each suppressed cell by all that is published, by whomever; no data directory is needed."""
    from commonweal.core.console import print_json, print_table
    from commonweal.disclosure.linear.files import read_relations, read_tables
    from commonweal.disclosure.linear.reading import suppressed_bounds

    published = read_tables(tables)
    found = suppressed_bounds(published, read_relations(relations, published), threshold, complementary=complementary)
    exact = sum(cell.low == cell.high for cell in found)
    if as_json:
        print_json({"cells": [vars(cell) for cell in found], "exact": exact})
        return
    print_table(
        ("cell", "at least", "at most", ""),
        (
            (one.cell, one.low, "–" if one.high is None else one.high, "worked out" if one.low == one.high else "")
            for one in found
        ),
    )
    print(f"{exact} of {len(found)} suppressed cells can be worked out exactly")
