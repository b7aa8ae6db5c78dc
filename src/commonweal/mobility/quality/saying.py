"""Findings in sentences, in the language that is spoken."""

from __future__ import annotations

from collections.abc import Mapping

from commonweal.core.wording import Wording
from commonweal.mobility.quality.finding import Fault, Finding, Sure
from commonweal.web.languages import _, ngettext, translated
from commonweal.web.words import count, day_in_words, days_in_words, share

FAULTS: Mapping[str, str] = {
    Fault.DUPLICATE_CELL: Wording("Cell twice in one file"),
    Fault.SWAPPED_COORDINATES: Wording("Swapped coordinates"),
    Fault.CELL_FAR_AWAY: Wording("Cell far from all areas"),
    Fault.MOVED_CELL: Wording("Cell that moved too far"),
    Fault.VERSION_GAP: Wording("Gap between versions of a cell"),
    Fault.MISSING_VERSION: Wording("Events without a version of their cell"),
    Fault.MISPLACED_CELL: Wording("Cell that seems misplaced"),
    Fault.UNKNOWN_CELLS: Wording("Unknown cells"),
    Fault.REJECTED_ROWS: Wording("Many rejected rows"),
    Fault.WRONG_TIME_ZONE: Wording("Wrong time zone"),
    Fault.MIXED_CLOCKS: Wording("Mixed clocks"),
    Fault.DEAD_DAY: Wording("Dead day"),
    Fault.LOW_DAY: Wording("Day below its limits"),
    Fault.HIGH_DAY: Wording("Day above its limits"),
    Fault.DRIFT: Wording("Drift"),
    Fault.SILENT_CELL: Wording("Silent cell"),
    Fault.SILENT_AREA: Wording("Silent area"),
    Fault.SILENT_HOURS: Wording("Silent hours"),
    Fault.MACHINES: Wording("Machines"),
}
FLAGS = {
    "network_of_no_country": Wording("a ship's or an aircraft's network"),
    "out_of_life": Wording("outside the life of its cell"),
    "no_position": Wording("a cell without a position"),
    "machine": Wording("a machine"),
    "incorrect_place": Wording("too fast and too far, both ways"),
    "suspicious_place": Wording("too fast and too far, one way"),
}
SURE: Mapping[str, str] = {
    Sure.CERTAIN: Wording("certain"),
    Sure.LIKELY: Wording("likely"),
    Sure.POSSIBLE: Wording("possible"),
}
FIGURES = {
    "events": Wording("events"),
    "subscribers": Wording("subscribers"),
    "devices": Wording("devices"),
}


def when(finding: Finding) -> str:
    """Say from when to when."""
    if finding.since and finding.until:
        if finding.since == finding.until:
            return day_in_words(finding.since)
        return days_in_words(finding.since, finding.until)
    if finding.since:
        return _("from %(day)s on", day=day_in_words(finding.since))
    if finding.until:
        return _("until %(day)s", day=day_in_words(finding.until))
    return _("at all times")


def sentence(finding: Finding, names: Mapping[str, str] | None = None) -> str:
    """Say what is wrong, where and when; `names` are those of areas."""
    where = (names or {}).get(finding.where, finding.where) if finding.place == "area" else finding.where
    numbers, said = finding.numbers, {"where": where, "when": when(finding)}
    match finding.kind:
        case Fault.DUPLICATE_CELL:
            return _("%(where)s, %(when)s: one cell file says two different things of it", **said)
        case Fault.SWAPPED_COORDINATES:
            return _("%(where)s, %(when)s: its longitude and latitude seem to be swapped", **said)
        case Fault.CELL_FAR_AWAY:
            return _(
                "%(where)s, %(when)s: it stands %(distance)s km from all areas",
                **said,
                distance=count(numbers["kilometres"]),
            )
        case Fault.MOVED_CELL:
            return _(
                "%(where)s, %(when)s: it stands %(distance)s km from where it stood before",
                **said,
                distance=count(round(numbers["kilometres"])),
            )
        case Fault.VERSION_GAP:
            return _("%(where)s, %(when)s: none of its versions holds, though it has earlier and later ones", **said)
        case Fault.MISSING_VERSION:
            if cells := numbers.get("cells"):
                return ngettext(
                    "%(num)s cell has a few events outside the life of its versions",
                    "%(num)s cells have a few events outside the life of their versions",
                    cells,
                )
            return _(
                "%(where)s, %(when)s: %(share)s of its events lie outside the life of its versions",
                **said,
                share=share(numbers["share"]),
            )
        case Fault.MISPLACED_CELL:
            return _(
                "%(where)s, %(when)s: %(share)s of its events are too fast and too far from others; its position "
                "seems wrong",
                **said,
                share=share(numbers["share"]),
            )
        case Fault.UNKNOWN_CELLS:
            return _(
                "%(where)s: %(share)s of its rows name cells that no cell file knows",
                where=finding.where,
                share=share(numbers["share"]),
            )
        case Fault.REJECTED_ROWS:
            return _(
                "%(where)s: %(share)s of its rows were rejected: %(reason)s",
                where=finding.where,
                share=share(numbers["share"]),
                reason=numbers["reason"],
            )
        case Fault.MIXED_CLOCKS:
            said |= {"hours": count(abs(numbers["shift_hours"])), "share": share(numbers["share"])}
            if numbers["shift_hours"] > 0:
                return _(
                    "%(when)s: at about %(share)s of the sites events come %(hours)s hours later than usual", **said
                )
            return _("%(when)s: at about %(share)s of the sites events come %(hours)s hours earlier than usual", **said)
        case Fault.WRONG_TIME_ZONE:
            return _clock(finding)
        case Fault.SILENT_HOURS:
            hours = ", ".join(f"{hour:02d}" for hour in numbers["hours"])
            return _("%(when)s: no event anywhere in the hours %(hours)s, though many are usual", **said, hours=hours)
        case Fault.SILENT_CELL | Fault.SILENT_AREA:
            return _(
                "%(where)s, %(when)s: no event, though many are usual; a failure, not an absence of people", **said
            )
        case Fault.MACHINES:
            return _("%(when)s: machines make %(share)s of all events", **said, share=share(numbers["share"]))
        case _:
            return _day(finding)


def _clock(finding: Finding) -> str:
    shift = finding.numbers["shift_hours"]
    said = {"when": when(finding), "hours": count(abs(shift))}
    if "quietest" in finding.numbers:
        return _(
            "%(when)s: people are quietest about %(clock)s, not at night; times may be in a zone %(hours)s hours away",
            **said,
            clock=finding.numbers["quietest"],
        )
    if shift > 0:
        return _("%(when)s: events come %(hours)s hours later than usual; their times are of another zone", **said)
    return _("%(when)s: events come %(hours)s hours earlier than usual; their times are of another zone", **said)


def _day(finding: Finding) -> str:
    said = {"when": when(finding), "figure": translated(FIGURES[finding.numbers["figure"]])}
    part = finding.numbers.get("times_usual")
    if part is None:
        return _("%(when)s: next to no %(figure)s", **said)
    part_said = share(part)
    if finding.kind is Fault.DRIFT:
        return _("%(when)s: %(figure)s stay at %(part)s of what is usual", **said, part=part_said)
    return _("%(when)s: %(figure)s are %(part)s of what is usual", **said, part=part_said)
