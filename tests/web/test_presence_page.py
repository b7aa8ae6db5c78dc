"""The page of presence and its data twin: what they say, and what they must not let anyone work out."""

import re
from html.parser import HTMLParser

import pytest

from commonweal.core.areas import load

HOUR = "/mobility/presence?start=2015-03-27T14:00Z"


class Text(HTMLParser):
    """What a reader of the page reads."""

    def __init__(self, markup):
        super().__init__()
        self.parts = []
        self.feed(markup)

    def handle_data(self, data):
        self.parts.append(data)

    def __str__(self):
        return " ".join(" ".join(self.parts).split())


def text_of(site, address):
    answer = site.page(address)
    assert answer.status_code == 200
    return str(Text(answer.text))


def rows_of(markup, caption):
    table = markup[markup.index(caption) :]
    table = table[: table.index("</table>")]
    body = table[table.index("<tbody>") :]
    return [re.findall(r"<t[hd][^>]*>(?:<a[^>]*>)?([^<]*)", row) for row in re.findall(r"<tr.*?</tr>", body, re.S)]


def test_the_page_says_what_it_shows_and_when(site):
    said = text_of(site, HOUR)
    assert "Presence" in said
    assert "Friday 27 March 2015, 14:00 – 15:00 · time of Africa/Freetown" in said


def test_the_newest_hour_is_shown_first(site):
    assert "Saturday 28 March 2015, 23:00 – 00:00" in text_of(site, "/mobility/presence")


def test_a_whole_day_can_be_shown(site):
    said = text_of(site, "/mobility/presence?start=2015-03-28")
    assert "Saturday 28 March 2015 · time of" in said
    assert "Distinct subscribers per day" in said


def test_the_table_is_the_twin_of_the_map(site, published):
    markup = site.page(HOUR).text
    rows = rows_of(markup, "<caption>Distinct subscribers")
    areas = load(published.home.database, published.presence.area_set)
    labels = re.findall(r'<a class="area" href="[^"]*" aria-label="([^"]*)"', markup)
    assert len(rows) == len(labels) == len(areas)
    assert sorted(row[0] for row in rows) == sorted(areas.names)
    for row, label in zip(rows, labels, strict=True):
        name, value, state = row
        says = {"reported": f"{value} subscribers", "missing": "no data"}
        assert label == f"{name}: {says.get(state, 'suppressed: fewer than 15 subscribers, or none')}"


def test_values_are_those_that_were_published(site, published):
    areas = load(published.home.database, published.presence.area_set)
    shown = {
        area["code"]: area
        for area in site.get("/mobility/presence.json?start=2015-03-27T14:00Z").json()["presence"]["areas"]
    }
    for place, code in enumerate(areas.codes):
        if code in (published.nobody, published.few, published.unknown):
            continue
        people = published.people(place, 14)
        expected = (people, "reported") if people >= 15 else (None, "suppressed")
        assert (shown[code]["subscribers"], shown[code]["subscribers_state"]) == expected


def test_nobody_and_few_cannot_be_told_apart(site, published):
    shown = {area["code"]: area for area in site.get("/mobility/presence.json").json()["presence"]["areas"]}
    few, nobody = shown[published.few], shown[published.nobody]
    assert few["subscribers_state"] == nobody["subscribers_state"] == "suppressed"
    assert few["subscribers"] is None is nobody["subscribers"]


def test_a_missing_value_is_neither_suppressed_nor_zero(site, published):
    shown = {area["code"]: area for area in site.get("/mobility/presence.json").json()["presence"]["areas"]}
    assert (shown[published.unknown]["subscribers"], shown[published.unknown]["subscribers_state"]) == (None, "missing")


def test_no_total_is_shown_that_would_complete_a_suppressed_table(site, published):
    table = published.presence.table(published.home.settings).to_pylist()
    hour = [row for row in table if row["period"] == "hour" and f"{row['start']:%d%H}" == "2714"]
    total = sum(row["subscribers"] or 0 for row in hour)
    for address in (HOUR, "/mobility/presence.json?start=2015-03-27T14:00Z"):
        body = site.page(address).text
        for hidden in (total, total + 14):
            assert f"{hidden:,}" not in body
            assert str(hidden) not in body


def test_the_days_total_is_the_rounded_one_that_was_published(site, published):
    row = published.quality.table(published.home.settings).to_pylist()[0]
    assert row["subscribers"] % row["rounded_to"] == 0
    daily = site.get("/mobility/presence.json?start=2015-03-27T14:00Z").json()["daily_subscribers"]
    assert daily == {"at_least": row["subscribers"], "rounded_to": row["rounded_to"]}
    rounded = f"rounded down to a multiple of {row['rounded_to']:,}"
    assert f"{row['subscribers']:,} subscribers that day, {rounded}" in text_of(site, HOUR)


def test_without_a_published_total_none_is_shown(home, site_of, publish_more):
    publish_more(home)
    site = site_of(home)
    assert site.get("/mobility/presence.json").json()["daily_subscribers"] is None
    assert "No total is shown" in text_of(site, "/mobility/presence")


