"""The settings in force."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy.engine import make_url

from commonweal.core.settings import Settings
from commonweal.web.administration.parts import SETTINGS, TAG, administrators_only, part
from commonweal.web.document import Document, document
from commonweal.web.figure import Figure, Heading
from commonweal.web.languages import _, translated
from commonweal.web.table import Row

routes = APIRouter()


@document(routes, SETTINGS, administrators_only, summary="The settings in force", tag=TAG, figure="settings")
def in_force(request: Request) -> Document:
    """Each setting with its value; a database password is not given."""
    found = _settings(request.app.state.settings)
    return part(
        SETTINGS,
        _("Settings in force"),
        lead=_("They are set in commonweal.toml and the environment, not here."),
        data={name: value for name, value, _meaning in found},
        figures=[_table(found)],
    )


def _settings(settings: Settings) -> list[tuple[str, str, str]]:
    shown = {name: str(getattr(settings, name)) for name in type(settings).model_fields}
    shown["database_url"] = make_url(settings.database_url).render_as_string(hide_password=True)
    return [(name, value, type(settings).model_fields[name].description or "") for name, value in shown.items()]


def _table(found: list[tuple[str, str, str]]) -> Figure:
    return Figure(
        name="settings",
        title=_("In force since the server started"),
        caption=_("Every setting, with its value and what it means."),
        headings=(
            Heading(_("Setting"), key="setting"),
            Heading(_("Value"), key="value"),
            Heading(_("Meaning"), key="meaning"),
        ),
        rows=[Row((name, value, translated(meaning))) for name, value, meaning in found],
        records=[{"setting": name, "value": value, "meaning": meaning} for name, value, meaning in found],
    )
