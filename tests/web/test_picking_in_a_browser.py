"""Saying a place in a real browser: by mouse on the map, by keyboard alone, with scripts off."""

import json
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

from commonweal.core.errors import InputError
from commonweal.web.assets import asset
from commonweal.web.place import read

pytestmark = pytest.mark.slow

PAGE = "/mobility/inside"
HOUR = f"{PAGE}?start=2015-03-27T14:00Z"
PLACE = f"{HOUR}&areas=SL-E&areas=GN-BE&polygon=-13.3,8.1+-12.9,8.1+-12.9,8.6&centre=-8.8,7.75&radius=20"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FETCHED = "performance.getEntriesByType('resource').map(one => new URL(one.name).pathname)"
LIBRARY = {asset("vendor/ol.js"), asset("vendor/ol.css"), asset("drawing.js")}

PICTURE = "document.querySelector('[data-map] canvas').toDataURL()"
ORANGE = """() => {
    const canvas = document.querySelector('[data-map] canvas');
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', {willReadFrequently: true});
    copy.drawImage(canvas, 0, 0);
    const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data;
    const found = [];
    for (let at = 0; at < pixels.length; at += 4) {
        if (pixels[at] === 238 && pixels[at + 1] === 100 && pixels[at + 2] === 7) {
            found.push([(at / 4 % canvas.width) / canvas.width, Math.floor(at / 4 / canvas.width) / canvas.height]);
        }
    }
    return found;
}"""
"""Where the map shows the line around what is drawn, in shares of its width and height."""


def accessible(page):
    found = Axe().run(page, options={"runOnly": LEVELS, "resultTypes": ["violations"]})
    assert found.response["violations"] == [], found.generate_snapshot()


class Map:
    """The map of a page, opened by its button."""

    def __init__(self, page):
        self.page = page
        page.locator("[data-draw]").click()
        page.locator("[data-map]:focus").wait_for()
        self.place = page.locator("[data-map]")

    @property
    def said(self):
        return self.page.inner_text("[data-said]")

    def at(self, x, y):
        """The screen position of a share of the map's width and height."""
        box = self.place.bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def click(self, x, y):
        self.page.mouse.click(*self.at(x, y))
        self.page.wait_for_timeout(350)  # two clicks that follow at once would be a double click

    def drag(self, start, end):
        self.page.mouse.move(*self.at(*start), steps=4)
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end), steps=4)
        self.page.mouse.up()
        self.page.wait_for_timeout(100)

    def tool(self, name):
        self.place.scroll_into_view_if_needed()
        self.page.get_by_role("button", name=name).click()


@pytest.fixture
def open_map(open_page):
    """Open the page and its map: function of (address, …)."""
    return lambda address=HOUR, **options: Map(open_page(address, **options))


def corners(page):
    return read(page.input_value("[name=polygon]"))


def areas_shown(page):
    page.locator("#answer .tiles").wait_for()
    return page.locator("#answer figure table tbody th").all_inner_texts()


def show(page):
    page.get_by_role("button", name="Show", exact=True).last.click()
    page.wait_for_url("**polygon=**")
    page.locator("#answer figure table").wait_for()


# The map ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_of_the_map_is_loaded_until_somebody_asks_for_it(open_page):
    page = open_page(PLACE)
    page.wait_for_load_state("networkidle")
    before = set(page.evaluate(FETCHED))
    assert not LIBRARY & before
    assert "/mobility/areas.geojson" not in before
    Map(page)
    assert LIBRARY | {"/mobility/areas.geojson"} <= set(page.evaluate(FETCHED))