def test_only_what_was_made_the_same_way_is_shown_side_by_side(home, site_of, publish_all, publish_more):
    publish_all(home)
    site = site_of(home)
    others = (
        {"project": "another"},
        {"time_zone": "Asia/Kathmandu"},
        {"day_starts": "04:00"},
        {"area_set": "districts"},
    )
    for version, other in enumerate(others, start=2):
        publish_more(home, **other)
        told = site.get("/mobility/presence.json").json()
        assert told["presence"]["release"] == f"mobility.presence {version}"
        assert (told["flows"], told["daily_subscribers"]) == (None, None), other
    publish_more(home, scale=2)
    told = site.get("/mobility/presence.json").json()
    assert (told["presence"]["release"], told["flows"]["release"]) == ("mobility.presence 6", "mobility.flows 1")
    assert told["daily_subscribers"] is not None


def test_what_is_suppressed_is_counted(site, published):
    table = published.presence.table(published.home.settings).to_pylist()
    hours = [row for row in table if row["period"] == "hour"]
    now = [row for row in hours if f"{row['start']:%d%H}" == "2714"]
    suppressed = [sum(row["subscribers_state"] == "suppressed" for row in rows) for rows in (now, hours)]
    said = text_of(site, HOUR)
    assert f"In this hour {suppressed[0]} of {len(now)} areas are suppressed" in said
    assert f"{suppressed[1]:,} of {len(hours):,} values" in said


def test_flows_are_a_layer_that_is_asked_for(site):
    assert '<path class="flow"' not in site.page(HOUR).text.split('class="legend"')[0]
    with_flows = site.page(f"{HOUR}&layer=flows").text
    assert with_flows.count('<path class="flow" role="img"') == 20


def test_the_flows_on_the_map_are_those_of_the_table(site):
    markup = site.page(f"{HOUR}&layer=flows").text
    rows = rows_of(markup, "<caption>Subscribers seen in one area and next")
    labels = re.findall(r'<path class="flow" role="img" aria-label="([^"]*)"', markup)
    assert labels == [f"{origin} to {destination}: {count} subscribers" for origin, destination, count in rows]


def test_flows_are_those_of_the_day_that_is_shown(site, published):
    flows = site.get("/mobility/presence.json?start=2015-03-27T14:00Z").json()["flows"]
    rows = [row for row in published.flows.table(published.home.settings).to_pylist() if row["start"].day == 27]
    reported = sorted((row["subscribers"] for row in rows if row["subscribers"] is not None), reverse=True)
    assert (flows["day"], flows["pairs"]) == ("2015-03-27", len(rows))
    assert flows["suppressed_pairs"] == len(rows) - len(reported)
    assert [flow["subscribers"] for flow in flows["largest"]] == reported[:20]


def test_every_hour_of_the_day_is_one_step_away(site):
    markup = site.page(HOUR).text
    hours = re.findall(r'<a class="bar" href="([^"]*)"', markup)
    assert len(hours) == 24
    assert all(re.match(r"/mobility/presence\?start=2015-03-27T\d\d:00Z", address) for address in hours)


def test_links_keep_what_was_chosen(site):
    markup = site.page(f"{HOUR}&layer=flows&area=SL-W").text
    later = re.search(r'href="([^"]*)" rel="next"', markup)[1].replace("&amp;", "&")
    assert later == "/mobility/presence?start=2015-03-27T15:00Z&area=SL-W&layer=flows#map"


def test_a_chosen_area_is_marked_and_its_day_is_drawn(site):
    markup = site.page(f"{HOUR}&area=SL-W").text
    assert re.search(r'<a class="area" [^>]*aria-label="Western: [^"]*" aria-current="true"', markup)
    assert re.search(r'<tr aria-current="true"><th scope="row">Western<', markup)
    assert "Western, hour by hour" in markup


def test_the_release_says_where_it_comes_from(site, published):
    said = text_of(site, "/mobility/presence")
    release = published.presence
    for part in (
        release.digest,
        "ab" * 32,
        "mobility.presence 1",
        "os:analyst",
        "time zone: Africa/Freetown",
        "day starts: 00:00",
        "rule threshold: k 15",
        release.provenance.code.split(":")[-1],
    ):
        assert part in said


def test_every_download_on_the_page_is_there(site):
    markup = site.page("/mobility/presence?layer=flows").text
    releases = set(re.findall(r'href="(/catalog/mobility[^"]*/mobility[^"]*)"', markup))
    figures = {address.replace("&amp;", "&") for address in re.findall(r'href="([^"]*/figures/[^"]*)"', markup)}
    assert len(releases) == 12
    assert {address.split("?")[0].rpartition("/")[2] for address in figures} >= {"map", "map.csv", "series.xlsx"}
    addresses = releases | {address for address in figures if ".png" not in address}
    assert {site.get(address).status_code for address in addresses} == {200}


