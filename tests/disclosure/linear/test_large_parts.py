"""Tens of thousands of cells that all hang together are protected by reasoning that does not grow with them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from commonweal.disclosure.linear.bounds import bounds
from commonweal.disclosure.linear.parting import grouping
from commonweal.disclosure.linear.programme import Programme
from commonweal.disclosure.linear.pushing import Pushing
from commonweal.disclosure.linear.relations import Kind, Relations, grouped, joined
from commonweal.disclosure.linear.rows import UNBOUNDED, rows_of
from commonweal.disclosure.linear.suppression import (
    CHECKING,
    FEW,
    HIDING,
    LARGEST,
    Cells,
    Suppression,
    counts,
    suppress,
    with_differences,
)
from commonweal.disclosure.linear.watching import watched

AREAS, HOURS, BINS, K = 24, 24, 8, 15


def country(people: int = 300) -> tuple[np.ndarray, Relations]:
    """Count people by area, hour and day, who moved from where to where by hour, and residents by three bins.

    Flows of an hour lie within the presence of both ends, presence unites over hours, and bins add up to residents,
    who are covered by presence: everything hangs together.
    """
    chance = np.random.default_rng(5)
    popular = chance.lognormal(0, 1.3, AREAS)
    popular /= popular.sum()
    home = chance.choice(AREAS, people, p=popular)
    there = np.where(
        chance.random((people, HOURS)) < 0.7, home[:, None], chance.choice(AREAS, (people, HOURS), p=popular)
    )
    presence = np.zeros((AREAS, HOURS + 1), np.int64)
    flows = np.zeros((AREAS, AREAS, HOURS + 1), np.int64)
    day, moved = np.zeros((people, AREAS), bool), np.zeros((people, AREAS, AREAS), bool)
    who = np.arange(people)
    for hour in range(HOURS):
        now, before = there[:, hour], there[:, max(hour - 1, 0)]
        seen = np.zeros((people, AREAS), bool)
        seen[who, now] = seen[who, before] = True
        presence[:, hour] = seen.sum(0)
        day |= seen
        np.add.at(flows, (before, now, hour), 1)
        moved[who, before, now] = True
    presence[:, HOURS], flows[:, :, HOURS] = day.sum(0), moved.sum(0)
    bins = np.zeros((3, AREAS, BINS), np.int64)
    for which in range(3):
        np.add.at(bins, (which, home, np.minimum(chance.poisson(2, people), BINS - 1)), 1)
    residents = bins[0].sum(1)
    value = np.concatenate([presence.ravel(), flows.ravel(), bins.ravel(), residents])
    number = np.arange(len(value))
    ends = np.cumsum([0, presence.size, flows.size, bins.size, AREAS])
    of_presence, of_flows, of_bins, of_residents = (
        number[a:b].reshape(shape)
        for a, b, shape in zip(ends, ends[1:], (presence.shape, flows.shape, bins.shape, (AREAS,)), strict=False)
    )
    links = [
        grouped(Kind.UNION, np.repeat(of_presence[:, HOURS], HOURS), of_presence[:, :HOURS].ravel()),
        grouped(Kind.UNION, np.repeat(of_flows[:, :, HOURS].ravel(), HOURS), of_flows[:, :, :HOURS].ravel()),
        grouped(Kind.WITHIN, np.repeat(of_presence[:, None], AREAS, 1).ravel(), of_flows.ravel()),
        grouped(Kind.WITHIN, np.repeat(of_presence[None], AREAS, 0).ravel(), of_flows.ravel()),
        grouped(Kind.COVER, of_residents, of_presence[:, HOURS]),
        *(grouped(Kind.SUM, np.repeat(of_residents, BINS), of_bins[which].ravel()) for which in range(3)),
    ]
    return value, joined(links)


@pytest.fixture
def programmes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many cells each programme is about that is solved from now on."""
    solved, extreme = list[int](), Programme.extreme

    def counted(self: Programme, *given: object, **more: object) -> object:
        solved.append(len(self._everything))
        return extreme(self, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Programme, "extreme", counted)
    return solved


