"""How much travels to a reader with an empty cache, as the browser counts it: headers and compressed bodies.

How long that takes is measured by `scripts/bench first_load`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from commonweal.web.access import SESSION

pytestmark = pytest.mark.slow

FIRST_LOAD = 100_000
ANY_PAGE = 250_000
SLOW = {"offline": False, "latency": 300, "downloadThroughput": 400_000 / 8, "uploadThroughput": 400_000 / 8}
WITHOUT_END = "EventSource"


class Counted:
    """A tab whose cache is empty, and what came over the wire since the last address."""

    def __init__(self, context) -> None:
        self.tab = context.new_page()
        self.session = context.new_cdp_session(self.tab)
        self.session.on("Network.requestWillBeSent", self._begun)
        self.session.on("Network.loadingFinished", self._ended)
        self.session.on("Network.loadingFailed", lambda event: self.waiting.discard(event["requestId"]))
        self.session.send("Network.enable")
        self.session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def open(self, address: str) -> dict[str, int]:
        """Open a page and read it to its end; give the bytes of each request."""
        self.waiting, self.names, self.sizes = set[str](), dict[str, str](), dict[str, int]()
        self.tab.goto(address)
        for figure in self.tab.locator("main figure:visible").all():
            # Its script may load what it draws with only when somebody comes to it.
            figure.hover()
        return self.loaded()

    def loaded(self) -> dict[str, int]:
        """Wait for what was asked for; give the bytes of each request since the page was opened."""
        for _ in range(200):
            self.tab.wait_for_timeout(50)
            if not self.waiting:
                break
        else:
            raise AssertionError(f"{self.tab.url} still waits for {[self.names[number] for number in self.waiting]}")
        return {self.names[number]: size for number, size in self.sizes.items()}

    def _begun(self, event) -> None:
        self.names[event["requestId"]] = event["request"]["url"]
        if event.get("type") != WITHOUT_END:
            self.waiting.add(event["requestId"])

    def _ended(self, event) -> None:
        self.waiting.discard(event["requestId"])
        self.sizes[event["requestId"]] = int(event["encodedDataLength"])


@pytest.fixture
def counting(browser, whole_served) -> Iterator[Callable[..., Counted]]:
    """Open a tab of a phone: function of (and a session's secret)."""
    contexts = []

    def count(held: str = "") -> Counted:
        contexts.append(browser.new_context(viewport={"width": 360, "height": 800}))
        if held:
            url = whole_served.replace("http:", "https:")
            contexts[-1].add_cookies([{"name": SESSION, "value": held, "url": url, "secure": True}])
        return Counted(contexts[-1])

    yield count
    for context in contexts:
        context.close()


def test_the_first_load_of_the_overview_is_light(counting, whole_served):
    counted = counting()
    counted.session.send("Network.emulateNetworkConditions", SLOW)
    counted.session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    sizes = counted.open(whole_served + "/")
    expect(counted.tab.locator(".map .area").first).to_be_visible()
    assert any("/htmx." in address for address in sizes), "nothing that scripts load was counted"
    assert sum(sizes.values()) <= FIRST_LOAD, sizes


def test_no_page_is_heavy_though_it_is_read_to_its_end(counting, whole_served, whole, pages):
    counted, heavy = counting(whole.sessions["all rights"]), {}
    for page in pages:
        sizes = counted.open(whole_served + page.address)
        if sum(sizes.values()) > ANY_PAGE:
            heavy[page.address] = sizes
    assert heavy == {}


def test_a_page_with_a_map_to_draw_on_is_not_heavy_either(counting, whole_served):
    counted = counting()
    counted.open(f"{whole_served}/mobility/inside?centre=-8.8,7.75&radius=20")
    counted.tab.get_by_role("button", name="Draw on the map").click()
    counted.tab.locator("[data-map] canvas").first.wait_for()
    sizes = counted.loaded()
    assert any("/ol." in address for address in sizes), "the map's library was not counted"
    assert sum(sizes.values()) <= ANY_PAGE, sizes
