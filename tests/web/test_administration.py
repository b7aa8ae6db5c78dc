"""Pages of administration: what they show, as data too, and to whom; secrets stand in one answer alone."""

import io
import re
from datetime import UTC, datetime, timedelta

import pypdf
import pytest
from sqlalchemy import text

from commonweal.core import audit, jobs
from commonweal.core.identity import Grant, Role, people, tokens
from commonweal.web.administration.storage import Storage, measure

WHO = "os:tester"
PASSWORD = "wind over still water"
PAGES = [
    "/administration",
    "/administration/people/grace",
    "/administration/settings",
    "/administration/audit",
    "/administration/work",
    "/administration/backup",
]
FIGURES = {
    "/administration": "people",
    "/administration/people/grace": "roles",
    "/administration/settings": "settings",
    "/administration/audit": "entries",
    "/administration/work": "folders",
    "/account": "tokens",
}


# To whom ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_administrators_see_administration_in_any_form(closed, browsing, person, role):
    person("ada", Grant(role))
    person("grace", Grant(Role.ADMINISTRATOR))
    browser = browsing(closed)
    browser.sign_in("ada")
    for page in PAGES:
        for form in ("", ".json", ".pdf", f"/figures/{FIGURES.get(page, 'backups')}.csv"):
            assert browser.get(page + form).status_code == 403, page + form
    assert browser.get("/account.json").status_code == 200


@pytest.mark.parametrize("page", [*PAGES, "/account"])
def test_a_page_is_data_at_the_same_address_and_nothing_keeps_either(administrator, page):
    for address in (page, f"{page}.json"):
        answer = administrator.get(address)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), address
    assert f'href="{page}.json"' in administrator.get(page).text
    assert isinstance(administrator.get(f"{page}.json").json(), dict)


