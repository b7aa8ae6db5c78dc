"""The catalog as linked data: DCAT-AP 3 and PROV-O, read by a reader that is not ours, offline."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from pyshacl import validate
from rdflib import DCTERMS, PROV, RDF, Graph, Namespace, URIRef

from commonweal.core import catalog
from commonweal.core.catalog import Dataset, Dimension, Input, Kind, Measure, Privacy, Release
from commonweal.core.catalog.dcat import catalog as as_dcat
from commonweal.core.catalog.provenance import as_linked_data
from commonweal.core.console import Home

DCAT = Namespace("http://www.w3.org/ns/dcat#")  # rdflib knows version 2 only
SPDX = Namespace("http://spdx.org/rdf/terms#")
BASE = "https://data.example.org"
RAIN = Dataset(
    name="demo.rain",
    title="Rain",
    description="How much it rained.",
    dimensions=(Dimension("area", "area", "Where.", "area"), Dimension("day", "date", "When.", "period")),
    measures=(Measure("depth", "number", "How much.", "mm", Kind.SUM),),
    privacy=Privacy.OPEN,
    keywords=("rain", "climate"),
    theme="ENVI",
)
HOMES = Dataset(
    name="demo.homes",
    title="Home areas",
    description="Where people live.",
    dimensions=(Dimension("area", "area", "Where."),),
    measures=(Measure("subscribers", "integer", "", "{subscribers}", Kind.SUM, "subscribers"),),
    privacy=Privacy.PEOPLE,
    keywords=("population",),
    theme="SOCI",
)

# Constraints of DCAT-AP 3.0 on the classes used here: violations where it says mandatory or "at most one",
# warnings where it says recommended.
SHAPES = """
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dcatap: <http://data.europa.eu/r5r/> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix spdx: <http://spdx.org/rdf/terms#> .
@prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix : <urn:shapes:> .

:Catalogue a sh:NodeShape ; sh:targetClass dcat:Catalog ;
  sh:property [ sh:path dct:title ; sh:minCount 1 ; sh:nodeKind sh:Literal ] ,
    [ sh:path dct:description ; sh:minCount 1 ; sh:nodeKind sh:Literal ] ,
    [ sh:path dct:publisher ; sh:minCount 1 ; sh:maxCount 1 ; sh:class foaf:Agent ] ,
    [ sh:path dcat:dataset ; sh:minCount 1 ; sh:class dcat:Dataset ] ,
    [ sh:path dct:issued ; sh:maxCount 1 ; sh:datatype xsd:dateTime ] ,
    [ sh:path dct:modified ; sh:maxCount 1 ; sh:datatype xsd:dateTime ] ,
    [ sh:path dct:license ; sh:maxCount 1 ] , [ sh:path foaf:homepage ; sh:maxCount 1 ] ,
    [ sh:path dct:language ; sh:minCount 1 ; sh:severity sh:Warning ] ,
    [ sh:path dct:license ; sh:minCount 1 ; sh:severity sh:Warning ] ,
    [ sh:path foaf:homepage ; sh:minCount 1 ; sh:severity sh:Warning ] ,
    [ sh:path dcat:themeTaxonomy ; sh:minCount 1 ; sh:severity sh:Warning ] ,
    [ sh:path dct:issued ; sh:minCount 1 ; sh:severity sh:Warning ] ,
    [ sh:path dct:modified ; sh:minCount 1 ; sh:severity sh:Warning ] ,
    [ sh:path dct:spatial ; sh:minCount 1 ; sh:class dct:Location ; sh:severity sh:Warning ] .

:Dataset a sh:NodeShape ; sh:targetClass dcat:Dataset ;
  sh:property [ sh:path dct:title ; sh:minCount 1 ; sh:nodeKind sh:Literal ] ,
    [ sh:path dct:description ; sh:minCount 1 ; sh:nodeKind sh:Literal ] ,
    [ sh:path dct:accessRights ; sh:maxCount 1 ] , [ sh:path dcat:version ; sh:maxCount 1 ] ,
    [ sh:path dct:publisher ; sh:maxCount 1 ; sh:class foaf:Agent ] ,
    [ sh:path dct:issued ; sh:maxCount 1 ; sh:datatype xsd:dateTime ] ,
    [ sh:path dcat:distribution ; sh:class dcat:Distribution ] ,
    [ sh:path dcat:inSeries ; sh:class dcat:DatasetSeries ] ,
    [ sh:path prov:wasGeneratedBy ; sh:class prov:Activity ] ,
    [ sh:path dcat:contactPoint ; sh:minCount 1 ; sh:class vcard:Organization ; sh:severity sh:Warning ] ,
    [ sh:path dcat:distribution ; sh:minCount 1 ; sh:severity sh:Warning ] ,
    [ sh:path dcat:keyword ; sh:minCount 1 ; sh:severity sh:Warning ] ,
    [ sh:path dct:publisher ; sh:minCount 1 ; sh:severity sh:Warning ] ,
    [ sh:path dct:spatial ; sh:minCount 1 ; sh:class dct:Location ; sh:severity sh:Warning ] ,
    [ sh:path dcat:theme ; sh:minCount 1 ; sh:severity sh:Warning ] .

