"""The whole catalog as DCAT-AP 3 in JSON-LD: a series for each dataset, a dataset for each of its releases.

Sources: W3C *Data Catalog Vocabulary (DCAT) version 3*, recommendation of 22 August 2024; *DCAT-AP 3.0*, SEMIC 2024.
The document is complete in itself: its context is inline, nothing is fetched to read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from commonweal.core.catalog import exports
from commonweal.core.catalog.declaration import CREATIVE_COMMONS_ATTRIBUTION, Dataset, Privacy
from commonweal.core.catalog.provenance import CONTEXT as PROVENANCE_CONTEXT
from commonweal.core.catalog.provenance import as_linked_data
from commonweal.core.catalog.release import Release

CONTEXT = {
    **PROVENANCE_CONTEXT,
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
}
AUTHORITY = "http://publications.europa.eu/resource/authority"
MEDIA_TYPES = "https://www.iana.org/assignments/media-types"
FILE_TYPES = {"parquet": "PARQUET", "csv": "CSV", "geojson": "GEOJSON", "xlsx": "XLSX", "json": "JSON"}
# What people are in is safe to look at but is given for a purpose, to those who may see it.
ACCESS = {Privacy.OPEN: "PUBLIC", Privacy.PEOPLE: "RESTRICTED"}


def catalog(
    published: Sequence[Release],
    *,
    base: str,
    publisher: str,
    contact: str | None = None,
    title: str = "Commonweal catalog",
    description: str = "Published datasets with their provenance.",
    licence: str = CREATIVE_COMMONS_ATTRIBUTION,
) -> dict[str, Any]:
    """Return the catalog as JSON-LD.

    Parameters
    ----------
    published
        The releases to describe, by name and version.
    base
        Address of the site, without a slash at its end; downloads lie below it.
    publisher
        Name of the organisation that publishes.
    contact
        Its e-mail address, if it has one for questions.
    title, description, licence
        Of the catalog itself; each dataset has its own.
    """
    agent = {"@id": f"{base}/#publisher", "@type": "foaf:Agent", "foaf:name": publisher}
    shared: dict[str, Any] = {"dct:publisher": {"@id": agent["@id"]}}
    graph: list[dict[str, Any]] = [agent]
    if contact:
        point = {"@id": f"{base}/#contact", "@type": "vcard:Organization", "vcard:fn": publisher}
        graph.append(point | {"vcard:hasEmail": {"@id": f"mailto:{contact}"}})
        shared["dcat:contactPoint"] = {"@id": point["@id"]}
    head: dict[str, Any] = {
        "@id": f"{base}/catalog",
        "@type": "dcat:Catalog",
        "dct:title": _text(title),
        "dct:description": _text(description),
        "dct:language": {"@id": f"{AUTHORITY}/language/ENG"},
        "dct:license": {"@id": licence},
        "dcat:themeTaxonomy": {"@id": f"{AUTHORITY}/data-theme"},
        "foaf:homepage": {"@id": f"{base}/"},
        "dcat:dataset": [{"@id": _release(base, release)} for release in published],
        **shared,
        **_coverage(published),
    }
    if published:
        head["dct:issued"] = _moment(min(release.published_at for release in published))
        head["dct:modified"] = _moment(max(release.published_at for release in published))
    for name in sorted({release.dataset for release in published}):
        versions = [release for release in published if release.dataset == name]
        graph.append(_series(base, versions) | shared)
        for previous, release in zip([None, *versions], versions, strict=False):
            graph.append(_dataset(base, release, previous) | shared)
            graph += _distributions(base, release)
            graph += _origin(base, release)
    return {"@context": CONTEXT, "@graph": [head, *_distinct(graph)]}


def _series(base: str, versions: Sequence[Release]) -> dict[str, Any]:
    newest = versions[-1]
    return _described(newest.schema) | {
        "@id": f"{base}/catalog/{newest.dataset}",
        "@type": "dcat:DatasetSeries",
        "dct:issued": _moment(versions[0].published_at),
        "dct:modified": _moment(newest.published_at),
        "dcat:hasVersion": [{"@id": _release(base, release)} for release in versions],
        "dcat:hasCurrentVersion": {"@id": _release(base, newest)},
        **_coverage(versions),
    }


def _dataset(base: str, release: Release, previous: Release | None) -> dict[str, Any]:
    described = _described(release.schema) | {
        "@id": _release(base, release),
        "@type": "dcat:Dataset",
        "dct:identifier": release.label,
        "dct:license": {"@id": release.schema.licence},
        "dct:accessRights": {"@id": f"{AUTHORITY}/access-right/{ACCESS[release.schema.privacy]}"},
        "dct:issued": _moment(release.published_at),
        "dcat:version": str(release.version),
        "dcat:isVersionOf": {"@id": f"{base}/catalog/{release.dataset}"},
        "dcat:inSeries": {"@id": f"{base}/catalog/{release.dataset}"},
        "dcat:distribution": [{"@id": base + exports.address(release, name)} for name in _files(release)],
        "prov:wasGeneratedBy": {"@id": f"{_release(base, release)}:activity"},
        **_coverage([release]),
    }
    if previous is not None:
        described |= {
            "dcat:previousVersion": {"@id": _release(base, previous)},
            "dcat:prev": {"@id": _release(base, previous)},
        }
    return described


def _described(dataset: Dataset) -> dict[str, Any]:
    described: dict[str, Any] = {"dct:title": _text(dataset.title), "dct:description": _text(dataset.description)}
    if dataset.keywords:
        described["dcat:keyword"] = [_text(word) for word in dataset.keywords]
    if dataset.theme:
        described["dcat:theme"] = {"@id": f"{AUTHORITY}/data-theme/{dataset.theme}"}
    return described


def _distributions(base: str, release: Release) -> list[dict[str, Any]]:
    found = []
    for name in _files(release):
        chosen = exports.FORMATS[name]
        link = {"@id": base + exports.address(release, name)}
        described: dict[str, Any] = {
            "@id": link["@id"],
            "@type": "dcat:Distribution",
            "dct:title": _text(f"{release.schema.title}, {chosen.title}"),
            "dct:description": _text(f"All {release.rows} rows as {chosen.title}."),
            "dcat:accessURL": link,
            "dcat:downloadURL": link,
            "dcat:mediaType": {"@id": f"{MEDIA_TYPES}/{chosen.media_type}"},
            "dct:format": {"@id": f"{AUTHORITY}/file-type/{FILE_TYPES[name]}"},
            "dct:license": {"@id": release.schema.licence},
            "dcatap:availability": {"@id": f"{AUTHORITY}/planned-availability/AVAILABLE"},
        }
        if name == "parquet":
            described["dcat:byteSize"] = {"@type": "xsd:nonNegativeInteger", "@value": str(release.file_size)}
            described["spdx:checksum"] = {
                "@type": "spdx:Checksum",
                "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
                "spdx:checksumValue": {"@type": "xsd:hexBinary", "@value": release.file_digest},
            }
        if name == "csv":
            described["dct:conformsTo"] = {
                "@id": "http://www.w3.org/TR/tabular-metadata/",
                "@type": "dct:Standard",
                "dct:title": "Metadata Vocabulary for Tabular Data",
            }
        found.append(described)
    return found


def _coverage(versions: Sequence[Release]) -> dict[str, Any]:
    coverage: dict[str, Any] = {}
    periods = [release.periods for release in versions if release.periods]
    if periods:
        coverage["dct:temporal"] = {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": _moment(min(first for first, _ in periods)),
            "dcat:endDate": _moment(max(last for _, last in periods)),
        }
    sets = sorted({release.area_set for release in versions if release.area_set})
    if sets:
        coverage["dct:spatial"] = [
            {"@id": f"urn:commonweal:areas:{name}", "@type": "dct:Location", "skos:prefLabel": _text(name)}
            for name in sets
        ]
    return coverage


def _origin(base: str, release: Release) -> list[dict[str, Any]]:
    told = as_linked_data(release.provenance, _release(base, release), release.label)["@graph"]
    # The release itself is described as a dataset already.
    return [node for node in told if node["@id"] != _release(base, release)]


def _distinct(graph: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Nodes that say the same, such as an input of several releases, stand once."""
    found: list[dict[str, Any]] = []
    for node in graph:
        if node not in found:
            found.append(node)
    return found


def _files(release: Release) -> list[str]:
    return [each.name for each in exports.formats(release) if each.name in FILE_TYPES]


def _release(base: str, release: Release) -> str:
    return f"{base}/catalog/{release.dataset}/{release.version}"


def _text(words: str) -> dict[str, str]:
    return {"@language": "en", "@value": words}


def _moment(time: datetime) -> dict[str, str]:
    return {"@type": "xsd:dateTime", "@value": time.isoformat()}
