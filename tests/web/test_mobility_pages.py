"""Pages of flows, home areas and quality: what they say is what was published."""

import json
import re

import pytest
import shapely

from commonweal.core.areas import load

PAGES = ("flows", "homes", "quality")


def test_flows_are_those_of_the_day_largest_first(site, published):
    told = site.get("/mobility/flows.json?day=2015-03-27").json()["flows"]
    rows = [row for row in published.flows.table(published.home.settings).to_pylist() if row["start"].day == 27]
    reported = sorted((row["subscribers"] for row in rows if row["subscribers"] is not None), reverse=True)
    assert [flow["subscribers"] for flow in told["published"]] == reported
    assert (told["pairs"], told["suppressed_pairs"]) == (len(rows), len(rows) - len(reported))
    assert told["days"] == ["2015-03-27", "2015-03-28"]


def test_without_a_day_the_newest_is_shown(site):
    assert site.get("/mobility/flows.json").json()["flows"]["day"] == "2015-03-28"
    assert "Saturday 28 March 2015" in site.page("/mobility/flows").text


def test_flows_of_one_area_begin_or_end_there(site):
    flows = site.get("/mobility/flows.json?area=SL-W").json()["flows"]["published"]
    assert flows
    assert all("SL-W" in (flow["origin"], flow["destination"]) for flow in flows)


def test_the_flow_map_draws_the_largest_and_its_table_says_them(site):
    markup = site.page("/mobility/flows").text
    drawn = re.findall(r'<path class="flow" role="img" aria-label="([^"]*)"', markup)
    assert len(drawn) == 30
    body = markup[markup.index("<tbody>") :]
    first = re.findall(r"<t[hd][^>]*>([^<]*)", body[: body.index("</tr>")])
    assert drawn[0] == f"{first[0]} to {first[1]}: {first[2]} subscribers"


def test_flows_as_geojson_are_lines_between_the_areas(site, published):
    collection = site.get("/mobility/flows/figures/flows.geojson").json()
    areas = load(published.home.database, published.presence.area_set)
    polygons = dict(zip(areas.codes, areas.polygons, strict=True))
    for feature in collection["features"][:20]:
        said, line = feature["properties"], shapely.from_geojson(json.dumps(feature["geometry"]))
        begin, end = shapely.Point(line.coords[0]), shapely.Point(line.coords[-1])
        # The outline is simplified for the screen by about a kilometre.
        assert polygons[said["origin"]].buffer(0.02).contains(begin)
        assert polygons[said["destination"]].buffer(0.02).contains(end)


def test_quality_counts_each_days_values_by_state(site, published):
    days = site.get("/mobility/quality.json").json()["quality"]["days"]
    table = published.presence.table(published.home.settings).to_pylist()
    for day in days:
        hours = [row for row in table if row["period"] == "hour" and f"{row['start']:%Y-%m-%d}" == day["day"]]
        for state in ("suppressed", "missing"):
            assert day[f"values_{state}"] == sum(row["subscribers_state"] == state for row in hours)
        assert day["values_reported"] == sum(row["subscribers"] is not None for row in hours)
    totals = {f"{row['start']:%Y-%m-%d}": row for row in published.quality.table(published.home.settings).to_pylist()}
    for day in days:
        assert (day["subscribers_at_least"], day["rounded_to"]) == (
            totals[day["day"]]["subscribers"],
            totals[day["day"]]["rounded_to"],
        )


def test_homes_say_what_was_published(site, published):
    told = {area["code"]: area for area in site.get("/mobility/homes.json").json()["home"]["areas"]}
    rows = published.homes.table(published.home.settings).to_pylist()
    assert len(told) == len(rows) == 53
    for row in rows:
        area = told[row["area"]]
        assert (area["subscribers"], area["subscribers_state"]) == (row["subscribers"], row["subscribers_state"])
    assert "suppressed: fewer than 15" in site.page("/mobility/homes").text


@pytest.mark.parametrize("page", PAGES)
def test_before_anything_is_published_each_page_says_so(empty_site, page):
    answer = empty_site.page(f"/mobility/{page}")
    assert answer.status_code == 200
    assert "Nothing has been published yet" in answer.text


@pytest.mark.parametrize("page", PAGES)
def test_each_page_says_where_it_comes_from_and_names_its_data_twin(site, page):
    markup = site.page(f"/mobility/{page}").text
    assert "where this comes from" in markup
    assert f'href="/mobility/{page}.json"' in markup


@pytest.mark.parametrize("day", ["yesterday", "2015-13-01", "<b>"])
def test_a_day_that_is_none_is_a_sentence(site, day):
    answer = site.page(f"/mobility/flows?day={day}")
    assert answer.status_code == 422
    assert "<b>" not in answer.text


def test_the_domain_leads_to_presence(site):
    answer = site.get("/mobility")
    assert (answer.status_code, answer.headers["location"]) == (307, "/mobility/presence")


def test_quality_lists_what_is_wrong_and_shows_control_limits(site, published):
    told = site.get("/mobility/quality.json").json()["quality"]
    assert told["findings"] == []
    assert {"subscribers_usual", "subscribers_low", "subscribers_high"} <= set(told["days"][0])
    assert told["days"][0]["subscribers_low"] is None, "two days are no history"
    listed = re.search(r'<figure[^>]* id="findings".*?</figure>', site.page("/mobility/quality").text, re.DOTALL)[0]
    assert "Nothing that is looked for was found" in listed
    assert "<table" not in listed, "no head stands above no rows"


def way_of(page: str) -> tuple[list[str], list[str]]:
    """Give the addresses of the groups of pages, the current one first marked, and of the pages of the current one."""
    nav = re.search(r'<nav aria-label="Mobility">.*?</nav>', page, re.DOTALL)[0]
    groups, _, pages = nav.partition("</ul>")
    return re.findall(r"<a ([^>]*)>", groups), re.findall(r"<a ([^>]*)>", pages)


def test_the_pages_are_in_groups_and_the_group_of_this_page_is_open(site, published):
    groups, pages = way_of(site.page("/mobility/changes").text)
    assert groups == [
        'href="/mobility/presence"',
        'href="/mobility/flows" aria-current="true"',
        'href="/mobility/forecast"',
        'href="/mobility/quality"',
    ]
    assert pages[-1] == 'href="/mobility/changes" aria-current="page"'
    _groups, pages = way_of(site.page("/mobility/quality").text)
    assert pages == ['href="/mobility/quality" aria-current="page"', 'href="/mobility/report"'], "no work for readers"
