"""Every page in a real browser: by every reader, in every language, light and dark, narrow and wide.

No page is named here: what the routes answer with HTML is walked. Each page is opened at every width in every language,
and by every reader at least once. It is judged for all eyes in English and from right to left, once light and once
dark, once narrow and once wide, in turns from page to page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

from commonweal.web.access import SESSION

pytestmark = pytest.mark.slow

LANGUAGES = {"en": "ltr", "fr": "ltr", "ar-XB": "rtl"}
LOOKS = (("light", 360), ("dark", 1280), ("light", 1280), ("dark", 360))
SCROLLING = (1280, 800, 360, 320)
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = f"""context => axe.run(context, {{runOnly: {LEVELS}, resultTypes: ["violations"]}})
    .then(found => found.violations)"""
WHOLE, WITHOUT_LONG_TABLES = {"include": ["html"]}, {"exclude": ["tbody tr:nth-child(n+13)"]}
"""Where a page is looked at again the first rows of a table stand for those below, which the same hand writes."""
OPEN_ALL = "document.querySelectorAll('details').forEach(each => { each.open = true; })"


class Walker:
    """A reader in one language who opens pages in one tab, and keeps what was wrong."""

    def __init__(self, browser, served: str, language: str, held: str | None) -> None:
        self.served, self.language = served, language
        self.wrong: list[str] = []
        self._status = 200
        headers = {"accept-language": language}
        context = browser.new_context(viewport={"width": 360, "height": 800}, extra_http_headers=headers)
        if held:
            secure = served.replace("http:", "https:")
            context.add_cookies([{"name": SESSION, "value": held, "url": secure, "secure": True}])
        self.tab = context.new_page()
        self.tab.on("request", self._requested)
        self.tab.on("console", self._said)
        self.tab.on("pageerror", lambda error: self._found(f"error: {error}"))

    def open(self, address: str, expected: int, widths: Sequence[int] = SCROLLING) -> bool:
        """Open an address; say whether what it answers is there, and not the way to it."""
        self.address, self._status = address, expected
        answer = self.tab.goto(self.served + address)
        there = urlsplit(self.tab.url).path
        if expected == 303:
            if not (there == "/sign-in" and answer.status == 200):
                self._found(f"no way to the sign-in page, but {answer.status} at {there}")
            return False
        if answer.status != expected:
            self._found(f"{answer.status} instead of {expected}")
        direction = self.tab.get_attribute("html", "dir")
        if direction != LANGUAGES[self.language]:
            self._found(f"runs {direction}")
        self.tab.evaluate(OPEN_ALL)
        for width in widths:
            self.tab.set_viewport_size({"width": width, "height": 800})
            wide = self.tab.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                self._found(f"scrolls sideways: {wide} of {width}")
        return True

    def look(self, scheme: str, width: int) -> None:
        """Read what is open as people with other eyes do."""
        self.tab.evaluate(Axe().axe_script)
        self.tab.emulate_media(color_scheme=scheme)
        self.tab.set_viewport_size({"width": width, "height": 800})
        for violation in self.tab.evaluate(AXE, WHOLE if self.language == "en" else WITHOUT_LONG_TABLES):
            where = [node["html"][:120] for node in violation["nodes"][:3]]
            self._found(f"{scheme}, {width}: {violation['id']}: {violation['help']}: {where}")

    def _found(self, wrong: str) -> None:
        self.wrong.append(f"{self.address} ({self.language}): {wrong}")

    def _requested(self, request) -> None:
        if not request.url.startswith((self.served, "data:")):
            self._found(f"request off the host: {request.url}")

    def _said(self, message) -> None:
        # A browser says of an error page that it is one.
        if not (self._status >= 400 and f"status of {self._status} " in message.text):
            self._found(f"console: {message.text}")


@pytest.fixture(scope="module")
def walker(browser, whole, whole_served) -> Iterator[Callable[..., Walker]]:
    made: dict[tuple[str, str], Walker] = {}

    def of(reader: str, language: str) -> Walker:
        if (reader, language) not in made:
            made[reader, language] = Walker(browser, whole_served, language, whole.sessions.get(reader))
        return made[reader, language]

    yield of
    for each in made.values():
        each.tab.context.close()


@pytest.fixture(scope="module")
def read() -> set[tuple[str, str]]:
    """Which page which reader has read already."""
    return set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_whole_for_every_eye(language, walker, pages, readers, read):
    turn, wrong = list(LANGUAGES).index(language), []
    for place, page in enumerate(pages):
        welcome = [reader for reader in readers if page.answer_to(reader) == page.status]
        reader = welcome[(place + turn) % len(welcome)]
        one = walker(reader, language)
        read.add((page.address, reader))
        one.wrong.clear()
        one.open(page.address, page.status)
        if language != "fr":
            # The other language has the other light and the other width.
            one.look(*LOOKS[(place if language == "en" else place ^ 1) % 4])
        wrong += one.wrong
    assert wrong == [], "\n".join(wrong)


def test_every_reader_gets_what_they_may_see_and_nothing_else(walker, pages, readers, read):
    wrong, refused = [], set()
    for place, page in enumerate(pages):
        for turn, reader in enumerate(readers):
            if (page.address, reader) in read:
                continue
            one, expected = walker(reader, list(LANGUAGES)[(place + turn) % 3]), page.answer_to(reader)
            one.wrong.clear()
            if one.open(page.address, expected, SCROLLING[-1:]) and expected == 403 and one.language not in refused:
                one.look(*LOOKS[place % 4])
                refused.add(one.language)
            wrong += one.wrong
    assert wrong == [], "\n".join(wrong)
    assert refused == set(LANGUAGES), "the page that refuses was not looked at in every language"
