"""Another published layer beside a figure: cases, rain, roads, population, joined by area and period."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from fastapi import Request

from commonweal.core.catalog import Release, datasets
from commonweal.mobility.baselines.asking import named
from commonweal.mobility.baselines.joining import Layer, joinable, layer
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _, translated
from commonweal.web.reading import may_read, opened
from commonweal.web.table import Row
from commonweal.web.words import count, day_in_words, days_in_words


@dataclass(frozen=True, eq=False)
class Beside:
    """A layer, and over which days it was read.

    Parameters
    ----------
    layer
        Its values by area.
    days
        First and last day.
    """

    layer: Layer
    days: tuple[date, date]

    @property
    def title(self) -> str:
        """What it is."""
        return translated(self.layer.release.schema.title)

    @property
    def sentence(self) -> str:
        """Say what stands beside, of when, and that it proves nothing."""
        first, last = self.days
        said = {
            "title": self.title,
            "release": self.layer.release.label,
            "days": day_in_words(first) if first == last else days_in_words(first, last),
        }
        what = {
            "sum": _("Beside it: %(title)s (%(release)s), added up over %(days)s.", **said),
            "median": _("Beside it: %(title)s (%(release)s), the median over %(days)s.", **said),
        }.get(self.layer.how, _("Beside it: %(title)s (%(release)s), which has no days.", **said))
        warning = _("Side by side is not a cause.")
        return f"{what} {warning}"

    def record(self) -> dict[str, Any]:
        """Give what stands beside as JSON values."""
        return {
            "release": self.layer.release.label,
            "digest": self.layer.release.digest,
            "measure": self.layer.measure,
            "unit": self.layer.unit,
            "how": self.layer.how,
            "from": self.days[0].isoformat(),
            "to": self.days[1].isoformat(),
            "areas": dict(self.layer.values),
        }


def beside_of(
    request: Request, shown: Release, asked: str | None, days: tuple[date, date], span: tuple[date, date]
) -> Beside | None:
    """Open the layer that is asked for and read it over the days shown, or, if it has none of these, over the release.

    Raises
    ------
    InputError
        It cannot stand beside a table by area.
    NotFound, NotSignedIn, Refused
        There is no such release, or whoever asks may not see it.
    """
    if not asked:
        return None
    state = request.app.state
    release = opened(request, named(state.database, asked))
    table = release.table(state.settings)
    found = layer(release, table, *days)
    if days != span and not found.periods:
        return Beside(layer(release, table, *span), span)
    return Beside(found, days)


def choices(request: Request, shown: Release, asked: str | None) -> list[tuple[str, str, bool]]:
    """List (name, title, whether it is chosen) of what can stand beside a release: what is about the same areas."""
    chosen = (asked or "").partition("@")[0]
    return [
        (one.dataset, translated(one.schema.title), one.dataset == chosen)
        for one in datasets(request.app.state.database)
        if joinable(one) and one.area_set == shown.area_set and one.dataset != shown.dataset and may_read(request, one)
    ]


def joined(figure: Figure, beside: Beside | None) -> Figure:
    """Put a layer beside each row of a figure, by its area, or by both where it goes from one to the other."""
    if beside is None or not figure.areas:
        return figure
    values, title = beside.layer.values, beside.title
    if len(figure.areas) == 1:
        named_so = [("beside", title)]
    else:
        named_so = [
            ("beside_origin", _("%(title)s, from", title=title)),
            ("beside_destination", _("%(title)s, to", title=title)),
        ]
    rows, records = [], []
    for row, record in zip(figure.rows, figure.records, strict=True):
        found = [values.get(str(record[end])) for end in figure.areas]
        said = ("–" if value is None else count(value, 0 if value == round(value) else 1) for value in found)
        rows.append(Row((*row.cells, *said), row.has_value, row.current, row.href))
        records.append(dict(record) | {key: value for (key, _name), value in zip(named_so, found, strict=True)})
    headings = tuple(Heading(text, is_number=True, key=key) for key, text in named_so)
    return replace(
        figure,
        headings=(*figure.headings, *headings),
        rows=rows,
        records=records,
        caption=f"{figure.caption} {beside.sentence}",
    )
