"""The audit log: its entries, narrowed to who did what on which day, and whether it is whole."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from commonweal.core import audit
from commonweal.core.audit_search import Wanted, entries
from commonweal.core.errors import InputError
from commonweal.core.wording import Wording
from commonweal.web.administration.parts import AUDIT, TAG, administrators_only, part
from commonweal.web.document import Document, document
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _
from commonweal.web.paging import Number, Page, paged
from commonweal.web.table import Row

LONGEST = 200
LAST = (1 << 63) - 1
PRINTABLE = r"^[^\x00-\x1f]*$"

Who = Annotated[
    str,
    Query(max_length=LONGEST, pattern=PRINTABLE, description="Who acted: `person:7`, `os:ada`.", examples=["os:ada"]),
]
Action = Annotated[
    str,
    Query(
        max_length=LONGEST,
        pattern=PRINTABLE,
        description="What was done: `people.sign-in`, or `people` for everything of that room.",
        examples=["people"],
    ),
]
Day = Annotated[str, Query(max_length=10, description="On which day, UTC: `2026-03-04`.", examples=["2026-03-04"])]
UpTo = Annotated[
    int | None,
    Query(
        ge=0,
        le=LAST,
        description="The newest entry that counts, so that pages stay while the log grows.",
        examples=[5],
    ),
]

routes = APIRouter()


@document(routes, AUDIT, administrators_only, summary="The audit log", tag=TAG, figure="entries")
def log(
    request: Request,
    number: Number = 1,
    who: Who = "",
    action: Action = "",
    day: Day = "",
    up_to: UpTo = None,
    verify: Annotated[
        bool, Query(description="Whether to read the whole log and prove that it is whole.", examples=[True])
    ] = False,
) -> Document:
    """Entries with every field that their hashes cover, the newest first; what verification found, if it was asked."""
    state = request.app.state
    wanted = Wanted(who.strip(), action.strip(), _day(day.strip()), _end(request) if up_to is None else up_to)
    page = paged(
        lambda count, skipped: entries(state.database, wanted, count, skipped),
        number,
        {"who": wanted.who, "action": wanted.action, "day": day.strip(), "up_to": str(wanted.up_to)},
    )
    report = audit.verify(state.settings, state.database) if verify else None
    return part(
        AUDIT,
        _("Audit log"),
        "audit.html",
        values={
            "report": report,
            "wanted": {"who": wanted.who, "action": wanted.action, "day": day.strip()},
            "is_narrowed": bool(wanted.who or wanted.action or wanted.day),
        },
        data={
            "entries": [entry.fields() | {"hash": entry.hash} for entry in page.items],
            **page.data(f"{AUDIT}.json"),
            "verification": report and asdict(report),
        },
        figures=[_entries(page)],
        query=page.here,
        page=page,
    )


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said) if said else None
    except ValueError:
        raise InputError(
            Wording("this is not a day: %(said)s", said=repr(said)), where="day", expected="2026-03-04"
        ) from None


def _end(request: Request) -> int:
    with request.app.state.database.reading() as session:
        return audit.end(session).sequence


def _entries(page: Page[audit.AuditEntry]) -> Figure:
    def record(entry: audit.AuditEntry) -> dict[str, Any]:
        fields = entry.fields()
        return {name: fields[name] for name in ("sequence", "at", "who", "action", "what", "why")}

    return Figure(
        name="entries",
        title=_("Entries"),
        caption=_("The newest first; times are UTC. People stand by their number, since entries outlive names."),
        headings=(
            Heading(_("Entry"), key="sequence", is_time=True),
            Heading(_("At"), key="at", is_time=True),
            Heading(_("Who"), key="who"),
            Heading(_("Did"), key="action"),
            Heading(_("To what"), key="what"),
            Heading(_("Why"), key="why"),
        ),
        rows=[
            Row(
                (
                    str(entry.sequence),
                    f"{entry.at:%Y-%m-%d %H:%M:%S}",
                    entry.who,
                    entry.action,
                    entry.what,
                    entry.why or "",
                )
            )
            for entry in page.items
        ],
        records=[record(entry) for entry in page.items],
    )
