"""The site's scripts in a real browser, under the site's own policy: no console message, no request off the host."""

import json
from urllib.parse import urlsplit

import pytest

from commonweal.web.assets import asset

pytestmark = pytest.mark.slow

TO_CATALOG = '<a href="/catalog"'
SWAPPED = (
    f'{TO_CATALOG} hx-get="/catalog" hx-select="#content" hx-target="#content" hx-swap="outerHTML" hx-push-url="true"'
)


@pytest.fixture
def open_altered(open_page):
    """Open the overview with other markup: function of (what is in it, what stands there instead)."""

    def opened(there, instead, **options):
        page = open_page("/health", **options)

        def altered(route):
            answer = route.fetch()
            assert there in answer.text()
            route.fulfill(response=answer, body=answer.text().replace(there, instead))

        page.route(urlsplit(page.url)._replace(path="/").geturl(), altered)
        page.goto(urlsplit(page.url)._replace(path="/").geturl())
        page.evaluate("window.loaded = 'once'")
        return page

    return opened


def with_module(page, name, script, *values):
    """Run a function of a module that was imported under the policy of the page, and of JSON values."""
    return page.evaluate(
        f"async ([address, values]) => ({script})(await import(address), ...values)", [asset(name), list(values)]
    )


@pytest.mark.parametrize(
    ("address", "asked_for"),
    [
        ("/sign-in", []),
        ("/catalog", ["sorting.js"]),
        ("/mobility/presence", ["chart.js", "slider.js", "sorting.js"]),
        ("/mobility/inside", ["picking.js"]),
    ],
)
def test_a_page_loads_what_its_elements_ask_for_and_nothing_else(open_page, address, asked_for):
    page = open_page(address)
    page.wait_for_load_state("networkidle")
    loaded = json.loads(page.evaluate("JSON.stringify(performance.getEntriesByType('resource').map(one => one.name))"))
    scripts = [urlsplit(address).path for address in loaded if address.endswith(".js")]
    assert sorted(scripts) == sorted(map(asset, ("site.js", "modules.js", "vendor/htmx.js", *asked_for)))
    assert page.evaluate("document.querySelectorAll('style').length") == 0


def test_a_link_may_swap_a_part_of_the_page_and_going_back_asks_the_server(open_altered):
    page = open_altered(TO_CATALOG, SWAPPED)
    page.get_by_role("link", name="Catalog").click()
    page.get_by_role("heading", name="Catalog").wait_for()
    assert (urlsplit(page.url).path, page.title()) == ("/catalog", "Catalog · Commonweal")
    assert page.evaluate("window.loaded") == "once"
    assert page.evaluate("Object.keys(sessionStorage).includes('htmx-history-cache')") is False
    page.go_back()
    page.get_by_role("heading", name="Where people are").wait_for()
    assert page.evaluate("window.loaded") is None


def test_the_same_link_works_with_scripts_off(open_page):
    page = open_page("/", java_script_enabled=False)
    page.get_by_role("link", name="Catalog").click()
    assert urlsplit(page.url).path == "/catalog"


@pytest.mark.parametrize(("asked", "shown"), [("/account", "/sign-in"), ("/nothing", "/nothing")])
def test_what_cannot_be_swapped_is_shown_as_without_scripts(open_altered, asked, shown):
    page = open_altered(TO_CATALOG, SWAPPED.replace("/catalog", asked), may_fail=True)
    page.get_by_role("link", name="Catalog").click()
    page.wait_for_url(lambda address: urlsplit(address).path == shown)
    assert page.evaluate("window.loaded") is None
    assert page.locator("main h1").is_visible()


