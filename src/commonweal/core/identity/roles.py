"""Roles and what they allow: a role is held in a domain and an area, or in all of them.

Rights only ever add up: whoever holds two roles may do what either allows. Nothing is allowed that no grant names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording


class Permission(StrEnum):
    """What an address or an operation may ask for."""

    READ = "read"
    """See what is published."""
    FOLLOW = "follow"
    """See the work behind it: imports, runs, jobs and their quality."""
    RUN = "run"
    """Start and cancel long work."""
    DRAFT = "draft"
    """Write what others approve."""
    APPROVE = "approve"
    """Approve what others wrote."""
    KEEP = "keep"
    """Look after people's data: keys, retention, objections."""
    OVERSEE = "oversee"
    """Who may read what, and what for; who looked at what."""
    ADMINISTER = "administer"
    """People and their rights, settings, the audit log, backups."""


class Role(StrEnum):
    """What a person is to a domain and an area."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    AUTHOR = "author"
    APPROVER = "approver"
    STEWARD = "steward"
    ADMINISTRATOR = "administrator"


_SEES = frozenset({Permission.READ, Permission.FOLLOW})
ALLOWED: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.ANALYST: _SEES | {Permission.RUN},
    Role.AUTHOR: _SEES | {Permission.DRAFT},
    Role.APPROVER: _SEES | {Permission.APPROVE},
    Role.STEWARD: _SEES | {Permission.KEEP, Permission.OVERSEE},
    Role.ADMINISTRATOR: _SEES | {Permission.ADMINISTER, Permission.OVERSEE},
}
"""Nobody holds everything by one role: who administers does not approve, and who writes does not approve."""


@dataclass(frozen=True, order=True)
class Grant:
    """A role that somebody holds.

    Parameters
    ----------
    role
        Which.
    domain
        In which domain; empty: in all, and for the house itself.
    area
        For which area set (``districts``), or one area of it (``districts/NP-12``); empty: everywhere.
    """

    role: Role
    domain: str = ""
    area: str = ""

    def covers(self, permission: Permission, domain: str = "", area: str = "") -> bool:
        """Say whether this alone allows something.

        Parameters
        ----------
        domain
            The domain it belongs to; empty: the house itself, which only a grant for all domains covers.
        area
            The area set or area it concerns; empty: everywhere, which only a grant without an area covers.

        Examples
        --------
        >>> grant = Grant(Role.ANALYST, "mobility", "natural-earth:GN,SL")
        >>> [grant.covers(Permission.RUN, "mobility", area) for area in ("natural-earth:SL", "natural-earth:LR", "")]
        [True, False, False]
        >>> grant.covers(Permission.RUN, "alerting", "natural-earth:SL")
        False
        """
        return (
            permission in ALLOWED[self.role]
            and self.domain in ("", domain)
            and (not self.area or lies_within(area, self.area))
        )

    def __str__(self) -> str:
        """Write it as `parse_grant` reads it."""
        return f"{self.role}{f' in {self.domain}' if self.domain else ''}{f' for {self.area}' if self.area else ''}"


def lies_within(area: str, whole: str) -> bool:
    """Say whether an area set or area lies within another, by what their names say.

    Examples
    --------
    >>> lies_within("districts/NP-12", "districts"), lies_within("districts-old", "districts")
    (True, False)
    >>> lies_within("natural-earth:SL/SL-N", "natural-earth:SL,GN"), lies_within("natural-earth", "natural-earth:SL")
    (True, False)
    """
    set_name, _, code = area.partition("/")
    whole_set, _, whole_code = whole.partition("/")
    if not set_name or (whole_code and code != whole_code):
        return False
    if set_name == whole_set:
        return True
    if whole_code:
        return False
    (name, _, parts), (whole_name, _, whole_parts) = set_name.partition(":"), whole_set.partition(":")
    return name == whole_name and (
        not whole_parts or (bool(parts) and set(parts.split(",")) <= set(whole_parts.split(",")))
    )


def allowed(grants: Iterable[Grant], permission: Permission, domain: str = "", area: str = "") -> bool:
    """Say whether any of the grants allows something. See `Grant.covers`."""
    return any(grant.covers(permission, domain, area) for grant in grants)


def parse_grant(role: str, domain: str = "", area: str = "") -> Grant:
    """Read a grant that somebody typed.

    Raises
    ------
    InputError
        There is no such role; or the administrator's is asked for a part only, which would not be one.
    """
    if role not in list(Role):
        raise InputError(
            Wording("there is no role %(role)s", role=repr(role)),
            expected=Wording("one of: %(known)s", known=", ".join(Role)),
        )
    if role == Role.ADMINISTRATOR and (domain or area):
        raise InputError(
            Wording("an administrator looks after the whole house"),
            expected=Wording("the role without domain and area"),
        )
    return Grant(Role(role), domain.strip(), area.strip())
