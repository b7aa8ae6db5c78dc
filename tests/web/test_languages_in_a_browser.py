"""Pages in French and from right to left in a real browser; every page is read in `whole`."""

import re

import pytest

pytestmark = pytest.mark.slow

HOUR = "/mobility/presence?start=2015-03-27T14:00Z&layer=flows&area=SL-W"
RIGHT_TO_LEFT = "ar-XB"


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
    page.get_by_role("link", name="Catalogue", exact=True).click()
    assert page.inner_text("h1") == "Catalogue"
    page.get_by_role("button", name="English").click()
    assert page.inner_text("h1") == "Catalog"


def test_the_language_that_the_browser_asks_for_is_shown_first(open_page):
    assert open_page("/", locale="fr-SN").get_attribute("html", "lang") == "fr"


def test_the_map_is_not_mirrored(open_page):
    def places(locale):
        page = open_page("/", extra_http_headers={"accept-language": locale})
        return page.locator(".area use").evaluate_all(
            "shapes => shapes.map(shape => [shape.getBBox().x, shape.getBBox().y].map(Math.round))"
        )

    assert places("en") == places(RIGHT_TO_LEFT)
