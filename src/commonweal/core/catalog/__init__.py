"""The catalog: what is published, as declared datasets and immutable releases.

Domains meet here. One publishes a `Dataset` as a `Release`; another opens it by name. A release is a Parquet file
and a record of what it was made from, by which code, when and by whom. Data about people need a `Certificate`.

What follows is loaded when it is first used, since declarations alone need neither Arrow nor a database.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from commonweal.core.catalog.declaration import (
    Attribute,
    Dataset,
    Dimension,
    Kind,
    Measure,
    Privacy,
    State,
)

if TYPE_CHECKING:
    from commonweal.core.catalog.certificate import Certificate
    from commonweal.core.catalog.check import conform, with_states
    from commonweal.core.catalog.digest import canonical_digest
    from commonweal.core.catalog.provenance import Input, Provenance, code_version
    from commonweal.core.catalog.publishing import Publication, publish
    from commonweal.core.catalog.reading import datasets, get, latest, open, releases  # noqa: A004
    from commonweal.core.catalog.release import Release
    from commonweal.core.catalog.verifying import verify

__all__ = [
    "Attribute",
    "Certificate",
    "Dataset",
    "Dimension",
    "Input",
    "Kind",
    "Measure",
    "Privacy",
    "Provenance",
    "Publication",
    "Release",
    "State",
    "canonical_digest",
    "code_version",
    "conform",
    "datasets",
    "get",
    "latest",
    "open",
    "publish",
    "releases",
    "verify",
    "with_states",
]

_HOME = {
    "Certificate": "certificate",
    "Input": "provenance",
    "Provenance": "provenance",
    "Publication": "publishing",
    "Release": "release",
    "canonical_digest": "digest",
    "code_version": "provenance",
    "conform": "check",
    "datasets": "reading",
    "get": "reading",
    "latest": "reading",
    "open": "reading",
    "publish": "publishing",
    "releases": "reading",
    "verify": "verifying",
    "with_states": "check",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
