"""Quality on the site: what is wrong, what is published of each day beside its control limits, and how much of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request

from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.mobility.pages import parts
from commonweal.mobility.pages.flag_figures import DATASET as FLAGGED
from commonweal.mobility.pages.flag_figures import flag_figures
from commonweal.mobility.pages.quality_figures import (
    BESIDE,
    daily_figure,
    findings_figure,
    judged_releases,
    limits_of,
    records_of,
)
from commonweal.mobility.pages.viewing import RELEASE
from commonweal.mobility.published import PRESENCE, QUALITY, DayQuality, Presence, presence_of, quality_of
from commonweal.web import words
from commonweal.web.access import needs
from commonweal.web.document import Document, document
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.reading import version_of
from commonweal.web.table import Row
from commonweal.web.words import count, day_in_words, days_in_words, share

ADDRESS = "/mobility/quality"

routes = APIRouter()


@document(routes, ADDRESS, needs(Permission.READ), summary="Quality of each day", tag="mobility", figure="findings")
def quality_page(request: Request, release: Annotated[int | None, RELEASE] = None) -> Document:
    """Each day's subscribers, rounded as published, and how many of its hourly values are there or not, and why."""
    state, title = request.app.state, translated(Wording("Quality of the records"))
    version = version_of(request, PRESENCE, release)
    if version is None:
        return parts.nothing(request, title, "quality")
    presence = presence_of(state.settings, state.database, version)
    totals = parts.opened_beside(request, presence.release, QUALITY)
    days = quality_of(state.settings, state.database, presence, totals)
    flags = parts.opened_beside(request, presence.release, FLAGGED)
    beside = {name: found for name in BESIDE if (found := parts.opened_beside(request, presence.release, name))}
    judged = judged_releases(state.settings, state.database, presence, days, beside)
    sources = [presence.release, *([totals] if totals else []), *beside.values(), *([flags] if flags else [])]
    missing = sum(day.missing for day in days)
    lowest = min(days, key=lambda day: day.share_reported or 0.0)
    return Document(
        title=title,
        template="mobility_quality.html",
        package=parts.PACKAGE,
        lead=days_in_words(days[0].day, days[-1].day),
        tiles=[
            (ngettext("%(num)s day", "%(num)s days", len(days)), _("in this release")),
            (count(len(judged.findings)), _("findings")),
            (count(missing), _("hourly values without data")),
            (
                share(lowest.share_reported or 0.0),
                _("of the values have a count on the sparsest day, %(day)s", day=day_in_words(lowest.day)),
            ),
        ],
        values={"tabs": parts.tabs(request), "releases": parts.origins(sources)},
        figures=[
            findings_figure(presence, judged),
            *(daily_figure(presence, days, judged, name) for name in judged.limits),
            _values(presence, days),
            *(flag_figures(state.settings, state.database, presence, flags) if flags else []),
        ],
        notes=[
            _("Missing means that nothing is known of an area in that hour; it is never shown as zero."),
            parts.why_suppressed(presence.threshold),
            _("The day's total is rounded down, since an exact one would tell what was hidden."),
            _(
                "A day lies within its limits if it is no more than three spreads from the median of days of its kind; "
                "with fewer than five of them there are none."
            ),
            _(
                "What is wrong with cell files and what was flagged stand here once they are published: commonweal "
                "mobility quality --publish"
            ),
        ],
        sources=sources,
        query={"release": str(version)},
        data={
            "quality": {
                "presence": presence.release.label,
                "totals": totals.label if totals else None,
                "flags": flags.label if flags else None,
                "findings": records_of(presence, judged),
                "days": [
                    {
                        "day": day.day.isoformat(),
                        "subscribers_at_least": day.subscribers,
                        "rounded_to": day.rounded_to,
                        "values_reported": day.reported,
                        "values_suppressed": day.suppressed,
                        "values_missing": day.missing,
                        **limits_of(judged, number),
                    }
                    for number, day in enumerate(days)
                ],
            }
        },
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
