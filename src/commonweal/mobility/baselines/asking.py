"""What somebody asks about changes: of which release, against which baseline, of which area, beside which layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

from commonweal.core.areas import load
from commonweal.core.catalog import Release, get
from commonweal.core.database import Database
from commonweal.core.errors import InputError, NotFound
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.mobility.baselines.baseline import LIKE, UNUSUAL, Changes, Like, Reference, changes, days_of_kind
from commonweal.mobility.baselines.hidden import AllTogether, all_together, hidden_to_protect
from commonweal.mobility.baselines.joining import Layer, layer
from commonweal.mobility.baselines.noticing import Finding, notice
from commonweal.mobility.baselines.outages import Failure, HourSeries, failures, hour_series
from commonweal.mobility.baselines.series import DaySeries, day_series, joined, total_series
from commonweal.mobility.baselines.steps import SHUFFLES, SURE
from commonweal.mobility.one_at_a_time import one_at_a_time
from commonweal.mobility.published import PRESENCE, QUALITY, SAME_CHOICES

ACTIVITY = "mobility.activity"
BESIDE = (PRESENCE, QUALITY, ACTIVITY)
LATEST = 7
"""Days at the end that are compared with all others where no baseline is stated."""
KEPT = 8
"""How many releases are kept laid out."""
Opened = Callable[[Release, str], Release | None]
"""Opens the newest release of a name that goes with another, if whoever asks may read it."""


@dataclass(frozen=True)
class Question:
    """What is asked.

    Parameters
    ----------
    first, last
        The baseline; without them, all days but the last seven, or the first half of a short table.
    like
        Which days are of one kind; None: the finest for which there is history enough.
    holidays, minimum
        As in `Reference`.
    area
        Only what concerns this area.
    level
        Probability of intervals.
    with_hidden
        Whether the change of all together is estimated too, with what is hidden.
    """

    first: date | None = None
    last: date | None = None
    like: Like | None = None
    holidays: frozenset[date] = frozenset()
    minimum: int = 3
    area: str | None = None
    level: float = 0.95
    with_hidden: bool = False

    def reference(self, dates: Sequence[date]) -> Reference:
        """Say what is usual, for a table of some days.

        Examples
        --------
        >>> from datetime import timedelta
        >>> month = [date(2024, 1, 1) + timedelta(day) for day in range(28)]
        >>> for days in (month, month[:14]):
        ...     stated = Question().reference(days)
        ...     print(stated.first, stated.last, stated.like)
        2024-01-01 2024-01-21 weekday
        2024-01-01 2024-01-07 any
        """
        last = self.last or (dates[-LATEST - 1] if len(dates) >= 3 * LATEST else dates[max(len(dates) // 2 - 1, 0)])
        first = self.first or min(dates[0], last)
        stated = Reference(first, last, self.like or "any", self.holidays, minimum=self.minimum)
        if self.like is not None:
            return stated
        for like in LIKE:
            finer = replace(stated, like=like)
            there = days_of_kind(dates, finer)
            if all(there.get(finer.kind(day), 0) >= self.minimum for day in dates):
                return finer
        return stated


@dataclass(frozen=True, eq=False)
class Watched:
    """A release beside its baseline.

    Parameters
    ----------
    release
        What was compared.
    areas
        All its areas, whichever are shown.
    baseline
        The release that the reference days come from, if it is another.
    changed
        Each value beside its baseline.
    findings
        What is unusual, what matters most first.
    failures
        (area, day) that look like a failure of the network.
    beside
        The other releases that were read.
    least
        The least count that is published, if the release says.
    layer
        Another release beside it, if one was asked for.
    together
        The change of all together, with what is hidden, if it was asked for and there is a day after the baseline.
    """

    release: Release
    areas: tuple[str, ...]
    baseline: Release | None
    changed: Changes
    findings: list[Finding]
    failures: Mapping[tuple[str, date], Failure]
    beside: tuple[Release, ...]
    least: int | None
    layer: Layer | None = None
    together: AllTogether | None = None

    @property
    def series(self) -> DaySeries:
        """The values that were compared."""
        return self.changed.series

    @property
    def without_history(self) -> int:
        """How many areas or pairs have too little history for any number."""
        return int((self.changed.history.max(axis=0) < self.changed.reference.minimum).sum())

    def record(self) -> dict[str, Any]:
        """Give all of it as JSON values, its choices included."""
        changed = self.changed
        return {
            "release": self.release.label,
            "digest": self.release.digest,
            "baseline_release": self.baseline and self.baseline.label,
            "beside": [release.label for release in self.beside],
            "days": [self.series.dates[0].isoformat(), self.series.dates[-1].isoformat()],
            "choices": {
                "baseline": changed.reference.record(),
                "spread": "1.4826 MAD; the root of the baseline where that is 0",
                "unusual": f"|z| >= {UNUSUAL} and 0 outside the interval",
                "level": changed.level,
                "step": f"Pettitt, p <= {SURE} of {SHUFFLES} permutations",
                "suppressed": "no number, never zero",
                "changed_on_purpose": list(self.series.changed_on_purpose),
            },
            "keys": len(self.series.keys),
            "without_history": self.without_history,
            "findings": [finding_record(finding, self.layer) for finding in self.findings],
            "together": self.together.records() if self.together else [],
            "layer": self.layer
            and {
                "release": self.layer.release.label,
                "measure": self.layer.measure,
                "unit": self.layer.unit,
                "how": self.layer.how,
                "values": dict(self.layer.values),
            },
        }


def watch(
    settings: Settings,
    database: Database,
    release: Release,
    asked: Question,
    open_beside: Opened,
    *,
    baseline: Release | None = None,
    beside: Release | None = None,
) -> Watched:
    """Compare a release with its baseline and list what is unusual.

    Parameters
    ----------
    release
        Presence, flows, or any other table of areas or pairs by day.
    asked
        The baseline and what is shown.
    open_beside
        How presence, daily subscribers and events of the same project are opened, by which outages are recognised.
    baseline
        A release of the same dataset, made by the same choices, whose days are the history of this one.
    beside
        Another release to put beside the changes.

    Raises
    ------
    InputError
        The release is no such table, the baseline was made by other choices or has no day, or the area is not in it.
    """
    if baseline is not None:
        _require_alike(baseline, release)
    series = _of_both(settings, database, release.dataset, release.version, baseline.version if baseline else None)
    reference = asked.reference(series.dates)
    areas = series.areas
    if asked.area:
        if asked.area not in areas:
            raise InputError(
                Wording("there is no area %(code)s in this release", code=repr(asked.area)),
                where="area",
                expected=Wording("the code of one of its areas, such as %(code)s", code=areas[0]),
            )
        series = series.only(asked.area) if series.flows else series
    least = release.certificate.parameters.get("k") if release.certificate else None
    failed, read = _failures(settings, database, release, reference, open_beside, least)
    changed = changes(series, reference, asked.level)
    findings = notice(changed, failed, least=least or 0)
    if asked.area:
        findings = [one for one in findings if asked.area in one.key]
    after = [day for day in series.dates if not reference.holds(day)]
    shown = layer(beside, beside.table(settings), after[0], after[-1]) if beside and after else None
    all_of_them = None
    if asked.with_hidden:
        if least is None or series.changed_on_purpose:
            raise InputError(
                Wording("nothing of it is hidden below a threshold"),
                where=release.label,
                expected=Wording("a release whose small counts are suppressed"),
            )
        before = baseline.version if baseline is not None else None
        of = (release.dataset, release.version, before, reference, asked.area, asked.level, least)
        all_of_them = _together(settings, database, *of)
    return Watched(release, areas, baseline, changed, findings, failed, read, least, shown, all_of_them)


def watch_named(
    settings: Settings,
    database: Database,
    name: str,
    version: int | None,
    asked: Question,
    *,
    baseline: int | None = None,
    beside: str | None = None,
) -> Watched:
    """Compare a release by its name; whoever may read the data directory may read all of it.

    Raises
    ------
    NotFound
        There is no such release.
    """
    from commonweal.mobility.published import beside as newest_alike

    def opened(shown: Release, other: str) -> Release | None:
        return newest_alike(database, shown, other, lambda _: True)

    return watch(
        settings,
        database,
        get(database, name, version),
        asked,
        opened,
        baseline=get(database, name, baseline) if baseline is not None else None,
        beside=named(database, beside) if beside else None,
    )


def named(database: Database, label: str) -> Release:
    """Find a release by its dataset's name, with ``@`` and its version if it is not the newest.

    Raises
    ------
    InputError
        The version is no number.
    """
    name, _, version = label.partition("@")
    if version and not (version.isascii() and version.isdecimal() and len(version) < 10):
        raise InputError(
            Wording("%(version)s is no version", version=repr(version)),
            where=name,
            expected=Wording("a name such as health.cases@3"),
        )
    return get(database, name, int(version) if version else None)


def names_of(database: Database, release: Release, codes: Sequence[str]) -> dict[str, str]:
    """Name areas as their set does; an area that it does not know is its own name."""
    if release.area_set is None:
        return {}
    try:
        areas = load(database, release.area_set)
    except NotFound:
        return {}
    return {code: name for code, name in zip(areas.codes, areas.names, strict=True) if code in codes}


def finding_record(finding: Finding, beside: Layer | None = None) -> dict[str, Any]:
    """Give a finding as JSON values."""
    said = asdict(finding)
    key = said.pop("key")
    ends = ("area",) if len(key) == 1 else ("origin", "destination")
    for name in ("since", "until", "recovered_on"):
        said[name] = said[name] and said[name].isoformat()
    numbers = {name: round(value, 6) if isinstance(value, float) else value for name, value in said.items()}
    record = dict(zip(ends, key, strict=False)) | numbers | {"certainty": finding.certainty}
    if beside is not None:
        record |= {f"{end}_{beside.measure}": beside.values.get(code) for end, code in zip(ends, key, strict=False)}
    return record


def _require_alike(baseline: Release, release: Release) -> None:
    one, other = baseline.provenance.parameters, release.provenance.parameters
    for choice in SAME_CHOICES:
        if one.get(choice) != other.get(choice):
            raise InputError(
                Wording("the baseline was made with another %(choice)s", choice=Wording(choice.replace("_", " "))),
                where=baseline.label,
                expected=str(other.get(choice)),
            )


def _failures(
    settings: Settings,
    database: Database,
    release: Release,
    reference: Reference,
    open_beside: Opened,
    least: int | None,
) -> tuple[dict[tuple[str, date], Failure], tuple[Release, ...]]:
    """Look for outages in what was published of the same people, as far as its days hold a baseline."""
    if release.dataset not in (PRESENCE, "mobility.flows"):
        return {}, ()
    there = {name: release if name == release.dataset else open_beside(release, name) for name in BESIDE}
    presence, quality, activity = (there[name] for name in BESIDE)
    if presence is None:
        return {}, ()
    by_day = _by_day(settings, database, presence.dataset, presence.version)
    if not any(reference.holds(day) for day in by_day.dates):
        return {}, ()
    events = total_series(activity, activity.table(settings)) if activity else None
    subscribers = total_series(quality, quality.table(settings)) if quality else None
    totals = (
        (events, subscribers) if events and subscribers and _overlap(reference, events, subscribers) else (None,) * 2
    )
    found = failures(
        by_day,
        reference,
        hours=_by_hour(settings, database, presence.dataset, presence.version),
        least=least or 0,
        all_events=totals[0],
        all_subscribers=totals[1],
    )
    return found, tuple(one for one in there.values() if one is not None and one is not release)


@one_at_a_time(KEPT)
def _together(
    settings: Settings,
    database: Database,
    name: str,
    version: int,
    before: int | None,
    reference: Reference,
    area: str | None,
    level: float,
    least: int,
) -> AllTogether | None:
    series = _of_both(settings, database, name, version, before)
    series = series.only(area) if area else series
    shown = [get(database, name, each) for each in (before, version) if each is not None]
    protecting = hidden_to_protect(settings, database, shown, series)
    return all_together(changes(series, reference, level), least, protecting)


def _of_both(settings: Settings, database: Database, name: str, version: int, before: int | None) -> DaySeries:
    """Lay a release out, after the one that is its history, if there is one."""
    series = _by_day(settings, database, name, version)
    return series if before is None else joined(_by_day(settings, database, name, before), series)


@lru_cache(maxsize=KEPT)
def _by_day(settings: Settings, database: Database, name: str, version: int) -> DaySeries:
    """Lay a release out; it never changes, so it is kept."""
    release = get(database, name, version)
    return day_series(release, release.table(settings))


@lru_cache(maxsize=KEPT)
def _by_hour(settings: Settings, database: Database, name: str, version: int) -> HourSeries:
    release = get(database, name, version)
    return hour_series(release, release.table(settings))


def _overlap(reference: Reference, *tables: DaySeries) -> bool:
    return all(any(reference.holds(day) for day in table.dates) for table in tables)
