"""Briefs: what a page says on two sides of paper, for every reader, whatever its values hold."""

import io
import queue
import re
import subprocess
import sys
import tempfile
import threading
import unicodedata
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pypdf
import pytest
import shapely
from babel import Locale
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from commonweal.core.errors import CommonwealError, Unavailable
from commonweal.web import briefs, catalog
from commonweal.web.briefs import typesetting
from commonweal.web.briefs.content import lasting, made_at
from commonweal.web.briefs.letters import FONTS, UNKNOWN, settable
from commonweal.web.classes import Classes
from commonweal.web.document import Document
from commonweal.web.figure import Figure, Heading, Legend
from commonweal.web.languages import ENGLISH, Language, speaking
from commonweal.web.map import MapArea, choropleth
from commonweal.web.table import Row

ADDRESS = "https://city.example/where?day=2015-03-27"
PAGES = (
    "/.pdf",
    "/catalog.pdf",
    "/catalog/mobility.presence.pdf",
    "/catalog/mobility.presence/1.pdf",
    "/mobility/presence.pdf?start=2015-03-27T14:00Z",
    "/mobility/presence.pdf?start=2015-03-27T14:00Z&layer=flows",
    "/mobility/flows.pdf",
    "/mobility/homes.pdf",
    "/mobility/quality.pdf",
)
CODE = '#let a = 1; $x^2$ \\ [b] *c* _d_ `e` "f" <g> @h // i /* j */ = k #{panic()}'
ARABIC = "مقاطعة الشمال (2) قرب النهر"


def table(name="areas", rows=12, columns=2, text="Ada", picture=None):
    return Figure(
        name=name,
        title=f"Areas {name}",
        caption=f"What is known of {name}.",
        headings=tuple(Heading(f"Column {number}", is_number=number > 0) for number in range(columns)),
        rows=[Row((f"{text} {row}", *["1,234"] * (columns - 1))) for row in range(rows)],
        records=[{"row": row} for row in range(rows)],
        picture=picture,
        legend=Legend("People", [("class-0", "few"), ("class-4", "many")], [("suppressed", "hidden")])
        if picture
        else None,
    )


def a_map(text="40 people"):
    areas = [MapArea(str(east), "Ada", shapely.box(east, 0, east + 1, 1), east, "reported", text) for east in range(3)]
    return choropleth(areas, Classes((1, 2)), label="People by area")


def page(**said):
    return Document(**{"title": "Where people are", "template": "catalog.html"} | said)


def read(pdf):
    return pypdf.PdfReader(io.BytesIO(pdf))


def text_of(pdf):
    """Its text, with lines joined: where they break is the paper's affair."""
    return " ".join(" ".join(side.extract_text() for side in read(pdf).pages).split())


def tags(pdf):
    """(kind, text for those who do not see it) of each tag, in reading order."""

    def walk(node):
        node = node.get_object()
        if isinstance(node, list):
            for one in node:
                yield from walk(one)
        elif isinstance(node, dict):
            if "/S" in node:
                yield node["/S"], node.get("/Alt")
            if "/K" in node:
                yield from walk(node["/K"])

    return list(walk(read(pdf).trailer["/Root"]["/StructTreeRoot"]["/K"]))


def fonts(pdf):
    """Name and embedded file of every font, those in pictures too."""
    reader, found = read(pdf), {}
    for number in range(1, reader.trailer["/Size"]):
        thing = reader.get_object(number)
        if isinstance(thing, dict) and thing.get("/Type") == "/FontDescriptor":
            found[thing["/FontName"]] = thing.get("/FontFile2")
    return found


@pytest.mark.parametrize("address", PAGES)
def test_every_page_has_a_brief_of_at_most_two_sides(site, address):
    answer = site.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert re.fullmatch(r'attachment; filename="[\w.-]+\.pdf"', answer.headers["content-disposition"])
    sides = read(answer.content).pages
    assert len(sides) <= 2
    assert all((round(side.mediabox.width), round(side.mediabox.height)) == (595, 842) for side in sides), "A4"


@pytest.mark.parametrize("address", PAGES)
def test_a_brief_can_be_read_aloud(site, address):
    pdf = site.get(address).content
    root = read(pdf).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert read(pdf).metadata.title
    assert "<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data().decode(), "it says that it is PDF/UA-1"
    kinds = [kind for kind, _ in tags(pdf)]
    assert kinds.count("/Title") == 1
    assert "/H1" in kinds
    assert kinds.count("/Table") == kinds.count("/THead")
    assert all(alternative for kind, alternative in tags(pdf) if kind == "/Figure")