def test_a_polygon_is_drawn_with_the_mouse_and_its_counts_are_shown(open_map):
    drawn = open_map()
    page = drawn.page
    drawn.tool("Draw a polygon")
    assert drawn.said.startswith("Click each corner")
    for place in ((0.3, 0.4), (0.6, 0.4), (0.6, 0.7), (0.3, 0.4)):
        drawn.click(*place)
    assert drawn.said.startswith("Polygon with its corners: 3.")
    found = corners(page)
    assert len(found) == 3
    assert found[0][1] == pytest.approx(found[1][1], abs=0.01)
    assert found[1][0] == pytest.approx(found[2][0], abs=0.01)
    assert found[0][0] < found[1][0]
    assert found[2][1] < found[1][1]
    page.evaluate("window.loaded = 'once'")
    show(page)
    assert "a polygon with 3 corners" in page.inner_text("#answer [role=status]").lower()
    told = page.request.get(page.url.replace("/inside?", "/inside.json?")).json()["inside"]
    assert told["place"]["polygon"] == [list(corner) for corner in found]
    assert areas_shown(page) == [area["name"] for area in told["areas"]]
    # The map and what was drawn on it are still there.
    assert page.evaluate("window.loaded") == "once"
    assert drawn.place.is_visible()


def test_a_corner_is_moved_and_what_is_drawn_is_removed(open_map):
    drawn = open_map(f"{HOUR}&polygon=-14,7+-9,7+-9,12+-14,12")
    page, before = drawn.page, corners(drawn.page)
    drawn.place.scroll_into_view_if_needed()
    x, y = page.evaluate(ORANGE)[-1]  # the lowest pixel of the ring around the south-eastern corner
    y -= 0.02
    drawn.drag((x, y), (x + 0.1, y + 0.05))
    moved = corners(page)
    assert [a == b for a, b in zip(before, moved, strict=True)].count(False) == 1
    changed = next(place for place, corner in enumerate(moved) if corner != before[place])
    assert moved[changed][0] > before[changed][0]
    assert moved[changed][1] < before[changed][1]
    assert drawn.said.startswith("Polygon with its corners: 4.")
    drawn.tool("Remove what is drawn")
    assert page.input_value("[name=polygon]") == ""
    assert drawn.said == "Nothing is drawn any more."


def test_a_circle_is_drawn_by_its_centre_and_its_edge(open_map):
    drawn = open_map()
    drawn.tool("Draw a circle")
    drawn.click(0.5, 0.5)
    drawn.click(0.6, 0.5)
    [(longitude, latitude)] = read(drawn.page.input_value("[name=centre]"))
    radius = float(drawn.page.input_value("[name=radius]"))
    assert -13 < longitude < -9
    assert 6 < latitude < 11
    assert 40 < radius < 200
    assert drawn.said == f"Circle of {radius:g} km around {longitude:g}, {latitude:g}."
    show(drawn.page)
    told = drawn.page.request.get(drawn.page.url.replace("/inside?", "/inside.json?")).json()["inside"]["place"]
    assert (told["centre"], told["radius_km"]) == ([longitude, latitude], radius)


def test_escape_stops_drawing_and_changes_nothing(open_map):
    drawn = open_map()
    drawn.tool("Draw a polygon")
    drawn.click(0.3, 0.4)
    drawn.click(0.6, 0.4)
    drawn.page.keyboard.press("Escape")
    assert drawn.said == "Nothing was drawn."
    assert drawn.page.input_value("[name=polygon]") == ""
    assert drawn.page.get_by_role("button", name="Draw a polygon").get_attribute("aria-pressed") == "false"


def test_an_area_is_picked_on_the_map_and_in_the_list_alike(open_map):
    drawn = open_map()
    page = drawn.page
    page.get_by_label("Search by name").fill("nothing is called so")
    drawn.place.scroll_into_view_if_needed()
    drawn.click(0.5, 0.5)
    picked = page.locator("[name=areas]:checked")
    assert picked.count() == 1
    name = picked.locator("xpath=..").inner_text().strip()
    assert picked.is_visible()
    assert drawn.said == f"Picked: {name}."
    drawn.click(0.5, 0.5)
    assert picked.count() == 0
    assert drawn.said == f"No longer picked: {name}."


def test_what_is_typed_is_shown_on_the_map(open_map):
    drawn = open_map()
    page = drawn.page
    page.wait_for_timeout(200)
    assert page.evaluate(ORANGE) == []
    page.locator("[name=polygon]").fill("-13; 8\n-10; 8\n-10; 10,5")
    page.wait_for_timeout(300)
    polygon = len(page.evaluate(ORANGE))
    assert polygon > 100
    assert drawn.said.startswith("Polygon with its corners: 3.")
    page.locator("[name=centre]").fill("-12, 10")
    assert drawn.said == "What is typed cannot be drawn yet."
    page.locator("[name=radius]").fill("80")
    page.wait_for_timeout(300)
    assert len(page.evaluate(ORANGE)) > polygon + 100
    assert drawn.said == "Circle of 80 km around -12, 10."


