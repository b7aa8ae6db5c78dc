"""The catalog on the site: lists, metadata, downloads in every format, harvesting."""

import hashlib
import io
import json
import shutil
import tempfile

import openpyxl
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from commonweal.core.catalog import exports

ADDRESS = "/catalog/mobility.presence/1/mobility.presence-1"


def test_datasets_are_listed_with_their_newest_release(site, published):
    listed = site.get("/catalog.json").json()["datasets"]
    assert [(one["dataset"], one["version"]) for one in listed] == [
        ("mobility.flows", 1),
        ("mobility.home", 1),
        ("mobility.presence", 1),
        ("mobility.quality", 1),
    ]
    assert listed[2]["digest"] == published.presence.digest


def test_a_dataset_tells_its_columns_and_releases(site):
    told = site.get("/catalog/mobility.presence.json").json()
    assert [one["name"] for one in told["dataset"]["dimensions"]] == ["area", "period", "start"]
    assert told["dataset"]["privacy"] == "people"
    assert [one["version"] for one in told["releases"]] == [1]


def test_a_release_tells_its_provenance_and_certificate(site, published):
    told = site.get("/catalog/mobility.presence/1.json").json()
    assert told["provenance"]["who"] == "os:analyst"
    assert told["provenance"]["inputs"][0]["digest"] == "ab" * 32
    assert told["certificate"]["digest"] == published.presence.digest


@pytest.mark.parametrize("form", exports.FORMATS.values(), ids=lambda form: form.name)
def test_a_release_can_be_downloaded_in_every_format(site, published, form):
    answer = site.get(f"{ADDRESS}{form.suffix}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == form.media_type
    assert answer.headers["content-disposition"] == f'attachment; filename="mobility.presence-1{form.suffix}"'
    written = io.BytesIO()
    exports.export(published.home.settings, published.home.database, published.presence, form.name, written)
    assert answer.content == written.getvalue()


def test_a_download_is_put_together_in_the_spill_folder_and_nowhere_else(site, published, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    spill = published.home.settings.spill
    shutil.rmtree(spill)  # it is made again where it is missing
    for form in exports.FORMATS.values():
        assert site.get(f"{ADDRESS}{form.suffix}").status_code == 200, form.name
    assert spill.is_dir()
    assert list(spill.iterdir()) == []


def test_without_a_usable_spill_folder_a_download_is_unavailable(site, published):
    spill = published.home.settings.spill
    shutil.rmtree(spill)
    spill.write_text("in the way")
    answer = site.get(f"{ADDRESS}.csv")
    spill.unlink()
    spill.mkdir()
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_the_parquet_file_is_the_published_one(site, published):
    content = site.get(f"{ADDRESS}.parquet").content
    assert hashlib.sha256(content).hexdigest() == published.presence.file_digest
    assert pq.read_table(io.BytesIO(content)).num_rows == published.presence.rows


def test_every_format_holds_every_row(site, published):
    rows = published.presence.rows
    assert pyarrow.csv.read_csv(io.BytesIO(site.get(f"{ADDRESS}.csv").content)).num_rows == rows
    assert len(json.loads(site.get(f"{ADDRESS}.geojson").content)["features"]) == rows
    workbook = openpyxl.load_workbook(io.BytesIO(site.get(f"{ADDRESS}.xlsx").content), read_only=True)
    assert max(sheet.max_row for sheet in workbook.worksheets) >= rows


def test_the_csv_file_says_where_its_metadata_are(site):
    link = site.get(f"{ADDRESS}.csv").headers["link"]
    assert link == f'<{ADDRESS}.csv-metadata.json>; rel="describedby"; type="application/csvm+json"'


@pytest.mark.parametrize("address", ["/", "/.json", "/catalog.json", "/catalog", f"{ADDRESS}.csv", "/catalog.jsonld"])
def test_what_the_reader_has_is_not_sent_again(site, address):
    first = site.get(address)
    again = site.get(address, if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert site.get(address, if_none_match='W/"another"').status_code == 200


def test_formats_of_a_release_have_tags_of_their_own(site):
    tags = {site.get(f"{ADDRESS}{form.suffix}").headers["etag"] for form in exports.FORMATS.values()}
    assert len(tags) == len(exports.FORMATS)


@pytest.mark.parametrize(
    "address",
    [
        "/catalog/mobility.nothing",
        "/catalog/mobility.nothing.json",
        "/catalog/mobility.presence/99",
        "/catalog/mobility.presence/99.json",
        f"{ADDRESS}.exe",
        "/catalog/mobility.presence/1/mobility.flows-1.csv",
        "/catalog/mobility.presence/1/table.parquet",
    ],
)
def test_what_is_not_there_is_a_problem_that_says_what_is(site, address):
    answer = site.get(address)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Not found"


def test_a_version_that_is_no_number_is_a_problem(site):
    answer = site.get("/catalog/mobility.presence/one.json")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_the_catalog_can_be_harvested(site):
    answer = site.get("/catalog.jsonld")
    assert answer.headers["content-type"] == "application/ld+json"
    downloads = [node["dcat:downloadURL"]["@id"] for node in answer.json()["@graph"] if "dcat:downloadURL" in node]
    assert len(downloads) == 19
    assert {site.get(address.removeprefix("http://localhost:8400")).status_code for address in downloads} == {200}


def test_pages_lead_from_the_catalog_to_every_release(site):
    assert 'href="/catalog/mobility.presence"' in site.page("/catalog").text
    dataset = site.page("/catalog/mobility.presence").text
    assert 'href="/catalog/mobility.presence/1"' in dataset
    assert f'href="{ADDRESS}.csv"' in site.page("/catalog/mobility.presence/1").text


def test_an_empty_catalog_says_so(empty_site):
    assert "Nothing has been published yet" in empty_site.page("/catalog").text
    assert empty_site.get("/catalog.json").json()["datasets"] == []


def test_a_long_list_of_releases_is_read_a_page_at_a_time(home, site_of, publish_more, monkeypatch):
    monkeypatch.setattr("commonweal.web.catalog.SIZE", 2)
    for scale in (1, 2, 3):
        publish_more(home, scale=scale)
    site = site_of(home)
    first = site.get("/catalog/mobility.presence.json").json()
    assert ([each["version"] for each in first["releases"]], first["next"]) == (
        [3, 2],
        "/catalog/mobility.presence.json?page=2",
    )
    second = site.get(first["next"])
    assert [each["version"] for each in second.json()["releases"]] == [1]
    assert second.json()["next"] is None
    assert 'rel="prev"' in second.headers["link"]
    assert site.get("/catalog/mobility.presence.json?page=3").status_code == 404
