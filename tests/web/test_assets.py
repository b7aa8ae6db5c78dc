"""Style, scripts and pictures: addresses that name their content, and scripts that find one another by them."""

import gzip
import re

import pytest

from commonweal.core.errors import Conflict, NotFound
from commonweal.web.assets import FOLDER, MEDIA_TYPES, asset, assets_in

FIRST_LOAD = 60_000
"""Bytes that the whole overview with its flows may take on the wire, when nothing of it was kept."""


@pytest.fixture
def folder(tmp_path):
    """A folder of scripts: a page's, which imports two, of which one imports the other."""
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "far.js").write_text('export default "far"')
    (tmp_path / "near.js").write_text('import far from "vendor/far.js";\nexport const near = far;\n')
    (tmp_path / "page.js").write_text(
        "import { near } from 'near.js';\nconst later = () => import(\"vendor/far.js\");\n"
    )
    return tmp_path


def addresses_named_by(delivered):
    return re.findall(r'"/static/([^"]+)"', delivered.body.decode())


def test_they_are_named_by_their_content_and_kept_for_ever(site):
    answer = site.get(asset("site.css"))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.content == (FOLDER / "site.css").read_bytes()
    assert answer.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("ending", sorted({path.suffix for path in FOLDER.rglob("*") if path.is_file()}))
def test_every_kind_of_file_in_the_folder_is_delivered(ending):
    assert ending in MEDIA_TYPES


def test_a_script_is_called_one_by_the_name_that_browsers_run(site):
    assert site.get(asset("site.js")).headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize("name", ["site.js", "vendor/ol.js", "site.css", "favicon.svg"])
def test_they_are_compressed_once_for_whoever_can_read_that(site, name):
    plain, packed = (site.get(asset(name), accept_encoding=encoding) for encoding in ("identity", "gzip, br"))
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, 9, mtime=0))
    assert {answer.headers["vary"].split(",")[0] for answer in (plain, packed)} == {"Accept-Encoding"}


def test_they_are_the_same_for_every_reader(site):
    # Else a browser would fetch them again when somebody signs in.
    assert "Cookie" not in site.get(asset("site.js"), accept_encoding="gzip").headers["vary"]
    assert "Cookie" in site.page("/").headers["vary"]


def test_a_script_names_the_addresses_of_what_it_imports(folder):
    made = assets_in(folder)
    assert addresses_named_by(made["near.js"]) == [made["vendor/far.js"].address]
    assert addresses_named_by(made["page.js"]) == [made["near.js"].address, made["vendor/far.js"].address]


def test_a_script_learns_where_its_style_is(folder):
    (folder / "style.css").write_text("")
    (folder / "page.js").write_text('link.href = import.meta.resolve("style.css");')
    made = assets_in(folder)
    assert addresses_named_by(made["page.js"]) == [made["style.css"].address]


def test_a_text_that_is_no_import_stays_as_it_is(folder):
    script = 'const name = "near.js", letters = Array.from("near.js"); // from near.js'
    (folder / "page.js").write_text(script)
    assert assets_in(folder)["page.js"].body.decode() == script


def test_what_changes_changes_the_address_of_all_that_import_it_and_of_nothing_else(folder):
    (folder / "other.js").write_text("")
    before = {name: one.address for name, one in assets_in(folder).items()}
    (folder / "vendor" / "far.js").write_text('export default "farther"')
    after = {name: one.address for name, one in assets_in(folder).items()}
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"vendor/far.js", "near.js", "page.js"}


@pytest.mark.parametrize(
    "written", ['import "elsewhere.js";', 'import("https://example.org/x.js")', 'import "./near.js"']
)
def test_a_script_that_imports_what_is_no_asset_is_found(folder, written):
    (folder / "page.js").write_text(written)
    with pytest.raises(NotFound, match=r"page\.js, .*imports what is no asset"):
        assets_in(folder)


def test_scripts_that_import_one_another_are_found(folder):
    (folder / "page.js").write_text('import "near.js"')
    (folder / "near.js").write_text('import "page.js"')
    with pytest.raises(Conflict, match="in a circle"):
        assets_in(folder)


def test_every_module_that_an_element_asks_for_is_one_that_the_site_knows():
    package = FOLDER.parents[1]
    asked = {
        name for path in package.rglob("*.html") for name in re.findall(r'data-module="([^"]+)"', path.read_text())
    }
    known = dict(re.findall(r'^  (\w+): \(\) => import\("([^"]+)"\)', (FOLDER / "site.js").read_text(), re.MULTILINE))
    assert asked <= known.keys()
    assert all((FOLDER / name).exists() for name in known.values())


def needed_by(site, address):
    """Addresses of the assets that a page loads at once: what it names and imports, what its elements ask for."""
    markup = site.page(address).text
    waiting, needed = re.findall(r'(?:href|src)="(/static/[^"]*)"', markup), set()
    waiting += [asset(f"{name}.js") for name in re.findall(r'data-module="([^"]+)"', markup)]
    while waiting:
        one = waiting.pop()
        needed.add(one)
        if one.endswith(".js"):
            waiting += re.findall(r'\b(?:from|import)\s*"(/static/[^"]+)"', site.get(one).text)
    return needed


def test_every_asset_a_page_names_is_there(site):
    needed = needed_by(site, "/sign-in")
    names = {"favicon.svg", "modules.js", "pictures.css", "site.css", "site.js", "vendor/htmx.js"}
    assert needed == {asset(name) for name in names}
    assert {site.get(address).status_code for address in needed} == {200}


@pytest.mark.parametrize("page", ["/", "/mobility/presence?layer=flows"])
def test_the_first_load_is_small(site, page):
    answers = [
        site.get(address, accept_encoding="gzip", accept="text/html") for address in [page, *needed_by(site, page)]
    ]
    assert all(answer.headers["content-encoding"] == "gzip" for answer in answers)
    assert sum(int(answer.headers["content-length"]) for answer in answers) < FIRST_LOAD