def test_the_map_is_moved_and_brought_closer_by_keyboard(open_map):
    drawn = open_map()
    page = drawn.page
    assert drawn.place.get_attribute("aria-label") == "Map of the areas"
    where = page.evaluate("scrollY")
    seen = [page.evaluate(PICTURE)]
    for key in ("ArrowRight", "ArrowDown", "+", "-"):
        page.keyboard.press(key)
        page.wait_for_timeout(700)
        seen.append(page.evaluate(PICTURE))
    assert len(set(seen[:4])) == 4
    assert seen[4] == seen[2]
    assert page.evaluate("scrollY") == where
    names = page.locator(".ol-zoom button").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert names == ["Closer", "Farther"]


def test_where_the_map_cannot_be_loaded_it_says_so_and_the_fields_remain(open_page):
    page = open_page(HOUR, may_fail=True)
    page.route("**/mobility/areas.geojson*", lambda route: route.fulfill(status=503))
    page.locator("[data-draw]").click()
    page.locator("[data-said]", has_text="The map cannot be loaded. The fields say the same.").wait_for()
    assert not page.locator("[data-map]").is_visible()
    assert page.locator("[name=polygon]").is_visible()


def square(west, east, code):
    ring = [[west, -20], [east, -20], [east, -15], [west, -15], [west, -20]]
    properties = {"code": code, "name": code}
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def test_areas_on_both_sides_of_180_degrees_lie_together_and_are_drawn_over(open_page):
    page = open_page(HOUR)
    features = [square(177, 180, "GN-BE"), square(-180, -177, "SL-W")]
    outlines = {"type": "FeatureCollection", "bbox": [177, -20, -177, -15], "features": features}
    page.route("**/mobility/areas.geojson*", lambda route: route.fulfill(json=outlines))
    drawn = Map(page)
    drawn.tool("Draw a polygon")
    for place in ((0.3, 0.4), (0.7, 0.4), (0.7, 0.6), (0.3, 0.4)):
        drawn.click(*place)
    (west, _), (east, _), (south_east, _) = corners(page)
    assert 177 < west < 180
    assert -180 < east < -177
    assert east == pytest.approx(south_east, abs=0.01)
    seen = page.evaluate(ORANGE)
    assert 0.25 < min(x for x, _ in seen) < 0.5 < max(x for x, _ in seen) < 0.75
    page.get_by_role("button", name="Remove what is drawn").click()
    page.locator("[name=centre]").fill("179.9, -17.5")
    page.locator("[name=radius]").fill("100")
    page.wait_for_timeout(300)
    seen = page.evaluate(ORANGE)
    assert 0.25 < min(x for x, _ in seen) < 0.5 < max(x for x, _ in seen) < 0.75
    drawn.place.scroll_into_view_if_needed()
    drawn.click(0.8, 0.5)
    assert drawn.said == "Picked: SL-W."


@pytest.mark.parametrize(
    "text",
    [
        "-13.25, 8.35\n-13.05 8.35\n−13,05; 8,5",
        "-13.25,8.35 -13.05,8.35 -13.05,8.5",
        "13,2 8,4",
        " 1 ; 2 ,\r\n\r\n3,4;",
        "1 2 3",
        "1,2,3",
        "1e1,2",
        "181,0",
        "0,-90.1",
        "٣,5",
        ".5,+5.",
        ";",
        "",
    ],
)
def test_the_script_reads_corners_as_the_server_does(open_page, text):
    page = open_page(PAGE)
    found = page.evaluate("async ([address, text]) => (await import(address)).read(text)", [asset("corners.js"), text])
    try:
        expected = [list(corner) for corner in read(text)]
    except InputError:
        expected = None
    assert found == expected


# Without a mouse ───────────────────────────────────────────────────────────────────────────────────────────────────


