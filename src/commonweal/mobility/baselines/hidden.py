"""The change of all that is shown together, over what is published alone and with what is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.core.catalog import Release, State
from commonweal.core.database import Database
from commonweal.core.settings import Settings
from commonweal.disclosure import released_before
from commonweal.mobility.baselines.baseline import Changes
from commonweal.mobility.baselines.censored import WithHidden, with_hidden
from commonweal.mobility.baselines.grouping import Together, together
from commonweal.mobility.baselines.series import DaySeries, day_series

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class AllTogether:
    """One change of all areas or pairs, over the days after the baseline.

    Parameters
    ----------
    first, last
        Of these days.
    published
        Over what is published.
    with_hidden
        With what is hidden.
    """

    first: date
    last: date
    published: Together
    with_hidden: WithHidden

    def records(self) -> list[dict[str, Any]]:
        """Give both as JSON values; an end of an interval that was not reached is null."""
        both = (
            ("published", self.published, self.published.values, None),
            ("with_hidden", self.with_hidden, self.with_hidden.published, self.with_hidden.hidden),
        )
        return [
            {
                "how": how,
                "from": self.first.isoformat(),
                "to": self.last.isoformat(),
                **{name: _finite(getattr(found, name)) for name in ("change", "low", "high")},
                "published": published,
                "hidden": hidden,
            }
            for how, found, published, hidden in both
        ]


def all_together(changed: Changes, least: int, protecting: Mask) -> AllTogether | None:
    """Estimate one change of all areas or pairs since the baseline; None where no day is after it.

    Parameters
    ----------
    changed
        Each value beside its baseline.
    least
        k: what is published is at least that.
    protecting
        Of hidden values, which were hidden to protect others; shape (days, keys).
    """
    reference, dates = changed.reference, changed.series.dates
    assert reference.last is not None
    days = np.array([day > reference.last and day not in reference.holidays for day in dates], bool)
    if not days.any():
        return None
    after = [day for day, asked in zip(dates, days, strict=True) if asked]
    known = with_hidden(changed.series, days, reference, least, protecting=protecting, level=changed.level)
    return AllTogether(after[0], after[-1], together(changed, days), known)


def hidden_to_protect(settings: Settings, database: Database, shown: Sequence[Release], series: DaySeries) -> Mask:
    """Say which hidden values of releases were not small, as their audits tell their readers; shape (days, keys).

    Parameters
    ----------
    shown
        The releases that the series was laid out from.
    """
    found = np.zeros(series.values.shape, bool)
    place = {key: number for number, key in enumerate(series.keys)}
    row = {day: number for number, day in enumerate(series.dates)}
    labels = {release.label: release for release in shown}
    for people in {f"mobility/{release.provenance.parameters.get('project')}" for release in shown}:
        for one in released_before(settings, database, people, series.dates[0], series.dates[-1] + timedelta(days=1)):
            if one.label in labels and one.hidden_too:
                rows = one.table.take(pa.array(one.hidden_too))
                if "period" in rows.column_names:
                    rows = rows.filter(pc.equal(rows["period"], "day"))
                if not rows.num_rows:
                    continue
                hidden = day_series(labels[one.label], rows)
                for day, key in np.argwhere(hidden.states == State.SUPPRESSED.value).tolist():
                    at = row.get(hidden.dates[day]), place.get(hidden.keys[key])
                    if None not in at:
                        found[at] = True
    return found


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 6)
