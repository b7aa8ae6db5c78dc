"""Disclosure control in a real browser: a steward decides by keyboard, with scripts and without."""

from typing import Any

import pytest

from commonweal.core.identity import Grant, Role

pytestmark = pytest.mark.slow

PHONE = {"width": 360, "height": 740}


def go_to(page: Any, name: str) -> None:
    """Press the tabulator until something of that name has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText || document.activeElement.id") == name:
            return
    raise AssertionError(f"the keyboard does not reach {name}")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_steward_finds_what_waits_reads_and_approves_it_by_keyboard(
    javascript, home, propose, serve, signed_in, open_page
):
    propose(home)
    at = serve(home, worker="false")
    held = signed_in(home, Grant(Role.STEWARD, "mobility"))
    page = open_page("/catalog", at=at, held=held, java_script_enabled=javascript, **PHONE)
    go_to(page, "Disclosure control")
    page.keyboard.press("Enter")
    page.wait_for_url("**/disclosure")
    go_to(page, "Home areas of mobility/lockdown, 27 – 28 March 2015")
    page.keyboard.press("Enter")
    page.wait_for_url("**/disclosure/proposals/*")
    assert "None of the attacks brings a person or a small group to light." in page.inner_text("#findings")
    go_to(page, "approve-why")
    page.keyboard.type("as every month")
    go_to(page, "Approve and publish")
    page.keyboard.press("Enter")
    page.get_by_text("It is approved, and published.").wait_for()
    page.get_by_role("link", name="mobility.home, release 1").click()
    page.get_by_role("heading", name="What protects people in it").wait_for()
    assert "as every month" in page.inner_text("main")
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