def tab_to(page, selector):
    for _ in range(150):
        if page.evaluate(f"document.activeElement.matches({json.dumps(selector)})"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard never came to {selector}")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_place_is_typed_by_keyboard_alone(open_page, javascript):
    page = open_page(HOUR, java_script_enabled=javascript)
    if not javascript:
        assert not page.locator("[data-draw]").is_visible()
        page.locator("[name=find]").focus()
    tab_to(page, "[name=polygon]") if javascript else page.locator("[name=polygon]").focus()
    for line in ("-13,3; 8,1", "-12,9; 8,1", "-12,9; 8,6"):
        page.keyboard.type(line)
        page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("-8.8, 7.75")
    page.keyboard.press("Tab")
    page.keyboard.type("20")
    page.keyboard.press("Enter")
    page.locator("#answer .tiles").wait_for()
    assert {"Western", "Nzérékoré"} <= set(areas_shown(page))
    assert "20 km around -8.8, 7.75" in page.inner_text("#answer [role=status]")


def test_areas_are_picked_by_keyboard_alone(open_page):
    page = open_page(HOUR)
    tab_to(page, "[name=find]")
    page.keyboard.type("foreca")
    assert page.inner_text("[data-found]") == "Areas listed: 1"
    page.keyboard.press("Enter")  # which must not send the form
    assert urlsplit(page.url).query == urlsplit(HOUR).query
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    assert areas_shown(page) == ["Forécariah"]
    assert page.locator("#answer figure tbody td.number").last.inner_text() == "100%"


def test_areas_are_searched_and_picked_with_scripts_off(open_page):
    page = open_page(HOUR, java_script_enabled=False, may_fail=True)
    page.get_by_label("Search by name").fill("west")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/*#find")
    assert page.locator(".choices li:visible").count() == 1
    page.get_by_label("Western").check()
    page.get_by_label("Radius in km").fill("0")
    page.get_by_role("button", name="Show", exact=True).last.click()
    assert page.inner_text(".picking [role=alert]").startswith("No circle has this radius.")
    assert page.get_by_label("Western").is_checked()


def test_with_scripts_what_is_wrong_is_said_beside_what_was_typed(open_page):
    page = open_page(HOUR, may_fail=True)
    page.locator("[name=polygon]").fill("0,0\n2,2\n2,0\n0,2")
    page.get_by_role("button", name="Show", exact=True).last.click()
    page.locator(".picking [role=alert]").wait_for()
    assert "crosses or touches itself at 1, 1" in page.inner_text(".picking [role=alert]")
    assert page.input_value("[name=polygon]") == "0,0\n2,2\n2,0\n0,2"


# Everyone ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("width", "options"),
    [
        (1280, {"color_scheme": "light", "locale": "en-GB"}),
        (360, {"color_scheme": "dark", "locale": "fr-FR"}),
        (360, {"extra_http_headers": {"accept-language": "ar-XB"}}),
    ],
    ids=["desktop-light-english", "narrow-dark-french", "narrow-right-to-left"],
)
@pytest.mark.parametrize("address", [PAGE, PLACE, f"{PAGE}?polygon=1,2"])
def test_the_page_and_its_map_have_no_accessibility_violation(open_page, address, width, options):
    page = open_page(address, width, may_fail=address.endswith("=1,2"), **options)
    accessible(page)
    drawn = Map(page)
    page.wait_for_timeout(300)
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert drawn.place.bounding_box()["width"] <= width


def test_every_stop_of_the_keyboard_can_be_seen(open_map):
    page = open_map(PLACE).page
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    unseen = []
    for _ in range(200):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
                const at = document.activeElement;
                if (at === document.body) return null;
                const shown = [at, ...at.querySelectorAll('use, circle')].some(part => {
                    const style = getComputedStyle(part);
                    return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)
                        || (part !== at && parseFloat(style.strokeWidth) >= 3 && style.stroke === 'rgb(11, 95, 255)');
                });
                return [shown, at.outerHTML.slice(0, 120)];
            }"""
        )
        if seen is None:
            break
        if not seen[0]:
            unseen.append(seen[1])
    else:
        raise AssertionError("the keyboard never came to the end of the page")
    assert unseen == []