def test_the_data_twin_says_what_the_page_says(site):
    answer = site.get("/mobility/presence.json?start=2015-03-27T14:00Z")
    data = answer.json()["presence"]
    assert answer.headers["content-type"] == "application/json"
    assert data["period"] == {
        "unit": "hour",
        "start": "2015-03-27T14:00:00+00:00",
        "end": "2015-03-27T15:00:00+00:00",
        "label": "Friday 27 March 2015, 14:00 – 15:00",
        "time_zone": "Africa/Freetown",
    }
    assert len(data["areas"]) == 53


def test_the_page_names_its_data_twin(site):
    assert '<a href="/mobility/presence.json?start=2015-03-27T14:00Z">' in site.page(HOUR).text


@pytest.mark.parametrize("start", ["yesterday", "2015-99-99", "'; --", "%00"])
def test_a_time_that_is_none_is_a_sentence_and_not_a_crash(site, start):
    answer = site.page(f"/mobility/presence?start={start}")
    assert answer.status_code == 422
    assert "The input cannot be used" in answer.text
    assert site.get(f"/mobility/presence.json?start={start}").headers["content-type"] == "application/problem+json"


def test_what_an_address_says_is_never_markup(site):
    markup = (
        site.page("/mobility/presence?area=<script>alert(1)</script>&layer=<b>").text
        + site.page("/mobility/presence?layer=<b>").text
    )
    assert "<script>" not in markup
    assert "<b>" not in markup


@pytest.mark.parametrize("page", ["presence", "flows"])
def test_an_area_that_is_not_there_is_refused_with_one_that_is(site, page):
    answer = site.get(f"/mobility/{page}.json?area=XX-1")
    assert answer.status_code == 422
    assert "such as GN-BE" in answer.json()["detail"]


@pytest.mark.parametrize(
    "asked",
    [
        "presence?start=2015-03-29T00:00",
        "presence?day=2015-03-29&at=3",
        "flows?day=2030-01-01",
        "presence?start=2015-03-26",
    ],
)
def test_a_time_of_which_nothing_is_published_is_not_found_and_says_what_there_is(site, asked):
    page, _, query = asked.partition("?")
    answer = site.get(f"/mobility/{page}.json?{query}")
    assert answer.status_code == 404
    assert "27 – 28 March 2015" in answer.json()["detail"]


def test_before_anything_is_published_the_page_says_so(empty_site):
    assert "Nothing has been published yet" in text_of(empty_site, "/mobility/presence")
    assert empty_site.get("/mobility/presence.json").json() == {"presence": None}


def test_the_slider_shows_the_hour_it_stands_at(site):
    said = text_of(site, "/mobility/presence?day=2015-03-27&at=14")
    assert "Friday 27 March 2015, 14:00 – 15:00" in said
    markup = site.page(HOUR).text
    assert re.search(
        r'<input id="at" type="range" name="at" min="0" max="23" value="14"[^>]*aria-valuetext="14:00"', markup
    )
    assert '<option value="14" label="14:00">' in markup


def test_a_figure_has_an_address_that_stays_true(home, site_of, publish_more):
    publish_more(home)
    site = site_of(home)
    address = re.search(r'href="(/mobility/presence/figures/map\?[^"]*)"', site.page("/mobility/presence").text)[1]
    address = address.replace("&amp;", "&")
    first = site.get(address.replace("/map?", "/map.json?")).json()
    publish_more(home, scale=2)
    assert site.get(address.replace("/map?", "/map.json?")).json() == first
    assert first["release"] == "mobility.presence 1"
    alone = site.page(address)
    assert "The whole page" in alone.text
    assert alone.text.count("<figure") == 1


def test_a_table_is_sorted_by_its_column(site):
    markup = site.page("/mobility/presence?sort-map=-subscribers").text
    counts = [int(row[1].replace(",", "")) for row in rows_of(markup, "<caption>Distinct subscribers") if row[1] != "–"]
    assert counts == sorted(counts, reverse=True)
    assert 'aria-sort="descending"' in markup
    refused = site.page("/mobility/presence?sort-map=people")
    assert refused.status_code == 422


def test_an_older_release_can_be_asked_for_and_one_that_is_not_there_is_not_found(home, site_of, publish_more):
    publish_more(home)
    publish_more(home, scale=2)
    site = site_of(home)
    assert site.get("/mobility/presence.json?release=1").json()["presence"]["release"] == "mobility.presence 1"
    assert site.get("/mobility/presence.json?release=9").status_code == 404


def test_a_new_release_is_shown_at_once(home, site_of, publish_more):
    publish_more(home)
    site = site_of(home)
    first = site.get("/mobility/presence.json").json()["presence"]
    publish_more(home, scale=2)
    second = site.get("/mobility/presence.json").json()["presence"]
    assert (first["release"], second["release"]) == ("mobility.presence 1", "mobility.presence 2")
    largest = [max(area["subscribers"] or 0 for area in shown["areas"]) for shown in (first, second)]
    assert largest[1] == pytest.approx(2 * largest[0])


def test_a_damaged_release_is_an_error_and_shows_nothing_of_it(home, site_of, publish_more):
    release = publish_more(home)
    file = release.file(home.settings)
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    answer = site_of(home).page("/mobility/presence")
    assert answer.status_code == 500
    assert "Damaged" in answer.text
