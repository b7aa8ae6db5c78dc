"""Figures in a real browser: charts read point by point, tables sorted, files taken along, with scripts and without."""

import csv
import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow

PRESENCE = "/mobility/presence?start=2015-03-27T14:00Z&area=SL-W"


def test_a_chart_is_read_point_by_point_with_the_keyboard(open_page):
    page = open_page(PRESENCE)
    picture = page.locator("#series .picture")
    expect(picture).to_have_attribute("tabindex", "0")
    picture.focus()
    reading = page.locator("#series .reading")
    expect(reading).to_contain_text("28 Mar 2015, 23:00")
    page.keyboard.press("Home")
    expect(reading).to_contain_text("27 Mar 2015, 00:00")
    page.keyboard.press("ArrowRight")
    expect(reading).to_contain_text("27 Mar 2015, 01:00")
    row = page.locator("#series tbody tr").nth(1)
    value = row.locator("td").first.text_content()
    expect(reading).to_contain_text(f": {'suppressed' if value == '–' else value}")


def test_a_chart_is_not_loaded_before_somebody_wants_to_read_it(open_page):
    page = open_page(PRESENCE)
    loaded = "performance.getEntriesByType('resource').filter(one => one.name.includes('uplot')).length"
    assert page.evaluate(loaded) == 0
    assert page.locator("#series .picture > svg").is_visible()
    expect(page.locator("#series .picture")).to_have_attribute("tabindex", "0")
    page.locator("#series .picture").hover()
    expect(page.locator("#series canvas")).to_be_visible()
    assert page.evaluate(loaded) == 2


def counts(page):
    texts = page.locator("#map tbody tr td:nth-child(2)").all_text_contents()
    return [int(re.sub(r"\D", "", text)) for text in texts if text != "–"], texts


@pytest.mark.parametrize("javascript", [True, False])
def test_a_table_is_sorted_by_the_head_of_a_column(open_page, javascript):
    page = open_page("/mobility/presence/figures/map?start=2015-03-27T14:00Z", java_script_enabled=javascript)
    if not javascript:
        # The page of one figure is sorted on the whole page, where its head leads.
        page = open_page("/mobility/presence?start=2015-03-27T14:00Z", java_script_enabled=False)
        page.locator("#map summary").first.click()
    head = page.get_by_role("link", name="Subscribers", exact=True).first
    head.click()
    if not javascript:
        page.locator("#map summary").first.click()
    found, texts = counts(page)
    assert found == sorted(found)
    assert texts[-1] == "–"
    page.get_by_role("link", name="Subscribers", exact=True).first.click()
    if not javascript:
        page.locator("#map summary").first.click()
    found, texts = counts(page)
    assert found == sorted(found, reverse=True)
    assert texts[-1] == "–"
    assert "sort-map=-subscribers" in page.url
    assert page.locator("#map th[aria-sort=descending]").count() == 1


@pytest.mark.parametrize("javascript", [True, False])
def test_a_table_is_taken_along(open_page, javascript, tmp_path):
    page = open_page(PRESENCE, java_script_enabled=javascript)
    page.locator("#map .take summary").click()
    with page.expect_download() as began:
        page.locator("#map .take").get_by_role("link", name="CSV", exact=True).click()
    file = tmp_path / "map.csv"
    began.value.save_as(file)
    assert began.value.suggested_filename == "map.csv"
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    assert len(rows) == 53
    assert {row["state"] for row in rows} == {"reported", "suppressed", "missing"}


def test_play_goes_through_the_hours_until_it_is_told_to_stop(open_page):
    page = open_page("/mobility/presence?start=2015-03-27T14:00Z")
    period = page.locator("#shown > p")
    page.get_by_role("button", name="Play").click()
    expect(period).to_contain_text("15:00 – 16:00")
    expect(period).to_contain_text("16:00 – 17:00")
    page.get_by_role("button", name="Pause").click()
    shown = period.text_content()
    page.wait_for_timeout(2000)
    assert period.text_content() == shown


def test_the_slider_says_the_hour_while_it_moves(open_page):
    page = open_page("/mobility/presence?start=2015-03-27T14:00Z")
    slider = page.get_by_role("slider", name="Hour")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#shown > p")).to_contain_text("13:00 – 14:00")
    expect(slider).to_have_attribute("aria-valuetext", "13:00")
    expect(slider).to_be_focused()


@pytest.fixture
def opened_of(browser, serve):
    """Open the overview of a home of its own: function of the home."""
    contexts = []

    def opened(home):
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        with page.expect_response(lambda response: "/news." in response.url):
            page.goto(serve(home, open_reading="true") + "/")
        page.wait_for_timeout(1500)  # the first that the stream tells is what is known
        return page

    yield opened
    for context in contexts:
        context.close()


def test_the_overview_shows_a_new_release_while_it_is_open(home, publish_more, opened_of):
    publish_more(home)
    page = opened_of(home)
    assert "Release 1" in page.inner_text(".tiles")
    publish_more(home, scale=2)
    expect(page.locator(".tiles")).to_contain_text("Release 2")


def test_whoever_uses_the_overview_is_told_and_not_disturbed(home, publish_more, opened_of):
    publish_more(home)
    page = opened_of(home)
    page.locator("#map summary").first.focus()
    publish_more(home, scale=2)
    page.get_by_role("button", name="There are newer figures: show them").click()
    expect(page.locator(".tiles")).to_contain_text("Release 2")