:Series a sh:NodeShape ; sh:targetClass dcat:DatasetSeries ;
  sh:property [ sh:path dct:title ; sh:minCount 1 ; sh:nodeKind sh:Literal ] ,
    [ sh:path dct:description ; sh:minCount 1 ; sh:nodeKind sh:Literal ] ,
    [ sh:path dct:issued ; sh:maxCount 1 ; sh:datatype xsd:dateTime ] ,
    [ sh:path dct:publisher ; sh:minCount 1 ; sh:maxCount 1 ; sh:class foaf:Agent ; sh:severity sh:Warning ] ,
    [ sh:path dcat:contactPoint ; sh:minCount 1 ; sh:severity sh:Warning ] ,
    [ sh:path dct:spatial ; sh:minCount 1 ; sh:severity sh:Warning ] .

:Distribution a sh:NodeShape ; sh:targetClass dcat:Distribution ;
  sh:property [ sh:path dcat:accessURL ; sh:minCount 1 ; sh:nodeKind sh:IRI ] ,
    [ sh:path dcat:downloadURL ; sh:nodeKind sh:IRI ] ,
    [ sh:path dcat:byteSize ; sh:maxCount 1 ; sh:datatype xsd:nonNegativeInteger ] ,
    [ sh:path spdx:checksum ; sh:maxCount 1 ; sh:class spdx:Checksum ] ,
    [ sh:path dct:format ; sh:maxCount 1 ; sh:nodeKind sh:IRI ] ,
    [ sh:path dcat:mediaType ; sh:maxCount 1 ; sh:nodeKind sh:IRI ] ,
    [ sh:path dct:license ; sh:maxCount 1 ; sh:nodeKind sh:IRI ] ,
    [ sh:path dcatap:availability ; sh:minCount 1 ; sh:maxCount 1 ; sh:severity sh:Warning ] ,
    [ sh:path dct:description ; sh:minCount 1 ; sh:severity sh:Warning ] ,
    [ sh:path dct:format ; sh:minCount 1 ; sh:severity sh:Warning ] ,
    [ sh:path dct:license ; sh:minCount 1 ; sh:severity sh:Warning ] .

:Checksum a sh:NodeShape ; sh:targetClass spdx:Checksum ;
  sh:property [ sh:path spdx:algorithm ; sh:minCount 1 ; sh:maxCount 1 ; sh:nodeKind sh:IRI ] ,
    [ sh:path spdx:checksumValue ; sh:minCount 1 ; sh:maxCount 1 ; sh:datatype xsd:hexBinary ] .

:Agent a sh:NodeShape ; sh:targetClass foaf:Agent ;
  sh:property [ sh:path foaf:name ; sh:minCount 1 ; sh:nodeKind sh:Literal ] .

:Period a sh:NodeShape ; sh:targetClass dct:PeriodOfTime ;
  sh:property [ sh:path dcat:startDate ; sh:maxCount 1 ; sh:datatype xsd:dateTime ] ,
    [ sh:path dcat:endDate ; sh:maxCount 1 ; sh:datatype xsd:dateTime ] .
