"""What is published cannot be true together."""

from __future__ import annotations

from commonweal.core.errors import InputError


class Contradiction(InputError):
    """No table of whole numbers keeps to what is published and known."""


def contradiction(relation: int) -> Contradiction:
    """Say that a relation, by its number from 0, cannot hold."""
    return Contradiction(
        "what is published contradicts itself: no whole numbers fit the relations",
        where=f"relation {relation + 1}, or others that share cells with it",
        expected="tables and relations that belong together",
    )


def beyond_counting() -> Contradiction:
    """Say that numbers follow that are too large: relations that go round in circles, or values too large for sums."""
    return Contradiction(
        "numbers beyond 2^53 follow from what is published",
        expected="relations that belong together, and values whose sums are smaller",
    )
