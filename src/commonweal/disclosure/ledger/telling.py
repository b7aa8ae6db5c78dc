"""What an entry of the ledger says, in a line for people."""

from __future__ import annotations

from datetime import date

from commonweal.core.canonical import canonical
from commonweal.disclosure.ledger.entries import Entry
from commonweal.disclosure.ledger.spending import ONE_DAY


def what_it_says(entry: Entry) -> str:
    """Say what an entry is about.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> said = {"people": "mobility/sl", "unit": "person-day", "rho": 0.5}
    >>> what_it_says(Entry(1, datetime(2026, 1, 1, tzinfo=UTC), "os:ada", "budget", said, "", "", ""))
    'mobility/sl: ρ = 0.5 a person-day'
    """
    said = entry.said
    match entry.kind:
        case "release":
            tables = ", ".join(table["dataset"] for table in said["tables"])
            rule = f"{said['rule']} {canonical(said['parameters'])}"
            return f"{tables} of {said['people']}, {days(said['first'], said['last'])}, {rule}"
        case "budget":
            return f"{said['people']}: {amounts(said['rho'], said.get('delta', 0))} a {said['unit']}"
        case "standing":
            which = ", ".join(said["datasets"]) or said["domain"]
            return f"{said['rule']} {canonical(said['parameters'])} for {which}"
        case "withdrawal":
            return f"standing approval {said['number']} no longer holds"
    return entry.kind


def what_is_spent(entry: Entry) -> str:
    """Say what a release spends; nothing for others."""
    spent = entry.said.get("spent")
    if spent is None:
        return ""
    spends = amounts(spent["rho"], spent.get("threshold_delta", 0))
    return f"{spends} a {spent['unit']} (ε = {spent['epsilon']:.3g}, δ = {spent['delta']:.3g})"


def amounts(rho: float, delta: float) -> str:
    """Say ρ, and δ of thresholds where there is any.

    Examples
    --------
    >>> amounts(0.5, 0), amounts(0.5, 1e-06)
    ('ρ = 0.5', 'ρ = 0.5 and δ = 1e-06')
    """
    return f"ρ = {rho} and δ = {delta:.3g}" if delta else f"ρ = {rho}"


def days(first: str, last: str) -> str:
    """Name a period by its first and its last day.

    Examples
    --------
    >>> days("2015-03-01", "2015-03-08")
    '2015-03-01 to 2015-03-07'
    """
    return f"{first} to {(date.fromisoformat(last) - ONE_DAY).isoformat()}"
