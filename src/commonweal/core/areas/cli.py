"""`commonweal areas`: import, end, list, show, export."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from commonweal.core import audit
from commonweal.core.console import opened, print_table
from commonweal.core.errors import explain

app = typer.Typer(help="Named polygons in hierarchies, with validity in time.", no_args_is_help=True)
WARNINGS_SHOWN = 10


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="GeoJSON, GeoPackage or Shapefile in WGS 84.")],
    name: Annotated[str, typer.Option(help="The set the areas go into; it is made if there is none.")],
    code_field: Annotated[str, typer.Option(help="Field with the areas' codes.")],
    name_field: Annotated[str | None, typer.Option(help="Field with their names; else the code is the name.")] = None,
    parent_field: Annotated[str | None, typer.Option(help="Field with the code of the area above.")] = None,
    level: Annotated[int, typer.Option(help="0 country, 1 the first division below, and so on.")] = 1,
    valid_from: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day on which they are valid.")
    ] = None,
    valid_to: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day on which they are no longer.")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Layer of the file, where it has several.")] = None,
) -> None:
    """Store the areas of a file: all or none; the same file again changes nothing."""
    from commonweal.core.areas import importing

    done = importing.import_file(
        opened().database,
        file,
        name=name,
        code_field=code_field,
        name_field=name_field,
        parent_field=parent_field,
        level=level,
        valid_from=_day(valid_from),
        valid_to=_day(valid_to),
        layer=layer,
        who=audit.who(),
    )
    print(f"{done.added} areas stored in {name}, {done.unchanged} were there already")
    for warning in done.warnings[:WARNINGS_SHOWN]:
        print(f"warning: {warning}")
    if len(done.warnings) > WARNINGS_SHOWN:
        print(f"warning: and {len(done.warnings) - WARNINGS_SHOWN} smaller overlaps")


@app.command("end")
def end(
    name: Annotated[str, typer.Argument(help="The set.")],
    on: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day on which they are no longer valid.")],
    level: Annotated[int, typer.Option(help="The level whose areas end.")] = 1,
    code: Annotated[list[str] | None, typer.Option(help="Only this area; may be given several times.")] = None,
) -> None:
    """End areas that have no end yet, so that others can follow them."""
    from commonweal.core.areas import service

    ended = service.end(opened().database, name, on=on.date(), level=level, codes=code, who=audit.who())
    print(f"{ended} areas of {name} end on {on:%Y-%m-%d}")


@app.command("list")
def list_sets() -> None:
    """List the sets there are; natural-earth is built in."""
    from commonweal.core.areas import service

    print_table(("set", "areas"), service.sets(opened().database))


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="The set; natural-earth:GN,LR,SL for the areas of some countries.")],
    at: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As it stood then; today if none.")] = None,
    level: Annotated[int | None, typer.Option(help="The level; the deepest if none.")] = None,
) -> None:
    """Show the areas of a set as they stood at a date, and the times for which it has some."""
    from commonweal.core.areas import service
    from commonweal.core.areas.world import NAME

    database = opened().database
    if name.partition(":")[0] != NAME:
        spans = service.stretches(database, name)
        print_table(
            ("level", "valid from", "valid to", "areas"),
            ((span.level, span.valid_from or "-", span.valid_to or "-", span.areas) for span in spans),
        )
    areas = service.load(database, name, _day(at), level)
    print_table(
        ("code", "name", "parent", "km²"),
        (
            (code, shown, parent, f"{km2:,.0f}")
            for code, shown, parent, km2 in zip(areas.codes, areas.names, areas.parents, areas.area_km2(), strict=True)
        ),
    )
    print(f"{len(areas)} areas of level {areas.level} at {_day(at) or datetime.now(UTC).date()}; digest {areas.digest}")


@app.command("export")
def export(
    name: Annotated[str, typer.Argument(help="The set; natural-earth:GN,LR,SL for the areas of some countries.")],
    out: Annotated[Path, typer.Option(help="The GeoJSON file to write.")],
    at: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As it stood then; today if none.")] = None,
    level: Annotated[int | None, typer.Option(help="The level; the deepest if none.")] = None,
) -> None:
    """Write the areas of a set as GeoJSON."""
    from commonweal.core.areas import service
    from commonweal.core.areas.geojson import feature_collection

    areas = service.load(opened().database, name, _day(at), level)
    try:
        out.write_text(json.dumps(feature_collection(areas), ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise explain(error, out) from error
    print(f"{len(areas)} areas written to {out}")


def _day(given: datetime | None) -> date | None:
    return None if given is None else given.date()
