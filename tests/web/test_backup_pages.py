"""Backups on the site: asked for by a form, made by a job, and restored by commands that the page says."""

import re
import shlex
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path

import pytest

from commonweal.core import audit, jobs
from commonweal.core.backup import service
from commonweal.core.console import Home
from commonweal.core.domain import job_handlers
from commonweal.core.identity import Grant, Role, people
from commonweal.core.jobs import launch
from commonweal.core.jobs.health import health
from commonweal.domains import ROOMS

PAGE = "/administration/backup"


@pytest.fixture
def kept(home, tmp_path) -> Home:
    folders = {"backups": tmp_path / "back ups", "backup_keys": tmp_path / "safe"}
    for folder in folders.values():
        folder.mkdir()
    return Home(home.settings.model_copy(update=folders), home.database)


@pytest.fixture
def grace(kept, site_of, browsing, person):
    """The browser of an administrator of a site that has folders for backups."""
    person("grace", Grant(Role.ADMINISTRATOR))
    browser = browsing(site_of(kept, open_reading=False))
    browser.sign_in("grace")
    return browser


def work(home):
    """Have all that was asked for done, here or by whoever works on the queue besides."""
    launch.work(home.settings, home.database, job_handlers(ROOMS), once=True)
    while health(home.database).running:
        time.sleep(0.1)


def made(grace, kept):
    grace.post(PAGE)
    work(kept)
    return grace.get(f"{PAGE}.json").json()["backups"][0]


def test_an_administrator_has_a_backup_made_and_verified(grace, kept):
    assert "There is no backup in" in grace.get(PAGE).text
    answer = grace.post(PAGE)
    assert (answer.status_code, answer.headers["cache-control"]) == (303, "no-store")
    work(kept)
    (backup,) = grace.get(f"{PAGE}.json").json()["backups"]
    assert backup["verified"] is None
    assert Path(backup["path"]).parent == kept.settings.backups
    assert Path(backup["keys"]["path"]).parent == kept.settings.backup_keys
    who = f"person:{people.get(kept.database, 'grace').number}"
    assert backup["made"]["who"] == who
    page = f"{PAGE}/{backup['name']}"
    assert f'href="{page}"' in grace.get(PAGE).text
    assert "Verified: not yet." in grace.get(page).text
    assert grace.post(f"{page}/verify").status_code == 303
    work(kept)
    said = grace.get(f"{page}.json").json()["verified"]
    assert (said["whole"], said["with_keys"], said["finding"]) == (True, True, None)
    assert "Verified: whole, its keys too, on" in grace.get(page).text
    assert [(entry.action, entry.who) for entry in audit.newest(kept.database, 2)] == [
        ("backup.verify", who),
        ("backup.create", who),
    ]


def test_a_backup_that_was_asked_for_twice_is_made_once(grace, kept):
    for _ in range(2):
        grace.post(PAGE)
    work(kept)
    assert len(grace.get(f"{PAGE}.json").json()["backups"]) == 1
    assert len(jobs.newest(kept.database)) == 1


def test_what_is_wrong_with_a_backup_is_said_where_it_is_shown(grace, kept):
    backup = made(grace, kept)
    file = Path(backup["path"])
    file.write_bytes(file.read_bytes()[:-100])
    grace.post(f"{PAGE}/{backup['name']}/verify")
    work(kept)
    assert "not as it should be" in grace.get(PAGE).text
    assert "It is not whole: it ends after entry" in grace.get(f"{PAGE}/{backup['name']}").text
    assert grace.get(f"{PAGE}/{backup['name']}.json").json()["verified"]["whole"] is False


@pytest.mark.slow
def test_the_commands_that_the_page_says_restore_the_installation(grace, kept, publish_more):
    publish_more(kept)
    backup = made(grace, kept)
    said = grace.get(f"{PAGE}/{backup['name']}.json").json()["restore"]
    shown = re.findall(r"<pre>(.*?)</pre>", grace.get(f"{PAGE}/{backup['name']}").text, re.DOTALL)
    assert said["needs_an_empty_database"] is False
    commands = [line for step in ("verify", "restore", "prove") for line in said[step]]
    assert [line.replace("&#39;", "'") for step in shown for line in step.splitlines()] == [*commands, *said["serve"]]
    for line in commands:
        program, *arguments = shlex.split(line)
        assert program == "commonweal"
        done = subprocess.run(
            [sys.executable, "-c", "from commonweal.cli import main; main()", *arguments],
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, ""), line
    assert "the audit log is whole" in done.stdout or "up to date" in done.stdout


