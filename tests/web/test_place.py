"""A place as somebody writes it: what is read, what is refused and where, and what part of areas lies inside."""

from math import pi

import numpy as np
import pytest
import shapely
from hypothesis import assume, example, given
from hypothesis import strategies as st
from starlette.datastructures import FormData, QueryParams

from commonweal.core.areas.measuring import area_km2
from commonweal.core.errors import InputError
from commonweal.web.place import Place, Written, read, write

FREETOWN = (-13.23, 8.48)
TRIANGLE = ((-13.25, 8.35), (-13.05, 8.35), (-13.05, 8.5))


def polygon(text: str) -> tuple[tuple[float, float], ...]:
    return Written(polygon=text).place().polygon


def refused(**fields: object) -> InputError:
    with pytest.raises(InputError) as raised:
        Written(**fields).place({"SL-W", "SL-E"})
    return raised.value


# Reading corners ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "-13.25, 8.35\n-13.05, 8.35\n-13.05, 8.5",
        "-13.25,8.35 -13.05,8.35 -13.05,8.5",
        "-13.25, 8.35 -13.05, 8.35 -13.05, 8.5",
        "-13.25 8.35\r\n-13.05 8.35\r\n-13.05 8.5\r\n",
        "-13,25; 8,35\n-13,05; 8,35\n-13,05; 8,5",
        "-13,25;8,35 -13,05;8,35 -13,05;8,5",
        "\n  −13.25 ; 8.35,\n\n-13.05,8.35;\n-13.05 ,+8.50\n-13.25,8.35\n",
        "-13.25, 8.35\n-13.25, 8.35\n-13.05, 8.35\n-13.05, 8.5",
    ],
    ids=["lines", "blanks", "commas-and-blanks", "plain", "decimal-commas", "both", "untidy", "twice"],
)
def test_corners_are_read_however_they_are_set(text):
    assert polygon(text) == TRIANGLE


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("1,2\n3\n4,5", "corner 2 is not two numbers: 3"),
        ("1,2 3,4 5,6,7", "corner 3 is not two numbers: 5,6,7"),
        ("1,2\n13,25 8,35\nx,5", "corner 4 is not two numbers: x,5"),
        ("1,2\n1e1,5\n0,0", "corner 2 is not two numbers: 1e1,5"),
        ("1,2\nnan,5\n0,0", "corner 2 is not two numbers: nan,5"),
        ("1,2\n٣,5\n0,0", "corner 2 is not two numbers: ٣,5"),
        ("1,2\n181,0\n0,0", "corner 2 lies outside the globe: 181,0"),
        ("1,2\n0,0\n8.4,-93.2", "corner 3 lies outside the globe: 8.4,-93.2"),
        (f"1,2\n{'9' * 400},0\n0,0", f"corner 2 lies outside the globe: {'9' * 40}…"),
        ("1,2", "the polygon has 1 corner"),
        ("1,2 3,4 1,2", "the polygon has 2 corners"),
        ("0,0 2,2 2,0 0,2", "the outline crosses or touches itself at 1, 1"),
        ("179,0 -179,2 -179,0 179,2", "the outline crosses or touches itself at -180, 1"),
        ("0,0 2,0 2,2 1,0 0,2", "the outline crosses or touches itself at 1, 0"),
        ("0,0 1,1 2,2", "the corners lie on one line"),
        ("0,80 120,80 -120,80", "the place reaches round a pole"),
    ],
)
def test_a_polygon_that_is_none_is_refused_and_the_corner_is_named(text, wrong):
    error = refused(polygon=text)
    assert (error.what, error.where) == (wrong, "polygon")
    assert error.expected


def round_polygon(corners: int) -> str:
    turns = np.arange(corners) * 2 * pi / corners
    return "\n".join(f"{np.cos(turn):.6f}, {np.sin(turn):.6f}" for turn in turns)


def test_a_polygon_has_five_hundred_corners_at_most():
    assert len(polygon(round_polygon(500))) == 500
    first = round_polygon(500).split("\n")[0]
    assert len(polygon(f"{round_polygon(500)}\n{first}")) == 500
    for many in (501, 502, 20_000):
        assert refused(polygon=round_polygon(many)).what == f"the polygon has {many} corners"


@pytest.mark.parametrize(
    ("fields", "where", "wrong"),
    [
        ({"centre": "8.48"}, "centre", "the centre cannot be read"),
        ({"centre": "1,2 3,4", "radius": "5"}, "centre", "a circle has one centre"),
        ({"centre": "200,2", "radius": "5"}, "centre", "the centre cannot be read"),
        ({"centre": "1,2"}, "radius", "the circle has no radius"),
        ({"radius": "5"}, "centre", "the circle has no centre"),
        *[
            ({"centre": "1,2", "radius": radius}, "radius", "no circle has this radius")
            for radius in ("0", "-5", "2000.1", "0.0004", "five", "1e2", "inf", "5 km")
        ],
        ({"centre": "0,80", "radius": "1500"}, "radius", "the place reaches round a pole"),
        ({"areas": ("SL-W", "XX")}, "areas", "there is no area XX"),
        ({"areas": ("SL-W,SL-X",)}, "areas", "there is no area SL-X"),
    ],
)
def test_what_is_no_circle_and_no_area_is_refused_at_its_field(fields, where, wrong):
    error = refused(**fields)
    assert (error.where, error.what) == (where, wrong)


def test_a_radius_may_have_a_decimal_comma():
    assert Written(centre="-13,23; 8,48", radius="2,5").place() == Place(centre=FREETOWN, radius=2.5)


