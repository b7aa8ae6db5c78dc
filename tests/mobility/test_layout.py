"""A mapping file says which column is what; whatever it says wrongly is named, with what would be right."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from commonweal.core.errors import InputError, Unavailable
from commonweal.mobility.layout import parse_layout, read_layout

WHOLE = tomllib.loads("""
[source]
format = "csv"
delimiter = ";"
quote = "'"
header = true
encoding = "latin-1"
[time]
column = ["day", "hour"]
format = "%d/%m/%Y %H:%M:%S"
zone = "Africa/Freetown"
[columns]
subscriber = "a"
cell = ["lac", "ci"]
kind = "k"
direction = "d"
counterpart = "b"
duration = "s"
home_plmn = "h"
serving_plmn = "v"
tac = "t"
joined_by = ":"
[values.kind]
voix = "call"
[values.direction]
sortant = "out"
[identifiers]
country_code = "232"
[cells]
cell = ["lac", "ci"]
longitude = "x"
latitude = "y"
[cells.source]
delimiter = "|"
""")


def changed(*path: str, to: Any) -> dict[str, Any]:
    """The whole mapping with one field changed."""
    said = copy.deepcopy(WHOLE)
    table = said
    for name in path[:-1]:
        table = table.setdefault(name, {})
    table[path[-1]] = to
    return said


WRONG = [
    (("sauce",), {}, "sauce", "source"),
    (("source",), "csv", "source", "[source]"),
    (("source", "format"), "xlsx", "xlsx", "parquet"),
    (("source", "format"), ["csv"], "format", "parquet"),
    (("source", "delimiter"), ";;", "delimiter", "one ASCII sign"),
    (("source", "delimiter"), "", "delimiter", "one ASCII sign"),
    (("source", "delimiter"), "→", "delimiter", "one ASCII sign"),
    (("source", "delimiter"), "\n", "delimiter", "one ASCII sign"),
    (("source", "delimiter"), 5, "delimiter", "one ASCII sign"),
    (("source", "quote"), ";", "quote", "another sign than the delimiter"),
    (("source", "quote"), "''", "quote", "one ASCII sign"),
    (("source", "encoding"), "latin-99", "latin-99", "utf-8"),
    (("source", "encoding"), "base64", "base64", "utf-8"),
    (("source", "encoding"), 8, "8", "utf-8"),
    (("source", "header"), "yes", "header", "true or false"),
    (("source", "sheet"), 1, "sheet", "delimiter"),
    (("time", "column"), "", "column", "a name"),
    (("time", "column"), [], "column", "a name"),
    (("time", "column"), 0, "column", "counted from 1"),
    (("time", "column"), True, "column", "counted from 1"),
    (("time", "column"), 1.5, "column", "counted from 1"),
    (("time", "format"), "rfc", "rfc", "epoch_ms"),
    (("time", "format"), ["iso"], "iso", "epoch_ms"),
    (("time", "format"), "%d/%m/%Q", "%Q", "%d/%m/%Y"),
    (("time", "zone"), "Freetown", "Freetown", "Africa/Freetown"),
    (("time", "zone"), ["UTC"], "UTC", "Africa/Freetown"),
    (("time", "offset"), 1, "offset", "zone"),
    (("columns", "subscriber"), "", "subscriber", "a name"),
    (("columns", "cell"), [], "cell", "a name"),
    (("columns", "cell"), ["lac", ""], "cell", "a name"),
    (("columns", "imsi"), "x", "imsi", "subscriber"),
    (("columns", "joined_by"), 5, "joined_by", "text"),
    (("values", "kind"), "voix", "kind", "[kind]"),
    (("values", "kind", "voix"), "voice", "voice", "call"),
    (("values", "kind", "voix"), ["call"], "call", "call or sms"),
    (("values", "direction", "sortant"), "outgoing", "outgoing", "out or in"),
    (("values", "cell"), {}, "cell", "kind"),
    (("identifiers", "country_code"), "+232", "+232", "232"),
    (("identifiers", "country_code"), 232, "232", "digits"),
    (("identifiers", "salt"), "x", "salt", "country_code"),
    (("cells", "elevation"), "z", "elevation", "azimuth"),
    (("cells", "source", "delimiter"), "", "delimiter", "one ASCII sign"),
]


def test_a_whole_mapping_is_read_as_it_says() -> None:
    layout = parse_layout(WHOLE)
    assert layout.columns["cell"] == ("lac", "ci")
    assert layout.time == ("day", "hour")
    assert layout.used == ["day", "hour", "a", "lac", "ci", "k", "d", "b", "s", "h", "v", "t"]
    assert (layout.kinds["voix"], layout.kinds["call"]) == (1, 1)
    assert layout.cells_source.delimiter == "|"


@pytest.mark.parametrize(("path", "value", "said", "expected"), WRONG, ids=lambda value: str(value)[:30])
def test_a_wrong_field_is_named_with_what_it_may_be(
    path: tuple[str, ...], value: Any, said: str, expected: str
) -> None:
    with pytest.raises(InputError) as caught:
        parse_layout(changed(*path, to=value), where="mapping.toml")
    assert said in str(caught.value)
    assert expected in (caught.value.expected or "")
    assert (caught.value.where or "").startswith("mapping.toml")


@pytest.mark.parametrize("path", [("columns", "subscriber"), ("columns", "cell"), ("time", "column")])
def test_what_cannot_be_done_without_is_asked_for(path: tuple[str, str]) -> None:
    said = copy.deepcopy(WHOLE)
    del said[path[0]][path[1]]
    with pytest.raises(InputError, match="no column is named"):
        parse_layout(said)


OTHER = [
    (("source", "delimiter"), ","),
    (("source", "quote"), '"'),
    (("source", "header"), False),
    (("source", "encoding"), "utf-8"),
    (("source", "format"), "parquet"),
    (("time", "column"), "day"),
    (("time", "format"), "iso"),
    (("time", "zone"), "UTC"),
    *((("columns", role), "other") for role in WHOLE["columns"]),
    (("values", "kind", "voix"), "sms"),
    (("values", "kind", "texte"), "sms"),
    (("values", "direction", "sortant"), "in"),
    (("identifiers", "country_code"), "231"),
    (("cells", "longitude"), "lon"),
    (("cells", "azimuth"), "az"),
    (("cells", "source", "delimiter"), ","),
]


@pytest.mark.parametrize(("path", "value"), OTHER, ids=lambda value: str(value))
def test_the_digest_changes_with_any_field(path: tuple[str, ...], value: Any) -> None:
    assert parse_layout(changed(*path, to=value)).digest != parse_layout(WHOLE).digest


def test_the_digest_does_not_depend_on_the_order_in_the_file() -> None:
    turned = {name: dict(reversed(table.items())) for name, table in reversed(WHOLE.items())}
    assert parse_layout(turned).digest == parse_layout(WHOLE).digest


def test_a_mapping_that_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text("[source\n")
    with pytest.raises(InputError, match="line 1"):
        read_layout(path)


def test_a_mapping_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no such file"):
        read_layout(tmp_path / "mapping.toml")
