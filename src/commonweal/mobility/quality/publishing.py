"""Publishing what is wrong: with cell files, facts of a network which tell of nobody; and flagged events, protected."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

import pyarrow as pa

from commonweal.core.catalog import Attribute, Dataset, Dimension, Privacy, Publication, publish
from commonweal.core.database import Database
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.disclosure import Outcome
from commonweal.mobility.cells import read_register
from commonweal.mobility.quality.finding import Fault, Finding, Sure
from commonweal.mobility.quality.register_faults import register_faults
from commonweal.mobility.runs import Plan, plan

DATASET = Dataset(
    name="mobility.cell_faults",
    title=Wording("Faults of cell files"),
    description=Wording(
        "Cells that a file names twice, that moved too far, stand far away or have swapped coordinates or gaps between "
        "versions; from the cell register alone."
    ),
    dimensions=(Dimension("number", "integer", Wording("Number of the finding.")),),
    measures=(),
    attributes=(
        Attribute("kind", "string", Wording("What is wrong.")),
        Attribute("cell", "string", Wording("The operator's identifier of the cell.")),
        Attribute("since", "string", Wording("First day on which it is so; empty if there is none.")),
        Attribute("until", "string", Wording("Last day on which it is so; empty if there is none.")),
        Attribute("how_sure", "string", Wording("certain, likely or possible.")),
        Attribute("found_by", "string", Wording("What it was found by, as JSON.")),
    ),
    privacy=Privacy.OPEN,
    keywords=("quality", "cells", "mobile phone data"),
)


def publish_cell_faults(settings: Settings, database: Database, planned: Plan, who: str) -> Publication:
    """Publish what is wrong with a project's cell files."""
    register = read_register(planned.store.folder.parent)
    found = register_faults(register, planned.areas, planned.calendar.time_zone)
    inputs = [one for one in planned.inputs if one.kind != "store"]
    return publish(
        settings, database, DATASET, cell_faults(found), inputs=inputs, parameters=_parameters(planned), who=who
    )


def publish_flags(settings: Settings, database: Database, planned: Plan, who: str) -> Outcome:
    """Publish a period's flagged events by day and cell, as `mobility.flags`: protected as any table about people."""
    from commonweal.mobility.protecting import protect_and_release

    alike = plan(settings, database, planned.project, planned.first, planned.last, ["flags"], planned.calendar)
    return protect_and_release(settings, database, alike, who)


def cell_faults(found: Sequence[Finding]) -> pa.Table:
    """Lay findings out as the dataset's table."""
    columns = {
        "number": pa.array(range(1, len(found) + 1), pa.int64()),
        "kind": [one.kind.value for one in found],
        "cell": [one.where for one in found],
        "since": [one.since and one.since.isoformat() for one in found],
        "until": [one.until and one.until.isoformat() for one in found],
        "how_sure": [one.sure.value for one in found],
        "found_by": [json.dumps(dict(one.numbers), sort_keys=True) for one in found],
    }
    return pa.table(
        {name: pa.array(values, None if name == "number" else pa.string()) for name, values in columns.items()}
    )


def read_cell_faults(table: pa.Table) -> list[Finding]:
    """Read the dataset's table.

    >>> found = [Finding(Fault.MOVED_CELL, "a1", "cell", date(2026, 3, 10), None, Sure.LIKELY, {"kilometres": 77.9})]
    >>> read_cell_faults(cell_faults(found)) == found
    True
    """
    return [
        Finding(
            Fault(row["kind"]),
            row["cell"],
            "cell",
            date.fromisoformat(row["since"]) if row["since"] else None,
            date.fromisoformat(row["until"]) if row["until"] else None,
            Sure(row["how_sure"]),
            json.loads(row["found_by"]),
        )
        for row in table.to_pylist()
    ]


def _parameters(planned: Plan) -> dict[str, object]:
    """What it was made with: it stands beside tables of a run that was made alike."""
    said = planned.parameters
    return {name: said[name] for name in ("project", "area_set", "time_zone", "day_starts", "k")}
