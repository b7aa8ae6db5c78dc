"""The score tells what a pipeline got wrong from what records cannot show."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from commonweal.core.errors import NotFound
from commonweal.demo import score


def published_from(truth: pa.Table, keys: list[str], minimum: int = 15) -> pa.Table:
    """A perfect pipeline's table: what was seen, suppressed under the minimum."""
    seen = truth["subscribers_seen"]
    enough = pc.greater_equal(seen, minimum)
    return pa.table(
        {key: truth[key] for key in keys}
        | {
            "subscribers": pc.if_else(enough, seen, None),
            "subscribers_state": pc.if_else(enough, "reported", "suppressed"),
        }
    )


@pytest.fixture(scope="module")
def presence(ordinary: Path) -> pa.Table:
    return pq.read_table(ordinary / "truth" / "presence.parquet")


def test_a_perfect_pipeline_has_no_error_of_its_own_and_one_of_sampling(presence: pa.Table) -> None:
    published = published_from(presence, ["area", "period", "start"])
    result = score.presence_agreement(presence, published, "hour")
    assert result.pipeline_error == 0
    assert result.largest_difference == 0
    assert 0.3 < result.sampling_error < 0.95
    assert result.smallest is not None
    assert result.smallest >= 15
    assert 0 < result.reported < result.truly
    assert score.presence_agreement(presence, published, "day").sampling_error < 0.3


def test_a_pipeline_that_loses_a_tenth_is_found_out(presence: pa.Table) -> None:
    published = published_from(presence, ["area", "period", "start"])
    lost = pc.cast(pc.floor(pc.multiply(published["subscribers"], 0.9)), pa.int64())
    published = published.set_column(3, "subscribers", lost)
    assert 0.09 < score.presence_agreement(presence, published, "hour").pipeline_error < 0.15


def test_suppressed_values_are_not_compared(ordinary: Path) -> None:
    flows = pq.read_table(ordinary / "truth" / "flows.parquet")
    published = published_from(flows, ["origin", "destination", "start"])
    result = score.flow_agreement(flows, published)
    assert result.pipeline_error == 0
    assert result.reported == pc.sum(pc.greater_equal(flows["subscribers_seen"], 15)).as_py()


def test_a_value_under_the_minimum_shows(presence: pa.Table) -> None:
    published = published_from(presence, ["area", "period", "start"], minimum=3)
    smallest = score.presence_agreement(presence, published, "hour").smallest
    assert smallest is not None
    assert smallest < 15


def test_home_accuracy_counts_only_subscribers_known_to_both() -> None:
    assert score.home_accuracy({1: "A", 2: "B"}, {1: "A", 2: "B", 3: "C"}) == (1.0, 2)
    assert score.home_accuracy({}, {1: "A"}) == (0.0, 0)


def test_the_true_home_of_the_displaced_is_where_they_lived_longest() -> None:
    day = 86400
    homes = pa.table(
        {
            "msisdn": ["1", "1", "2", "3", "3"],
            "kind": ["resident", "displaced", "visitor", "resident", "travelling"],
            "area": ["A", "B", "A", "C", "D"],
            "valid_from": pa.array([0, 2 * day, 0, 0, day]).cast(pa.timestamp("s", tz="UTC")),
            "valid_to": pa.array([2 * day, 7 * day, day, day, 7 * day]).cast(pa.timestamp("s", tz="UTC")),
        }
    )
    assert score.main_homes(homes) == {"1": "B", "3": "C"}


def test_home_counts_are_compared_with_what_was_seen_and_with_who_lives_there(ordinary: Path) -> None:
    homes, seen = (pq.read_table(ordinary / "truth" / f"{name}.parquet") for name in ("homes", "homes_seen"))
    counts = seen["area"].value_counts()
    published = pa.table({"area": counts.field("values").cast(pa.string()), "subscribers": counts.field("counts")})
    result = score.home_agreement(homes, seen, published)
    assert result.pipeline_error == 0
    assert result.sampling_error < 0.15


def test_most_homes_are_where_most_days_seem_to_end(ordinary: Path) -> None:
    homes, seen = (pq.read_table(ordinary / "truth" / f"{name}.parquet") for name in ("homes", "homes_seen"))
    estimate = dict(zip(seen["msisdn"].to_pylist(), seen["area"].to_pylist(), strict=True))
    accuracy, count = score.home_accuracy(score.main_homes(homes), estimate)
    assert count > 2000
    assert 0.85 < accuracy < 1


def test_a_folder_without_truth_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="commonweal demo generate"):
        score.read_truth(tmp_path, "presence")
