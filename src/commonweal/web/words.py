"""How numbers, dates, states and rights are said on a page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from commonweal.core.catalog import State
from commonweal.core.identity import Permission, Role
from commonweal.core.identity.roles import Grant
from commonweal.core.wording import Wording
from commonweal.web.languages import _, current, translated

STATES: Mapping[State, str] = {
    State.REPORTED: Wording("reported"),
    State.MODELLED: Wording("modelled"),
    State.ESTIMATED: Wording("estimated"),
    State.ROUNDED: Wording("rounded"),
    State.PERTURBED: Wording("perturbed"),
    State.SUPPRESSED: Wording("suppressed"),
    State.MISSING: Wording("missing"),
    State.WITHHELD: Wording("withheld"),
}
UNITS = ("byte", "kilobyte", "megabyte", "gigabyte", "terabyte")
ROLES: Mapping[Role, str] = {
    Role.VIEWER: Wording("viewer"),
    Role.ANALYST: Wording("analyst"),
    Role.AUTHOR: Wording("author"),
    Role.APPROVER: Wording("approver"),
    Role.STEWARD: Wording("steward"),
    Role.ADMINISTRATOR: Wording("administrator"),
}
PERMISSIONS: Mapping[Permission, str] = {
    Permission.READ: Wording("read"),
    Permission.FOLLOW: Wording("follow"),
    Permission.RUN: Wording("run"),
    Permission.DRAFT: Wording("draft"),
    Permission.APPROVE: Wording("approve"),
    Permission.KEEP: Wording("keep"),
    Permission.OVERSEE: Wording("oversee"),
    Permission.ADMINISTER: Wording("administer"),
}


def count(number: float, decimals: int = 0) -> str:
    """Write a count with its thousands apart.

    Examples
    --------
    >>> count(1234567)
    '1,234,567'
    """
    return current().number(number, decimals)


def share(part: float) -> str:
    """Write a part of one in per cent.

    Examples
    --------
    >>> share(0.124)
    '12%'
    """
    return current().share(part)


def size(number: int) -> str:
    """Write a number of bytes with a unit that keeps it short.

    Examples
    --------
    >>> size(999), size(1_234_567), size(4_200_000_000_000)
    ('999 bytes', '1.2 MB', '4.2 TB')
    """
    step = min(max(0, (len(str(abs(number))) - 1) // 3), len(UNITS) - 1)
    return current().measure(round(number / 1000**step, 1 if step else None), f"digital-{UNITS[step]}")


def moment(when: datetime, zone: str = "UTC") -> str:
    """Say an instant by the clock of a time zone, to the minute.

    Examples
    --------
    >>> late = datetime(2015, 3, 1, 23, 40, tzinfo=UTC)
    >>> moment(late), moment(late, "Africa/Lagos")
    ('1 March 2015, 23:40', '2 March 2015, 00:40')
    """
    there = when.astimezone(ZoneInfo(zone))
    return _("%(day)s, %(time)s", day=day(there.date()), time=clock(there.time()))


def state(value: State) -> str:
    """Say what a value is, or why there is none."""
    return translated(STATES[value])


def role(held: Role) -> str:
    """Name a role."""
    return translated(ROLES[held])


def permission(right: Permission) -> str:
    """Name what a right allows."""
    return translated(PERMISSIONS[right])


def grant(held: Grant) -> str:
    """Say which role somebody holds, and where.

    Examples
    --------
    >>> grant(Grant(Role.ANALYST, "mobility", "districts")), grant(Grant(Role.VIEWER))
    ('analyst in mobility for districts', 'viewer')
    """
    said = {"role": role(held.role), "domain": held.domain, "area": held.area}
    if held.domain and held.area:
        return _("%(role)s in %(domain)s for %(area)s", **said)
    if held.domain:
        return _("%(role)s in %(domain)s", **said)
    return _("%(role)s for %(area)s", **said) if held.area else said["role"]


def clock(moment: time) -> str:
    """Say a time of day."""
    return current().clock(moment)


def day(when: date) -> str:
    """Say a date, in UTC if it is an instant.

    Examples
    --------
    >>> day(date(2015, 3, 1))
    '1 March 2015'
    """
    return current().date(when.astimezone(UTC) if isinstance(when, datetime) else when, "d MMMM y")


def to_the_second(when: datetime, zone: str) -> str:
    """Say the time of day of an instant by the clock of a time zone.

    Examples
    --------
    >>> to_the_second(datetime(2015, 3, 1, 23, 40, 5, tzinfo=UTC), "Africa/Lagos")
    '00:40:05'
    """
    return f"{when.astimezone(ZoneInfo(zone)):%H:%M:%S}"


def duration(seconds: float) -> str:
    """Say how long something took.

    Examples
    --------
    >>> duration(1), duration(95), duration(1000)
    ('1 second', '95 seconds', '17 minutes')
    """
    return current().duration(seconds)


def day_in_words(when: date) -> str:
    """Say a date with its day of the week.

    Examples
    --------
    >>> day_in_words(date(2015, 3, 27))
    'Friday 27 March 2015'
    """
    return current().date(when, "EEEE d MMMM y")


def short_day(when: date) -> str:
    """Say a date as briefly as the axis of a chart does.

    Examples
    --------
    >>> short_day(date(2015, 3, 27))
    '27 Mar'
    """
    return current().date(when, "d MMM")


def short_weekday(number: int) -> str:
    """Name a day of the week as briefly as the axis of a chart does; Monday is 0.

    Examples
    --------
    >>> short_weekday(0), short_weekday(6)
    ('Mon', 'Sun')
    """
    return current().date(date(1996, 1, 1 + number), "EEE")


def days_in_words(first: date, last: date) -> str:
    """Say a span of days, each part once.

    Examples
    --------
    >>> days_in_words(date(2015, 3, 27), date(2015, 4, 9)), days_in_words(date(2015, 3, 27), date(2015, 3, 27))
    ('27 March – 9 April 2015', '27 March 2015')
    >>> days_in_words(date(2015, 3, 2), date(2015, 3, 9)), days_in_words(date(2014, 12, 2), date(2015, 3, 9))
    ('2 – 9 March 2015', '2 December 2014 – 9 March 2015')
    """
    if first == last:
        return day(last)
    pattern = "d MMMM y" if first.year != last.year else "d MMMM" if first.month != last.month else "d"
    return _("%(first)s – %(last)s", first=current().date(first, pattern), last=day(last))
