"""What noise promises against any attack, beside a mechanism for which it is exact."""

from __future__ import annotations

from math import exp

import pytest

from commonweal.disclosure.private.promise import Promise
from commonweal.disclosure.private.unit import Unit


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 1.0, 4.0])
def test_randomised_response_reaches_what_is_promised_and_no_attack_does_better(epsilon):
    """Tell the truth with odds e^ε: right e^ε/(1+e^ε), false alarms 1/(1+e^ε): one point (Warner 1965)."""
    right, false = exp(epsilon) / (1 + exp(epsilon)), 1 / (1 + exp(epsilon))
    area = false * right / 2 + (1 - false) * (right + 1) / 2
    assert Promise(Unit.DAY, epsilon, 0.0).auc_at_most == pytest.approx(area, rel=1e-12)


@pytest.mark.parametrize("delta", [1e-6, 0.01, 0.3])
def test_with_delta_it_is_the_area_over_the_curve_that_bounds_every_test(delta):
    epsilon, steps = 0.7, 200_000
    alphas = [(i + 0.5) / steps for i in range(steps)]
    missed = [max(0.0, 1 - delta - exp(epsilon) * a, exp(-epsilon) * (1 - delta - a)) for a in alphas]
    assert Promise(Unit.DAY, epsilon, delta).auc_at_most == pytest.approx(1 - sum(missed) / steps, abs=1e-6)


def test_it_is_said_in_plain_words():
    assert "at most 73 times out of 100" in str(Promise(Unit.DAY, 1.0, 0.0).said)
    assert Promise(Unit.WEEK, 1.0, 0.0).record()["unit"] == "person-week"
