"""How the cells of the tables about borders hang together, and with presence.

presence_by_origin    origins of one area and period: a union, which is presence; areas and hours as there
inbound               an area and its parts: a union; all countries' and accidental roaming: visitors there on that day
outbound              who left for a country on a day was in it on that day
border_crossings      over the districts: a union
border_districts      an area and its parts: a union; who came in somewhere was there on that day
border_pairs, transit pairs of areas and of their parts: a union; who came somewhere was there on that day
visitor_nights        an area and its parts: a sum
accidental_roaming    an area and its parts: a union
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from commonweal.disclosure import Keys, Kind, Relations, grouped, rows_by_key

Parts = Callable[..., Relations]
BY_AREA = {
    "presence_by_origin": (Kind.UNION, "area"),
    "inbound": (Kind.UNION, "area"),
    "accidental_roaming": (Kind.UNION, "area"),
    "border_districts": (Kind.UNION, "area"),
    "border_pairs": (Kind.UNION, "origin", "destination"),
    "transit": (Kind.UNION, "origin", "destination"),
    "visitor_nights": (Kind.SUM, "area"),
}


def relate_borders(keys: Mapping[str, Keys], parts_of_areas: Parts, hours_of_days: Parts) -> list[Relations]:
    """Say which cells of these tables are parts of which.

    Parameters
    ----------
    keys
        By name of the measure: all cells that are published together, or were before.
    parts_of_areas
        Relates the areas of a table to their parts, given its cells, the kind, and which columns hold areas.
    hours_of_days
        Relates the hours of a table to their days.
    """
    found = [parts_of_areas(keys[name], kind, *columns) for name, (kind, *columns) in BY_AREA.items() if name in keys]
    presence, origins = keys.get("presence"), keys.get("presence_by_origin")
    if origins:
        found.append(hours_of_days(origins))
    if presence and origins:
        found.append(_within(presence, origins, np.arange(origins.table.num_rows), Kind.UNION))
    inbound, accidental = keys.get("inbound"), keys.get("accidental_roaming")
    for cells in (inbound, accidental):
        if presence and cells:
            found.append(_within(presence, cells, _chosen(cells, direction="in"), Kind.WITHIN, period="day"))
    if origins and inbound and accidental:
        found.append(_visitors(origins, inbound, accidental))
    elif origins:
        for cells in (inbound, accidental):
            if cells:
                inward = _chosen(cells, direction="in")
                found.append(_within(origins, cells, inward, Kind.WITHIN, period="day", origin="visitor"))
    crossings, districts, outbound = (keys.get(n) for n in ("border_crossings", "border_districts", "outbound"))
    if crossings and districts:
        found.append(_within(crossings, districts, np.arange(districts.table.num_rows), Kind.UNION))
    for cells in (crossings, districts):
        if outbound and cells:
            left = _chosen(cells, direction="out", who="resident")
            found.append(_within(outbound, cells, left[_in_a_country(cells, left)], Kind.WITHIN))
    if presence:
        if districts:
            found.append(_within(presence, districts, _chosen(districts, direction="in"), Kind.WITHIN, period="day"))
        for cells in (keys.get("border_pairs"), keys.get("transit")):
            if cells:
                everybody = np.arange(cells.table.num_rows)
                found.append(_within(presence, cells, everybody, Kind.WITHIN, {"area": "destination"}, period="day"))
    return found


def _chosen(cells: Keys, **values: str) -> np.ndarray:
    """Give the rows with these values, of columns that the table has."""
    chosen = np.ones(cells.table.num_rows, np.bool_)
    for name, value in values.items():
        if name in cells.table.column_names:
            chosen &= np.asarray(pc.equal(cells.table[name], value))
    return np.flatnonzero(chosen)


def _in_a_country(cells: Keys, rows: np.ndarray) -> np.ndarray:
    """ZZ of crossings are many countries, and ZZ of others is another one."""
    return np.asarray(pc.not_equal(cells.table["country"].take(pa.array(rows)), "ZZ"))


def _within(
    wholes: Keys,
    parts: Keys,
    rows: np.ndarray,
    kind: Kind,
    renamed: Mapping[str, str] | None = None,
    **values: str,
) -> Relations:
    """Relate rows of a table to the rows of another that have the same keys.

    Parameters
    ----------
    renamed
        By the name of a whole's key: which column of the parts holds it.
    values
        Of the keys that the parts do not have.
    """
    return grouped(kind, _whole(wholes, parts, rows, renamed or {}, values), rows + parts.first)


def _whole(
    wholes: Keys, parts: Keys, rows: np.ndarray, renamed: Mapping[str, str], values: Mapping[str, str]
) -> np.ndarray:
    table, columns = parts.table.take(pa.array(rows)), {}
    for field in wholes.table.schema:
        if field.name in values:
            columns[field.name] = pa.array([values[field.name]] * len(rows), field.type)
        else:
            columns[field.name] = table[renamed.get(field.name, field.name)].cast(field.type)
    found = rows_by_key(pa.table(columns), wholes.table)
    return np.where(found < 0, -1, found + wholes.first)


def _visitors(origins: Keys, inbound: Keys, accidental: Keys) -> Relations:
    """A day's visitors are those of each country and those who were only served by accident."""
    values = {"period": "day", "origin": "visitor"}
    wholes, parts = [], []
    for cells in (inbound, accidental):
        rows = _chosen(cells, direction="in")
        wholes.append(_whole(origins, cells, rows, {}, values))
        parts.append(rows + cells.first)
    return grouped(Kind.UNION, np.concatenate(wholes), np.concatenate(parts))
