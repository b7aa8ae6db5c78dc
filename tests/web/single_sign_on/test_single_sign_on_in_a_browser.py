"""Signing in by an identity provider in a real browser, from the site's own process to the provider's and back."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from commonweal.core.identity import Grant, Role, people

pytestmark = pytest.mark.slow

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize("javascript", [True, False])
def test_somebody_signs_in_by_the_provider_with_the_keyboard(browser, home, serve, provider, registered, javascript):
    people.create(home.database, "ada", "Ada", [Grant(Role.VIEWER)], "os:tester")
    address = serve(home, **registered(home))
    provider.redirect_uri = f"{address}/sign-in/provider/callback"
    context = browser.new_context(java_script_enabled=javascript)
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{address}/account")
    if javascript:
        found = Axe().run(page, options={"runOnly": LEVELS, "resultTypes": ["violations"]})
        assert found.response["violations"] == [], found.generate_snapshot()
    page.get_by_role("link", name="Sign in with 127.0.0.1").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/account")
    assert page.inner_text("h1") == "Ada"
    assert {cookie["name"] for cookie in context.cookies()} == {"__Host-commonweal"}
    assert said == []
    context.close()
