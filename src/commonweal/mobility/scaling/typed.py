"""People by area as somebody types them into a form, or pastes them from a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence

from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.mobility.scaling.populations import Population, population_of

FIRST = ("area", "population")
"""Columns where the first line does not name them."""


def read_typed(text: str, names: Mapping[str, str]) -> dict[str, Population]:
    r"""Read people by area from lines divided by tabs, semicolons or commas.

    The first line may name the columns, as a file does (`read_populations`). A line without a number of people is left
    out. An area is said by its code or, if no other is called so, by its name.

    Parameters
    ----------
    names
        Code → name of each area.

    Raises
    ------
    InputError
        A column is absent, an area is not known or comes twice, a value is none of its kind, or no line has a number.

    Examples
    --------
    >>> read_typed("Western\t1500000\nSL-E;1800000\nSL-N,", {"SL-W": "Western", "SL-E": "Eastern", "SL-N": "Northern"})
    {'SL-W': Population(people=1500000.0, ...), 'SL-E': Population(people=1800000.0, ...)}
    """
    called: dict[str, list[str]] = {}
    for code, name in names.items():
        called.setdefault(name.casefold(), []).append(code)
    columns: Sequence[str] = FIRST
    found: dict[str, Population] = {}
    for number, line in enumerate(text.splitlines(), 1):
        cells = _cells(line)
        if not any(cells):
            continue
        if not found and cells[0].casefold() == "area":
            columns = [cell.casefold() for cell in cells]
            if "population" not in columns:
                raise InputError(
                    Wording("there is no column %(name)s", name="population"),
                    where="people",
                    expected=Wording("columns area and population"),
                )
            continue
        row = dict(zip(columns, cells, strict=False))
        if not row.get("population"):
            continue
        code = _code(row["area"], names, called, number)
        if code in found:
            raise _wrong(number, Wording("the area %(code)s comes twice", code=code), Wording("a line for each area"))
        try:
            found[code] = population_of(row, "people")
        except InputError as error:
            raise _wrong(number, error.what, error.expected) from None
    if not found:
        raise InputError(
            Wording("no line has an area and a number of people"),
            where="people",
            expected=Wording("such as %(line)s", line="SL-W, 1500000"),
        )
    return found


def _cells(line: str) -> list[str]:
    sign = next((sign for sign in "\t;" if sign in line), ",")
    return [cell.strip() for cell in next(csv.reader([line], delimiter=sign), [])]


def _code(said: str, names: Mapping[str, str], called: Mapping[str, Sequence[str]], number: int) -> str:
    if said in names:
        return said
    codes = called.get(said.casefold(), ())
    if len(codes) != 1:
        raise _wrong(
            number,
            Wording("there is no area %(code)s", code=repr(said))
            if not codes
            else Wording("several areas are called %(name)s", name=said),
            Wording("a code such as %(code)s", code=next(iter(names))),
        )
    return codes[0]


def _wrong(number: int, what: str, expected: str | None) -> InputError:
    return InputError(
        Wording("line %(line)s: %(what)s", line=str(number), what=what), where="people", expected=expected
    )
