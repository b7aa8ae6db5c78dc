"""The documentation on the site: every page is there, its links lead somewhere, figures lead to their methods."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from commonweal.mobility.pages.tables.families import FAMILIES

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(file.stem for file in DOCS.glob("*.md"))


class Looked(HTMLParser):
    """What a page holds: names of places in it, where it links to, and what the site's policy would refuse."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.places: Counter[str] = Counter()
        self.links: list[str] = []
        self.refused: list[str] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.places.update([said["id"]] if said.get("id") else [])
        self.links += [said[name] or "" for name in ("href", "src") if name in said and tag in ("a", "img")]
        self.refused += [name for name in said if name == "style" or name.startswith("on")]


@pytest.fixture(scope="module")
def looked(request) -> dict[str, Looked]:
    site = request.getfixturevalue("site")
    return {page: Looked(site.page(f"/docs/{page}").text) for page in PAGES}


def test_every_page_is_listed(site):
    answer = site.page("/docs")
    assert answer.status_code == 200
    assert sorted(re.findall(r'href="/docs/([\w-]+)"', answer.text)) == PAGES


def test_every_link_within_the_documentation_leads_to_a_page_and_a_part_of_it(looked, site):
    wrong = []
    for page, there in looked.items():
        for link in there.links:
            path, _, anchor = link.partition("#")
            if link.startswith("http") or path == f"/docs/{page}.json":
                continue
            if path.startswith("/docs/images/"):
                wrong += [link] if site.get(path).status_code != 200 else []
            elif path.startswith("/docs/") or not path:
                other = looked.get(path.removeprefix("/docs/") or page)
                wrong += [] if other and (not anchor or anchor in other.places) else [f"{page}: {link}"]
            elif path.endswith(".md"):
                wrong.append(f"{page}: {link}")
    assert wrong == []


def test_a_place_has_one_name_and_nothing_is_refused_by_the_policy(looked):
    for page, there in looked.items():
        assert [name for name, times in there.places.items() if times > 1] == [], page
        assert there.refused == [], page


def test_every_table_names_a_part_of_the_methods_that_is_there(looked):
    sections = {kind.section for kinds in FAMILIES.values() for kind in kinds}
    assert sections <= set(looked["methods"].places)


def test_a_figure_leads_to_its_definition(site, published):
    assert 'href="/docs/methods#presence"' in site.page("/mobility/presence").text


def test_formulas_stand_as_they_are_written(site):
    assert "presence(p, a) = |{ s(i) : t(i) ∈ p, a(i) = a }|" in site.page("/docs/methods").text


def test_the_page_is_data_too_and_what_is_not_there_is_said(site):
    told = site.get("/docs/methods.json").json()
    assert told["markdown"] == (DOCS / "methods.md").read_text("utf-8")
    for missing in ("/docs/none", "/docs/..%2Fpyproject", "/docs/images/none.png", "/docs/images/..%2Fmethods.md"):
        assert site.get(missing).status_code == 404


def test_a_reader_of_french_is_told_that_the_text_is_english(site):
    markup = site.get("/docs/privacy", accept="text/html", accept_language="fr").text
    assert "Ce texte est en anglais" in markup
    assert '<article class="prose" lang="en"' in markup
