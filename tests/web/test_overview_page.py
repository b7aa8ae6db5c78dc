"""The overview: what the newest release says, and how to begin where there is none."""

import re


def test_the_newest_hour_is_shown(site):
    markup = site.page("/").text
    assert "<h1>Where people are</h1>" in markup
    assert "Saturday 28 March 2015, 23:00 – 00:00 · time of Africa/Freetown" in markup
    assert markup.count('<a class="area"') == 53


def test_every_area_leads_to_its_hours(site):
    addresses = re.findall(r'<a class="area" href="([^"]*)"', site.page("/").text)
    assert {site.page(address.replace("&amp;", "&").partition("#")[0]).status_code for address in addresses[:3]} == {
        200
    }


def test_its_figures_are_those_of_the_page_they_come_from(site):
    markup = site.page("/").text
    files = re.findall(r'href="(/mobility/presence/figures/map[.]csv[^"]*)"', markup)
    assert len(files) == 1
    rows = site.get(files[0].replace("&amp;", "&")).text.splitlines()
    assert rows[0] == "area,name,start,period,subscribers,state"
    assert len(rows) == 1 + 53


def test_the_data_twin_says_what_each_domain_knows(site):
    told = site.get("/.json").json()
    assert list(told) == ["mobility"]
    assert told["mobility"] == site.get("/mobility/presence.json").json()


def test_before_anything_is_published_the_page_says_how_to_begin(empty_site):
    said = empty_site.page("/").text
    assert "Nothing has been published yet" in said
    assert "commonweal mobility import" in said
    assert empty_site.get("/.json").json() == {"mobility": {"presence": None}}
