"""The figure of raked flows: the largest on a map, and a table of pairs with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from commonweal.core.catalog import State
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.in_people import interval, whole
from commonweal.mobility.pages.tables.columns import title_of
from commonweal.mobility.pages.tables.reading import Shown
from commonweal.mobility.pages.tables.ways import DRAWN, LISTED, Href, ways_map
from commonweal.mobility.scaling.raked_release import RakedRelease
from commonweal.web import table, words
from commonweal.web.figure import Figure, Heading, Legend
from commonweal.web.flows import Flow
from commonweal.web.geography import Geography
from commonweal.web.languages import _, ngettext
from commonweal.web.words import count


@dataclass(frozen=True)
class Pair:
    """A pair of areas: what is published of it, and that in people."""

    origin: str
    origin_name: str
    destination: str
    destination_name: str
    subscribers: float | None
    state: State
    people: float | None
    low: float | None
    high: float | None

    def record(self) -> dict[str, Any]:
        """Give it as values."""
        return {
            "origin": self.origin,
            "origin_name": self.origin_name,
            "destination": self.destination,
            "destination_name": self.destination_name,
            "subscribers": self.subscribers,
            "state": self.state.value,
            "people": whole(self.people),
            "low": whole(self.low),
            "high": whole(self.high),
        }

    def flow(self) -> Flow:
        """Give it as a map draws it."""
        people = _("%(people)s people (%(interval)s)", people=count(self.people or 0), interval=interval(*self.ends))
        said = {"origin": self.origin_name, "destination": self.destination_name, "people": people}
        return Flow(
            self.origin, self.destination, self.people or 0, _("%(origin)s to %(destination)s: %(people)s", **said)
        )

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """Its interval."""
        return self.low, self.high


def pairs_of(found: RakedRelease, places: Geography) -> list[Pair]:
    """Give the pairs of a raked table, those of most people first and those without a number last."""
    measure, names = found.release.schema.measures[0], places.names
    pairs = [
        Pair(
            row["origin"],
            names[row["origin"]],
            row["destination"],
            names[row["destination"]],
            row[measure.name],
            State(row[measure.state]),
            row["people"],
            row["low"],
            row["high"],
        )
        for row in found.table.to_pylist()
    ]
    return sorted(
        pairs,
        key=lambda pair: (-(pair.people or 0), pair.subscribers is None, pair.origin_name, pair.destination_name),
    )


def figure(found: RakedRelease, pairs: Sequence[Pair], seen: Shown, href: Href) -> Figure:
    """Draw the largest of some pairs, and list them.

    Parameters
    ----------
    href
        Writes the address of the same page with other parameters.
    """
    places, title = seen.published.places, title_of(seen)
    with_number = [pair for pair in pairs if pair.people is not None]
    drawn = [pair for pair in with_number if pair.people and pair.origin != pair.destination][:DRAWN]
    listed = pairs[:LISTED]
    label = _("Map: %(title)s, %(period)s, in people", title=title, period=seen.label)
    caption = ngettext(
        "%(title)s, %(period)s, in people, with intervals of %(level)s: %(num)s pair of areas with a number, "
        "%(hidden)s without, the largest first.",
        "%(title)s, %(period)s, in people, with intervals of %(level)s: %(num)s pairs of areas with a number, "
        "%(hidden)s without, the largest first.",
        len(with_number),
        title=title,
        period=seen.label,
        level=words.share(found.asked.level),
        hidden=count(len(pairs) - len(with_number)),
    )
    if len(listed) < len(pairs):
        others = _("The first %(num)s are listed; choose an area, or take the page as data.", num=count(len(listed)))
        caption = f"{caption} {others}"
    named = places.names[seen.area] if seen.area else None
    return Figure(
        name="flows",
        title=_("%(title)s, %(area)s, in people", title=title, area=named)
        if named
        else _("%(title)s, in people", title=title),
        caption=caption,
        headings=(
            Heading(_("From"), key="origin_name"),
            Heading(_("To"), key="destination_name"),
            Heading(_("People"), is_number=True, key="people"),
            Heading(_("Interval"), is_number=True),
            Heading(_("Subscribers"), is_number=True, key="subscribers"),
            Heading(_("State"), key="state"),
        ),
        rows=[
            table.Row(
                (
                    pair.origin_name,
                    pair.destination_name,
                    "–" if pair.people is None else count(pair.people),
                    interval(*pair.ends),
                    "–" if pair.subscribers is None else count(pair.subscribers),
                    words.state(pair.state),
                ),
                has_value=pair.people is not None,
            )
            for pair in listed
        ],
        records=[pair.record() for pair in listed],
        picture=ways_map(places, [pair.flow() for pair in drawn], title=title, label=label, href=href, area=seen.area),
        legend=Legend(
            _("People, raked"),
            flow=parts.largest_ways(len(drawn), drawn[0].people or 0) if drawn else None,
            note="" if drawn else _("No pair has a number."),
        ),
        geometry=places.outlines,
        areas=("origin", "destination"),
        says=parts.beside(found.release, **_populations(found)),
    )


def _populations(found: RakedRelease) -> dict[str, str]:
    said = {"method": "rake", "population": found.origins.source}
    return said | ({"destinations": found.destinations.source} if found.destinations else {})
