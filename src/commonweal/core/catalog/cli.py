"""`commonweal catalog`: list, show, verify, export, and the catalog as linked data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commonweal.core.console import opened, print_json, print_table
from commonweal.core.errors import Damaged

app = typer.Typer(help="Published datasets: list, show, verify, export.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help='Name of the dataset, "domain.thing".')]
Version = Annotated[int | None, typer.Option(help="Version; the newest if left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_datasets(as_json: AsJson = False) -> None:
    """List every dataset with its newest release."""
    from commonweal.core.catalog.reading import datasets

    found = datasets(opened().database)
    if as_json:
        print_json([release.record() for release in found])
        return
    print_table(
        ("dataset", "version", "rows", "privacy", "published (UTC)", "title"),
        (
            (
                release.dataset,
                release.version,
                release.rows,
                release.schema.privacy.value,
                f"{release.published_at:%Y-%m-%d %H:%M}",
                release.schema.title,
            )
            for release in found
        ),
    )


@app.command("show")
def show(
    name: Name,
    version: Version = None,
    prov: Annotated[bool, typer.Option("--prov", help="Print the provenance as PROV-O in JSON-LD.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a release is and where it comes from."""
    from commonweal.core.catalog.provenance import as_linked_data
    from commonweal.core.catalog.reading import get

    release = get(opened().database, name, version)
    if prov:
        print_json(as_linked_data(release.provenance, release.iri, release.label))
        return
    if as_json:
        print_json(release.record())
        return
    origin = release.provenance
    print(f"{release.label}  {release.schema.title}\n{release.schema.description}\n")
    for field, value in (
        ("rows", release.rows),
        ("digest", release.digest),
        ("privacy", release.schema.privacy.value),
        ("protected", release.certificate.rule if release.certificate else "no rule needed"),
        ("licence", release.schema.licence),
        ("areas", release.area_set or "none"),
        ("published", f"{release.published_at:%Y-%m-%d %H:%M:%S} UTC by {origin.who}"),
        ("code", origin.code),
        ("parameters", ", ".join(f"{key} = {value}" for key, value in sorted(origin.parameters.items()))),
    ):
        print(f"{field:<11} {value}")
    for item in origin.inputs:
        print(f"{'made from':<11} {item.kind} {item.name}, SHA-256 {item.digest}")
    print_table(
        ("column", "type", "unit", "description"),
        ((column.name, column.type, column.unit, column.description) for column in release.schema.declared),
    )


@app.command("verify")
def verify_all() -> None:
    """Compare every release with its record and digests; sweep what interrupted publishers left."""
    from commonweal.core.catalog.verifying import verify

    home = opened()
    report = verify(home.settings, home.database)
    print(f"{report.verified} releases are what their records say")
    for place in report.swept:
        print(f"swept, left by an interrupted publisher: {place}")
    for place in report.unrecorded:
        print(f"not known to this database, left alone: {place}")
    for finding in report.findings:
        print(f"damaged: {finding}")
    if report.findings:
        raise Damaged(f"{len(report.findings)} releases are damaged", where="catalog", expected="a backup of the lake")


@app.command("export")
def export_release(
    name: Name,
    out: Annotated[Path, typer.Option(help="File to write.")],
    form: Annotated[
        str | None, typer.Option("--format", help="parquet, csv, csvw, geojson, xlsx or json; else the ending decides.")
    ] = None,
    version: Version = None,
) -> None:
    """Write a release to a file; beside CSV also its metadata."""
    from commonweal.core.catalog import exports
    from commonweal.core.catalog.reading import get

    home = opened()
    release = get(home.database, name, version)
    for path in exports.save(home.settings, home.database, release, out, form):
        print(f"{path}  {path.stat().st_size} bytes")


@app.command("dcat")
def dcat(
    base: Annotated[str, typer.Option(help="Address of the site, such as https://data.example.org.")],
) -> None:
    """Print the whole catalog as DCAT-AP 3 in JSON-LD."""
    from commonweal.core.catalog import releases
    from commonweal.core.catalog.dcat import catalog

    home = opened()
    said = home.settings
    print_json(catalog(releases(home.database), base=base.rstrip("/"), publisher=said.publisher, contact=said.contact))
