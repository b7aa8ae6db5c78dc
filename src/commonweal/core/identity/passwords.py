"""Passwords: argon2id, with the parameters that RFC 9106 recommends for machines with little memory."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording, counted

SHORTEST = 12
LONGEST = 1024
FEWEST_SIGNS = 5
COSTS = profiles.RFC_9106_LOW_MEMORY


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher.from_parameters(COSTS)


@cache
def _nobody() -> str:
    return _hasher().hash("a password that nobody has")


def check(password: str, name: str) -> None:
    """Refuse a password that is easy to guess: length protects, not odd signs (NIST SP 800-63B).

    Raises
    ------
    InputError
        It is too short or too long, of too few different signs, or holds the name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(
            counted("the password has %(num)s character", "the password has %(num)s characters", len(password)),
            expected=Wording("at least %(least)s, such as four words", least=SHORTEST),
        )
    if len(set(password)) < FEWEST_SIGNS:
        raise InputError(
            Wording("the password repeats a few signs"),
            expected=Wording("at least %(least)s different ones", least=FEWEST_SIGNS),
        )
    if name.casefold() in password.casefold():
        raise InputError(Wording("the password holds the name"), expected=Wording("one that does not"))


def hashed(password: str) -> str:
    """Give what is stored of a password."""
    return _hasher().hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Say whether a password is the one that was hashed; it takes as long where there is none.

    Examples
    --------
    >>> matches("correct horse battery", hashed("correct horse battery")), matches("correct horse battery", None)
    (True, False)
    """
    try:
        return _hasher().verify(stored or _nobody(), password[: LONGEST + 1]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Say whether a password was hashed with weaker parameters than today's."""
    return _hasher().check_needs_rehash(stored)
