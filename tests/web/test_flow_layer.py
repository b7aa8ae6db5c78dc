"""Flows on a map."""

import re
from xml.etree import ElementTree

import pytest

from commonweal.web.flows import NARROWEST, WIDEST, Flow, flow_layer, taper

PLACES = {"A": (0.0, 0.0), "B": (200.0, 0.0), "C": (0.0, 300.0)}


def curves(flows, **options):
    drawn = ElementTree.fromstring(str(flow_layer(flows, PLACES, label="Flows", **options)))
    return [(part.get("aria-label"), part.get("d")) for part in drawn.iter("path")]


def width(data):
    numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*", data)]
    (x, y), (to_x, to_y) = numbers[:2], numbers[-2:]
    return ((x - to_x) ** 2 + (y - to_y) ** 2) ** 0.5


def test_width_at_the_origin_is_in_proportion_to_the_count():
    drawn = dict(curves([Flow("A", "B", 100, "large"), Flow("A", "C", 50, "half"), Flow("B", "A", 1, "tiny")]))
    assert width(drawn["large"]) == pytest.approx(WIDEST, abs=0.2)
    assert width(drawn["half"]) == pytest.approx(WIDEST / 2, abs=0.2)
    assert width(drawn["tiny"]) == pytest.approx(NARROWEST, abs=0.2)


def test_the_largest_is_drawn_first_so_that_the_smallest_is_on_top():
    assert [text for text, _ in curves([Flow("A", "B", 1, "small"), Flow("A", "C", 9, "large")])] == ["large", "small"]


def test_there_and_back_do_not_cover_one_another():
    there, back = taper(PLACES["A"], PLACES["B"], 4), taper(PLACES["B"], PLACES["A"], 4)
    bends = [float(re.search(r"Q-?[\d.]+ ?(-?[\d.]+) ", curve)[1]) for curve in (there, back)]
    assert bends[0] * bends[1] < 0


def test_a_flow_to_a_place_that_is_not_on_the_map_is_left_out():
    assert curves([Flow("A", "abroad", 5, "out")]) == []


def test_names_are_escaped():
    assert "<b>" not in flow_layer([Flow("A", "B", 5, "<b>")], PLACES, label="<b>")
