"""Single sign-on: to the identity provider and back, in one browser, within minutes, and once.

Whoever leaves for the provider keeps one secret in a cookie. State, nonce and PKCE verifier follow from it, so that
nothing secret is stored here: only its digest, and where they wanted to go.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync
from sqlalchemy import delete

from commonweal.core.database import Database
from commonweal.core.errors import InputError, NotSignedIn, Refused, Unavailable
from commonweal.core.identity import secret, signing_in
from commonweal.core.identity.models import RequestRecord
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording

if TYPE_CHECKING:
    from commonweal.core.identity.provider import Provider

LASTS = timedelta(minutes=10)


def configured(settings: Settings) -> Provider | None:
    """Give the identity provider that the settings name; None if they name none.

    Raises
    ------
    InputError
        They name its address without this site's client id, or the other way round.
    Unavailable, Conflict
        The client's secret is missing, or others can read it; or the packages for it are not installed.
    """
    if not settings.provider_issuer and not settings.provider_client_id:
        return None
    if not settings.provider_issuer or not settings.provider_client_id:
        raise InputError(
            "an identity provider needs both its address and this site's client id",
            where="settings provider_issuer and provider_client_id",
            expected="both, or neither",
        )
    try:
        from commonweal.core.identity.provider import Provider, client_secret
    except ModuleNotFoundError:
        raise Unavailable("single sign-on needs its packages", expected="pip install 'commonweal[sso]'") from None
    client_secret(settings.keys)  # what is wrong with it is better said at the start than to the first who signs in
    return Provider(settings.provider_issuer, settings.provider_client_id, settings.provider_name_claim, settings.keys)


async def begin(database: Database, provider: Provider, callback: str, wanted: str) -> tuple[str, str]:
    """Begin to sign somebody in.

    Parameters
    ----------
    callback
        Where the provider sends them back to.
    wanted
        The address of this site that they wanted.

    Returns
    -------
    The provider's address to send them to, and the secret that their browser keeps meanwhile.

    Raises
    ------
    Unavailable
        The provider does not answer, or not as it should.
    """
    held = secret.new()
    address = await provider.address(
        callback,
        state=secret.derived("state", held),
        nonce=secret.derived("nonce", held),
        verifier=secret.derived("verifier", held),
    )
    await run_sync(_remember, database, held, wanted)
    return address, held


async def finish(
    database: Database, provider: Provider, callback: str, held: str, answer: Mapping[str, str], hours: int
) -> tuple[str, str]:
    """Sign in whoever the provider has sent back.

    Parameters
    ----------
    callback
        As it was for `begin`.
    held
        The secret that their browser kept; empty if it kept none.
    answer
        What the provider gave back in the address: ``state``, and ``code`` or ``error``.
    hours
        How long the session lasts.

    Returns
    -------
    The secret of the new session, and the address that they wanted.

    Raises
    ------
    NotSignedIn
        This browser did not begin this, or too long ago, or it is finished already.
    Refused
        The provider did not let them in, its word cannot be trusted, or they are not known here, or disabled.
    Unavailable
        The provider does not answer, or not as it should.
    """
    wanted = await run_sync(_take_up, database, held, answer.get("state", ""))
    if answer.get("error") == "access_denied":
        raise Refused(
            Wording("the identity provider did not let you in"),
            expected=Wording("an account there that may use this site"),
        )
    if "code" not in answer:
        raise Unavailable(
            Wording("the identity provider %(provider)s could not sign you in", provider=provider.name),
            expected=Wording("to try again later"),
        )
    vouched = await provider.vouch(
        answer["code"], callback, nonce=secret.derived("nonce", held), verifier=secret.derived("verifier", held)
    )
    session = await run_sync(signing_in.by_provider, database, provider.issuer, vouched.subject, vouched.name, hours)
    return session, wanted


def _remember(database: Database, held: str, wanted: str) -> None:
    now = datetime.now(UTC)
    with database.transaction() as session:
        session.execute(delete(RequestRecord).where(RequestRecord.ends <= now))
        session.add(RequestRecord(digest=secret.digest(held), wanted=wanted, ends=now + LASTS))


def _take_up(database: Database, held: str, state: str) -> str:
    """Give the address that somebody wanted, once, to the browser in which they began."""
    wanted = None
    if held and compare_digest(state.encode(), secret.derived("state", held).encode()):
        with database.transaction() as session:
            wanted = session.scalar(
                delete(RequestRecord)
                .where(RequestRecord.digest == secret.digest(held), RequestRecord.ends > datetime.now(UTC))
                .returning(RequestRecord.wanted)
            )
    if wanted is None:
        raise NotSignedIn(
            Wording("this sign-in was not begun in this browser, took too long, or is finished already"),
            expected=Wording("to sign in again"),
        )
    return wanted
