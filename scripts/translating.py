"""Texts to translate: found in the source, merged into each language's catalog, and checked against it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
LOCALES = ROOT / "src" / "commonweal" / "web" / "locale"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "Wording": None, "counted": (1, 2)}
METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"**/templates/**.html": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}


def extracted() -> Catalog:
    """Find every text of the source that people read, with the files it stands in."""
    found = Catalog(charset="utf-8")
    texts = extract_from_dir(ROOT / "src", METHODS, OPTIONS, KEYWORDS)
    for file, _, message, _, _ in sorted(texts, key=lambda text: (text[0], text[1])):
        found.add(message, locations=[(file, None)])  # type: ignore[list-item]
    return found


def catalogs() -> dict[str, Path]:
    """Give the catalog of each language."""
    return {file.parents[1].name: file for file in sorted(LOCALES.glob("*/LC_MESSAGES/commonweal.po"))}


def read(language: str) -> Catalog:
    """Read the catalog of a language."""
    with catalogs()[language].open("rb") as file:
        return read_po(file, locale=language, charset="utf-8")


def merged(language: str) -> Catalog:
    """Give the catalog of a language with what the source holds now: nothing guessed, nothing kept that is not used."""
    catalog = read(language)
    catalog.update(extracted(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.creation_date = datetime(2025, 1, 1, tzinfo=UTC)  # so that only texts change the file
    return catalog


def untranslated(catalog: Catalog) -> list[str]:
    """List the texts that have no translation, or only a guessed one."""
    return [str(message.id) for message in catalog if message.id and (message.fuzzy or not all(_forms(message.string)))]


def _forms(text: str | Iterable[object] | None) -> list[object]:
    return [text] if text is None or isinstance(text, str) else list(text)


def main() -> int:
    """Write the catalogs; give 1 if something is left to translate."""
    left = 0
    for language, file in catalogs().items():
        catalog = merged(language)
        with file.open("wb") as written:
            write_po(written, catalog, width=120, include_lineno=False, ignore_obsolete=True)
        missing = untranslated(catalog)
        print(f"{language}: {len(catalog)} texts, {len(missing)} to translate", *missing, sep="\n  ")
        left += len(missing)
    return min(left, 1)


if __name__ == "__main__":
    sys.exit(main())
