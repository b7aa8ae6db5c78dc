"""The one list of what the house is made of.

The server, the command line, migrations and job workers read it. Adding a domain is adding a folder and one line.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonweal.core.domain import Domain, load
from commonweal.core.wording import Wording
from commonweal.mobility import DOMAIN as MOBILITY

if TYPE_CHECKING:
    from commonweal.core.console import Home
    from commonweal.core.jobs import Running
    from commonweal.core.settings import Settings

GROUND_FLOOR = (
    Domain(
        name="audit",
        title="Audit log",
        summary="The hash-chained log of who did what to what and why.",
        commands="commonweal.core.audit_cli:app",
        models=("commonweal.core.audit",),
        migrations="commonweal.core:migrations",
        prepare="commonweal.core.audit:prepare",
        key_files="commonweal.core.audit_head:KEY_FILES",
        restore="commonweal.core.audit:restore",
        check="commonweal.core.audit_triggers:check",
        keep_head="commonweal.core.audit:keep_head",
    ),
    Domain(
        name="people",
        title="People",
        summary="Who may do what: people, roles, links, tokens.",
        commands="commonweal.core.identity.cli:app",
        models=("commonweal.core.identity.models",),
    ),
    Domain(
        name="jobs",
        title="Jobs",
        summary="Long work: progress, log, cancel, resume.",
        commands="commonweal.core.jobs.cli:app",
        models=("commonweal.core.jobs.models",),
    ),
    Domain(
        name="areas",
        title="Areas",
        summary="Named polygons in hierarchies, with validity in time.",
        commands="commonweal.core.areas.cli:app",
        models=("commonweal.core.areas.models",),
    ),
    Domain(
        name="catalog",
        title="Catalog",
        summary="Published datasets: list, show, verify, export.",
        commands="commonweal.core.catalog.cli:app",
        models=("commonweal.core.catalog.models",),
        files="commonweal.core.catalog.reading:files",
    ),
    Domain(
        name="backup",
        title="Backups",
        summary="Copies of everything, the keys apart: create, verify, restore.",
        commands="commonweal.core.backup.cli:app",
        jobs={"backup.create": "commonweal.domains:back_up", "backup.verify": "commonweal.core.backup.jobs:verify"},
        job_titles={"backup.create": Wording("Backup"), "backup.verify": Wording("Verification of a backup")},
    ),
)
DISCLOSURE = Domain(
    name="disclosure",
    title=Wording("Disclosure control"),
    summary="The rules that keep people from being found in what is published.",
    commands="commonweal.disclosure.cli:app",
    pages="commonweal.disclosure.pages:routes",
    in_any_domain=True,
    behind="commonweal.disclosure.pages.certificate:behind",
    jobs={"disclosure.plan": "commonweal.domains:compare_rules"},
    job_titles={"disclosure.plan": Wording("Comparison of rules")},
    domain_of_jobs="commonweal.disclosure.planning.service:domain_of",
    models=("commonweal.disclosure.models",),
    migrations="commonweal.disclosure:migrations",
    prepare="commonweal.disclosure.installing:prepare",
    key_files="commonweal.disclosure.installing:KEY_FILES",
    restore="commonweal.disclosure.ledger.entries:restore",
    check="commonweal.disclosure.ledger.entries:check",
    files="commonweal.disclosure.releasing.staged:files",
    refuse_older="commonweal.disclosure.ledger.entries:refuse_older",
    keep_head="commonweal.disclosure.ledger.entries:follow",
)
DOMAINS = (MOBILITY,)
ROOMS = (*GROUND_FLOOR, DISCLOSURE, *DOMAINS)


def initialise(data: Path, keys: Path) -> Home:
    """Write a ready data directory and key directory: settings, keys, database at its newest version."""
    from commonweal.core.console import Home
    from commonweal.core.database import connect
    from commonweal.core.directories import init

    def prepare(settings: Settings) -> None:
        database = connect(settings)
        try:
            database.upgrade(ROOMS)
            for room in ROOMS:
                if room.prepare:
                    load(room.prepare)(settings, database)
        finally:
            database.close()

    key_files = [name for room in ROOMS if room.key_files for name in load(room.key_files)]
    settings = init(data, keys, prepare, key_files)
    return Home(settings, connect(settings))


def back_up(job: Running) -> dict[str, Any]:
    """Make a backup of all rooms, as a job: the ground floor, which makes it, cannot know them."""
    from commonweal.core.backup.jobs import create

    return create(job, ROOMS)


def compare_rules(job: Running) -> dict[str, Any]:
    """Compare rules of disclosure control for a domain's tables, as a job: the room that does it cannot know them."""
    from commonweal.disclosure.planning.service import plan_job

    return plan_job(job, ROOMS)
