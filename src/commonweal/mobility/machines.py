"""Device types that are machines: meters, trackers, modems, by the type allocation code that events tell.

An operator or a regulator has a list of device types; the types that are machines are kept with the project, and
cleaning flags their events as a machine's, whatever they look like.
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np

from commonweal.core.durable import replacing
from commonweal.core.errors import InputError, explain

FILE = "machines.csv"
WORDS = ("iot", "m2m", "machine", "module", "modem", "vehicle", "router", "meter", "tracker", "sensor", "terminal")
"""A type whose name has one of these words is a machine; dongles and tablets are carried about by people."""
CODE = ("tac", "type_allocation_code")
TYPE = ("kind", "type", "device_type", "devicetype")


def read_device_types(path: Path, machine_types: tuple[str, ...] = ()) -> np.ndarray:
    """Read a list of device types: CSV with a column ``tac`` and one of the type; give those that are machines.

    Parameters
    ----------
    path
        The file. Without a column of types, every code in it is a machine's.
    machine_types
        Names of types that are machines, as the file writes them; without any, those with one of `WORDS`.

    Returns
    -------
    Type allocation codes of eight digits, int32, ascending.

    Raises
    ------
    InputError
        There is no column of codes, or a code has not eight digits.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise (
            explain(error, path)
            if isinstance(error, OSError)
            else InputError("it is not UTF-8", where=path, expected="CSV with a column tac")
        ) from error
    columns = {name.strip().casefold(): name for name in (rows[0] if rows else {}) if name}
    code = next((columns[name] for name in CODE if name in columns), None)
    kind = next((columns[name] for name in TYPE if name in columns), None)
    if code is None:
        raise InputError("there is no column of type allocation codes", where=path, expected="a column tac")
    wanted = {name.casefold() for name in machine_types}
    found = set()
    for line, row in enumerate(rows, 2):
        said = (row[kind] or "").strip().casefold() if kind else ""
        is_machine = kind is None or (said in wanted if wanted else any(word in said for word in WORDS))
        text = (row[code] or "").strip()
        if len(text) != 8 or not text.isdigit():
            raise InputError("it is no type allocation code", where=f"{path}, line {line}", expected="eight digits")
        if is_machine:
            found.add(int(text))
    return np.array(sorted(found), np.int32)


def read_machines(folder: Path) -> np.ndarray:
    """Read a project's device types that are machines; none where no list was given. int32, ascending."""
    path = folder / FILE
    if not path.exists():
        return np.zeros(0, np.int32)
    return np.array([int(line) for line in path.read_text(encoding="ascii").split()], np.int32)


def write_machines(folder: Path, machines: np.ndarray) -> None:
    """Keep a project's device types that are machines in place of those before."""
    with replacing(folder / FILE, parents=True) as written:
        written.write_text("".join(f"{code:08d}\n" for code in machines.tolist()), encoding="ascii")


def digest(machines: np.ndarray) -> str:
    """SHA-256 of the codes; empty if there are none.

    >>> digest(np.zeros(0, np.int32)), digest(np.array([35123456], np.int32))[:8]
    ('', '7eb47418')
    """
    return hashlib.sha256(machines.astype("<i4").tobytes()).hexdigest() if len(machines) else ""
