"""Every text that people read is in every language: none is missing, guessed, left over or filled in differently."""

import re
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages import Catalog

from commonweal.core.catalog.declaration import heading
from commonweal.core.settings import Settings
from commonweal.core.wording import Wording
from commonweal.mobility.datasets import DATASETS

ROOT = Path(__file__).parents[1]
PLACES = re.compile(r"%\(\w+\)s|%%")


def _translating() -> ModuleType:
    spec = spec_from_file_location("translating", ROOT / "scripts" / "translating.py")
    assert spec
    assert spec.loader
    module = sys.modules["translating"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TRANSLATING = _translating()
LANGUAGES = list(TRANSLATING.catalogs())


def texts_of(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Each English text with its translation, forms for numbers apart."""
    for message in catalog:
        if message.pluralizable:
            yield from ((message.id[min(number, 1)], form) for number, form in enumerate(message.string))
        elif message.id:
            yield message.id, message.string


@pytest.fixture(params=LANGUAGES)
def catalog(request: pytest.FixtureRequest) -> Catalog:
    """The catalog of one language, as it is in the repository."""
    return TRANSLATING.read(request.param)


def test_french_is_one_of_the_languages() -> None:
    assert "fr" in LANGUAGES


def test_every_text_of_the_source_is_translated_and_no_other(catalog: Catalog) -> None:
    source = {message.id for message in TRANSLATING.extracted()}
    assert {message.id for message in catalog} == source, "run scripts/translations"
    assert TRANSLATING.untranslated(catalog) == []
    assert list(catalog.obsolete) == []


def test_a_text_that_is_not_translated_is_found() -> None:
    catalog = Catalog(locale="fr")
    catalog.add("Presence", "Présence", flags=["fuzzy"])
    catalog.add("Flows")
    catalog.add(("%(num)s day", "%(num)s days"), ("%(num)s jour", ""))
    assert TRANSLATING.untranslated(catalog) == ["Presence", "Flows", "('%(num)s day', '%(num)s days')"]


def test_every_translation_has_the_places_and_the_markup_of_its_text(catalog: Catalog) -> None:
    for text, translation in texts_of(catalog):
        assert sorted(PLACES.findall(translation)) == sorted(PLACES.findall(text)), text
        assert sorted(re.findall(r"<[^>]*>", translation)) == sorted(re.findall(r"<[^>]*>", text)), text


def test_french_is_set_as_french_is() -> None:
    for _, said in texts_of(TRANSLATING.read("fr")):
        plain = re.sub(r"<[^>]*>|`[^`]*`", "", said)
        assert not re.search(r"(?<!\u202f)[;?!]", plain), f"narrow no-break space before ; ? !: {said}"
        assert not re.search(r"\w:(?![/\d])|[ \u202f]:", plain), f"no-break space before a colon: {said}"
        assert not re.search(r"«(?!\u00a0)|(?<!\u00a0)»", plain), f"no-break spaces inside guillemets: {said}"
        assert "'" not in plain, f"typographic apostrophe: {said}"


def test_every_column_that_mobility_publishes_has_a_name_that_is_translated(catalog: Catalog) -> None:
    named = {heading(column) for dataset in DATASETS for column in dataset.declared}
    assert named <= {message.id for message in catalog}, "mobility/column_names.py"


def test_every_setting_is_described_in_words_that_are_translated() -> None:
    for name, field in Settings.model_fields.items():
        assert isinstance(field.description, Wording), name
