"""Pages in French and from right to left in a real browser: scripts off, narrow and wide, for every reader."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from commonweal.core.identity import Grant, Role, people, signing_in

pytestmark = pytest.mark.slow

HOUR = "/mobility/presence?start=2015-03-27T14:00Z&layer=flows&area=SL-W"
RIGHT_TO_LEFT = "ar-XB"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = [
    "/",
    HOUR,
    "/mobility/flows",
    "/mobility/quality",
    "/catalog",
    "/catalog/mobility.presence",
    "/sign-in",
    "/nothing",
]
BEHIND_THE_SIGN_IN = [
    "/account",
    "/administration",
    "/administration/people/edith",
    "/administration/settings",
    "/administration/audit?verify=true",
    "/administration/work",
    "/administration/backup",
]


@pytest.fixture(scope="module")
def edith(published) -> str:
    """A session of an administrator of the published site."""
    _, offered = people.create(published.home.database, "edith", "Edith", [Grant(Role.ADMINISTRATOR)], "os:tester")
    return signing_in.with_link(published.home.database, offered, "wind over still water", 12)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_reader_switches_to_french_and_stays_where_they_were(open_page, javascript):
    page = open_page(HOUR, locale="en-GB", java_script_enabled=javascript)
    address = page.url
    page.get_by_role("button", name="Français").click()
    page.wait_for_url(address)
    assert page.get_attribute("html", "lang") == "fr"
    assert page.title() == "Présence · Commonweal"
    assert page.get_attribute(".map", "aria-label").startswith(
        "Carte\u00a0: abonnés distincts dans chaque zone, vendredi"
    )
    assert re.fullmatch(r"Western: [\d\u202f]+ abonnés", page.get_attribute(".area[aria-current]", "aria-label"))
    headings = page.locator("#map thead th").all_text_contents()
    assert headings == ["Zone", "Abonnés", "État"]
    states = page.locator("#map tbody td:last-child").all_text_contents()
    assert set(states) == {"observé", "masqué", "manquant"}
    page.get_by_role("link", name="Catalogue").click()
    assert page.inner_text("h1") == "Catalogue"
    page.get_by_role("button", name="English").click()
    assert page.inner_text("h1") == "Catalog"


def test_the_language_that_the_browser_asks_for_is_shown_first(open_page):
    assert open_page("/", locale="fr-SN").get_attribute("html", "lang") == "fr"


@pytest.mark.parametrize("locale", ["fr-FR", RIGHT_TO_LEFT])
@pytest.mark.parametrize("address", [*PAGES, *BEHIND_THE_SIGN_IN])
def test_every_page_is_whole_in_other_languages(open_page, edith, address, locale):
    held = edith if address in BEHIND_THE_SIGN_IN else ""
    headers = {"accept-language": locale}
    page = open_page(address, 360, may_fail=address == "/nothing", held=held, extra_http_headers=headers)
    assert page.get_attribute("html", "dir") == ("rtl" if locale == RIGHT_TO_LEFT else "ltr")
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page, options={"runOnly": LEVELS, "resultTypes": ["violations"]})
        assert found.response["violations"] == [], found.generate_snapshot()


def test_the_map_is_not_mirrored(open_page):
    def places(locale):
        page = open_page("/", extra_http_headers={"accept-language": locale})
        return page.locator(".area use").evaluate_all(
            "shapes => shapes.map(shape => [shape.getBBox().x, shape.getBBox().y].map(Math.round))"
        )

    assert places("en") == places(RIGHT_TO_LEFT)
