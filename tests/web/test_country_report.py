"""The country report: from releases only, in both languages, the same to the byte, honest about what is not there."""

import io
import os
import re
import shutil
import subprocess
import unicodedata
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pypdf
import pytest
from typer.testing import CliRunner

from commonweal.core.areas import load
from commonweal.core.catalog import Input, publish
from commonweal.core.catalog.check import ARROW_TYPES
from commonweal.core.database import connect
from commonweal.core.errors import Conflict, InputError, NotFound, Unavailable
from commonweal.disclosure.private.declaring import private_dataset
from commonweal.mobility.cli import app
from commonweal.mobility.measures import flows_lagged
from commonweal.mobility.report.asking import Asked, report_files, write_report
from commonweal.mobility.report.blocks import Listed, Points, Report, Section, Subheading, Text
from commonweal.mobility.report.composing import results
from commonweal.mobility.report.gathering import Layer, gather
from commonweal.mobility.report.pdf import pdf
from commonweal.mobility.report.sections.annex import tables
from commonweal.mobility.report.sections.limitations import missing_days, never_published
from commonweal.mobility.report.sections.presence import Present
from commonweal.mobility.report.subject import country_code
from commonweal.mobility.report.typical import Laid
from commonweal.mobility.scaling.populations import DATASET as POPULATION
from commonweal.web.figure import Heading
from commonweal.web.languages import FRENCH, OFFERED, speaking
from commonweal.web.table import Row