def test_where_no_answer_comes_the_page_stays_and_says_so(open_altered):
    page = open_altered(TO_CATALOG, SWAPPED, may_fail=True)
    page.route("**/catalog", lambda route: route.abort())
    page.get_by_role("link", name="Catalog").click()
    trouble = page.get_by_role("alert")
    trouble.wait_for()
    assert trouble.text_content().startswith("The server did not answer.")
    assert page.locator(".map").is_visible()
    page.unroute("**/catalog")
    page.get_by_role("link", name="Catalog").click()
    page.get_by_role("heading", name="Catalog").wait_for()
    assert not page.locator("#trouble").is_visible()


def test_markup_runs_nothing(open_altered):
    attributes = ' hx-on:click="window.ran = true" hx-trigger="click[window.ran = true]"'
    page = open_altered(TO_CATALOG, SWAPPED + attributes, may_fail=True)
    page.get_by_role("link", name="Catalog").click()
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None


def test_what_is_swapped_in_brings_no_script(open_altered):
    page = open_altered(TO_CATALOG, SWAPPED)
    page.route(
        "**/catalog",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f'<main id="content"><h1>New</h1><script src="{asset("site.js")}"></script></main>',
        ),
    )
    page.get_by_role("link", name="Catalog").click()
    page.get_by_role("heading", name="New").wait_for()
    assert page.locator("main script").count() == 0


def test_an_element_is_given_once_to_the_module_that_it_asks_for(open_page):
    page = open_page("/")
    given = with_module(
        page,
        "modules.js",
        """async ({attach}) => {
            const seen = [], fetched = [];
            const module = {default: element => seen.push(element.id)};
            const fetching = name => async () => { fetched.push(name); return module; };
            const modules = {chart: fetching("chart"), map: fetching("map")};
            const first = document.createElement("div");
            first.innerHTML = '<figure id="a" data-module="chart"></figure><p><i id="b" data-module="chart"></i></p>';
            attach(first, modules);
            attach(first, modules);
            const later = document.createElement("figure");
            Object.assign(later, {id: "c"}).dataset.module = "map";
            attach(later, modules);
            await new Promise(resolve => setTimeout(resolve));
            return [seen, [...new Set(fetched)]];
        }""",
    )
    assert given == [["a", "b", "c"], ["chart", "map"]]


def test_an_element_that_asks_for_what_is_not_there_is_found_and_the_others_are_served(open_page):
    page = open_page("/")
    found = with_module(
        page,
        "modules.js",
        """async ({attach}) => {
            const seen = [], said = [];
            addEventListener("unhandledrejection", event => {
                event.preventDefault();
                said.push(event.reason.message);
            });
            const root = document.createElement("div");
            root.innerHTML = '<i data-module="constructor"></i><i id="after" data-module="chart"></i>';
            attach(root, {chart: async () => ({default: element => seen.push(element.id)})});
            await new Promise(resolve => setTimeout(resolve, 50));
            return [seen, said];
        }""",
    )
    assert found == [["after"], ["there is no module constructor"]]


MAP = """async (ol, style) => {
    const link = Object.assign(document.createElement("link"), {rel: "stylesheet", href: style});
    const styled = new Promise(resolve => link.addEventListener("load", resolve));
    document.head.append(link);
    await styled;
    const place = document.createElement("div");
    document.body.prepend(place);
    Object.assign(place.style, {blockSize: "400px", inlineSize: "400px"});
    const ring = [[-14, 8], [-13, 8], [-13, 9], [-14, 9], [-14, 8]];
    const area = {type: "Feature", properties: {code: "SL-W"}, geometry: {type: "Polygon", coordinates: [ring]}};
    const features = new ol.GeoJSON({featureProjection: "EPSG:3857"}).readFeatures(area);
    const painted = new ol.Style({fill: new ol.Fill({color: "#0b5fff"}), stroke: new ol.Stroke({color: "#000"})});
    const drawn = new ol.VectorSource();
    const map = new ol.Map({
        target: place,
        controls: [new ol.Zoom()],
        layers: [
            new ol.VectorLayer({source: new ol.VectorSource({features}), style: painted}),
            new ol.VectorLayer({source: drawn}),
        ],
        view: new ol.View({center: ol.fromLonLat([-13.5, 8.5]), zoom: 7}),
    });
    const degrees = points => points.map(point => ol.toLonLat(point));
    let interaction;
    const begin = other => { map.removeInteraction(interaction); map.addInteraction(interaction = other); };
    Object.assign(window, {
        choose: () => {
            begin(new ol.Select());
            window.chosen = new Promise(done => interaction.once("select", done));
        },
        draw: type => begin(new ol.Draw({source: drawn, type})),
        modify: () => begin(new ol.Modify({source: drawn})),
        polygon: () => degrees(drawn.getFeatures()[0].getGeometry().getCoordinates()[0]),
        circle: () => {
            const one = drawn.getFeatures()[0].getGeometry();
            return [ol.toLonLat(one.getCenter()), one.getRadius()];
        },
        middle: () => [...place.querySelector("canvas").getContext("2d").getImageData(200, 200, 1, 1).data],
    });
    await new Promise(resolve => map.once("rendercomplete", resolve));
}"""


