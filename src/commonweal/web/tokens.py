"""Tokens as a table and as data: everything about them but the secret."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from commonweal.core.identity import Permission
from commonweal.core.identity.tokens import Token
from commonweal.web import words
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _
from commonweal.web.table import Row


def works(token: Token) -> bool:
    """Say whether a token opens anything: it was neither revoked nor is it over."""
    return token.revoked is None and token.ends > datetime.now(UTC)


def token_table(held: Sequence[Token]) -> Figure:
    """Show a person's tokens."""
    return Figure(
        name="tokens",
        title=_("Tokens for programs"),
        caption=_("The newest first. A token itself is stored nowhere."),
        headings=(
            Heading(_("What uses it"), key="name"),
            Heading(_("What it is for"), key="permissions"),
            Heading(_("Until"), key="ends", is_time=True),
            Heading(_("Last used"), key="used", is_time=True),
            Heading(_("State"), key="state"),
        ),
        rows=[
            Row(
                (
                    token.name,
                    ", ".join(words.permission(Permission(right)) for right in token.permissions),
                    words.day(token.ends),
                    words.day(token.used) if token.used else _("never used"),
                    _state(token),
                ),
                has_value=works(token),
            )
            for token in held
        ],
        records=[token_data(token) | {"permissions": " ".join(token.permissions)} for token in held],
    )


def token_data(token: Token) -> dict[str, Any]:
    """Give a token as JSON values."""
    state = "revoked" if token.revoked else "works" if works(token) else "over"
    times = {"made": token.made, "ends": token.ends, "used": token.used, "revoked": token.revoked}
    return {
        "number": token.number,
        "name": token.name,
        "permissions": list(token.permissions),
        "state": state,
        **{name: at and at.isoformat() for name, at in times.items()},
    }


def _state(token: Token) -> str:
    if token.revoked:
        return _("revoked on %(day)s", day=words.day(token.revoked))
    return _("works") if works(token) else _("over")
