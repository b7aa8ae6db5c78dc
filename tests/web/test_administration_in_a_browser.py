"""Administration in a real browser: for every reader, narrow, dark, in both languages, and with scripts off."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from commonweal.core import audit
from commonweal.core.backup import service
from commonweal.core.console import Home
from commonweal.core.domain import job_handlers
from commonweal.core.identity import Grant, Role, people, signing_in, tokens
from commonweal.core.jobs import launch
from commonweal.domains import ROOMS

pytestmark = pytest.mark.slow

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BACKUP = "2026-03-01"
PAGES = [
    "/administration?sort-people=-name",
    "/administration/people/ida",
    "/administration/people/ida/figures/tokens",
    "/administration/audit?page=2",
    "/administration/audit?who=nobody",
]
"""Where there is more to see than in the whole site, every page of which is read elsewhere."""


@pytest.fixture(scope="module")
def kept(published, tmp_path_factory) -> Home:
    """The published home with two folders for backups, a backup, and a log of more than a page."""
    folder = tmp_path_factory.mktemp("kept")
    folders = {"backups": folder / "backups", "backup_keys": folder / "safe"}
    for each in folders.values():
        each.mkdir()
    home = Home(published.home.settings.model_copy(update=folders), published.home.database)
    service.create(home.settings, home.database, ROOMS, *(each / BACKUP for each in folders.values()), "os:tester")
    with home.database.transaction() as session:
        for number in range(120):
            audit.record(session, who="os:tester", action="areas.import", what=f"districts {number}", why="a new map")
    return home


@pytest.fixture(scope="module")
def served(kept, serve) -> str:
    folders = {name: str(getattr(kept.settings, name)) for name in ("backups", "backup_keys")}
    return serve(kept, open_reading="true", worker="false", **folders)


@pytest.fixture(scope="module")
def ida(kept) -> str:
    """A session of an administrator who holds other roles and tokens too."""
    held = [Grant(Role.ADMINISTRATOR), Grant(Role.ANALYST, "mobility", "natural-earth:SL")]
    made, offered = people.create(kept.database, "ida", "Ida", held, "os:tester")
    for name in ("night job", "harvester"):
        tokens.issue(kept.database, made.number, name, ["read", "follow"], 30, "os:tester")
    return signing_in.with_link(kept.database, offered, "wind over still water", 12)


def work(home):
    """Have all that was asked for done here: nobody else works on the queue."""
    launch.work(home.settings, home.database, job_handlers(ROOMS), once=True)


def violations(page):
    found = Axe().run(page, options={"runOnly": LEVELS, "resultTypes": ["violations"]})
    return found.generate_snapshot() if found.response["violations"] else ""


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize(("locale", "scheme", "width"), [("en-GB", "light", 1280), ("fr-FR", "dark", 360)])
def test_no_page_of_administration_has_an_accessibility_violation(open_page, ida, address, locale, scheme, width):
    page = open_page(address, width, held=ida, color_scheme=scheme, locale=locale)
    assert page.get_attribute("html", "lang") == locale[:2]
    assert violations(page) == ""
    for narrow in (width, 360, 320):
        page.set_viewport_size({"width": narrow, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= narrow


def test_a_link_that_was_just_made_is_told_to_every_reader(open_page, ida):
    page = open_page("/administration/people/ida", 360, held=ida)
    page.get_by_role("button", name="Make a link to set a password").click()
    assert "/welcome/" in page.get_by_role("status").inner_text()
    assert violations(page) == ""
    page.goto(page.url.removesuffix("/link"))
    assert "/welcome/" not in page.content()


@pytest.mark.parametrize("javascript", [True, False])
def test_an_administrator_finds_who_did_what_and_leafs_through_it(open_page, ida, javascript):
    page = open_page("/administration/audit", held=ida, java_script_enabled=javascript)
    page.get_by_label("Who", exact=True).fill("os:tester")
    page.get_by_label("Did", exact=True).fill("areas")
    page.get_by_role("button", name="Show", exact=True).click()
    assert page.locator("tbody tr").count() == 100
    page.get_by_role("link", name="Next page").click()
    assert page.locator("tbody tr").count() == 20
    assert set(page.locator("tbody tr td:nth-child(4)").all_inner_texts()) == {"areas.import"}
    assert page.get_by_label("Who", exact=True).input_value() == "os:tester"
    page.get_by_role("link", name="Previous page").click()
    page.get_by_role("link", name="Show all").click()
    assert page.get_by_label("Who", exact=True).input_value() == ""


def test_a_backup_is_made_and_verified_by_keyboard_without_scripts(open_page, ida, kept):
    page = open_page("/administration", held=ida, java_script_enabled=False)
    page.get_by_role("link", name="Backups").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.get_by_role("button", name="Make a backup now").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    work(kept)
    page.goto(re.sub(r"(https?://[^/]*).*", r"\1/administration/backup", page.url))
    newest = page.locator("tbody th a").first
    name = newest.inner_text()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}Z", name)
    newest.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    shown = page.url
    page.get_by_role("button", name="Verify it now").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    work(kept)
    page.goto(shown)
    assert "Verified: whole, its keys too" in page.inner_text("main")
    assert f"commonweal backup restore {kept.settings.backups / name}" in page.inner_text("main")
