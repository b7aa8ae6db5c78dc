"""The report: a verdict that refuses what reveals people, in words and in a record that can be read back."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.core.errors import Damaged
from commonweal.core.wording import Wording
from commonweal.disclosure.attacks.differencing import Differencing
from commonweal.disclosure.attacks.membership import Membership
from commonweal.disclosure.attacks.reconstruction import Reconstruction, reconstruction
from commonweal.disclosure.attacks.report import ATTACKS, NUMBERS, TITLES, Attacked, AttackReport
from commonweal.disclosure.attacks.trajectories import Trajectories
from commonweal.disclosure.attacks.uniqueness import Uniqueness

NUMBER = st.integers(0, 10**6)
SHARE = st.floats(0, 1)
FINDINGS = st.one_of(
    st.builds(Reconstruction, NUMBER, NUMBER, st.none() | NUMBER),
    st.builds(Differencing, *[NUMBER] * 7, st.lists(NUMBER, max_size=3).map(tuple)),
    st.builds(Membership, SHARE, SHARE, *[NUMBER] * 3),
    st.builds(Uniqueness, st.none() | SHARE, st.none() | SHARE, NUMBER),
    st.builds(Trajectories, SHARE, SHARE, NUMBER, NUMBER),
)
REPORTS = st.builds(
    AttackReport, st.lists(st.builds(Attacked, st.sampled_from(["", "a.b"]), FINDINGS), max_size=6).map(tuple)
)
SAFE = Attacked("a.b", Reconstruction(10, 0, 15))
ALSO_SAFE = Attacked("a.b", Differencing(5, 0, 0, 0, 0, 15, 2))


@given(REPORTS)
def test_a_report_is_read_back_as_it_was_from_json(report: AttackReport) -> None:
    read = AttackReport.parsed(json.loads(json.dumps(report.record())))
    assert read == report
    assert read.said == report.said


@given(REPORTS)
def test_every_finding_is_said_in_words_that_can_be_translated(report: AttackReport) -> None:
    for one in report.attacked:
        assert isinstance(one.finding.said, Wording)
        assert one.title is TITLES[one.attack]
        assert all(isinstance(name, Wording) for name, _ in one.numbers)
    assert isinstance(report.said, Wording)


@pytest.mark.parametrize(
    "finding",
    [Reconstruction(10, 1, 0), Differencing(5, 1, 0, 0, 0, 15, 2), Differencing(5, 0, 0, 1, 0, 15, 1)],
)
def test_a_release_that_reconstruction_or_differencing_opens_is_refused(finding: Reconstruction | Differencing) -> None:
    report = AttackReport((SAFE, Attacked("a.b", finding)))
    assert report.refused
    assert report.record()["refused"]
    assert "must not be published" in report.said


def test_telling_who_is_counted_is_warned_of_and_not_refused() -> None:
    report = AttackReport((SAFE, ALSO_SAFE, Attacked("a.b", Membership(0.9, 0.01, 300, 300, 4000))))
    assert not report.refused
    assert "can often tell whether the person is counted" in report.said


def test_nothing_is_promised_where_an_attack_was_not_tried() -> None:
    assert AttackReport((SAFE, ALSO_SAFE)).said == "None of the attacks brings a person or a small group to light."
    assert AttackReport((SAFE,)).untried == {"differencing"}
    assert "not all of them were tried" in AttackReport((SAFE,)).said


def test_a_verdict_in_a_record_that_its_numbers_do_not_bear_out_is_not_believed() -> None:
    record = AttackReport((Attacked("a.b", Reconstruction(10, 2, 0)),)).record()
    assert AttackReport.parsed(record | {"refused": False}).refused


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"attacks": [{}]},
        {"attacks": [{"dataset": "", "attack": "guessing", "numbers": {}}]},
        {"attacks": 7},
        {
            "attacks": [
                {"dataset": "", "attack": "reconstruction", "numbers": {"hidden": 1, "recovered": "0", "narrowest": 1}}
            ]
        },
    ],
)
def test_a_record_that_is_none_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(Damaged):
        AttackReport.parsed(record)


def test_every_number_has_a_name_but_the_cells_which_no_page_shows() -> None:
    names = {name for kind in ATTACKS.values() for name in kind.__dataclass_fields__}
    assert names - set(NUMBERS) == {"cells"}
    assert set(TITLES) == set(ATTACKS)


def test_bounds_of_an_audit_become_a_finding() -> None:
    assert reconstruction(np.array([]), np.array([])).said.startswith("Nothing is hidden")
    found = reconstruction(np.array([0, 4, 3]), np.array([14, 4, 20]))
    assert (found.hidden, found.recovered, found.narrowest) == (3, 1, 0)
    assert "1 of the hidden numbers" in found.said
