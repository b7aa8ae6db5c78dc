"""How strong a cell's signal is at a place, by the formulas of Tennekes and Gootzen (2022)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from commonweal.core.errors import InputError
from commonweal.mobility.footprint import Parameters
from commonweal.mobility.footprint.beam import beam_loss
from commonweal.mobility.footprint.signal import dominance, signal_strength

FEW = settings(max_examples=20, deadline=None)
far = st.floats(1, 20_000)


def test_an_omnidirectional_cell_of_ten_watts_at_a_kilometre() -> None:
    # 10 log10(10) + 30 - 37.5 log10(√(1000² + 30²)) = 40 - 37.5 · 3.00019535
    assert signal_strength(1000, 0) == pytest.approx(40 - 37.5 * 3.0001953465, abs=1e-7)


def test_in_free_space_ten_times_as_far_is_20_db_weaker_and_a_tenth_of_the_power_10_db() -> None:
    near, far_off = signal_strength([10, 100], 0, power=1, path_loss=2, height=0)
    assert near - far_off == pytest.approx(20)
    assert near - signal_strength(10, 0, power=0.1, path_loss=2, height=0) == pytest.approx(10)


@given(far, far, st.floats(0, 2 * math.pi), st.floats(2, 6), st.floats(0, 200))
@FEW
def test_farther_is_never_stronger_and_omnidirectional_is_alike_all_around(
    one: float, other: float, angle: float, path_loss: float, height: float
) -> None:
    near, away = sorted((one, other))
    strong, weak = (
        float(signal_strength(d * math.cos(angle), d * math.sin(angle), path_loss=path_loss, height=height))
        for d in (near, away)
    )
    assert weak <= strong + 1e-9
    assert strong == pytest.approx(float(signal_strength(near, 0, path_loss=path_loss, height=height)))


@pytest.mark.parametrize("width", [1, 4.5, 9, 33, 65, 65.5, 90, 113])
@pytest.mark.parametrize("back", [20.0, 30.0])
def test_half_a_beam_aside_is_3_db_weaker_and_the_back_is_as_weak_as_said(width: float, back: float) -> None:
    if width / 2 < 180 * math.sqrt(3 / back):
        assert beam_loss([0, width / 2, -width / 2], width, back) == pytest.approx([0, 3, 3], abs=1e-9)
    assert beam_loss([180, -180, 540], width, back) == pytest.approx([back] * 3)
    assert (np.diff(beam_loss(np.arange(181), width, back)) >= 0).all()


def test_the_loss_of_a_beam_of_65_degrees_by_hand() -> None:
    # σ = 72.58493°: 30 (1 - e^(-60²/2σ²)) / (1 - e^(-180²/2σ²)) = 30 · 0.289394 / 0.953821
    assert beam_loss(60, 65) == pytest.approx(30 * (1 - math.exp(-(60**2) / 2 / 72.58493276**2)) / 0.9538, abs=2e-3)


def test_no_bell_fits_a_beam_wider_than_114_degrees_and_the_nearest_curve_is_taken() -> None:
    assert beam_loss([0, 60, 180], 120) == pytest.approx([0, 30 / 9, 30])
    assert beam_loss(56.9, 113.8) == pytest.approx(3, abs=0.01)


def test_dominance_is_a_half_at_the_midpoint() -> None:
    # 1 / (1 + e^-1) five decibels above, as the steepness is a fifth
    assert dominance([-92.5, -87.5, -97.5]) == pytest.approx([0.5, 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1))])


def by_four_cases(east: float, north: float, drop: float, azimuth: float, tilt: float) -> tuple[float, float]:
    """The two angles as mobloc finds them, case by case."""
    rxy = math.hypot(east, north)
    azim = math.degrees(math.atan2(east, north)) - azimuth
    a, b = math.sin(math.radians(azim)) * rxy, math.cos(math.radians(azim)) * rxy
    d, below = math.hypot(b, drop), math.degrees(math.atan2(drop, abs(b)))

    def cos(angle: float) -> float:
        return math.cos(math.radians(angle))

    if b > 0:
        e = cos(below - tilt) * d if tilt < below else cos(tilt - below) * d
    else:
        e = -cos(below + tilt) * d if below + tilt < 90 else cos(180 - below - tilt) * d
    return math.degrees(math.atan2(a, e)), math.degrees(math.atan2(drop, rxy)) - tilt


@given(
    st.floats(-5000, 5000),
    st.floats(-5000, 5000),
    st.floats(1, 300),
    st.floats(0, 360),
    st.floats(0, 30),
    st.floats(2, 110),
)
@FEW
def test_a_directional_cell_loses_by_both_angles_as_mobloc_finds_them(
    east: float, north: float, height: float, azimuth: float, tilt: float, width: float
) -> None:
    assume(math.hypot(east, north) > 1)  # straight below the antenna there is no azimuth
    shape: dict[str, Any] = {"height": height, "azimuth": azimuth, "tilt": tilt, "beam_width": width}
    found = float(signal_strength(east, north, **shape))
    aside, below = by_four_cases(east, north, height, azimuth, tilt)
    lost = beam_loss(aside, width) + beam_loss(below, 9)
    assert found == pytest.approx(float(signal_strength(east, north, height=height) - lost), abs=1e-6)


def test_the_signal_is_strongest_where_the_beam_points() -> None:
    angles = np.radians(np.arange(0, 360, 5))
    found = signal_strength(1000 * np.sin(angles), 1000 * np.cos(angles), azimuth=90, tilt=2)
    assert angles[found.argmax()] == pytest.approx(math.pi / 2)
    assert found.max() - found.min() == pytest.approx(30, abs=0.2)


@pytest.mark.parametrize("wrong", [{"power": 0.0}, {"path_loss": -1.0}, {"least_dominance": 2.0}, {"back_loss": 3.0}])
def test_parameters_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="parameters of the signal"):
        Parameters(**wrong)