@pytest.mark.parametrize("page", [*PAGES, "/account"])
def test_a_page_is_a_brief_at_the_same_address(administrator, page):
    answer = administrator.get(f"{page}.pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(b"%PDF-")


@pytest.mark.parametrize("page", FIGURES)
def test_a_table_can_be_sorted_and_taken_along(administrator, home, page):
    for name in ("ada", "bob"):
        tokens.issue(home.database, people.get(home.database, "grace").number, name, ["read"], 30, WHO)
        people.create(home.database, name, name, [], WHO)
        people.give(home.database, "grace", Grant(Role.VIEWER, name), WHO)
    figure = f"{page}/figures/{FIGURES[page]}"
    links = re.findall(rf'href="(\?|[^"?]*\?)([^"]*sort-{FIGURES[page]}=[^"#]*)', administrator.get(page).text)
    assert len(links) >= 3
    for _, query in links:
        shown = administrator.get(f"{page}?{query.replace('&amp;', '&')}")
        assert (shown.status_code, "aria-sort" in shown.text) == (200, True), query
    for form, media_type in (("csv", "text/csv"), ("json", "application/json"), ("xlsx", "spreadsheetml")):
        answer = administrator.get(f"{figure}.{form}")
        assert media_type in answer.headers["content-type"]
        assert answer.headers["cache-control"] == "no-store"
    assert administrator.get(figure).status_code == 200


# Secrets ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def everything_of(browser, *pages):
    """Ask for every form of pages but briefs."""
    for page in pages:
        yield browser.get(page).text
        yield browser.get(f"{page}.json").text
        figures = re.findall(rf'href="({re.escape(page)}/figures/[a-z]+)(?:\?[^"]*)?"', browser.get(page).text)
        yield from (browser.get(f"{figure}{form}").text for figure in figures for form in ("", ".csv", ".json"))


def briefs_of(browser, *pages):
    """Read what the briefs of pages say, without blanks: what is long stands on several lines."""
    for page in pages:
        read = pypdf.PdfReader(io.BytesIO(browser.get(f"{page}.pdf").content))
        yield re.sub(r"\s", "", "".join(side.extract_text() for side in read.pages))


def test_a_link_stands_in_the_answer_that_made_it_and_nowhere_else(administrator, person):
    for answer in (
        administrator.post("/administration/people", name="ada", role="viewer"),
        administrator.post("/administration/people/ada/link"),
    ):
        (offered,) = re.findall(r"/welcome/([\w-]+)", answer.text)
        assert answer.headers["cache-control"] == "no-store"
        pages = (*PAGES, "/administration/people/ada", "/account")
        for said in (*everything_of(administrator, *pages), *briefs_of(administrator, pages[-2])):
            assert offered not in said
            assert "/welcome/" not in said


def test_neither_password_nor_token_stands_in_any_answer_but_the_one_that_made_it(administrator, home, person):
    ada = person("ada", Grant(Role.VIEWER))
    token = tokens.issue(home.database, ada.number, "night job", ["read"], 30, WHO)
    own = re.findall(r"cw_[\w-]+", administrator.post("/account/tokens", name="x", permission="read", days="1").text)
    assert len(own) == 1
    with home.database.reading() as session:
        digests = list(session.scalars(text("SELECT digest FROM person_token UNION SELECT password FROM person")))
    assert len(digests) == 4
    pages = (*PAGES, "/administration/people/ada", "/account")
    briefs = list(briefs_of(administrator, *pages))
    assert "nightjob" in briefs[-2]
    for said in (*everything_of(administrator, *pages), *briefs):
        for secret in (token, *own, PASSWORD, PASSWORD.replace(" ", ""), *digests):
            assert secret not in said


def test_what_a_form_was_sent_with_is_not_linked_from_the_page_that_answers_it(administrator):
    answer = administrator.post("/administration/people?secret=xyz", name="?")
    assert answer.status_code == 422
    assert "xyz" not in answer.text


# People ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_administrator_makes_a_person_who_then_signs_in(administrator, home, browsing):
    shown = administrator.post(
        "/administration/people", name="ada", full_name="Ada", role="analyst", domain="mobility", area="districts"
    )
    (offered,) = re.findall(r"/welcome/([\w-]+)", shown.text)
    other = browsing(administrator.site)
    other.get(f"/welcome/{offered}")
    assert other.post(f"/welcome/{offered}", password=PASSWORD, again=PASSWORD).status_code == 303
    assert people.get(home.database, "ada").grants == (Grant(Role.ANALYST, "mobility", "districts"),)
    assert "analyst in mobility for districts" in other.get("/account").text


def test_an_administrator_changes_what_somebody_holds(administrator, home, person):
    person("ada", Grant(Role.VIEWER))
    administrator.post("/administration/people/ada/grant", role="author", domain="mobility", area="")
    administrator.post("/administration/people/ada/revoke", role="viewer", domain="", area="")
    assert people.get(home.database, "ada").grants == (Grant(Role.AUTHOR, "mobility"),)
    administrator.post("/administration/people/ada/disable")
    assert people.get(home.database, "ada").disabled
    administrator.post("/administration/people/ada/enable")
    assert not people.get(home.database, "ada").disabled


def test_an_administrator_revokes_somebodys_token(administrator, home, person):
    ada, eve = person("ada", Grant(Role.VIEWER)), person("eve", Grant(Role.VIEWER))
    tokens.issue(home.database, ada.number, "night job", ["read"], 30, WHO)
    tokens.issue(home.database, eve.number, "hers", ["read"], 30, WHO)
    assert "Revoke: night job" in administrator.get("/administration/people/ada").text
    assert administrator.post("/administration/people/ada/revoke-token", number="2").status_code == 404
    assert administrator.post("/administration/people/ada/revoke-token", number="x").status_code == 404
    assert administrator.post("/administration/people/ada/revoke-token", number="1").status_code == 303
    shown = administrator.get("/administration/people/ada.json").json()["tokens"]
    assert [(token["state"], token["revoked"] is None) for token in shown] == [("revoked", False)]
    assert "Revoke: night job" not in administrator.get("/administration/people/ada").text
    assert tokens.tokens_of(home.database, eve.number)[0].revoked is None


def test_what_is_wrong_is_said_on_the_page_and_changes_nothing(administrator, home):
    answer = administrator.post("/administration/people", name="a b c", role="")
    assert (answer.status_code, "not a name to sign in with" in answer.text) == (422, True)
    assert 'value="a b c"' in answer.text
    answer = administrator.post("/administration/people/grace/disable")
    assert (answer.status_code, "last administrator" in answer.text) == (403, True)
    assert 'href="/administration/people/grace.json"' in answer.text
    assert administrator.post("/administration/people/grace/promote").status_code == 404
    assert [each.name for each in people.people(home.database)] == ["grace"]


def test_people_and_what_they_hold_are_data(administrator, home, person):
    ada = person("ada", Grant(Role.ANALYST, "mobility", "districts"))
    tokens.issue(home.database, ada.number, "night job", ["read"], 30, WHO)
    (first, _) = administrator.get("/administration.json").json()["people"]
    grants = [{"role": "analyst", "domain": "mobility", "area": "districts"}]
    assert first == {
        "number": ada.number,
        "name": "ada",
        "full_name": "Ada",
        "grants": grants,
        "has_password": True,
        "single_sign_on": False,
        "disabled": None,
    }
    one = administrator.get("/administration/people/ada.json").json()
    (token,) = one.pop("tokens")
    assert one == first
    assert {name: token[name] for name in ("number", "name", "permissions", "state", "used", "revoked")} == {
        "number": 1,
        "name": "night job",
        "permissions": ["read"],
        "state": "works",
        "used": None,
        "revoked": None,
    }
    assert datetime.fromisoformat(token["ends"]) - datetime.now(UTC) < timedelta(days=30)
    people.disable(home.database, "ada", WHO)
    assert administrator.get("/administration/people/ada.json").json()["disabled"]
    assert administrator.get("/administration/people/nobody.json").status_code == 404


def test_a_program_learns_whose_token_it_holds(closed, home, person):
    ada = person("ada", Grant(Role.VIEWER), Grant(Role.ANALYST, "mobility"))
    token = tokens.issue(home.database, ada.number, "night job", ["read"], 30, WHO)
    said = closed.get("/account.json", authorization=f"Bearer {token}").json()
    assert (said["number"], said["full_name"], said["only"]) == (ada.number, "Ada", ["read"])
    assert {grant["role"] for grant in said["grants"]} == {"viewer", "analyst"}
    assert [each["name"] for each in said["tokens"]] == ["night job"]
    assert token not in str(said)
    assert closed.get("/account.json").status_code == 401


def test_a_token_that_is_over_is_said_to_be(administrator, home):
    grace = people.get(home.database, "grace")
    tokens.issue(home.database, grace.number, "old", ["read"], 1, WHO)
    with home.database.transaction() as session:
        session.execute(text("UPDATE person_token SET ends = :ends"), {"ends": "2020-01-01 00:00:00"})
    assert administrator.get("/account.json").json()["tokens"][0]["state"] == "over"
    assert "Revoke: old" not in administrator.get("/account").text


# Signing in, as data ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_program_learns_how_people_sign_in(closed):
    assert closed.get("/sign-in.json").json() == {"local_accounts": True, "provider": None}
    assert closed.get("/sign-in.pdf").status_code == 404
    assert "set-cookie" not in closed.get("/sign-in.json").headers


def test_a_program_learns_what_a_link_is_for_without_using_it_up(closed, home, person):
    from commonweal.core.identity import signing_in

    first = signing_in.offer_first_link(home.database)
    assert closed.get(f"/welcome/{first}.json").json() == {
        "sets_password_of": None,
        "makes_first_administrator": True,
    }
    ada = person("ada")
    offered = people.offer_link(home.database, "ada", WHO)
    for _ in range(2):
        answer = closed.get(f"/welcome/{offered}.json")
        assert answer.json() == {"sets_password_of": ada.name, "makes_first_administrator": False}
        assert answer.headers["cache-control"] == "no-store"
    assert closed.get("/welcome/nonsense.json").status_code == 404


# Settings ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_settings_show_no_password_of_the_database(administrator, home):
    state = administrator.site.app.state
    state.settings = home.settings.model_copy(update={"database_url": "postgresql://cw:not-to-be-seen@db/cw"})
    said = list(everything_of(administrator, "/administration/settings"))
    assert len(said) == 5
    for each in said:
        assert "not-to-be-seen" not in each
        assert "postgresql://cw:***@db/cw" in each
    assert administrator.get("/administration/settings.json").json()["port"] == "8400"


# The audit log ─────────────────────────────────────────────────────────────────────────────────────────────────────


def record(home, count, action="areas.import", who=WHO):
    with home.database.transaction() as session:
        for number in range(count):
            audit.record(session, who=who, action=action, what=f"thing {number}")


def sequences(browser, query=""):
    return [entry["sequence"] for entry in browser.get(f"/administration/audit.json{query}").json()["entries"]]


def test_the_audit_log_is_shown_and_verified(administrator):
    assert "people.sign-in" in administrator.get("/administration/audit").text
    assert "The log is whole" in administrator.get("/administration/audit?verify=true").text
    assert sequences(administrator) == list(range(len(sequences(administrator)), 0, -1))
    assert administrator.get("/administration/audit.json").json()["verification"] is None
    said = administrator.get("/administration/audit.json?verify=true").json()["verification"]
    assert (said["entries"], said["found"], said["head"]["sequence"]) == (len(sequences(administrator)), 0, 4)


def test_what_is_wrong_with_the_audit_log_is_shown(administrator, home):
    with home.database.transaction() as session:
        session.execute(text("DROP TRIGGER audit_entry_no_update"))
        session.execute(text("UPDATE audit_entry SET who = 'os:nobody' WHERE sequence = 2"))
    assert "entry 2 was altered" in administrator.get("/administration/audit?verify=true").text
    said = administrator.get("/administration/audit.json?verify=true").json()["verification"]
    assert said["findings"] == [{"sequence": 2, "what": "entry 2 was altered"}]


def test_the_audit_log_is_read_to_its_end_page_by_page_while_it_grows(administrator, home):
    record(home, 230)
    before, found, address = sequences(administrator)[0], [], "/administration/audit.json"
    while address:
        answer = administrator.get(address)
        found += [entry["sequence"] for entry in answer.json()["entries"]]
        address = answer.json()["next"]
        record(home, 7)
    assert found == list(range(before, 0, -1))


def test_a_reader_leafs_through_the_log_and_takes_along_the_page_they_see(administrator, home):
    record(home, 130)
    shown = administrator.get("/administration/audit")
    (older,) = re.findall(r'rel="next" href="([^"]*)"', shown.text)
    assert shown.headers["link"].endswith('; rel="next"')
    second = administrator.get(f"/administration/audit{older.replace('&amp;', '&')}")
    (file,) = re.findall(r'href="([^"]*entries\.csv[^"]*)"', second.text)
    record(home, 50)
    lines = administrator.get(file.replace("&amp;", "&")).text.splitlines()
    assert lines[1].startswith("34,")
    assert len(lines) == 1 + 34


def test_the_log_is_narrowed_by_a_form_that_needs_no_script(administrator, home):
    record(home, 3, "jobs.cancel", "os:ada")
    shown = administrator.get("/administration/audit?who=os:ada&action=jobs&day=").text
    assert '<input name="who" value="os:ada"' in shown
    assert shown.count("jobs.cancel") == 3
    assert "people.sign-in</td>" not in shown
    assert sequences(administrator, "?who=os:ada") == sequences(administrator, "?action=jobs.cancel")
    today = datetime.now(UTC).date()
    assert sequences(administrator, f"?day={today}&action=jobs") == sequences(administrator, "?action=jobs")
    assert sequences(administrator, f"?day={today - timedelta(days=1)}") == []
    assert "There is no such entry" in administrator.get("/administration/audit?who=nobody").text


@pytest.mark.parametrize(
    "query",
    ["day=yesterday", "day=2026-02-30", "page=0", "page=99", "up_to=-1", "up_to=9223372036854775808", "who=%00"],
)
def test_what_cannot_be_asked_of_the_log_is_refused(administrator, query):
    assert administrator.get(f"/administration/audit.json?{query}").status_code in (404, 422)


# Work and storage ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_work_and_storage_are_data(administrator, home):
    (home.settings.lake / "release").mkdir()
    (home.settings.lake / "release" / "rows").write_bytes(b"x" * 5000)
    jobs.submit(home.database, "mobility.import", {}, "person:1")
    said = administrator.get("/administration/work.json").json()
    oldest = said["queue"].pop("oldest_waiting")
    assert datetime.now(UTC) - datetime.fromisoformat(oldest) < timedelta(minutes=1)
    assert said["queue"] == {"queued": 1, "running": 0, "failed_in_the_last_day": 0, "workers": 0}
    assert [(job["kind"], job["state"]) for job in said["jobs"]] == [("mobility.import", "queued")]
    assert said["records"]["bytes"] > 10_000
    folders = {folder["folder"]: folder for folder in said["folders"]}
    assert list(folders) == ["data", "lake", "store", "spill"]
    assert (folders["lake"]["files"], folders["lake"]["bytes"], folders["lake"]["counted"]) == (1, 5000, True)
    assert folders["data"]["bytes"] >= said["records"]["bytes"] > folders["lake"]["bytes"]
    assert folders["lake"]["free"] > 0
    assert datetime.fromisoformat(said["measured_at"])


def test_a_queue_that_nobody_works_on_is_said_to_be_one(administrator, home):
    from commonweal.core.jobs.attendance import attending, workers

    assert "nobody works on them" not in administrator.get("/administration/work").text
    jobs.submit(home.database, "mobility.import", {}, "person:1")
    assert "nobody works on them" in administrator.get("/administration/work").text
    with attending(home.database):
        while not workers(home.database):
            pass
        assert "nobody works on them" not in administrator.get("/administration/work").text


def test_folders_are_measured_once_in_a_while(home):
    storage = Storage(home.settings, kept=60)
    first = storage.measured()
    (home.settings.lake / "file").write_bytes(b"x")
    assert storage.measured() is first
    again = Storage(home.settings, kept=0).measured()
    assert [folder.size for folder in again.folders if folder.name == "lake"] == [1]


def test_a_folder_with_too_much_in_it_is_counted_as_far_as_patience_goes(tmp_path):
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "file").write_bytes(b"xx")
    whole = measure("lake", tmp_path)
    assert (whole.files, whole.size, whole.is_counted) == (3, 6, True)
    assert measure("lake", tmp_path, {tmp_path / "1"}).files == 2
    begun = measure("lake", tmp_path, patience=0)
    assert (begun.files, begun.is_counted) == (0, False)
    gone = measure("lake", tmp_path / "nothing")
    assert (gone.files, gone.free) == (0, None)


def test_links_out_of_a_folder_are_not_followed(tmp_path):
    (tmp_path / "lake").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_bytes(b"xx")
    (tmp_path / "lake" / "link").symlink_to(tmp_path / "elsewhere")
    assert measure("lake", tmp_path / "lake").files == 0
