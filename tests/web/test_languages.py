"""Which language a page is in, and that all of the page is in it."""

import asyncio
import re
from html.parser import HTMLParser
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.core.identity import Grant, Role, people, signing_in
from commonweal.core.identity.secret import form_token
from commonweal.core.wording import Wording, counted
from commonweal.web import words
from commonweal.web.access import FIELD, SESSION
from commonweal.web.choosing_language import COOKIE, preferred
from commonweal.web.languages import ENGLISH, FRENCH, OFFERED, is_translated, ngettext, speaking, translated

HOUR = "/mobility/presence?start=2015-03-27T14:00Z"
OWN = "http://localhost:8400"
HTML = "text/html"
PASSWORD = "wind over still water"


def text_of(markup):
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]*>", " ", markup))  # no-break spaces are kept


def french(site, address, **headers):
    return site.get(address, accept=HTML, accept_language="fr", **headers)


# Which language ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,fr;q=0.8,en;q=0.5", "fr"),
        ("de-DE, de;q=0.9, FR;q=0.5, en;q=0.4", "fr"),
        ("en;q=0.3, fr;q=0.7", "fr"),
        ("en, fr", "en"),
        ("de, ja;q=0.5", "en"),
        ("*", "en"),
        ("fr;q=0, *;q=0.5", "en"),
        ("fr;q=much, en;q=0.1", "en"),
        ("fr;level=1, en;q=0.9", "fr"),
        (";;,,q=1,fr;q=0.2", "fr"),
    ],
)
def test_the_language_is_the_one_that_the_browser_wants_most(header, code):
    assert preferred(header).code == code


@given(st.text())
def test_no_header_is_too_strange(header):
    assert preferred(header) in OFFERED.values()


def test_what_was_chosen_wins_over_what_the_browser_asks_for(site):
    assert site.get("/", accept=HTML, accept_language="fr", cookie=f"{COOKIE}=en").headers["content-language"] == "en"
    assert site.get("/", accept=HTML, accept_language="en", cookie=f"{COOKIE}=fr").headers["content-language"] == "fr"


def test_a_language_that_was_never_offered_is_not_chosen(site):
    answer = french(site, "/", cookie=f'{COOKIE}="><script>')
    assert answer.headers["content-language"] == "fr"
    assert "<script>" not in answer.text


def test_the_page_says_its_language_and_that_it_depends_on_the_reader(site):
    answer = french(site, "/")
    assert '<html lang="fr" dir="ltr">' in answer.text
    assert answer.headers["content-language"] == "fr"
    for asked in (answer, site.page("/"), site.get("/.json")):
        assert {"Accept-Language", "Cookie"} <= set(re.split(r",\s*", answer.headers["vary"])), asked.url


def test_each_language_has_a_tag_of_its_own(site):
    english, other = site.page(HOUR), french(site, HOUR)
    assert english.headers["etag"] != other.headers["etag"]
    assert french(site, HOUR, if_none_match=english.headers["etag"]).status_code == 200
    assert french(site, HOUR, if_none_match=other.headers["etag"]).status_code == 304


@pytest.mark.parametrize(
    "address", [f"/.json{HOUR[1:]}", "/catalog.json", "/catalog/mobility.presence/1.json", "/no.json"]
)
def test_data_are_the_same_for_every_reader(site, address):
    assert site.get(address, accept_language="fr").content == site.get(address).content


def test_readers_who_ask_at_once_each_get_their_language(site):
    async def ask():
        transport = httpx.ASGITransport(site.app)
        async with httpx.AsyncClient(transport=transport, base_url=OWN) as client:
            wanted = ["fr", "en"] * 8
            asked = [client.get("/", headers={"accept": HTML, "accept-language": code}) for code in wanted]
            return [re.search('<html lang="(..)"', one.text)[1] for one in await asyncio.gather(*asked)], wanted

    found, wanted = asyncio.run(ask())
    assert found == wanted


# Choosing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def choose(site, language="fr", here="/", **headers):
    return site.get(
        "/language", "POST", {"language": language, "next": here}, **{"origin": OWN, "accept": HTML} | headers
    )


