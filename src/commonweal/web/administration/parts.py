"""What the pages of administration share: who may see them, and the way from one to the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from commonweal.core.errors import CommonwealError
from commonweal.core.identity import Permission
from commonweal.core.wording import Wording
from commonweal.web.access import needs, posted
from commonweal.web.document import NO_STORE, Document, draw
from commonweal.web.languages import translated

TAG = "administration"
PEOPLE, AGREEMENTS, LOOKS, SETTINGS, AUDIT, WORK, BACKUP = (
    "/administration",
    "/administration/agreements",
    "/administration/looks",
    "/administration/settings",
    "/administration/audit",
    "/administration/work",
    "/administration/backup",
)
TABS: Mapping[str, tuple[str, Permission]] = {
    PEOPLE: (Wording("People"), Permission.ADMINISTER),
    AGREEMENTS: (Wording("Agreements"), Permission.OVERSEE),
    LOOKS: (Wording("Looks"), Permission.OVERSEE),
    SETTINGS: (Wording("Settings"), Permission.ADMINISTER),
    AUDIT: (Wording("Audit log"), Permission.ADMINISTER),
    WORK: (Wording("Work and storage"), Permission.ADMINISTER),
    BACKUP: (Wording("Backups"), Permission.ADMINISTER),
}

Form = Annotated[FormData, Depends(posted)]
administrators_only = needs(Permission.ADMINISTER)
overseers_only = needs(Permission.OVERSEE)


def part(
    tab: str,
    title: str,
    template: str = "administration.html",
    *,
    error: CommonwealError | None = None,
    values: Mapping[str, Any] | None = None,
    **shown: Any,
) -> Document:
    """Make a page of administration, which nothing may keep.

    Parameters
    ----------
    tab
        Address of the part it belongs to, one of `TABS`.
    error
        What was wrong with the form that somebody has just sent.
    values, shown
        As `Document`.
    """
    shell: dict[str, Any] = {"tab": tab, "error": error}
    shell["tabs"] = [(address, translated(name), right) for address, (name, right) in TABS.items()]
    return Document(title=title, template=template, values={**shell, **(values or {})}, private=True, **shown)


def again(request: Request, document: Document, address: str, error: CommonwealError) -> Response:
    """Show a page again to whoever sent it a form that was wrong."""
    return draw(request, document, address=address, status=error.status)


def went_well(address: str) -> Response:
    """Send whoever sent a form to the page that shows what it did."""
    return RedirectResponse(address, status_code=303, headers={"cache-control": NO_STORE})


def job_address(number: int) -> str:
    """Give where to follow a job."""
    return f"/jobs/{number}"


def joined(texts: Sequence[str]) -> str:
    """Write several short texts in a cell of a table, or that there is none."""
    return ", ".join(texts) or "–"
