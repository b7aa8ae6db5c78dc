"""Classes of values: quantiles, rounded so that a legend can be read."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from commonweal.web.classes import SHADES, Classes, quantile_classes

counts = st.lists(st.integers(0, 10**7), max_size=200)


@given(counts)
def test_bounds_ascend_and_no_class_lies_beyond_the_values(values):
    breaks = quantile_classes(values).breaks
    assert list(breaks) == sorted(set(breaks))
    assert len(breaks) < SHADES
    assert all(min(values) < bound <= max(values) for bound in breaks)


@given(counts.filter(bool))
def test_a_larger_value_never_has_a_fainter_colour(values):
    classes = quantile_classes(values)
    shades = [classes.shade(classes.of(value)) for value in sorted(values)]
    assert shades == sorted(shades)


@given(st.lists(st.integers(100, 10**6), min_size=50, max_size=300, unique=True))
def test_classes_hold_about_as_many_values_each(values):
    classes = quantile_classes(values)
    held = np.bincount([classes.of(value) for value in values], minlength=len(classes))
    # Bounds are rounded to two digits, which moves at most a twentieth of the values' range at that bound.
    exact = np.searchsorted(np.sort(values), np.quantile(values, np.arange(1, SHADES) / SHADES), side="left")
    assert held.sum() == len(values)
    assert len(classes) == SHADES or len(set(exact)) <= SHADES


def test_a_thousand_even_values_make_five_even_classes():
    classes = quantile_classes(np.arange(1000, 2000))
    assert np.bincount([classes.of(value) for value in range(1000, 2000)]).tolist() == [200] * 5


def test_labels_cover_every_whole_number_once():
    classes = Classes((10.0, 200.0, 201.0))
    assert classes.labels() == ["under 10", "10 – 199", "200", "201 or more"]


def test_no_values_make_one_class():
    assert quantile_classes([]).labels() == ["any number"]