class MapPage:
    """A page with a map of 400 by 400 pixels, which shows a square of one degree in the middle."""

    def __init__(self, page):
        self.page = page
        with_module(page, "vendor/ol.js", MAP, asset("vendor/ol.css"))
        self.box = page.locator(".ol-viewport").bounding_box()

    def ask(self, script):
        return self.page.evaluate(script)

    def click(self, x, y):
        self.page.mouse.click(self.box["x"] + x, self.box["y"] + y)
        self.page.wait_for_timeout(300)  # two clicks that follow at once would be a double click

    def drag(self, start, end):
        for move, (x, y) in ((self.page.mouse.down, start), (self.page.mouse.up, end)):
            self.page.mouse.move(self.box["x"] + x, self.box["y"] + y, steps=4)
            move()


@pytest.fixture
def map_page(open_page):
    return MapPage(open_page("/catalog"))


def test_the_map_shows_areas(map_page):
    assert map_page.ask("middle()") == [11, 95, 255, 255]


def test_on_the_map_an_area_is_chosen_by_a_click(map_page):
    map_page.ask("choose()")
    for place in ((10, 10), (390, 390), (200, 200)):
        map_page.click(*place)
    assert map_page.ask("chosen.then(event => event.selected.map(one => one.get('code')))") == ["SL-W"]


def test_on_the_map_a_polygon_is_drawn_and_changed(map_page):
    map_page.ask("draw('Polygon')")
    for corner in ((50, 50), (150, 50), (150, 150), (50, 50)):
        map_page.click(*corner)
    polygon = map_page.ask("polygon()")
    assert len(polygon) == 4
    map_page.ask("modify()")
    map_page.drag((150, 150), (170, 190))
    changed = map_page.ask("polygon()")
    assert changed[2][0] > polygon[2][0]
    assert changed[2][1] < polygon[2][1]
    assert changed[:2] == polygon[:2]


def test_on_the_map_a_circle_is_drawn(map_page):
    map_page.ask("draw('Circle')")
    map_page.click(200, 200)
    map_page.click(260, 200)
    centre, radius = map_page.ask("circle()")
    assert centre == pytest.approx([-13.5, 8.5], abs=0.02)
    assert radius == pytest.approx(60 * 156543.03 / 2**7, rel=0.02)


def test_what_draws_charts_is_fetched_when_somebody_comes_to_one(open_page):
    page = open_page("/mobility/presence?area=SL-W")
    page.wait_for_load_state("networkidle")
    fetched = "performance.getEntriesByType('resource').map(one => new URL(one.name).pathname)"
    chart = {asset("vendor/uplot.js"), asset("vendor/uplot.css")}
    assert not chart & set(page.evaluate(fetched))
    page.locator("[data-module=chart] .picture").first.focus()
    page.locator(".uplot canvas").wait_for()
    assert chart <= set(page.evaluate(fetched))
