"""Looks as a table and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from commonweal.core.identity.looks import Look
from commonweal.core.wording import Wording
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _, translated
from commonweal.web.table import Row

FORMS: Mapping[str, str] = {"page": Wording("page"), "brief": Wording("brief"), "figure": Wording("figure")}


def look_table(looks: Sequence[Look], *, caption: str, with_person: bool = False) -> Figure:
    """Show looks: of one person, or with who looked."""
    who = (Heading(_("Who"), key="who"),) if with_person else ()
    return Figure(
        name="looks",
        title=_("Looks"),
        caption=caption,
        headings=(
            Heading(_("At"), key="at", is_time=True),
            *who,
            Heading(_("Dataset"), key="dataset"),
            Heading(_("Release"), is_number=True, key="version"),
            Heading(_("Form"), key="form"),
            Heading(_("Token"), key="token"),
            Heading(_("Purpose"), key="purpose"),
        ),
        rows=[
            Row(
                (
                    f"{look.at:%Y-%m-%d %H:%M:%S}",
                    *((look.full_name or _("anyone"),) if with_person else ()),
                    look.dataset,
                    str(look.version),
                    form_in_words(look.form),
                    look.token or "–",
                    look.purpose or "–",
                )
            )
            for look in looks
        ],
        records=[look_data(look, with_person=with_person) for look in looks],
    )


def form_in_words(form: str) -> str:
    """Say in which form something was looked at.

    Examples
    --------
    >>> form_in_words("page"), form_in_words("csv"), form_in_words("figure, svg")
    ('page', 'CSV', 'figure as SVG')
    """
    kind, _comma, ending = form.partition(", ")
    if ending:
        return _("figure as %(form)s", form=ending.upper())
    return translated(FORMS[kind]) if kind in FORMS else kind.upper()


def look_data(look: Look, *, with_person: bool = False) -> dict[str, Any]:
    """Give a look as JSON values; nobody's name stands for anyone, where reading is open."""
    return {
        "number": look.number,
        "at": look.at.isoformat(timespec="seconds"),
        **({"who": look.name} if with_person else {}),
        "dataset": look.dataset,
        "version": look.version,
        "form": look.form,
        "token": look.token,
        "agreement": look.agreement,
        "purpose": look.purpose,
    }
