"""Who may decide about releases: a steward of the domain, for the areas that the tables are about."""

from __future__ import annotations

from collections.abc import Iterable

from commonweal.core.identity.roles import Permission
from commonweal.core.identity.visitor import Visitor


def steward(by: Visitor | str, domain: str, areas: Iterable[str] = ("",)) -> str:
    """Give the name under which a steward decides.

    Parameters
    ----------
    by
        Whoever asks. On the command line that is a name, ``"os:NAME"``: who can run it there owns the installation.
    domain
        Whose releases it is about.
    areas
        The area sets of the tables; empty: everywhere.

    Raises
    ------
    NotSignedIn, Refused
        They are none.
    """
    if isinstance(by, str):
        return by
    for area in areas:
        by.require(Permission.KEEP, domain, area, what="a decision about releases")
    return by.who