def test_it_is_said_which_keys_a_backup_needs_and_whether_they_are_here(grace, kept):
    backup = made(grace, kept)
    page = f"{PAGE}/{backup['name']}"
    assert "That backup is at hand" in grace.get(page).text
    Path(backup["keys"]["path"]).unlink()
    shown = grace.get(page).text
    assert "That backup is not here now" in shown
    assert f"--keys {kept.settings.backup_keys / backup['name']}" in shown
    assert grace.get(f"{page}.json").json()["keys"] == {"path": None, "at_hand": False}
    grace.site.app.state.settings = kept.settings.model_copy(update={"backup_keys": None})
    assert "--keys FILE2" in grace.get(page).text


def test_a_database_of_its_own_is_made_empty_before_a_restore(grace, kept):
    backup = made(grace, kept)
    moved = {"database_url": "postgresql://cw:not-to-be-seen@db/cw"}
    grace.site.app.state.settings = kept.settings.model_copy(update=moved)
    shown = grace.get(f"{PAGE}/{backup['name']}").text
    assert "COMMONWEAL_DATABASE_URL=postgresql://USER@HOST/NAME" in shown
    assert "not-to-be-seen" not in shown
    assert grace.get(f"{PAGE}/{backup['name']}.json").json()["restore"]["needs_an_empty_database"] is True


def test_a_backup_that_a_command_made_into_the_folder_is_shown_too(grace, kept):
    file, keys_file = kept.settings.backups / "2026-03-01", kept.settings.backup_keys / "2026-03-01"
    service.create(kept.settings, kept.database, ROOMS, file, keys_file, "os:ada")
    (backup,) = grace.get(f"{PAGE}.json").json()["backups"]
    assert (backup["name"], backup["made"]["who"], backup["keys"]["at_hand"]) == ("2026-03-01", "os:ada", True)


def test_a_name_that_must_be_written_otherwise_in_an_address_leads_to_its_backup(grace, kept):
    name = "lundi & mardi #1?"
    service.create(
        kept.settings, kept.database, ROOMS, kept.settings.backups / name, kept.settings.backup_keys / name, "os:ada"
    )
    (address,) = re.findall(rf'<th scope="row"><a href="({PAGE}/[^"]*)">', grace.get(PAGE).text)
    shown = grace.get(address.replace("&amp;", "&"))
    assert shown.status_code == 200
    (action,) = re.findall(r'action="([^"]*/verify)"', shown.text)
    assert grace.post(action).status_code == 303


def test_where_no_folders_are_named_the_page_says_what_to_set(administrator, home):
    shown = administrator.get(PAGE).text
    assert "backup_keys = " in shown
    assert "Make a backup now" not in shown
    answer = administrator.post(PAGE)
    assert (answer.status_code, "no folder for backups is named" in answer.text.lower()) == (422, True)
    assert jobs.newest(home.database) == []
    assert administrator.get(f"{PAGE}.json").json() == {
        "backups_folder": None,
        "keys_folder": None,
        "free": None,
        "backups": [],
    }


def test_a_folder_that_is_not_there_is_said_before_a_job_is_begun(grace, kept):
    kept.settings.backup_keys.rmdir()
    answer = grace.post(PAGE)
    assert (answer.status_code, "This folder is not there" in answer.text) == (503, True)
    assert jobs.newest(kept.database) == []


@pytest.mark.parametrize("name", ["%2e%2e", "..%2fdata%2fcommonweal.db", "link", "nothing"])
def test_no_address_leads_out_of_the_folder(grace, kept, name):
    """Path traversal: only what the list names is opened."""
    (kept.settings.backups / "link").symlink_to(kept.settings.data / "commonweal.db")
    for address in (f"{PAGE}/{name}", f"{PAGE}/{name}.json"):
        assert grace.get(address).status_code in (307, 404), address
    assert grace.post(f"{PAGE}/{name}/verify").status_code in (404, 405)
    assert jobs.newest(kept.database) == []


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_else_has_backups_made_or_sees_them(grace, kept, browsing, person, role):
    backup = made(grace, kept)
    person("ada", Grant(role))
    browser = browsing(grace.site)
    browser.sign_in("ada")
    for address in (PAGE, f"{PAGE}.json", f"{PAGE}/{backup['name']}", f"{PAGE}/{backup['name']}.json"):
        assert browser.get(address).status_code == 403, address
    for address in (PAGE, f"{PAGE}/{backup['name']}/verify"):
        assert browser.post(address).status_code == 403, address
    assert len(jobs.newest(kept.database)) == 1


def test_no_key_stands_in_any_answer(grace, kept):
    backup = made(grace, kept)
    held = [path.read_bytes().strip() for path in kept.settings.keys.rglob("*.key")]
    secrets = [form for secret in held for form in (secret, secret.hex().encode(), b64encode(secret))]
    assert secrets
    for address in (PAGE, f"{PAGE}.json", f"{PAGE}/{backup['name']}", f"{PAGE}/{backup['name']}.json"):
        assert not any(secret in grace.get(address).content for secret in secrets)