@pytest.mark.parametrize("address", PAGES)
def test_a_brief_holds_our_font_and_no_other(site, address):
    found = fonts(site.get(address).content)
    assert found
    assert all(re.fullmatch(r"/[A-Z]{6}\+NotoSans(Arabic|Math)?-(Regular|Bold)", name) for name in found)
    assert all(file is not None for file in found.values()), "a font that is not inside is another one elsewhere"


def test_the_brief_says_what_the_page_says(site, published):
    said = text_of(site.get("/mobility/presence.pdf?start=2015-03-27T14:00Z").content)
    told = site.get("/mobility/presence.json?start=2015-03-27T14:00Z").json()["presence"]
    reported = [area for area in told["areas"] if area["subscribers"] is not None]
    for expected in (
        "Presence",
        "Friday 27 March 2015, 14:00 – 15:00",
        f"{len(reported)} of {len(told['areas'])}",
        "areas with a published count",
        "Distinct subscribers per hour",
        "suppressed: fewer than 15, or none",
        "What is not shown",
        "A count is published only if at least 15 distinct people stand behind it.",
        "mobility.presence 1",
        f"digest {published.presence.digest[:12]}…",
        "protection: rule threshold: k 15",
        f"published {published.presence.published_at:%Y-%m-%d %H:%M:%S} UTC",
        "http://127.0.0.1:8400/mobility/presence?release=1&start=2015-03-27T14:00Z",
    ):
        assert expected in said
    assert published.presence.digest not in said, "digests are short"
    for area in reported:
        assert f"{area['name']} {area['subscribers']:,.0f} " in said


def test_a_reader_of_french_gets_it_in_french(site):
    pdf = site.get("/mobility/presence.pdf?start=2015-03-27T14:00Z", accept_language="fr").content
    assert read(pdf).trailer["/Root"]["/Lang"] == "fr"
    said = text_of(pdf).replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")
    for expected in ("Présence", "vendredi 27 mars 2015", "50 sur 53", "Ce qui n’est pas montré", "Provenance", "UTC"):
        assert expected in said
    for english in ("What is not shown", "Where it comes from", "published", "The whole page"):
        assert english not in said
    assert "Le tableau dit la même chose." in next(text for kind, text in tags(pdf) if kind == "/Figure")


def test_the_address_shows_the_same_after_another_release(site):
    said = text_of(site.get("/mobility/presence.pdf").content)
    address = re.search(r"http://127\.0\.0\.1:8400(\S+)", said)[1]
    assert "release=1" in address
    assert site.get(address.replace("?", ".json?")).json() == site.get("/mobility/presence.json").json()


def test_parameters_of_an_address_are_kept_once():
    assert lasting("https://a.example/x?release=2&area=A", {"release": "1"}) == "https://a.example/x?area=A&release=1"
    assert lasting("https://a.example/x?a=1&a=2", {}) == "https://a.example/x?a=1&a=2"
    assert lasting("https://a.example/x", {}) == "https://a.example/x"


def test_tables_are_sorted_as_the_reader_sorted_them(site):
    told = site.get("/mobility/presence.json?start=2015-03-27T14:00Z").json()["presence"]["areas"]
    counts = [area["subscribers"] for area in told if area["subscribers"] is not None]
    for order, expected in (("subscribers", min(counts)), ("-subscribers", max(counts))):
        address = f"/mobility/presence.pdf?start=2015-03-27T14:00Z&sort-map={order}"
        said = text_of(site.get(address).content)
        assert re.search(r"Area Subscribers State [A-Za-zé ]+ ([\d,]+) ", said)[1] == f"{expected:,.0f}"


def test_a_long_table_is_cut_and_says_so():
    said = text_of(briefs.brief(page(figures=[table(rows=300)]), ADDRESS))
    assert "The first 60 of 300 rows." in said
    assert "Ada 59 1,234" in said
    assert "Ada 60" not in said


def test_a_wide_table_says_how_many_columns_there_are_beside():
    said = text_of(briefs.brief(page(figures=[table(columns=11)]), ADDRESS))
    assert "Column 5" in said
    assert "Column 6" not in said
    assert "5 more columns are on the page." in said


