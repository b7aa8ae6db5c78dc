"""The site in a real browser: by keyboard, with scripts off, dark, printed; every page is read in `whole`."""

import json
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow

HOUR = "/mobility/presence?start=2015-03-27T14:00Z&layer=flows"


def test_the_keyboard_reaches_every_area_in_the_order_of_the_table(open_page):
    page = open_page(HOUR)
    names = page.locator("#map tbody th").all_text_contents()
    page.locator("[data-play]").focus()
    reached = []
    for _ in names:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('aria-label')").split(": ")[0])
    assert reached == names


def test_a_focused_area_is_marked_and_says_its_value_in_the_picture(open_page):
    page = open_page(HOUR)
    page.locator(".area").first.focus()
    outline, tip = page.locator(".area:focus use"), page.locator(".area:focus .tip")
    assert tip.is_visible()
    name, value = page.evaluate("document.activeElement.getAttribute('aria-label')").split(": ", 1)
    assert tip.text_content() == name + value
    mark = outline.evaluate("shape => [getComputedStyle(shape).stroke, getComputedStyle(shape).strokeWidth]")
    assert mark == ["rgb(11, 95, 255)", "4px"]
    assert not page.locator(".area:not(:focus) .tip").first.is_visible()


def test_every_focused_thing_can_be_seen_to_be_focused(open_page):
    page = open_page(HOUR)
    unseen = []
    for _ in range(200):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
                const at = document.activeElement;
                if (at === document.body) return null;
                const parts = [at, ...at.querySelectorAll('use, circle, .target')];
                const marked = parts.some(part => {
                    const style = getComputedStyle(part);
                    return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)
                        || (part !== at && style.stroke === 'rgb(11, 95, 255)' && parseFloat(style.strokeWidth) >= 3);
                });
                return [marked, at.outerHTML.slice(0, 120)];
            }"""
        )
        if seen is None:
            break
        if not seen[0]:
            unseen.append(seen[1])
    else:
        raise AssertionError("the keyboard never came to the end of the page")
    assert unseen == []


def test_the_first_stop_skips_to_the_content(open_page):
    page = open_page("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_url("**/#content")


@pytest.mark.parametrize("javascript", [True, False])
def test_hours_days_layers_and_areas_are_chosen_without_scripts(open_page, javascript):
    page = open_page("/mobility/presence", java_script_enabled=javascript)
    period = page.locator("#shown > p")

    def submit():
        if not javascript:
            page.get_by_role("button", name="Show").click()

    page.get_by_role("link", name="Earlier").click()
    expect(period).to_contain_text("22:00 – 23:00")
    page.get_by_role("combobox", name="Day").select_option(label="Friday 27 March 2015")
    submit()
    expect(period).to_contain_text("Friday 27 March 2015, 22:00")
    page.get_by_label("Flows of the day").check()
    submit()
    expect(page.locator(".map .flow")).to_have_count(20)
    page.get_by_role("slider", name="Hour").fill("15")
    submit()
    expect(period).to_contain_text("15:00 – 16:00")
    page.locator('.bar[aria-label^="14:00"]').click()
    expect(period).to_contain_text("14:00 – 15:00")
    page.locator('.area[aria-label^="Western:"]').click()
    expect(page.locator("#hours-title")).to_have_text("Western, hour by hour")
    page.get_by_role("link", name="Whole days").click()
    expect(period).to_have_text("Friday 27 March 2015 · time of Africa/Freetown")
    expect(page.locator(".map .flow")).to_have_count(20)


def test_dark_follows_the_reader_and_stays_readable(open_page):
    colours = "() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    light = open_page("/", color_scheme="light").evaluate(colours)
    dark = open_page("/", color_scheme="dark").evaluate(colours)
    assert light != dark
    assert contrast(*light) >= 7
    assert contrast(*dark) >= 7


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_of_the_map_grow_away_from_the_panel(open_page, scheme):
    page = open_page(HOUR, color_scheme=scheme)
    panel = page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
    fills = page.evaluate(
        "[0, 1, 2, 3, 4].map(step => getComputedStyle(document.querySelector(`.legend .class-${step}`)).fill)"
    )
    against = [contrast(panel, fill) for fill in fills]
    assert against == sorted(against)
    # Each step is told from the next by lightness alone, whatever colours the reader sees.
    assert min(contrast(*pair) for pair in pairwise(fills)) >= 1.35


def test_what_is_printed_has_no_controls(open_page):
    page = open_page(HOUR)
    page.emulate_media(media="print")
    assert not any(nav.is_visible() for nav in page.locator("nav").all())
    assert not any(form.is_visible() for form in page.locator("main form").all())
    assert page.locator(".map").is_visible()


def test_the_map_is_shown_at_once_and_the_page_is_one_request_with_style_and_scripts(open_page):
    page = open_page(HOUR)
    loaded = json.loads(page.evaluate("JSON.stringify(performance.getEntriesByType('resource').map(one => one.name))"))
    assert {urlsplit(address).path.split(".")[-1] for address in loaded} <= {"css", "js", "svg"}
    assert len(loaded) <= 8


def contrast(first, second):
    """Contrast ratio of two CSS colours (WCAG 2.2, definition of contrast ratio)."""

    def luminance(colour):
        parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
