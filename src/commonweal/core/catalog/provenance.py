"""Where a release comes from, in the terms of W3C PROV: what was used, what was done, and by whom."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

from commonweal import __version__
from commonweal.core.errors import InputError


@dataclass(frozen=True, order=True)
class Input:
    """Something a release was made from (a ``prov:Entity`` that was used).

    Parameters
    ----------
    name
        What a person would call it: a file name, a project, ``"mobility.presence 3"``.
    digest
        Hex SHA-256 of its content or of its manifest.
    kind
        ``"file"``, ``"store"``, ``"release"``, ``"areas"``, …
    """

    name: str
    digest: str
    kind: str


@dataclass(frozen=True)
class Provenance:
    """What was done to make a release (a ``prov:Activity``), from what, and by whom (a ``prov:Agent``)."""

    inputs: tuple[Input, ...]
    parameters: Mapping[str, Any]
    code: str
    who: str
    started: datetime
    ended: datetime

    def record(self) -> dict[str, Any]:
        """Return the provenance as JSON values; :func:`parse` is its inverse."""
        return {
            "inputs": [vars(item) for item in self.inputs],
            "parameters": dict(self.parameters),
            "code": self.code,
            "who": self.who,
            "started": self.started.isoformat(),
            "ended": self.ended.isoformat(),
        }


def parse(record: Mapping[str, Any]) -> Provenance:
    """Return the provenance that ``Provenance.record`` wrote."""
    return Provenance(
        inputs=tuple(Input(**item) for item in record["inputs"]),
        parameters=dict(record["parameters"]),
        code=record["code"],
        who=record["who"],
        started=datetime.fromisoformat(record["started"]),
        ended=datetime.fromisoformat(record["ended"]),
    )


@lru_cache
def code_version(package: str) -> str:
    """Return the version of the code that makes a dataset: the release of Commonweal and a digest of the sources.

    Parameters
    ----------
    package
        The package that makes it, such as ``"commonweal.mobility"``.

    Returns
    -------
    str
        ``"commonweal.mobility 0.1.0 sha256:…"``: SHA-256 over the path and content of each source file, by path.

    Raises
    ------
    InputError
        If there is no such package.
    """
    try:
        origin = import_module(package).__file__
    except ImportError as error:
        raise InputError(f"there is no package {package}", expected="a package of commonweal") from error
    assert origin is not None
    digest = hashlib.sha256()
    folder = Path(origin).parent
    for path in sorted(folder.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\n{len(content)}\n".encode() + content)
    return f"{package} {__version__} sha256:{digest.hexdigest()}"


CONTEXT: Mapping[str, Any] = {
    "prov": "http://www.w3.org/ns/prov#",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "commonweal": "urn:commonweal:terms:",
}


def as_linked_data(provenance: Provenance, entity: str, label: str) -> dict[str, Any]:
    """Return the provenance as PROV-O in JSON-LD, complete in itself (no remote context).

    Parameters
    ----------
    provenance
        What is said.
    entity
        IRI of the release.
    label
        Its name for people.

    Notes
    -----
    Source: W3C PROV-O, recommendation of 30 April 2013; JSON-LD 1.1.
    """
    activity, agent = f"{entity}:activity", f"urn:commonweal:agent:{quote(provenance.who, safe=':')}"
    used = [f"urn:sha256:{item.digest}" for item in provenance.inputs]
    return {
        "@context": dict(CONTEXT),
        "@graph": [
            {
                "@id": entity,
                "@type": "prov:Entity",
                "dct:title": label,
                "prov:wasGeneratedBy": {"@id": activity},
                "prov:wasAttributedTo": {"@id": agent},
                "prov:wasDerivedFrom": [{"@id": iri} for iri in used],
                "prov:generatedAtTime": _moment(provenance.ended),
            },
            {
                "@id": activity,
                "@type": "prov:Activity",
                "prov:used": [{"@id": iri} for iri in used],
                "prov:wasAssociatedWith": [{"@id": agent}, {"@id": f"{activity}:code"}],
                "prov:startedAtTime": _moment(provenance.started),
                "prov:endedAtTime": _moment(provenance.ended),
                "commonweal:parameters": {"@type": "@json", "@value": dict(provenance.parameters)},
            },
            {"@id": agent, "@type": "prov:Agent", "dct:title": provenance.who},
            {"@id": f"{activity}:code", "@type": "prov:SoftwareAgent", "dct:title": provenance.code},
            *(
                {"@id": iri, "@type": "prov:Entity", "dct:title": item.name, "commonweal:kind": item.kind}
                for iri, item in zip(used, provenance.inputs, strict=True)
            ),
        ],
    }


def _moment(time: datetime) -> dict[str, str]:
    return {"@type": "xsd:dateTime", "@value": time.isoformat()}