def protected() -> tuple[Cells, Relations, Suppression]:
    value, links = country()
    cells, links = with_differences(counts(value, K), links, K)
    return cells, links, suppress(cells, links)


def test_programmes_about_a_few_cells_protect_a_part_of_many(programmes: list[int]) -> None:
    cells, links, found = protected()
    rows = rows_of(links)
    assert grouping(rows, ~cells.fixed).size.max() > LARGEST
    assert found.bounds.solved == (0, 0)
    assert len(programmes) < len(cells.value) / 50
    assert max(programmes, default=0) <= 2 * FEW[3]  # a cell goes up by one column and down by another
    # What was witnessed lies within what follows from the rows, which is found without it.
    low = np.where(found.hidden, 0, cells.value)
    high = np.where(found.hidden, np.where(cells.hidden, cells.high, UNBOUNDED), cells.value)
    need = np.where(found.hidden, cells.need, 0)
    assert (found.bounds.width >= need).all()
    again = bounds(rows, low, high, enough=need, table=cells.value, largest=0)
    assert (again.width < need).sum() <= len(cells.value) / 50  # what the few programmes alone show
    assert (again.low <= found.bounds.least).all()
    assert (found.bounds.most <= again.high).all()


def test_where_sets_are_united_one_table_shows_every_greatest_value() -> None:
    value, links = country()
    unions = links.chosen(links.kind != Kind.SUM)
    rows, hidden = rows_of(unions), value < K
    low, high = np.where(hidden, 0, value), np.where(hidden, K - 1, value)
    answer = bounds(rows, low, high, enough=np.where(hidden, K - 1, 0), table=value, largest=0)
    tables = [value, answer.most]  # the greatest of all cells at once
    sums = [np.add.reduceat(rows.sign * table[rows.cell], rows.first[:-1]) for table in tables]
    assert all(((one >= rows.lower) & (one <= rows.upper)).all() for one in sums)
    assert (answer.most == answer.high)[hidden].mean() > 0.99


def test_a_table_is_mended_or_given_up_and_never_made_up() -> None:
    value, links = country()
    rows, hidden = rows_of(links), value < K
    low, high = np.where(hidden, 0, value), np.where(hidden, K - 1, value)
    table = Pushing(rows, len(value)).mended(low, high, low)
    assert table is not None
    sums = np.add.reduceat(rows.sign * table[rows.cell], rows.first[:-1])
    assert ((sums >= rows.lower) & (sums <= rows.upper) & (table[:1] >= low[:1])).all()
    assert ((table >= low) & (table <= high)).all()
    high[hidden] = 0  # then bins of residents cannot add up
    assert Pushing(rows, len(value)).mended(low, high, low) is None


def test_what_is_under_way_is_told_and_ends_when_it_is_asked_to() -> None:
    told = list[tuple[int, int, str]]()
    value, links = country(150)
    cells, links = with_differences(counts(value, K), links, K)
    with watched(lambda *what: told.append(what)):
        suppress(cells, links)
    assert {what for _, _, what in told} == {CHECKING, HIDING}
    last = told[-1]
    assert last[0] == last[1]
    assert last[2] == CHECKING
    assert all(done < total for done, total, what in told if what == HIDING)
    assert told[0][0] < told[0][1]

    class Stopped(Exception):
        """Somebody does not want to wait."""

    def stop_at(step: int) -> Callable[[int, int, str], None]:
        calls = iter(range(step + 1))

        def stop(done: int, total: int, what: str) -> None:
            if next(calls) == step:
                raise Stopped

        return stop

    for step in (0, len(told) // 2):
        with pytest.raises(Stopped), watched(stop_at(step)):
            suppress(cells, links)
