"""Looks: who saw which release about people, when, in which form and what for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from commonweal.core.identity import looks
from commonweal.core.identity.looks import Wanted
from commonweal.web.administration.audit import LAST, LONGEST, PRINTABLE
from commonweal.web.administration.parts import LOOKS, TAG, overseers_only, part
from commonweal.web.document import Document, document
from commonweal.web.languages import _, ngettext
from commonweal.web.looks import look_data, look_table
from commonweal.web.paging import Number, paged

Person = Annotated[
    str,
    Query(max_length=LONGEST, pattern=PRINTABLE, description="Who looked: what they sign in with.", examples=["ada"]),
]
DatasetName = Annotated[
    str, Query(max_length=LONGEST, pattern=PRINTABLE, description="At what.", examples=["mobility.presence"])
]
UpTo = Annotated[
    int | None,
    Query(ge=0, le=LAST, description="The newest look that counts, so that pages stay while looks come.", examples=[5]),
]

routes = APIRouter()


@document(routes, LOOKS, overseers_only, summary="Who looked at data about people", tag=TAG, figure="looks")
def listed(
    request: Request, number: Number = 1, person: Person = "", dataset: DatasetName = "", up_to: UpTo = None
) -> Document:
    """Who saw which release about people, when, in which form and what for, the newest first."""
    state = request.app.state
    name, dataset = person.strip(), dataset.strip()
    last = looks.newest(state.database) if up_to is None else up_to
    wanted = Wanted(name=name, dataset=dataset, up_to=last)
    page = paged(
        lambda count, skipped: looks.looks(state.database, wanted, count, skipped),
        number,
        {"person": name, "dataset": dataset, "up_to": str(last)},
    )
    return part(
        LOOKS,
        _("Looks"),
        "looks.html",
        lead=ngettext("Kept for %(num)s day", "Kept for %(num)s days", state.settings.look_days),
        values={"wanted": {"person": name, "dataset": dataset}, "is_narrowed": bool(name or dataset)},
        data={
            "looks": [look_data(look, with_person=True) for look in page.items],
            **page.data(f"{LOOKS}.json"),
        },
        figures=[
            look_table(
                page.items,
                caption=_("Every answer that showed a release about people, the newest first; times are UTC."),
                with_person=True,
            )
        ],
        query=page.here,
        page=page,
    )
