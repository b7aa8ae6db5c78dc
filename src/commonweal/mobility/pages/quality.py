"""Quality on the site: what is published of each day, and how much of it has a value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Request

from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.viewing import RELEASE
from commonweal.mobility.published import PRESENCE, QUALITY, DayQuality, Presence, presence_of, quality_of
from commonweal.web import words
from commonweal.web.access import needs
from commonweal.web.chart import Line, time_chart
from commonweal.web.document import Document, document
from commonweal.web.figure import Chart, Figure, Heading
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.reading import version_of
from commonweal.web.table import Row
from commonweal.web.words import count, day_in_words, days_in_words, share, short_day

ADDRESS = "/mobility/quality"

routes = APIRouter()


@document(routes, ADDRESS, needs(Permission.READ), summary="Quality of each day", tag="mobility", figure="subscribers")
def quality_page(request: Request, release: Annotated[int | None, RELEASE] = None) -> Document:
    """Each day's subscribers, rounded as published, and how many of its hourly values are there or not, and why."""
    state, title = request.app.state, translated(Wording("Quality of the records"))
    version = version_of(request, PRESENCE, release)
    if version is None:
        return parts.nothing(request, title, "quality")
    presence = presence_of(state.settings, state.database, version)
    totals = parts.opened_beside(request, presence.release, QUALITY)
    days = quality_of(state.settings, state.database, presence, totals)
    sources = [presence.release, *([totals] if totals else [])]
    missing = sum(day.missing for day in days)
    lowest = min(days, key=lambda day: day.share_reported or 0.0)
    return Document(
        title=title,
        template="mobility_figures.html",
        package=parts.PACKAGE,
        lead=days_in_words(days[0].day, days[-1].day),
        tiles=[
            (ngettext("%(num)s day", "%(num)s days", len(days)), _("in this release")),
            (count(missing), _("hourly values without data")),
            (
                share(lowest.share_reported or 0.0),
                _("of the values have a count on the sparsest day, %(day)s", day=day_in_words(lowest.day)),
            ),
        ],
        values={"tabs": parts.tabs(request), "releases": parts.origins(sources)},
        figures=[_subscribers(presence, days), _values(presence, days)],
        notes=[
            _("Missing means that nothing is known of an area in that hour; it is never shown as zero."),
            parts.why_suppressed(presence.threshold),
            _("The day's total is rounded down, since an exact one would tell what was hidden."),
        ],
        sources=sources,
        query={"release": str(version)},
        data={
            "quality": {
                "presence": presence.release.label,
                "totals": totals.label if totals else None,
                "days": [
                    {
                        "day": day.day.isoformat(),
                        "subscribers_at_least": day.subscribers,
                        "rounded_to": day.rounded_to,
                        "values_reported": day.reported,
                        "values_suppressed": day.suppressed,
                        "values_missing": day.missing,
                    }
                    for day in days
                ],
            }
        },
    )


def _subscribers(presence: Presence, days: list[DayQuality]) -> Figure:
    zone = presence.timeline.calendar.time_zone
    values = [day.subscribers for day in days]
    name = _("Subscribers, at least")
    return Figure(
        name="subscribers",
        title=_("Subscribers seen each day"),
        caption=_("Distinct subscribers of each day, rounded down as published."),
        headings=(
            Heading(_("Day"), key="day", is_time=True),
            Heading(name, is_number=True, key="subscribers"),
            Heading(_("Rounded to"), is_number=True, key="rounded_to"),
        ),
        rows=[
            Row(
                (
                    words.day(day.day),
                    "–" if day.subscribers is None else count(day.subscribers),
                    "–" if day.rounded_to is None else count(day.rounded_to),
                ),
                has_value=day.subscribers is not None,
            )
            for day in days
        ],
        records=[
            {
                "day": day.day.isoformat(),
                "start": _utc(day),
                "subscribers": day.subscribers,
                "rounded_to": day.rounded_to,
            }
            for day in days
        ],
        picture=time_chart(
            [day.start for day in days],
            [short_day(day.day) for day in days],
            [Line(name, values)],
            label=_("Chart: subscribers seen each day, rounded down"),
        ),
        chart=Chart("start", (("subscribers", name),), zone),
        says=parts.beside(presence.release, time_zone=zone),
    )


def _values(presence: Presence, days: list[DayQuality]) -> Figure:
    zone = presence.timeline.calendar.time_zone
    return Figure(
        name="states",
        title=_("How much of each day is published"),
        caption=_("Hourly values of presence by their state."),
        headings=(
            Heading(_("Day"), key="day", is_time=True),
            Heading(_("Published"), is_number=True, key="reported"),
            Heading(_("Suppressed"), is_number=True, key="suppressed"),
            Heading(_("Missing"), is_number=True, key="missing"),
            Heading(_("With a count"), is_number=True, key="share_reported"),
        ),
        rows=[
            Row(
                (
                    words.day(day.day),
                    count(day.reported),
                    count(day.suppressed),
                    count(day.missing),
                    share(day.share_reported or 0.0),
                )
            )
            for day in days
        ],
        records=[
            {
                "day": day.day.isoformat(),
                "reported": day.reported,
                "suppressed": day.suppressed,
                "missing": day.missing,
                "share_reported": None if day.share_reported is None else round(day.share_reported, 4),
            }
            for day in days
        ],
        says=parts.beside(presence.release, time_zone=zone),
    )


def _utc(day: DayQuality) -> str:
    return f"{datetime.fromtimestamp(day.start, UTC):%Y-%m-%dT%H:%M:%SZ}"