def test_figures_that_find_no_room_are_counted():
    said = text_of(
        briefs.brief(page(figures=[table(f"n{number}", rows=40, columns=5) for number in range(9)]), ADDRESS)
    )
    shown = len(re.findall(r"Areas n\d", said))
    assert 0 < shown < 9
    assert f"{9 - shown} more figures are on the page." in said


def test_a_page_of_one_sentence_has_a_brief():
    pdf = briefs.brief(page(lead="No mobility data has been published yet."), ADDRESS)
    assert len(read(pdf).pages) == 1
    assert "No mobility data has been published yet." in text_of(pdf)
    assert re.search(r"Made on \d+ \w+ \d{4}, \d\d:\d\d UTC", text_of(pdf))


def test_a_picture_is_there_with_its_legend_and_a_text_instead():
    pdf = briefs.brief(page(figures=[table(picture=a_map())]), ADDRESS)
    assert [text for kind, text in tags(pdf) if kind == "/Figure"] == [
        "Areas areas. What is known of areas. The table says the same."
    ]
    said = text_of(pdf)
    assert all(entry in said for entry in ("People", "few", "many", "hidden"))
    drawn = b"".join(side.get_contents().get_data() for side in read(pdf).pages) + b"".join(
        thing.get_object().get_data()
        for side in read(pdf).pages
        for thing in side["/Resources"].get("/XObject", {}).values()
    )
    darkest = " ".join(f"{part / 255:.4f}"[:5] for part in (0x3D, 0x1D, 0x7C))
    assert re.search(darkest.replace(".", r"\.").replace(" ", r"\d* ").encode(), drawn), (
        "the colour of class 4 is in it"
    )


def test_code_in_values_is_text():
    shown = table(text=CODE, picture=a_map(CODE))
    said = text_of(
        briefs.brief(
            page(title=CODE, lead=CODE, tiles=[(CODE[:20], CODE)], figures=[shown], notes=[CODE, "</svg><script>"]),
            f"{ADDRESS}&code={CODE}",
        )
    )
    assert said.count(CODE) >= 4
    assert "</svg><script>" in said


def test_markup_of_notes_is_left_out():
    assert "Fewer than 15 <are> hidden." in text_of(
        briefs.brief(page(notes=[Markup("<p>Fewer than <b>15</b> &lt;are&gt; hidden.</p>")]), ADDRESS)
    )


@pytest.mark.parametrize("word", ["longword", "a sentence of several words ", CODE, ARABIC, "x"])
def test_the_longest_texts_break_nothing(word):
    long = word * 400
    figures = [table(f"n{number}", 200, 9, long, a_map(long) if number % 2 else None) for number in range(6)]
    pdf = briefs.brief(
        page(title=long, lead=long, tiles=[(long, long)] * 12, figures=figures, notes=[long] * 20), ADDRESS
    )
    assert len(read(pdf).pages) <= 2
    for side in read(pdf).pages:
        rights: list[float] = []
        side.extract_text(
            visitor_text=lambda text, outer, inner, font, size, ends=rights: (
                ends.append(outer[4] + inner[4]) if text.strip() else None
            )
        )
        assert max(rights) < 595, "no line begins beyond the paper"


def test_arabic_is_set_in_our_font():
    pdf = briefs.brief(page(title=ARABIC, lead=ARABIC, figures=[table(text=ARABIC)], notes=[ARABIC]), ADDRESS)
    assert {name.partition("+")[2] for name in fonts(pdf)} >= {"NotoSansArabic-Regular", "NotoSansArabic-Bold"}
    assert read(pdf).metadata.title == ARABIC
    assert UNKNOWN not in text_of(pdf)


def test_a_page_from_right_to_left_has_a_brief():
    backwards = Language("ar-XB", "نص", Locale("ar"), ENGLISH.texts)
    with speaking(backwards):
        pdf = briefs.brief(page(figures=[table(picture=a_map())], notes=[ARABIC]), ADDRESS)
    assert read(pdf).trailer["/Root"]["/Lang"] == "ar"
    assert read(pdf).trailer["/Root"]["/ViewerPreferences"]["/Direction"] == "/R2L"


