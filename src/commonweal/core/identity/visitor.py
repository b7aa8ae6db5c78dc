"""Whoever asks: a person, a program with a person's token, or somebody who did not say."""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.core.errors import NotSignedIn, Refused
from commonweal.core.identity.agreements import Agreement
from commonweal.core.identity.extent import Extent
from commonweal.core.identity.roles import Grant, Permission, Role, allowed
from commonweal.core.wording import Wording


@dataclass(frozen=True)
class Visitor:
    """Whoever asks, and what they may do.

    Parameters
    ----------
    person
        The person's number; None for somebody who did not sign in.
    name
        What they are shown as.
    grants
        What they hold.
    only
        What their token is limited to; None: everything that the grants allow.
    agreements
        What else they may read at this moment, and what for.
    token
        The number of the token that a program shows for them.
    """

    person: int | None = None
    name: str = ""
    grants: tuple[Grant, ...] = ()
    only: frozenset[Permission] | None = None
    agreements: tuple[Agreement, ...] = ()
    token: int | None = None

    @property
    def who(self) -> str:
        """Name them for the audit log, which outlives people's names: by number."""
        return "nobody" if self.person is None else f"person:{self.person}"

    def may(self, permission: Permission, domain: str = "", area: str = "") -> bool:
        """Say whether they may do something. See `Grant.covers`."""
        return (self.only is None or permission in self.only) and allowed(self.grants, permission, domain, area)

    def may_somewhere(self, permission: Permission, domain: str | None = "") -> bool:
        """Say whether there is any area, or the whole, for which they may do something.

        Parameters
        ----------
        domain
            The domain it belongs to; empty: the house itself; None: whichever domain they hold something in.
        """
        return any(
            self.may(permission, grant.domain if domain is None else domain, grant.area) for grant in self.grants
        ) or (permission is Permission.READ and self._has_agreed(domain))

    def may_read(self, extent: Extent) -> bool:
        """Say whether a role of theirs opens a published table, or an agreement covers all of it."""
        return self.may(Permission.READ, extent.domain, extent.area) or self.agreement_on(extent) is not None

    def agreement_on(self, extent: Extent) -> Agreement | None:
        """Give the newest agreement that covers a published table, which says what they read it for."""
        if self.only is not None and Permission.READ not in self.only:
            return None
        return next((agreement for agreement in self.agreements if agreement.terms.cover(extent)), None)

    def require_read(self, extent: Extent) -> None:
        """Do nothing if they may read a published table.

        Raises
        ------
        NotSignedIn, Refused
            They may not.
        """
        if self.may_read(extent):
            return
        if any(extent.dataset in agreement.terms.datasets for agreement in self.agreements):
            raise Refused(
                Wording("this goes beyond what was agreed with you"),
                where=extent.dataset,
                expected=Wording("a release that lies wholly within an agreement of yours"),
            )
        self.require(Permission.READ, extent.domain, extent.area, what=extent.dataset)

    def _has_agreed(self, domain: str | None) -> bool:
        if self.only is not None and Permission.READ not in self.only:
            return False
        named = {name.partition(".")[0] for agreement in self.agreements for name in agreement.terms.datasets}
        return bool(named) if domain is None else domain in named

    def require(self, permission: Permission, domain: str = "", area: str = "", *, what: str = "this") -> None:
        """Do nothing if they may.

        Raises
        ------
        NotSignedIn
            They did not say who they are.
        Refused
            No role of theirs allows it there.

        Examples
        --------
        >>> Visitor(1, "Ada", (Grant(Role.VIEWER),)).require(Permission.RUN, "mobility", what="an import")
        Traceback (most recent call last):
        commonweal.core.errors.Refused: an import: no role of yours allows it (expected: the right to run in mobility)
        """
        if self.may(permission, domain, area):
            return
        if self.person is None:
            raise NotSignedIn(
                Wording("this needs a sign-in"), where=what, expected=Wording("your name and password, or a token")
            )
        raise Refused(
            Wording("no role of yours allows it"), where=what, expected=_right(permission.value, domain, area)
        )


def _right(permission: str, domain: str, area: str) -> str:
    said = {"permission": Wording(permission), "domain": domain, "area": area}
    if domain and area:
        return Wording("the right to %(permission)s in %(domain)s for %(area)s", **said)
    if domain:
        return Wording("the right to %(permission)s in %(domain)s", **said)
    if area:
        return Wording("the right to %(permission)s for %(area)s", **said)
    return Wording("the right to %(permission)s", **said)


NOBODY = Visitor()
READER = Visitor(grants=(Grant(Role.VIEWER),))
"""Somebody who did not sign in where what is published is open to everyone."""
