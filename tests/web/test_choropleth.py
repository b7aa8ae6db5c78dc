"""The map: what an area looks like, what it is called, and what neither may ever say."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from commonweal.web.classes import Classes
from commonweal.web.map import MapArea, choropleth, path
from commonweal.web.projection import fit

WEST, EAST = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)


def area(name="Ada", polygon=WEST, value=40.0, state="reported", text="40 subscribers", **others):
    return MapArea(name[0], name, polygon, value, state, text, **others)


def parsed(markup):
    return ElementTree.fromstring(str(markup))


def test_each_area_can_be_focused_and_says_its_name_and_value():
    drawn = parsed(choropleth([area(), area("Bo", EAST, 7, text="7 subscribers")], Classes(()), label="People"))
    targets = [part for part in drawn.iter("g") if part.get("class") == "area"]
    assert [part.get("aria-label") for part in targets] == ["Ada: 40 subscribers", "Bo: 7 subscribers"]
    assert all(part.get("tabindex") == "0" and part.get("role") == "img" for part in targets)
    assert [part.find("title").text for part in targets] == ["Ada: 40 subscribers", "Bo: 7 subscribers"]


def test_an_area_that_leads_somewhere_is_a_link():
    drawn = parsed(choropleth([area(href="?area=A")], Classes(()), label="People", selected="A"))
    link = next(drawn.iter("a"))
    assert (link.get("href"), link.get("aria-current")) == ("?area=A", "true")


def test_a_suppressed_area_has_a_texture_and_no_colour():
    drawn = parsed(choropleth([area(value=None, state="suppressed")], Classes((10,)), label="People"))
    fill = drawn.find("g[@class='fills']/g")
    assert (fill.get("class"), fill.get("fill")) == ("suppressed", "url(#suppressed)")


def test_a_missing_value_looks_unlike_a_suppressed_one():
    drawn = parsed(choropleth([area(value=None, state="missing")], Classes((10,)), label="People"))
    assert drawn.find("g[@class='fills']/g").get("fill") == "url(#missing)"


def test_zero_is_a_value_and_is_coloured():
    drawn = parsed(choropleth([area(value=0.0)], Classes((10,)), label="People"))
    assert drawn.find("g[@class='fills']/g").get("class") == "class-0"


def test_names_cannot_break_out_of_the_picture():
    drawn = choropleth([area(name='<script>"&')], Classes(()), label='"><b>')
    assert "<script" not in drawn
    assert "<b>" not in drawn
    assert '<script>"&: 40 subscribers' in [title.text for title in parsed(drawn).iter("title")]


def test_nothing_in_the_picture_needs_inline_style_or_script():
    drawn = str(choropleth([area()], Classes(()), label="People"))
    assert "style=" not in drawn
    assert "<script" not in drawn
    assert not re.search(r"\son\w+=", drawn)


def test_an_area_too_small_to_point_at_gets_a_disc():
    tiny = shapely.box(1.0, 0.5, 1.001, 0.501)
    drawn = parsed(choropleth([area(), area("Bo", tiny)], Classes(()), label="People"))
    discs = [len(list(part.iter("circle"))) for part in drawn.iter("g") if part.get("class") == "area"]
    assert discs == [0, 1]


def test_flows_lie_over_the_fills_and_under_what_is_focused():
    from markupsafe import Markup

    drawn = str(choropleth([area()], Classes(()), label="People", over=Markup('<g class="flows"></g>')))
    assert drawn.index('class="fills"') < drawn.index('class="flows"') < drawn.index('class="areas"')


def test_the_focusable_layer_repeats_outlines_without_their_fill():
    # A repeated outline that kept its own class would be painted over the flows.
    drawn = parsed(choropleth([area()], Classes(()), label="People"))
    outline = drawn.find("g[@class='fills']/g/path")
    assert set(outline.keys()) == {"id", "d"}


def positions(data):
    """Trace path data back to absolute positions of its first ring."""
    at, found = np.zeros(2), []
    for command, numbers in re.findall(r"([Mlhv])([^Mlhvz]*)", data.split("z")[0]):
        given_numbers = [float(number) for number in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", numbers)]
        move = {"h": lambda n: (n[0], 0), "v": lambda n: (0, n[0])}.get(command, lambda n: n)(given_numbers)
        at = np.array(move) if command == "M" else at + move
        found.append(at.copy())
    return np.array(found)


@given(
    st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20)), min_size=5, max_size=30),
)
def test_path_data_is_within_a_twentieth_of_a_unit_of_the_outline(points):
    hull = shapely.MultiPoint(points).convex_hull
    if hull.geom_type != "Polygon":
        return
    screen = fit([hull.bounds])
    written = path(hull, screen)
    if not written:
        return
    exact = screen(shapely.get_coordinates(hull.exterior))
    for place in positions(written):
        assert np.abs(exact - place).max(axis=1).min() <= 0.05 + 1e-6


def test_neighbours_share_their_border_to_the_last_digit():
    screen = fit([(0, 0, 2, 1)])
    west = {tuple(place) for place in positions(path(WEST, screen)).round(1)}
    east = {tuple(place) for place in positions(path(EAST, screen)).round(1)}
    assert len(west & east) == 2


def test_holes_are_drawn_as_rings_of_their_own():
    holed = shapely.Polygon(WEST.exterior, [shapely.box(0.4, 0.4, 0.6, 0.6).exterior])
    assert path(holed, fit([(0, 0, 1, 1)])).count("z") == 2


def test_an_empty_map_is_still_a_picture():
    assert parsed(choropleth([], Classes(()), label="People")).get("aria-label") == "People"


@pytest.mark.parametrize("polygon", [shapely.MultiPolygon([WEST, shapely.box(3, 0, 4, 1)]), WEST])
def test_every_part_of_an_area_is_drawn(polygon):
    assert path(polygon, fit([polygon.bounds])).count("M") == len(shapely.get_parts(polygon))