def test_letters_that_the_font_lacks_are_told_apart_from_none():
    said = text_of(briefs.brief(page(title="Ward 市"), ADDRESS))
    assert f"Ward {UNKNOWN}" in said
    assert f"{UNKNOWN} stands for a letter that the font of this brief does not have." in said
    assert UNKNOWN not in text_of(briefs.brief(page(title="Nzérékoré → Ɓo"), ADDRESS))


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(), max_size=60))
def test_whatever_a_value_holds_can_be_set(value):
    pdf = briefs.brief(page(title=value, lead=value, tiles=[(value, value)], figures=[table(text=value)]), ADDRESS)
    assert len(read(pdf).pages) == 1


def test_every_letter_that_is_said_to_be_covered_can_be_set():
    spans = [line.split() for line in (FONTS / "covered.txt").read_text().splitlines()]
    letters = [chr(code) for first, last in spans for code in range(int(first, 16), int(last, 16) + 1)]
    visible = "".join(letter for letter in letters if unicodedata.category(letter)[0] not in "CZM")
    assert set("aéœÉ€’…–→≤≥ɓŋɔهЖλ0") <= set(visible)
    notes = [visible[begin : begin + 450] for begin in range(0, len(visible), 450)]
    assert len(notes) <= 8, "they fit into one brief"
    briefs.brief(page(notes=notes), ADDRESS)  # a letter without a shape fails under PDF/UA


def test_every_text_of_the_site_can_be_set():
    folder = resources.files("commonweal.web").joinpath("locale", "fr", "LC_MESSAGES", "commonweal.po")
    with folder.open("rb") as file:
        texts = [str(text) for message in read_po(file) for text in (message.id, message.string)]
    assert len(texts) > 900
    assert [text for text in texts if UNKNOWN in settable(text)] == []


def test_the_fonts_are_small_and_come_with_their_licence():
    files = list(FONTS.glob("*.ttf"))
    assert len(files) == 5
    assert sum(file.stat().st_size for file in files) < 600_000
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "OFL.txt").read_text()


def test_the_same_page_has_the_same_brief(site, published):
    address = "/mobility/presence.pdf?start=2015-03-27T14:00Z"
    first = site.get(address)
    assert site.get(address).content == first.content
    again = site.get(address, if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    moment = read(first.content).metadata.creation_date
    assert moment == published.presence.published_at.replace(microsecond=0)


def test_without_releases_it_is_of_this_minute():
    moment = made_at(page())
    assert (moment.second, moment.microsecond, moment.tzinfo) == (0, 0, UTC)
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 90


def test_what_is_for_one_reader_alone_is_not_kept(site_of, published, monkeypatch):
    shown = catalog.Document
    monkeypatch.setattr(catalog, "Document", lambda **said: shown(**said, private=True))
    answer = site_of(published.home).get("/catalog.pdf")
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


def test_too_many_at_once_are_turned_away_and_the_others_served():
    places, outcomes = typesetting.AT_ONCE + typesetting.WAITING, queue.Queue()

    def ask():
        try:
            outcomes.put(briefs.brief(page(), ADDRESS))
        except Exception as error:
            outcomes.put(error)

    with ExitStack() as held:
        for _ in range(typesetting.AT_ONCE):
            held.enter_context(typesetting.turn())
        threads = [threading.Thread(target=ask) for _ in range(typesetting.WAITING + 1)]
        for thread in threads:
            thread.start()
        refused = outcomes.get(timeout=20)
        assert isinstance(refused, Unavailable)
        assert refused.status == 503
        assert outcomes.empty(), "the others wait"
    for thread in threads:
        thread.join(timeout=60)
    served = [outcomes.get_nowait() for _ in range(places - typesetting.AT_ONCE)]
    assert all(isinstance(one, bytes) for one in served)


def test_nothing_is_written_to_a_disk(published, site, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)
    before = sorted(published.home.settings.data.rglob("*"))
    assert site.get("/mobility/presence.pdf").status_code == 200
    assert list(tmp_path.iterdir()) == []
    assert [path for path in sorted(published.home.settings.data.rglob("*")) if path not in before] == []


def test_a_picture_that_is_none_is_an_error_that_quotes_nothing():
    with pytest.raises(CommonwealError) as caught:
        briefs.png("<p>secret</p>")
    assert "secret" not in str(caught.value)


def test_the_typesetter_is_loaded_only_when_it_is_used():
    code = "import sys, commonweal.server, commonweal.web.briefs; sys.exit('typst' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, check=False).returncode == 0