AREA_SET = "natural-earth:GN,LR,SL"
NOISED = ("mobility.presence", "mobility.home", "mobility.flows")
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Reads a page, and remembers what a test asks for."""

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.ids, self.headings, self.tags = [], [], Counter(), [], []
        self.text, self.rows = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        self.tags.append((tag, said))
        if "id" in said:
            self.ids[said["id"]] += 1
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        if "style" not in self.open[-1:]:
            self.text.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data

    def row(self, name):
        return [row for row in self.rows if row and row[0] == name]


@pytest.fixture(scope="module")
def written(published):
    """The files about Guinea as pages, and about Sierra Leone, which has few areas, as papers; by name."""
    there = published.home.settings, published.home.database
    return report_files(*there, Asked("GN", formats=("html",))) | report_files(*there, Asked("SL", formats=("pdf",)))


@pytest.fixture(scope="module")
def pages(written):
    return {language: Page(written[f"mobility-gn-{language}.html"].decode()) for language in ("en", "fr")}


@pytest.fixture(scope="module")
def papers(written):
    return {language: pypdf.PdfReader(io.BytesIO(written[f"mobility-sl-{language}.pdf"])) for language in ("en", "fr")}


@pytest.fixture(scope="module")
def said(papers):
    """What the English paper says, and the first page of the French one: to read a map for text takes long."""
    pages = {"en": papers["en"].pages, "fr": papers["fr"].pages[:1]}
    return {language: normal(" ".join(side.extract_text() for side in sides)) for language, sides in pages.items()}


def normal(text):
    return " ".join(unicodedata.normalize("NFKC", text).split())


def test_a_country_is_named_by_either_code_or_by_name_in_either_language():
    assert {country_code(asked) for asked in ("GN", "gn", "GIN", "Guinea", "guinée", " Guinee ")} == {"GN"}
    assert country_code("Sierra Leone") == "SL"
    assert country_code("SLE") == "SL"
    assert country_code("Atlantis") is None


def test_there_is_a_file_for_each_language_and_format(published):
    files = report_files(published.home.settings, published.home.database, Asked("SL"))
    assert set(files) == {f"mobility-sl-{language}.{form}" for language in ("en", "fr") for form in ("pdf", "html")}


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        ("en", ("Datasets", "Anonymisation process", "Results", "Limitations", "Challenges")),
        ("fr", ("Jeux de données", "Processus d’anonymisation", "Résultats", "Limites", "Difficultés")),
    ],
)
def test_it_has_the_parts_of_the_case_studies_in_both_languages_and_formats(said, pages, language, parts):
    for part in parts:
        assert normal(part) in said[language]
        assert part in "".join(pages[language].text)


def test_the_numbers_are_those_of_the_releases(published, pages, said):
    for country, code in (("GN", "GN-C"), ("SL", "SL-N")):
        gathered = gather(published.home.settings, published.home.database, country)
        layer, name = gathered.layers["mobility.presence"], gathered.places.names[code]
        rows = layer.table.to_pylist()
        (number,) = {row["subscribers"] for row in rows if row["area"] == code and row["period"] == "day"}
        assert Present(gathered, layer).typical_day[code].value == number
        if country == "GN":
            assert pages["en"].row(name)[0][1:] == [f"{number:,}", "2 of 2"]
        else:
            assert f"{name} {number:,} 2 of 2" in said["en"]


@pytest.mark.parametrize(("language", "word"), [("en", "suppressed"), ("fr", "masqué")])
def test_what_is_suppressed_is_said_to_be_and_never_zero(published, pages, language, word):
    gathered = gather(published.home.settings, published.home.database, "GN")
    with speaking(OFFERED[language]):
        names = gathered.places.names
    for code in (published.nobody, published.few):
        rows = pages[language].row(names[code])
        assert rows
        for row in rows[:2]:  # presence on a typical day, and at four hours
            assert word in row
            assert "0" not in row


def test_suppressed_areas_are_hatched_and_no_map_colours_them(written):
    page = written["mobility-gn-en.html"].decode()
    drawn = page.split("<figure>", 1)[1].split("</figure>")[0].split('<div class="legend">')[0]
    assert drawn.count('fill="url(#suppressed)"') >= 2
    assert page.count('<pattern id="suppressed"') == 1


def test_every_table_with_numbers_of_a_release_names_it_with_version_and_digest(published, pages):
    text = "".join(pages["en"].text)
    for release in (published.presence, published.flows, published.homes, published.quality):
        assert f"{release.dataset}, release {release.version}, digest {release.digest[:12]}" in text
        assert release.digest in text, "whole in the annex"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_is_well_formed_and_can_be_read_aloud(pages, language):
    page = pages[language]
    assert (page.open, page.wrong) == ([], [])
    assert [name for name, times in page.ids.items() if times > 1] == []
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    found = {tag for tag, _ in page.tags}
    assert {"main", "nav", "table", "caption"} <= found
    assert next(said for tag, said in page.tags if tag == "html")["lang"] == language
    assert all(said.get("scope") in ("col", "row") for tag, said in page.tags if tag == "th")
    assert all(said.get("aria-label") or said.get("aria-hidden") for tag, said in page.tags if tag == "svg")
    linked = {said["href"][1:] for tag, said in page.tags if tag == "a"}
    assert linked <= set(page.ids)


def test_the_page_asks_nothing_of_anybody(pages, written):
    for language, page in pages.items():
        assert not {"script", "link", "iframe", "img", "object"} & {tag for tag, _ in page.tags}
        assert not [said for _, said in page.tags if any(name.startswith("on") or name == "src" for name in said)]
        assert all(said["href"].startswith("#") for tag, said in page.tags if tag in ("a", "use"))
        assert not re.search(r"@import|url\((?!#)", written[f"mobility-gn-{language}.html"].decode())


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_pdf_is_tagged_and_has_contents_with_page_numbers(papers, language):
    read = papers[language]
    root = read.trailer["/Root"]
    assert root["/Lang"] == language
    assert "<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data().decode()
    assert len(read.pages) > 5
    assert len(read.outline) > 5
    first = read.pages[0].extract_text()
    assert {"en": "Contents", "fr": "Sommaire"}[language] in first
    assert f"1 / {len(read.pages)}" in first


def test_on_paper_a_column_of_times_beside_many_numbers_keeps_its_width():
    names = ("Conakry", "Dubréka Prefecture", "Siguiri Prefecture", "Boké", "Nzérékoré Prefecture", "Kindia")
    headings = (Heading("Hour"), *(Heading(name, is_number=True) for name in names))
    times = [f"{hour:02}:00 – {hour + 1:02}:00" for hour in range(8, 20)]
    listed = Listed("Table", "", headings, [Row((time, *["suppressed"] * len(names))) for time in times])
    says = dict.fromkeys(("contents", "moment", "kind", "source"), "said")
    report = Report("Mobility", "", (Section("results", "Results", (listed,), "1"),), datetime.now(UTC), (), says)
    read = pypdf.PdfReader(io.BytesIO(pdf(report)))
    lines = [line.strip() for page in read.pages for line in page.extract_text().splitlines()]
    assert [line[:13] for line in lines if "suppressed" in line] == times


def test_the_same_releases_give_the_same_bytes_in_another_process(published, written, tmp_path, command_line):
    options = ("--language", "fr", "--format", "pdf", "--out", str(tmp_path))
    arguments = command_line(published.home, "mobility", "report", "sierra leone", *options)
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mobility-sl-fr.pdf").read_bytes() == written["mobility-sl-fr.pdf"]


def test_only_releases_are_opened(published, written, tmp_path):
    """No store, no inbox, nothing staged, no secret key: what is left is what the report needs."""
    data, keys = tmp_path / "data", tmp_path / "keys"
    shutil.copytree(published.home.settings.data, data)
    shutil.copytree(published.home.settings.keys, keys)
    for folder in ("store", "inbox", "staged", "spill"):
        shutil.rmtree(data / folder, ignore_errors=True)
        (data / folder).write_text("closed")
    secret = list(keys.rglob("*.key"))
    assert secret
    for file in secret:
        file.unlink()
    url = f"sqlite:///{data / 'commonweal.db'}"
    settings = published.home.settings.model_copy(update={"data": data, "keys": keys, "database_url": url})
    database = connect(settings)
    files = report_files(settings, database, Asked("GN", ("en",), ("html",)))
    database.close()
    assert files["mobility-gn-en.html"] == written["mobility-gn-en.html"]


def test_a_project_has_a_report_over_all_its_countries_and_flows_across_their_borders(published):
    files = report_files(published.home.settings, published.home.database, Asked("lockdown", ("en",), ("html",)))
    page = Page(files["mobility-lockdown-en.html"].decode())
    assert len(page.row("Conakry")) > 0
    assert len(page.row("Bomi")) > 0
    assert [row for row in page.rows if "(Guinea)" in row[0] and "(Liberia)" in row[1]]


def test_what_is_not_published_is_said_to_be_missing(home, publish_more):
    publish_more(home)
    files = report_files(home.settings, home.database, Asked("SL", ("en",), ("html",)))
    text = "".join(Page(files["mobility-sl-en.html"].decode()).text)
    assert "No release of home areas is published for this period." in text
    assert "No release of flows between areas of the country is published for this period." in text
    assert "No total of subscribers by day is published." in text
    assert "Publish flows, so that the next report says which areas are linked." in text


def test_days_of_several_releases_are_put_together_and_missing_ones_named(home, publish_more):
    publish_more(home, days=(date(2015, 3, 27), date(2015, 3, 28)))
    publish_more(home, days=(date(2015, 3, 30), date(2015, 3, 31)))
    gathered = gather(home.settings, home.database, "GN")
    assert gathered.days == (date(2015, 3, 27), date(2015, 3, 30))
    assert [one.version for one in gathered.sources] == [1, 2]
    assert missing_days(gathered) == [date(2015, 3, 28), date(2015, 3, 29)]
    later = gather(home.settings, home.database, "GN", first=date(2015, 3, 29))
    assert [one.version for one in later.sources] == [2]


def test_areas_without_any_number_are_named_as_a_limitation(published):
    gathered = gather(published.home.settings, published.home.database, "GN")
    assert {published.nobody, published.few, published.unknown} <= set(never_published(gathered))


def test_a_typical_day_takes_a_suppressed_value_for_no_number():
    values = np.array([[10.0, np.nan], [30.0, np.nan], [np.nan, 40.0]])
    laid = Laid(values, values - 2, values + 3, np.isnan(values), has_interval=True)
    known, unknown = laid.typical()
    assert (known.value, known.low, known.high, known.days) == (20.0, 18.0, 23.0, 2)
    assert (unknown.value, unknown.state) == (None, "suppressed")


def test_errors_say_what_would_help(home, published, tmp_path):
    there = published.home.settings, published.home.database
    with pytest.raises(NotFound, match=r"nothing yet .*mobility run"):
        report_files(home.settings, home.database, Asked("GN"))
    with pytest.raises(NotFound, match=r"no country or project 'Atlantis' .*GN, LR, SL.*lockdown"):
        report_files(*there, Asked("Atlantis"))
    with pytest.raises(NotFound, match=r"nothing is published about GH .*GN, LR, SL"):
        report_files(*there, Asked("Ghana"))
    with pytest.raises(NotFound, match="2015-03-27"):
        report_files(*there, Asked("GN", first=date(2016, 1, 1)))
    with pytest.raises(InputError):
        report_files(*there, Asked("GN", first=date(2016, 1, 2), last=date(2016, 1, 1)))
    blocked = tmp_path / "file"
    blocked.write_text("")
    small = Asked("SL", ("en",), ("html",))
    with pytest.raises(Unavailable):
        write_report(*there, small, blocked / "folder")


def test_days_of_which_only_a_table_of_no_time_is_published_have_no_report(home, publish_more, site_for, tmp_path):
    publish_more(home)
    codes = load(home.database, AREA_SET).codes
    people = pa.table(
        {"area": codes, "population": [5.0] * len(codes), "population_state": ["reported"] * len(codes)}
        | {one.name: pa.nulls(len(codes), ARROW_TYPES[one.type]) for one in POPULATION.attributes}
    )
    census = [Input("census.csv", "ab" * 32, "file")]
    publish(
        home.settings, home.database, POPULATION, people, inputs=census, parameters={}, who="os:x", area_set=AREA_SET
    )
    environment = {"COMMONWEAL_DATA": str(home.settings.data)}
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["report", "GN", "--from", "2027-01-01", "--out", str(out)], env=environment)
    assert isinstance(result.exception, NotFound)
    assert str(result.exception) == (
        "Guinea: nothing is published of these days (expected: from 2015-03-27 to 2015-03-28)"
    )
    assert not out.exists()
    site = site_for(home)
    for form in (".pdf", "/page"):
        assert site.get(f"/mobility/report{form}?country=GN&from=2027-01-01").status_code == 404


def test_files_that_are_there_are_kept_unless_they_are_to_be_replaced(published, tmp_path):
    there, small = (published.home.settings, published.home.database), Asked("SL", ("en",), ("html",))
    (path,) = write_report(*there, small, tmp_path / "new")
    path.write_text("mine")
    with pytest.raises(Conflict, match="--force"):
        write_report(*there, small, path.parent)
    assert path.read_text() == "mine"
    write_report(*there, small, path.parent, force=True)
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert [file.name for file in path.parent.iterdir()] == [path.name], "nothing half-written is left"


def test_the_site_offers_the_report_to_whoever_may_read(published, site, written, site_for):
    assert "Sierra Leone" in site.page("/mobility/report").text
    answer = site.get("/mobility/report/page?country=GN&language=fr")
    assert answer.status_code == 200
    assert answer.content == written["mobility-gn-fr.html"]
    assert answer.headers["content-disposition"] == 'attachment; filename="mobility-gn-fr.html"'
    assert site.get("/mobility/report.pdf?country=SL").content.startswith(b"%PDF")
    assert site.get("/mobility/report.pdf?country=Atlantis").status_code == 404
    closed = site_for(published.home, open_reading=False)
    assert closed.get("/mobility/report/page?country=GN").status_code == 401


def test_areas_have_the_names_of_the_language(published):
    gathered = gather(published.home.settings, published.home.database, "SL")
    assert gathered.places.names["SL-N"] == "Northern"
    with speaking(FRENCH):
        assert gathered.places.names["SL-N"] == "Nord"


def with_noise(layer):
    """The same rows, as if noise had been added to each number: an interval beside it."""
    dataset = private_dataset(layer.dataset, title="With noise", description="With noise.")
    release = replace(
        layer.newest,
        schema=dataset,
        certificate=replace(layer.newest.certificate, rule="differential-privacy"),
    )
    numbers = layer.table["subscribers"]
    table = layer.table.append_column("low", pc.subtract(numbers, 7)).append_column("high", pc.add(numbers, 9))
    return Layer((release,), table)


def test_a_number_with_noise_stands_beside_its_interval(published):
    gathered = gather(published.home.settings, published.home.database, "SL")
    noised = replace(gathered, layers={name: with_noise(gathered.layers[name]) for name in NOISED})
    listed = [block for block in results(noised).blocks if isinstance(block, Listed)]
    shown = {table.title: table for table in listed}["Table: Subscribers seen on a typical day"]
    assert [heading.text for heading in shown.headings] == ["Area", "Typical day", "Interval", "Days published"]
    present = Present(noised, noised.layers["mobility.presence"]).typical_day["SL-N"]
    northern = next(row.cells for row in shown.rows if row.cells[0] == "Northern")
    assert (present.low, present.high) == (present.value - 7, present.value + 9)
    assert northern[2] == f"{present.value - 7:,.0f} – {present.value + 9:,.0f}"
    texts = [block.text for block in results(noised).blocks if isinstance(block, Text)]
    assert any("holds the count before noise 19 times in 20" in text for text in texts)
    assert sum("Interval" in [heading.text for heading in table.headings] for table in listed) == len(NOISED) + 1


def test_a_table_without_a_part_of_its_own_is_in_the_annex_by_its_description(published):
    gathered = gather(published.home.settings, published.home.database, "GN")
    homes = gathered.layers["mobility.home"]
    other = replace(homes.newest, schema=replace(homes.dataset, title="Overnight guests", description="Who stayed."))
    section = tables(replace(gathered, others=(Layer((other,), homes.table),)))
    assert [block.text for block in section.blocks if isinstance(block, Subheading)] == ["Overnight guests"]
    (listed,) = [block for block in section.blocks if isinstance(block, Listed)]
    assert len(listed.rows) == 25
    assert "9 more rows are in the catalog" in listed.left_out


def commuters(published, times):
    """Commuting between two areas of Guinea, of which few numbers are published: the last rows of the table."""
    gathered = gather(published.home.settings, published.home.database, "GN")
    one, *others = sorted(gathered.own)[:13]
    numbers = [None] * 24 + [30, 70]
    rows = [
        {
            "part": part,
            "origin": one,
            "destination": other,
            "start": datetime(2015, 3, 27, tzinfo=UTC),
            "subscribers": number,
            "subscribers_state": "reported" if number else "suppressed",
        }
        for (part, other), number in zip(
            [(part, other) for part in ("inter-day", "within-day") for other in (*others, one)], numbers, strict=True
        )
    ]
    release = replace(gathered.layers["mobility.flows"].newest, schema=flows_lagged.MEASURE.dataset)
    return replace(gathered, others=(Layer((release,), pa.Table.from_pylist(rows * times)),))


def test_an_annex_shows_the_largest_published_numbers_before_what_is_suppressed(published):
    (listed,) = [block for block in tables(commuters(published, 2)).blocks if isinstance(block, Listed)]
    assert [row.cells[-1] for row in listed.rows] == ["70", "70", "30", "30", *["suppressed"] * 21]
    assert "27 more rows are in the catalog" in listed.left_out


def test_an_annex_names_columns_and_their_values_in_the_readers_language(published):
    with speaking(FRENCH):
        section = tables(commuters(published, 1))
    (listed,) = [block for block in section.blocks if isinstance(block, Listed)]
    (points,) = [block for block in section.blocks if isinstance(block, Points)]
    headings = [heading.text for heading in listed.headings]
    assert headings == ["Origine", "Destination", "Dans la journée ou d’un jour à l’autre", "Début", "Abonnés"]
    assert [text.split("\u00a0: ")[0] for text in points.texts] == headings
    assert {row.cells[2] for row in listed.rows} == {"dans la journée", "depuis un jour précédent"}
