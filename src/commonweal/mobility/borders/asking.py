"""What somebody asks of two published views of a border."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from commonweal.core.catalog import get
from commonweal.core.console import Home
from commonweal.core.errors import InputError, explain
from commonweal.mobility.borders.joining import NAME, View, joined
from commonweal.mobility.mobile_countries import COUNTRIES


def join_releases(
    home: Home,
    sources: tuple[str, str],
    countries: tuple[str, str],
    residents: tuple[float, float] | None,
    visitors: tuple[float, float] | None,
    level: float,
) -> pa.Table:
    """Join two views of a border.

    Parameters
    ----------
    sources
        Of each, the version of its release here, or a Parquet file that another installation has exported.
    countries
        Of each.
    residents, visitors
        The part of them that each sees, if it is known.
    level
        Probability of the intervals.

    Raises
    ------
    InputError
        A file is no such table, a country or a share is none, or the views have no day in common.
    NotFound
        There is no such release.
    """
    for country in countries:
        if country not in COUNTRIES:
            raise InputError(f"there is no country {country!r}", where="--countries", expected="codes such as GN SL")
    if not 0 < level < 1:
        raise InputError(f"an interval of probability {level} is none", where="--level", expected="such as 0.95")
    one, other = (
        View(country, _table(home, source), residents and residents[place], visitors and visitors[place])
        for place, (source, country) in enumerate(zip(sources, countries, strict=True))
    )
    return joined(one, other, level)


def _table(home: Home, source: str) -> pa.Table:
    if source.isdecimal():
        return get(home.database, NAME, int(source)).table(home.settings)
    return exported(Path(source))


def exported(file: Path) -> pa.Table:
    """Read a release of crossings that another installation has exported.

    Raises
    ------
    InputError
        It is no Parquet file.
    NotFound, Unavailable
        It cannot be read.
    """
    try:
        return pq.read_table(file)
    except OSError as error:
        raise explain(error, file) from error
    except pa.ArrowException:
        raise InputError(
            "it is no Parquet file", where=str(file), expected=f"an exported release of {NAME}, or a version's number"
        ) from None
