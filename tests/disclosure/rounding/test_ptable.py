"""Perturbation tables: those of the R package ptable, and the laws that every one keeps to.

The published tables are those of the vignette of ptable 1.0.0 (T. Enderle, 2023): transition probabilities from a count
(row) to a published one (column).
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.core.errors import InputError
from commonweal.disclosure.rounding.ptable import interval, perturb, perturbation_table

D2_V1 = {
    1: {0: 0.36648551, 1: 0.3664855, 2: 0.1675725, 3: 0.09945652},
    2: {0: 0.06382714, 1: 0.2446915, 2: 0.3829628, 3: 0.24469145, 4: 0.06382714},
}
D2_V09 = {
    1: {0: 0.3625, 1: 0.3625, 2: 0.1875, 3: 0.0875},
    2: {0: 0.05154609, 1: 0.2438156, 2: 0.4092765, 3: 0.2438156, 4: 0.05154609},
}
D5_V3_JS2 = {
    1: {0: 0.73446954, 3: 0.136720190, 4: 0.07279631, 5: 0.03742956, 6: 0.018584399},
    2: {0: 0.40880704, 3: 0.406643537, 4: 0.14762401, 5: 0.03231882, 6: 0.004266868, 7: 0.0003397188},
    4: {
        0: 0.08485487,
        3: 0.277921233,
        4: 0.27792123,
        5: 0.18939369,
        6: 0.105125448,
        7: 0.0454553570,
        8: 0.015310774,
        9: 0.004017391,
    },
    5: {
        0: 0.02014749,
        3: 0.173347467,
        4: 0.22063302,
        5: 0.22131828,
        6: 0.174967643,
        7: 0.1090164652,
        8: 0.053532830,
        9: 0.020717693,
        10: 0.006319113,
    },
    8: {
        3: 0.003791861,
        4: 0.01659093,
        5: 0.05229263,
        6: 0.118730368,
        7: 0.1941934608,
        8: 0.228801496,
        9: 0.194193460,
        10: 0.118730371,
        11: 0.052292634,
        12: 0.016590928,
        13: 0.00379186,
    },
}


@pytest.mark.parametrize(
    ("maximum", "variance", "never", "published"), [(2, 1, 0, D2_V1), (2, 0.9, 0, D2_V09), (5, 3, 2, D5_V3_JS2)]
)
def test_published_tables_are_reproduced_to_five_places(
    maximum: int, variance: float, never: int, published: dict[int, dict[int, float]]
) -> None:
    table = perturbation_table(maximum, variance, never)
    assert len(table.probabilities) == max(published) + 1
    for count, row in published.items():
        found = {
            count + noise: table.probabilities[count, noise + maximum]
            for noise in range(-maximum, maximum + 1)
            if table.probabilities[count, noise + maximum] > 1e-7
        }
        assert found == pytest.approx(row, abs=1e-5)


def test_where_the_variance_cannot_be_used_up_it_is_said_as_in_the_published_check() -> None:
    assert perturbation_table(2, 1).variances.tolist() == pytest.approx([0, 0.93188, 1], abs=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.floats(0.4, 4), st.integers(0, 3))
def test_every_table_keeps_to_its_conditions(maximum: int, variance: float, never: int) -> None:
    try:
        table = perturbation_table(maximum, variance, never)
    except InputError:
        assert never > 0  # without it there is always one: to add nothing
        return
    noise = np.arange(-maximum, maximum + 1)
    for count, row in enumerate(table.probabilities):
        assert row.sum() == pytest.approx(1, abs=1e-6)
        assert row @ noise == pytest.approx(0, abs=1e-6)
        assert row @ noise**2 <= variance + 1e-6
        became = count + noise[row > 0]
        assert became.min() >= 0
        assert not np.any((became >= 1) & (became <= never))
    assert table.probabilities[-1] == pytest.approx(table.probabilities[-1][::-1], abs=1e-5)


def test_noise_is_drawn_as_often_as_the_table_says() -> None:
    table = perturbation_table(2, 1)
    keys = (np.arange(100_000) * (2.0**64 / 100_000)).astype(np.uint64)
    for count in (1, 2, 500):
        changes = perturb(np.full(len(keys), count), keys, table) - count
        shares = np.bincount(changes + 2, minlength=5) / len(keys)
        assert shares == pytest.approx(table.probabilities[min(count, 2)], abs=1e-4)
        assert abs(changes.mean()) < 1e-3


def test_equal_counts_with_equal_keys_get_equal_noise_and_nobody_stays_nobody() -> None:
    table = perturbation_table(5, 3, 2)
    keys = np.array([2**63, 2**63, 0, 2**64 - 1], np.uint64)
    found = perturb(np.array([9, 9, 0, 0]), keys, table)
    assert found[0] == found[1]
    assert found[2:].tolist() == [0, 0]
    assert perturb(np.array([1]), np.array([2**64 - 1], np.uint64), table).tolist() == [6]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 60), st.integers(0, 2**64 - 1))
def test_what_was_counted_lies_in_the_interval_of_what_is_published(count: int, key: int) -> None:
    table = perturbation_table(5, 3, 2)
    published = int(perturb(np.array([count]), np.array([key], np.uint64), table)[0])
    low, high = interval(published, table)
    assert low <= count <= high
    assert published not in (1, 2)


def test_a_published_zero_may_be_a_false_one_and_a_never_published_count_has_no_interval() -> None:
    table = perturbation_table(5, 3, 2)
    assert interval(0, table) == (0, 5)
    with pytest.raises(InputError, match="no count becomes 2"):
        interval(2, table)


@pytest.mark.parametrize("asked", [(0, 1, 0), (2, 0, 0), (2, 1, -1), (5, 0.5, 2)])
def test_what_cannot_be_had_is_refused(asked: tuple[int, float, int]) -> None:
    with pytest.raises(InputError):
        perturbation_table(*asked)
