"""Signing in and administering in a real browser: by keyboard, with scripts off, narrow, dark, for every reader."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from commonweal.core.identity import Grant, Role, people, signing_in
from commonweal.web.access import SESSION

pytestmark = pytest.mark.slow

PASSWORD = "wind over still water"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def grace(published) -> str:
    """A session of an administrator of the published site."""
    _, offered = people.create(published.home.database, "grace", "Grace", [Grant(Role.ADMINISTRATOR)], "os:tester")
    return signing_in.with_link(published.home.database, offered, PASSWORD, 12)


def test_the_sign_in_page_says_what_was_wrong_to_every_reader(open_page, grace):
    page = open_page("/sign-in", 360, may_fail=True)
    for _ in range(2):
        found = Axe().run(page, options={"runOnly": LEVELS, "resultTypes": ["violations"]})
        assert found.response["violations"] == [], found.generate_snapshot()
        page.fill("#name", "nobody")
        page.fill("#password", "guess")
        page.keyboard.press("Enter")
        page.get_by_role("alert").wait_for()
    assert "do not belong together" in page.get_by_role("alert").inner_text()
    assert page.input_value("#name") == "nobody"
    assert page.get_attribute("#password", "autofocus") is not None, "what was right is kept, the rest is asked for"


@pytest.mark.parametrize("javascript", [True, False])
def test_somebody_signs_in_by_keyboard_alone_and_out_again(open_page, grace, javascript):
    page = open_page("/account", java_script_enabled=javascript)
    assert "/sign-in?next=" in page.url
    page.locator("#name").focus()
    page.keyboard.type("grace")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign out").wait_for()
    assert page.inner_text("h1") == "Grace"
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Sign in").wait_for()


def test_an_administrator_makes_a_person_without_scripts(open_page, grace):
    page = open_page("/administration", held=grace, java_script_enabled=False)
    page.get_by_label("Name to sign in with").fill("ada")
    page.get_by_label("Role").select_option("viewer")
    page.get_by_role("button", name="Make the person").click()
    link = re.search(r"/welcome/[\w-]+", page.inner_text("[role=status]"))
    assert link
    other = open_page(link[0], java_script_enabled=False)
    other.fill("#password", "a sentence of her own")
    other.fill("#again", "a sentence of her own")
    other.get_by_role("button", name="Set the password").click()
    assert other.get_by_role("link", name="ada", exact=True).is_visible()
    assert not other.get_by_role("link", name="Administration").is_visible()


def test_a_form_on_another_site_changes_nothing(browser, served, grace, published):
    """Cross-site request forgery, tried by a browser that holds the session."""
    context = browser.new_context()
    context.add_cookies([{"name": SESSION, "value": grace, "url": served.replace("http:", "https:"), "secure": True}])
    page = context.new_page()
    form = f'<form method="post" action="{served}/administration/people"><input name="name" value="mallory"></form>'
    page.route("http://evil.example/", lambda route: route.fulfill(body=form, content_type="text/html"))
    page.goto("http://evil.example/")
    with page.expect_navigation():
        page.evaluate("document.forms[0].submit()")
    assert page.url.startswith(served)
    assert "mallory" not in [person.name for person in people.people(published.home.database)]
    context.close()
