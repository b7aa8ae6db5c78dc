"""Long lists a page at a time."""

import re

import pytest
from fastapi import APIRouter, Request

from commonweal.core.errors import NotFound
from commonweal.web.access import anyone, guarded
from commonweal.web.document import Document, document
from commonweal.web.paging import SIZE, Number, Page, paged

THINGS = [f"thing {number}" for number in range(250)]


def read(count, skipped):
    return THINGS[skipped : skipped + count]


def test_every_item_stands_on_one_page_in_order():
    found, number = [], 1
    while True:
        page = paged(read, number)
        found += page.items
        if page.is_last:
            break
        number += 1
    assert (found, number) == (THINGS, 3)


@pytest.mark.parametrize(("length", "pages"), [(0, 1), (1, 1), (SIZE, 1), (SIZE + 1, 2), (2 * SIZE, 2)])
def test_a_page_is_the_last_when_nothing_comes_after_it(length, pages):
    def some(count, skipped):
        return THINGS[:length][skipped : skipped + count]

    assert [paged(some, number).is_last for number in range(1, pages + 1)] == [False] * (pages - 1) + [True]


def test_a_page_behind_the_end_is_not_there_but_an_empty_list_has_a_first_page():
    with pytest.raises(NotFound):
        paged(read, 4)
    assert paged(lambda count, skipped: [], 1) == Page([])


def test_links_keep_what_the_list_was_narrowed_to():
    page = paged(read, 2, {"who": "os:a&b", "action": None, "day": ""})
    assert page.next == "?who=os:a%26b&page=3"
    assert page.here == {"who": "os:a&b", "page": "2"}
    assert (
        page.links("/things") == '</things?who=os:a%26b&page=1>; rel="prev", </things?who=os:a%26b&page=3>; rel="next"'
    )


@pytest.fixture
def site(home, site_of):
    """A site with a long list, made as every list is."""
    made, routes = site_of(home), APIRouter()

    @document(routes, "/things", anyone, summary="Things", tag="things")
    def things(request: Request, number: Number = 1) -> Document:
        page = paged(read, number)
        return Document(
            title="Things",
            template="document.html",
            data={"things": list(page.items)} | page.data("/things.json"),
            query=page.here,
            page=page,
        )

    made.app.router.routes.extend(guarded(route, "") for route in routes.routes)
    return made


def test_a_program_follows_the_list_to_its_end(site):
    found, address = [], "/things.json"
    while address:
        answer = site.get(address)
        found += answer.json()["things"]
        address = answer.json()["next"]
        said = re.search(r'<([^>]*)>; rel="next"', answer.headers.get("link", ""))
        assert (said and said[1]) == address
    assert found == THINGS


def test_a_reader_goes_from_page_to_page_without_scripts(site):
    first, second, last = (site.page(address) for address in ("/things", "/things?page=2", "/things?page=3"))
    assert re.findall(r'rel="(?:prev|next)" href="([^"]*)"', first.text) == ["?page=2"]
    assert re.findall(r'rel="(?:prev|next)" href="([^"]*)"', second.text) == ["?page=1", "?page=3"]
    assert last.headers["link"] == '</things?page=2>; rel="prev"'


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999999999999999"])
def test_a_page_that_is_none_is_refused(site, number):
    assert site.get(f"/things.json?page={number}").status_code == 422


def test_a_page_behind_the_end_is_a_404(site):
    assert site.get("/things.json?page=4").status_code == 404
