"""What a report is asked for with, and the files that answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from commonweal.core.database import Database
from commonweal.core.errors import InputError
from commonweal.core.settings import Settings

if TYPE_CHECKING:
    from commonweal.mobility.report.gathering import Gathered

LANGUAGES = ("en", "fr")
FORMATS = ("pdf", "html")
BOTH = "both"


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Parameters
    ----------
    country
        A country, or a project.
    languages, formats
        In which languages, and as which files.
    first, last
        First and last day.
    """

    country: str
    languages: tuple[str, ...] = LANGUAGES
    formats: tuple[str, ...] = FORMATS
    first: date | None = None
    last: date | None = None


def chosen(asked: str, known: Sequence[str], option: str) -> tuple[str, ...]:
    """Give what an option chooses: one, or all with the word ``both``.

    Raises
    ------
    InputError
        It is neither.

    Examples
    --------
    >>> chosen("fr", LANGUAGES, "--language"), chosen("both", FORMATS, "--format")
    (('fr',), ('pdf', 'html'))
    """
    if asked == BOTH:
        return tuple(known)
    if asked not in known:
        raise InputError(f"{asked!r} is not known", where=option, expected=", ".join((*known, BOTH)))
    return (asked,)


def report_files(settings: Settings, database: Database, asked: Asked) -> dict[str, bytes]:
    """Make the files that are asked for, by name.

    Raises
    ------
    NotFound
        Nothing is published about it.
    Damaged
        A release is not what its digest or its certificate says.
    """
    from commonweal.mobility.report.gathering import gather

    return files_of(settings, database, gather(settings, database, asked.country, asked.first, asked.last), asked)


def files_of(settings: Settings, database: Database, gathered: Gathered, asked: Asked) -> dict[str, bytes]:
    """Make the files from what was gathered."""
    from commonweal.mobility.report.composing import approvals_of, compose
    from commonweal.mobility.report.page import html
    from commonweal.mobility.report.pdf import pdf
    from commonweal.web.languages import OFFERED, speaking

    approvals, writers = approvals_of(settings, database, gathered), {"pdf": pdf, "html": html}
    found = {}
    for language in asked.languages:
        with speaking(OFFERED[language]):
            report = compose(gathered, approvals)
            for form in asked.formats:
                name = f"mobility-{gathered.subject.code}-{language}.{form}"
                found[name] = writers[form](report)
    return found


def write_report(
    settings: Settings, database: Database, asked: Asked, folder: Path, *, force: bool = False
) -> list[Path]:
    """Make a report and write its files.

    Raises
    ------
    Conflict
        A file is there already and `force` is not set.
    """
    from commonweal.mobility.report.writing import write_files

    return write_files(folder, report_files(settings, database, asked), force=force)