@pytest.mark.parametrize("here", ["/catalog", f"{HOUR}&area=SL-W&layer=flows", "/sign-in?next=/catalog"])
def test_whoever_chooses_a_language_comes_back_to_where_they_were(site, here):
    shown = site.get(here, accept=HTML).text
    [back] = re.findall(r'name="next" value="([^"]*)">\s*<button class="plain" name="language" value="fr"', shown)
    assert back.replace("&amp;", "&") == here
    answer = choose(site, here=here)
    assert (answer.status_code, answer.headers["location"]) == (303, here)
    kept = answer.headers["set-cookie"]
    assert kept.startswith(f"{COOKIE}=fr;")
    assert all(part in kept for part in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"))


def test_a_page_that_answers_a_form_offers_no_way_back_to_itself(site):
    answer = site.get("/language", "POST", {"language": "xx"}, origin=OWN, accept=HTML)
    assert answer.status_code == 422
    assert 'action="/language"' not in answer.text


@pytest.mark.parametrize("language", ["xx", "", "fr\r\nset-cookie: evil=1", "FR"])
def test_an_unknown_language_is_refused(site, language):
    answer = choose(site, language)
    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec_fetch_site": "cross-site"}, {}]
)
def test_only_a_page_of_this_site_can_choose(site, headers):
    answer = site.get("/language", "POST", {"language": "fr", "next": "/"}, accept=HTML, **headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


# Said in French ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_overview_is_french(site):
    said = text_of(french(site, "/").text)
    assert "Où se trouve la population" in said
    assert "Publié en dernier" in said


def test_presence_is_french_to_its_last_label(site):
    markup = french(site, f"{HOUR}&layer=flows").text
    said = text_of(markup)
    assert "vendredi 27 mars 2015, 14:00 – 15:00 · fuseau horaire\u00a0: Africa/Freetown" in said
    assert (
        'aria-label="Carte\u00a0: abonnés distincts dans chaque zone, vendredi 27 mars 2015, 14:00 – 15:00"' in markup
    )
    assert re.search(r'class="area" [^>]*aria-label="Western: [\d\u202f]+ abonnés"', markup)
    assert re.search(r'class="flow" role="img" aria-label="De [^"]* vers [^"]*\u00a0: [\d\u202f]+ abonnés"', markup)
    assert re.search(r"masqué \(secret statistique\)\u00a0: moins de 15, ou aucun", said)
    assert re.search(
        r"Valeurs masquées sur l’ensemble des heures de la version\u00a0: [\d\u202f]+ sur 2\u202f544, soit \d+\u00a0%",
        said,
    )


def test_what_the_release_declares_is_translated_though_it_is_stored_in_english(site):
    said = text_of(french(site, "/catalog/mobility.presence").text)
    assert "Abonnés distincts vus dans une zone pendant une heure ou une journée." in said
    assert "fuseau horaire\u00a0: Africa/Freetown" in said


def test_the_first_of_a_month_is_the_first():
    from datetime import date

    with speaking(FRENCH):
        assert words.day_in_words(date(2026, 3, 4)) == "mercredi 4 mars 2026"
        assert words.day_in_words(date(2026, 3, 1)) == "dimanche 1er mars 2026"
        assert words.days_in_words(date(2026, 3, 1), date(2026, 4, 2)) == "1er mars – 2 avril 2026"
        assert words.count(1234567) == "1\u202f234\u202f567"


@pytest.mark.parametrize("language", [ENGLISH, FRENCH])
def test_what_rounds_to_nothing_has_no_sign(language):
    """Whatever was written before: -0.0 equals 0, so that what is kept of one would be said of the other."""
    assert [language.number(one, 1) for one in (-0.04, 0, -0.0, 0.04)] == ["0"] * 4


def test_one_and_none_are_singular_in_french_and_only_one_in_english():
    def said():
        return [ngettext("%(num)s area", "%(num)s areas", number) for number in (0, 1, 2)]

    assert said() == ["0 areas", "1 area", "2 areas"]
    with speaking(FRENCH):
        assert [ngettext("%(num)s day", "%(num)s days", number) for number in (0, 1, 2)] == [
            "0 jour",
            "1 jour",
            "2 jours",
        ]


def test_an_error_is_a_french_page_and_an_english_problem(site):
    shown = text_of(french(site, "/catalog/mobility.presence/99").text)
    assert "Introuvable" in shown
    assert "il n’y a pas de version 99" in shown
    problem = site.get("/catalog/mobility.presence/99", accept_language="fr").json()
    assert problem["detail"].startswith("mobility.presence: there is no version 99")


def test_an_error_that_is_only_in_english_says_so(home, site_of, publish_more):
    release = publish_more(home)
    file = release.file(home.settings)
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    answer = french(site_of(home), "/")
    assert "Endommagé" in answer.text
    assert '<span lang="en" dir="ltr">the file of mobility.presence 1 has SHA-256' in answer.text


def test_a_worded_text_is_english_to_everything_but_a_page():
    told = counted("wait %(num)s minute", "wait %(num)s minutes", 1)
    assert (told, Wording("there is no version %(version)s", version=7)) == ("wait 1 minute", "there is no version 7")
    with speaking(FRENCH):
        assert translated(told) == "attendre 1 minute"
        assert not is_translated("something nobody wrote")
        assert (
            translated(Wording("the right to %(permission)s", permission=Wording("read")))
            == "le droit «\u00a0consulter\u00a0»"
        )


# Nothing is left in English ────────────────────────────────────────────────────────────────────────────────────────


def _pseudo():
    spec = spec_from_file_location("pseudo_language", Path(__file__).with_name("pseudo_language.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PSEUDO


class Left(HTMLParser):
    """What a page says outside every text that was looked up: texts and labels of which no bracket is open."""

    SAID = ("aria-label", "title", "alt", "placeholder")
    NOT_WORDS = ("code", "pre", "style", "script")

    def __init__(self, markup):
        super().__init__()
        self.depth, self.inside, self.found = 0, [], set()
        self.feed(markup)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag not in ("input", "meta", "link", "br"):
            self.inside.append((tag, "lang" in given and tag != "html"))
        for name in self.SAID:
            outer, self.depth = self.depth, 0
            self._read(given.get(name) or "")
            self.depth = outer

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop()[0] != tag:
            pass

    def handle_data(self, data):
        self._read(data, skip=any(tag in self.NOT_WORDS or other for tag, other in self.inside))

    def _read(self, text, skip=False):
        outside = ""
        for sign in text:
            self.depth += (sign == "⟦") - (sign == "⟧")
            outside += sign if not self.depth and sign != "⟧" else ""
        said = " ".join(outside.split())
        if not skip and re.search(r"[A-Za-z]{2}", said):
            self.found.add(said)


DATA = re.compile(
    r"·? ?Commonweal|Parquet|CSV|GeoJSON|JSON|store lockdown/2015|commonweal [\w.+]+|https://creativecommons\S+"
    r"|mobility\.\w+|area|period|start|subscribers|\{\w+\}|[a-z]+_[a-z_]+"
    r"|natural-earth:GN,LR,SL|[0-9a-f]{12}"
)
"""What is shown as it is: formats, inputs, code, licences, datasets, columns, units, area sets, digests."""


def left_in_english(markup, data=()):
    return {said for said in Left(markup).found if not DATA.fullmatch(said) and said not in data}


@pytest.fixture
def names(published):
    from commonweal.core.areas import load

    return set(load(published.home.database, published.presence.area_set).names)


@pytest.fixture
def pseudo(monkeypatch):
    language = _pseudo()
    monkeypatch.setitem(OFFERED, language.code, language)
    return language.code


@pytest.mark.parametrize(
    "address",
    [
        f"{HOUR}&layer=flows",
        "/mobility/inside?polygon=-13.1,7.9 -12.2,7.9 -12.2,8.9&centre=-8.8,7.75&radius=20",
        "/mobility/inside?polygon=-13.1,7.9",
        "/?start=2015-03-28",
        "/catalog",
        "/catalog/mobility.presence",
        "/catalog/mobility.quality/1",
        "/nothing",
        "/?start=nonsense",
        "/catalog/mobility.presence/99",
        "/sign-in",
        "/welcome/nonsense",
    ],
)
def test_nothing_on_a_page_is_written_past_the_catalog(site, names, pseudo, address):
    markup = site.get(address, accept=HTML, accept_language=pseudo).text
    assert '<html lang="ar-XB" dir="rtl">' in markup
    said = {f"{name}: {{}}" for name in names}
    left = {text for text in left_in_english(markup, names) if f"{text.partition(':')[0]}: {{}}" not in said}
    people_and_places = {"mobility/lockdown,", "os:steward"}  # whom it is about and who allowed it are names
    assert left - {address.partition("?")[0], "start", "mobility.presence"} - people_and_places == set()


def test_a_page_before_anything_is_published_is_translated_too(empty_site, pseudo):
    for address in ("/", "/catalog"):
        assert left_in_english(empty_site.get(address, accept=HTML, accept_language=pseudo).text) == set()


def test_what_is_hard_coded_is_found():
    assert left_in_english('<p aria-label="Hard">⟦looked up <b>bold</b>⟧ coded <code>not words</code></p>') == {
        "Hard",
        "coded",
    }


@pytest.fixture
def ask_as_administrator(home, site_of, pseudo):
    """Ask as somebody who administers and reads in the pseudo-language: function of (address, form)."""
    _, offered = people.create(home.database, "xx", "XX", [Grant(Role.ADMINISTRATOR)], "os:tester")
    held = signing_in.with_link(home.database, offered, PASSWORD, 12)
    people.create(home.database, "zz", "XX", [Grant(Role.ANALYST, "mobility", "districts")], "os:tester")
    site = site_of(home)

    def ask(address, form=None, settings=home.settings):
        site.app.state.settings = settings
        sent = form and {FIELD: form_token(held)} | form
        method = "POST" if form else "GET"
        headers = {"accept": HTML, "accept_language": pseudo, "cookie": f"{SESSION}={held}", "origin": OWN}
        return site.get(address, method, sent, **headers)

    return ask


OF_PEOPLE = re.compile(
    r"(XX|xx|yy|zz)( · Commonweal)?|os:\w+|[a-z]+\.[a-z-]+|person(:| )\d+|disclosure-signing\.pub"
    r"|data|lake|store|spill|backups|/\S*|districts|\d{4}-\d\d-\d\dT\d{6}Z( · Commonweal)?"
)
"""Names, actions and things of the audit log, folders, areas, backups: shown as they are."""


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("/account", None),
        ("/account/tokens", {"name": "xx", "days": "9", "permission": "read"}),
        ("/account/tokens", {"name": "", "days": "9", "permission": "read"}),
        ("/account/password", {"old": "", "password": "short", "again": "short"}),
        ("/account/password", {"old": "", "password": "short", "again": "other"}),
        ("/administration", None),
        ("/administration/people", {"name": "yy", "role": "viewer"}),
        ("/administration/people", {"name": "?", "role": ""}),
        ("/administration/people/zz", None),
        ("/administration/people/xx/disable", {"why": "xx"}),
        ("/administration/people/nobody", None),
        ("/administration/audit?verify=true", None),
        ("/administration/audit", None),
        ("/administration/audit?who=nobody", None),
        ("/administration/audit?day=xx", None),
        ("/administration/work", None),
        ("/administration/backup", None),
        ("/administration/backup", {"none": "are named"}),
        ("/administration/backup/nothing", None),
    ],
)
def test_nothing_behind_the_sign_in_is_written_past_the_catalog(ask_as_administrator, address, form):
    left = left_in_english(ask_as_administrator(address, form).text)
    assert {said for said in left if not OF_PEOPLE.fullmatch(said)} == set()


def test_nothing_about_a_backup_is_written_past_the_catalog(ask_as_administrator, home, tmp_path):
    from commonweal.core.backup import listing, service
    from commonweal.domains import ROOMS

    kept = {"backups": tmp_path / "backups", "backup_keys": tmp_path / "safe"}
    for folder in kept.values():
        folder.mkdir()
    name = listing.new_name()
    files = [folder / name for folder in kept.values()]
    service.create(home.settings, home.database, ROOMS, *files, "os:tester")
    kept_apart = home.settings.model_copy(update=kept)
    for settings in (kept_apart, kept_apart.model_copy(update={"database_url": "postgresql://db/cw"})):
        for address in ("/administration/backup", f"/administration/backup/{name}"):
            left = left_in_english(ask_as_administrator(address, settings=settings).text)
            assert {said for said in left if not OF_PEOPLE.fullmatch(said)} == set()


def test_what_settings_mean_is_translated(ask_as_administrator):
    markup = ask_as_administrator("/administration/settings").text
    meanings = re.findall(r"<td>[^<]*</td><td>([^<]*)</td></tr>", markup)
    assert len(meanings) > 20
    assert [said for said in meanings if not said.startswith("⟦")] == []


def test_english_is_what_the_source_says(site):
    assert ENGLISH.code == "en"
    assert "Where people are" in site.page("/").text
