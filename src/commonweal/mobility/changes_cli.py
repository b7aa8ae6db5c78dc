"""``commonweal mobility changes`` and ``displaced``: what is unusual in published tables."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commonweal.core.console import opened, print_json, print_table
from commonweal.core.errors import InputError

if TYPE_CHECKING:
    from commonweal.mobility.baselines.asking import Question
    from commonweal.mobility.baselines.joining import Layer

Name = Annotated[str, typer.Argument(metavar="NAME", help="The dataset: areas, or pairs of areas, by day.")]
Version = Annotated[int | None, typer.Option(help="Version of its release; the newest if left out.")]
First = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of the baseline.")]
Last = Annotated[
    datetime | None,
    typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of the baseline; else all but the last seven are."),
]
BaselineVersion = Annotated[int | None, typer.Option(help="Version of a release whose days are the history.")]
LikeDays = Annotated[
    str | None,
    typer.Option("--like", help="Which days are compared: weekday, workday or any; else the finest that can."),
]
Holidays = Annotated[
    list[datetime] | None,
    typer.Option("--holiday", formats=["%Y-%m-%d"], help="A day to leave out; may be given again."),
]
Minimum = Annotated[int, typer.Option(min=2, help="Fewest days of history behind a number.")]
Area = Annotated[str | None, typer.Option(help="Only what concerns the area of this code.")]
WithHidden = Annotated[
    bool,
    typer.Option("--with-hidden", help="Estimate the change of all together, hidden values taken as below k."),
]
Out = Annotated[Path | None, typer.Option(help="CSV to write the list to.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def changes(
    name: Name = "mobility.presence",
    version: Version = None,
    first: First = None,
    last: Last = None,
    baseline_version: BaselineVersion = None,
    like: LikeDays = None,
    holidays: Holidays = None,
    minimum: Minimum = 3,
    area: Area = None,
    beside: Annotated[
        str | None, typer.Option(metavar="NAME[@VERSION]", help="A release to show beside, such as health.cases@3.")
    ] = None,
    hidden: WithHidden = False,
    language: Annotated[str, typer.Option(help="Of the sentences: en or fr.")] = "en",
    out: Out = None,
    values: Annotated[Path | None, typer.Option(help="CSV to write every value beside its baseline to.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what changed against a baseline: what, where, since when, how much, how sure."""
    from commonweal.mobility.baselines.asking import finding_record, names_of, watch_named
    from commonweal.mobility.baselines.saying import sentence, sentences
    from commonweal.mobility.baselines.writing import value_records, write_csv
    from commonweal.web.languages import OFFERED, speaking

    if language not in OFFERED:
        raise InputError(f"there is no language {language!r}", where="--language", expected=", ".join(OFFERED))
    home = opened()
    watched = watch_named(
        home.settings,
        home.database,
        name,
        version,
        _question(first, last, like, holidays, minimum, area, hidden),
        baseline=baseline_version,
        beside=beside,
    )
    names = names_of(home.database, watched.release, watched.series.areas)
    with speaking(OFFERED[language]):
        said = [sentence(finding, names) for finding in watched.findings]
        together = sentences(watched.together) if watched.together else []
    records = [
        finding_record(finding, watched.layer) | {"sentence": text}
        for finding, text in zip(watched.findings, said, strict=True)
    ]
    if out is not None:
        write_csv(out, records)
    if values is not None:
        write_csv(values, value_records(watched.changed))
    if as_json:
        print_json(watched.record() | {"findings": records})
        return
    reference, keys = watched.changed.reference, len(watched.series.keys)
    print(
        f"{watched.release.label}: baseline {reference.first} to {reference.last}, like days: {reference.like}, at "
        f"least {reference.minimum}; {watched.without_history:,} of {keys:,} have not enough history"
    )
    for text in said or ["nothing unusual"]:
        print(f"- {text}")
    for text in together:
        print(text)
    if watched.layer is not None:
        _print_layer(watched.layer, names)


def displaced(
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day that is added up.")],
    name: Name = "mobility.flows",
    version: Version = None,
    first: First = None,
    last: Last = None,
    baseline_version: BaselineVersion = None,
    like: LikeDays = None,
    holidays: Holidays = None,
    minimum: Minimum = 3,
    moved_home: Annotated[
        bool, typer.Option("--moved-home", help="The table counts people who moved home: no baseline is taken off.")
    ] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Add up who went where more than usual, less those who came back, by origin and host area over time."""
    from datetime import timedelta

    from commonweal.core.catalog import get
    from commonweal.mobility.baselines.asking import names_of
    from commonweal.mobility.baselines.displaced import displaced as added
    from commonweal.mobility.baselines.series import day_series, joined
    from commonweal.mobility.baselines.writing import displaced_records, write_csv

    home = opened()
    release = get(home.database, name, version)
    series = day_series(release, release.table(home.settings))
    if baseline_version is not None:
        earlier = get(home.database, name, baseline_version)
        series = joined(day_series(earlier, earlier.table(home.settings)), series)
    asked = _question(first, last or since - timedelta(days=1), like, holidays, minimum, None)
    reference = None if moved_home else asked.reference(series.dates)
    records = displaced_records(added(series, since.date(), reference), names_of(home.database, release, series.areas))
    if out is not None:
        write_csv(out, records)
    if as_json:
        print_json(records)
        return
    newest = [record for record in records if record["day"] == series.dates[-1].isoformat()]
    print_table(
        list(newest[0]) if newest else ["no pair is published both ways"],
        [list(record.values()) for record in newest],
    )


def _question(
    first: datetime | None,
    last: datetime | None,
    like: str | None,
    holidays: list[datetime] | None,
    minimum: int,
    area: str | None,
    hidden: bool = False,
) -> Question:
    from commonweal.mobility.baselines.asking import Question
    from commonweal.mobility.baselines.baseline import LIKE

    kind = next((one for one in LIKE if one == like), None)
    if like is not None and kind is None:
        raise InputError(f"there is no kind of day {like!r}", where="--like", expected=", ".join(LIKE))
    days = frozenset(day.date() for day in holidays or [])
    return Question(first and first.date(), last and last.date(), kind, days, minimum, area, with_hidden=hidden)


def _print_layer(layer: Layer, names: dict[str, str]) -> None:
    print(
        f"beside: {layer.release.label}, {layer.measure} ({layer.unit}), {layer.how}; side by side, no cause is claimed"
    )
    rows = sorted(layer.values.items())
    print_table(["area", "name", layer.measure], [(code, names.get(code, ""), value) for code, value in rows])