def test_nothing_written_is_no_place():
    assert Written(polygon=" \n", centre=" ", radius=" ", areas=("", ",")).place() is None


@given(st.text(), st.text(), st.text(), st.lists(st.text()))
@example("1,2 " * 600, "", "", [])
def test_whatever_is_written_is_a_place_or_an_error_at_a_field(corners, centre, radius, areas):
    written = Written(tuple(areas), corners, centre, radius)
    try:
        place, where = written.place({"A"}), None
    except InputError as error:
        place, where = None, error.where
    assert where in (None, "polygon", "centre", "radius", "areas")
    assert place is None or place.drawn is not None or place.areas == ("A",)


degrees = st.tuples(st.floats(-180, 180), st.floats(-85, 85)).map(lambda both: (round(both[0], 6), round(both[1], 6)))


@given(st.lists(degrees))
def test_corners_are_read_as_they_were_written(corners):
    for between, apart in ((", ", "\n"), (",", " "), (" ", "\n"), (";", "\n")):
        assert read(apart.join(write(corner, between) for corner in corners)) == [
            (x + 0.0, y + 0.0) for x, y in corners
        ]


@given(
    st.lists(degrees, max_size=6),
    st.none() | degrees,
    st.floats(0.001, 2000).map(lambda km: round(km, 3)),
    st.sets(st.sampled_from(["A", "B", "C-1"])),
)
def test_an_address_says_the_place_again(corners, centre, radius, areas):
    known = ("A", "B", "C-1")
    written = Written(
        tuple(areas),
        "\n".join(map(write, corners)),
        write(centre) if centre else "",
        str(radius) if centre else "",
    )
    try:
        place = written.place(known)
    except InputError:
        return
    assume(place is not None)
    assert Written.of(QueryParams(place.query)).place(known) == place


def test_a_form_is_read_as_an_address_is():
    fields = [("areas", "A"), ("areas", "B"), ("polygon", "0,0\r\n1,0\r\n1,1"), ("find", "x"), ("search", "areas")]
    for kind in (FormData, QueryParams):
        written = Written.of(kind(fields))
        assert written.place({"A", "B"}) == Place(("A", "B"), ((0, 0), (1, 0), (1, 1)))
        assert (written.find, written.searching) == ("x", True)


def test_a_code_may_hold_a_comma_if_it_stands_alone():
    assert Written(("A,B",)).place({"A,B", "A"}).areas == ("A,B",)


# What is drawn ─────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.floats(-180, 180), st.floats(-60, 60), st.floats(1, 300))
@example(-179, 14.5, 219)
def test_a_circle_is_as_large_as_a_circle_is(longitude, latitude, radius):
    place = Written(centre=f"{longitude:.4f} {latitude:.4f}", radius=f"{radius:.3f}").place()
    # The polygon of 180 corners is 0.02 % smaller; the Earth's curvature takes off as much again at 300 km.
    assert area_km2(np.array([place.drawn]))[0] == pytest.approx(pi * place.radius**2, rel=6e-4)


def test_what_lies_on_both_sides_of_180_degrees_is_cut_there():
    place = Written(polygon="178,-20 -178,-20 -178,-15 178,-15").place()
    parts = sorted(part.bounds for part in shapely.get_parts(place.drawn))
    assert parts == [(-180, -20, -178, -15), (178, -20, 180, -15)]
    around = Written(centre="179.9,-17", radius="100").place()
    assert area_km2(np.array([around.drawn]))[0] == pytest.approx(pi * 100**2, rel=6e-4)
    assert around.drawn.bounds[0] == -180


def test_a_polygon_along_180_degrees_is_not_cut():
    assert Written(polygon="170,0 180,0 180,5").place().drawn.geom_type == "Polygon"
    assert Written(polygon="170,0 -180,0 -180,5").place().drawn.area == pytest.approx(25)


SQUARES = {f"{x}{y}": shapely.box(x, y, x + 1, y + 1) for x in range(3) for y in range(3)}


def test_the_areas_that_a_place_meets_are_those_it_shares_a_surface_with():
    place = Written(polygon="0.5,0 1,0 1,1 0.5,1").place()
    assert place.shares(SQUARES) == {"00": pytest.approx(0.5, abs=1e-9)}


def test_an_area_of_which_less_than_a_square_metre_lies_inside_is_not_met():
    place = Written(polygon="0.5,0.5 1.000001,1.000001 0.5,0.6").place()
    assert place.drawn.intersection(SQUARES["11"]).area > 0
    assert set(place.shares(SQUARES)) == {"00"}


def test_an_area_that_is_picked_lies_inside_wholly_and_its_neighbours_do_not():
    place = Written(("11",), polygon="0,0 0.5,0 0.5,1 0,1").place(SQUARES)
    assert place.shares(SQUARES) == {"11": 1.0, "00": pytest.approx(0.5, abs=1e-9)}
    assert place.outline(SQUARES).area == pytest.approx(1.5)


@given(degrees.map(lambda at: (at[0] / 180 * 1.5 + 1.5, at[1] / 85 * 1.5 + 1.5)), st.floats(1, 150))
def test_shares_add_up_to_what_lies_in_the_areas(centre, radius):
    place = Written(centre=write(centre), radius=f"{radius:.3f}").place()
    shares = place.shares(SQUARES)
    inside = area_km2(np.array([shapely.intersection(place.drawn, shapely.box(0, 0, 3, 3))]))[0]
    together = sum(part * area_km2(np.array([SQUARES[code]]))[0] for code, part in shares.items())
    assert together == pytest.approx(inside, rel=1e-6)
    assert all(0 < part <= 1 for part in shares.values())