"""


def read(document: dict[str, Any]) -> Graph:
    return Graph().parse(data=json.dumps(document), format="json-ld")


@pytest.fixture
def published(home: Home, release_people: Callable[..., Release]) -> Home:
    for depth in (1.5, 2.5):
        days = [date(2015, 3, 27), date(2015, 3, 29)]
        table = pa.table({"area": ["SL-W", "SL-W"], "day": days, "depth": [depth, None]})
        catalog.publish(
            home.settings,
            home.database,
            RAIN,
            catalog.with_states(RAIN, table),
            inputs=[Input("gauges.csv", "ab" * 32, "file")],
            parameters={"time_zone": "Africa/Freetown"},
            who="os:ada",
            area_set="natural-earth",
        )
    raw = pa.table({"area": ["SL-W"], "subscribers": [90], "people": [90]})
    release_people(home, HOMES, raw, "natural-earth")
    return home


@pytest.fixture
def graph(published: Home) -> Graph:
    releases = catalog.releases(published.database)
    return read(as_dcat(releases, base=BASE, publisher="Met Office", contact="data@example.org"))


def test_the_catalog_keeps_every_mandatory_and_recommended_property_of_dcat_ap(graph: Graph) -> None:
    conforms, _, report = validate(graph, shacl_graph=Graph().parse(data=SHAPES), allow_warnings=False)
    assert conforms, report


def test_a_catalog_without_a_publisher_would_have_been_found(graph: Graph) -> None:
    graph.remove((None, DCTERMS.publisher, None))
    conforms, _, _ = validate(graph, shacl_graph=Graph().parse(data=SHAPES), allow_warnings=True)
    assert not conforms


def test_a_dataset_is_a_series_and_its_releases_are_versions_in_it(graph: Graph) -> None:
    series = URIRef(f"{BASE}/catalog/demo.rain")
    first, second = (URIRef(f"{BASE}/catalog/demo.rain/{version}") for version in (1, 2))
    assert (series, RDF.type, DCAT.DatasetSeries) in graph
    assert set(graph.subjects(DCAT.inSeries, series)) == {first, second}
    assert set(graph.objects(series, DCAT.hasVersion)) == {first, second}
    assert set(graph.objects(series, DCAT.hasCurrentVersion)) == {second}
    assert set(graph.objects(second, DCAT.previousVersion)) == {first}
    assert str(graph.value(second, DCAT.version)) == "2"
    assert len(set(graph.objects(URIRef(f"{BASE}/catalog"), DCAT.dataset))) == 3


def test_each_format_is_a_distribution_and_parquet_has_size_and_checksum(graph: Graph, published: Home) -> None:
    release = catalog.get(published.database, "demo.rain", 1)
    node = URIRef(f"{BASE}/catalog/demo.rain/1")
    types = {
        str(graph.value(file, DCAT.mediaType)).rpartition("media-types/")[2]
        for file in graph.objects(node, DCAT.distribution)
    }
    assert types >= {"text/csv", "application/geo+json", "application/json", "application/vnd.apache.parquet"}
    parquet = URIRef(f"{BASE}/catalog/demo.rain/1/demo.rain-1.parquet")
    checksum = graph.value(parquet, SPDX.checksum)
    assert graph.value(parquet, DCAT.byteSize).toPython() == release.file_size  # type: ignore[union-attr]
    assert str(graph.value(checksum, SPDX.checksumValue)) == release.file_digest


def test_when_where_and_who_may_see_it_are_said(graph: Graph) -> None:
    rain, homes = (URIRef(f"{BASE}/catalog/demo.{name}/1") for name in ("rain", "homes"))
    period = graph.value(rain, DCTERMS.temporal)
    assert graph.value(period, DCAT.startDate).toPython() == datetime(2015, 3, 27, tzinfo=UTC)  # type: ignore[union-attr]
    assert graph.value(period, DCAT.endDate).toPython() == datetime(2015, 3, 29, tzinfo=UTC)  # type: ignore[union-attr]
    assert str(graph.value(rain, DCTERMS.accessRights)).endswith("access-right/PUBLIC")
    assert str(graph.value(homes, DCTERMS.accessRights)).endswith("access-right/RESTRICTED")
    assert str(graph.value(rain, DCTERMS.license)) == "https://creativecommons.org/licenses/by/4.0/"


def test_the_provenance_of_a_release_is_told_in_prov(published: Home) -> None:
    release = catalog.get(published.database, "demo.rain", 1)
    told = read(as_linked_data(release.provenance, release.iri, release.label))
    entity = URIRef(release.iri)
    activity = told.value(entity, PROV.wasGeneratedBy)
    assert (activity, RDF.type, PROV.Activity) in told
    assert set(told.objects(activity, PROV.used)) == {URIRef("urn:sha256:" + "ab" * 32)}
    assert set(told.objects(entity, PROV.wasDerivedFrom)) == {URIRef("urn:sha256:" + "ab" * 32)}
    assert told.value(entity, PROV.wasAttributedTo) in set(told.objects(activity, PROV.wasAssociatedWith))
    assert told.value(activity, PROV.startedAtTime).toPython() <= told.value(activity, PROV.endedAtTime).toPython()  # type: ignore[union-attr,operator]


def test_an_empty_catalog_is_a_catalog_still(home: Home) -> None:
    graph = read(as_dcat(catalog.releases(home.database), base=BASE, publisher="Met Office"))
    assert (URIRef(f"{BASE}/catalog"), RDF.type, DCAT.Catalog) in graph
