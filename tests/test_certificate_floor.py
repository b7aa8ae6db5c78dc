"""Only disclosure makes a `Certificate`. Read from the source, by what a name stands for and not by how it is spelt.

This finds what was written by mistake. What protects people is the signature, which the tests of disclosure try to
forge.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
HOME = "commonweal.core.catalog.certificate"
CERTIFICATE = f"{HOME}.Certificate"
PARSE = f"{HOME}.parse"
ALTERING = {"dataclasses.replace", "copy.replace", "?.__replace__", "?.__setattr__", "?.type"}


def dotted(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for path in sorted((SOURCE / "commonweal").rglob("*.py"))}


@cache
def parsed(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def bindings(tree: ast.Module, module: str) -> dict[str, str]:
    """What the names that a module imports, and those of its own classes, stand for."""
    package = module if module in MODULES and MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    bound = {node.name: f"{module}.{node.name}" for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                bound[name] = alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            bound |= {alias.asname or alias.name: f"{origin}.{alias.name}" for alias in node.names}
    return bound


@cache
def passed_on(module: str) -> dict[str, str]:
    return bindings(parsed(module), module)


@cache
def origin(name: str) -> str:
    """Follow a dotted name through the modules that pass it on, to where it is made."""
    module, _, last = name.rpartition(".")
    if module not in MODULES or name in MODULES:
        return name
    passed = passed_on(module).get(last)
    return name if passed is None or passed == name else origin(passed)


def meaning(node: ast.AST, bound: dict[str, str]) -> str | None:
    """The dotted name that an expression stands for; of what is unknown, its last part after a question mark."""
    match node:
        case ast.Name(id=name):
            return origin(bound[name]) if name in bound else f"?.{name}"
        case ast.Attribute(value=value, attr=name):
            before = meaning(value, bound)
            return origin(f"{before}.{name}") if before and not before.startswith("?") else f"?.{name}"
    return None


def mentions(annotation: ast.AST | None, bound: dict[str, str]) -> bool:
    """Whether an annotation names the class, in a string or not."""
    for part in ast.walk(annotation) if annotation else ():
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and "Certificate" in part.value:
            return True
        if meaning(part, bound) == CERTIFICATE:
            return True
    return False


def annotated(tree: ast.AST, bound: dict[str, str]) -> set[str]:
    """Names of parameters, variables and fields that hold a certificate."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.arg(arg=name, annotation=annotation) if mentions(annotation, bound):
                found.add(name)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation) if mentions(annotation, bound):
                found.add(name)
    return found


@cache
def fields() -> set[str]:
    """Names of the fields, of any class, that hold a certificate."""
    return {
        part.target.id
        for module in MODULES
        for node in ast.walk(parsed(module))
        if isinstance(node, ast.ClassDef)
        for part in node.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
        if mentions(part.annotation, passed_on(module))
    }


def making(source: str, module: str = "commonweal.mobility.somewhere") -> list[int]:
    """Lines that name the class anywhere but in an annotation, or alter a certificate that is there."""
    tree = ast.parse(source)
    bound = bindings(tree, module)
    told = {
        part
        for node in ast.walk(tree)
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if isinstance(annotation, ast.AST)
        for part in ast.walk(annotation)
    }
    held = annotated(tree, bound)

    def is_certificate(node: ast.AST) -> bool:
        match node:
            case ast.Name(id=name):
                return name in held
            case ast.Attribute(attr=name):
                return name in fields()
        return False

    for node in ast.walk(tree):  # a name given to one that another name or field holds
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if is_certificate(value):
                held.add(name)

    def makes(node: ast.AST) -> bool:
        match node:
            case ast.Name() | ast.Attribute() if meaning(node, bound) in (CERTIFICATE, PARSE, "?.Certificate"):
                return node not in told
            case ast.Constant(value=str(text)):
                return text.endswith(":Certificate")  # an import string
            case ast.Attribute(value=value, attr="__class__" | "__replace__" | "__dict__"):
                return is_certificate(value)
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value="Certificate"), *_]):
                return True
            case ast.Call(func=function, args=[first, *_]):
                return meaning(function, bound) in ALTERING and is_certificate(first)
        return False

    return sorted({node.lineno for node in ast.walk(tree) if makes(node)})


def test_only_disclosure_makes_certificates_and_only_releases_are_read_with_them() -> None:
    makers = {module for module in MODULES if making(MODULES[module].read_text(encoding="utf-8"), module)}
    assert makers == {HOME, "commonweal.disclosure.certificate", "commonweal.core.catalog.release"}


SIGNING = "commonweal.disclosure.certificate"


def naming(name: str) -> set[str]:
    """The modules that import something, or reach it through a module that they import."""
    return {
        module
        for module in MODULES
        if name in map(origin, passed_on(module).values())
        or any(
            meaning(node, passed_on(module)) == name
            for node in ast.walk(parsed(module))
            if isinstance(node, ast.Attribute)
        )
    }


def test_only_the_room_that_enters_releases_in_the_ledger_certifies() -> None:
    assert naming(f"{SIGNING}.certify") == {"commonweal.disclosure.releasing.publishing"}
    assert naming(f"{SIGNING}._signing_key") == set()
    # What signs anything else than certificates.
    assert naming(f"{SIGNING}.sign") == {
        "commonweal.disclosure.ledger.entries",
        "commonweal.disclosure.releasing.staged",
    }


FROM_CATALOG = "from commonweal.core.catalog import Certificate as Paper\n"
FROM_RELEASE = "from commonweal.core.catalog import Release\ndef alter(release: Release): "
GIVEN = "from commonweal.core.catalog import Certificate as Paper\ndef alter(paper: Paper | None): "


@pytest.mark.parametrize(
    "source",
    [
        "Certificate('a', 'b', 'c', {}, {}, 'd')",
        "from commonweal.core.catalog import *\nCertificate(**fields)",
        f"{FROM_CATALOG}Paper('a', 'b', 'c', {{}}, {{}}, 'd')",
        f"{FROM_CATALOG}Word = Paper\nWord(**fields)",
        f"{FROM_CATALOG}Paper.__new__(Paper)",
        f"{FROM_CATALOG}object.__new__(Paper)",
        f"{FROM_CATALOG}partial(Paper, 'a')",
        f"{FROM_CATALOG}class Mine(Paper): pass",
        "from commonweal.core.catalog.release import Certificate as Passed\nPassed(**fields)",
        "from commonweal.disclosure.releasing.publishing import Certificate as Passed\nPassed(**fields)",
        "from ..core.catalog.certificate import Certificate as Near\nNear(**fields)",
        "from commonweal.core import catalog\ncatalog.Certificate(**fields)",
        "from commonweal.core.catalog import certificate as paper\npaper.Certificate(**fields)",
        "import commonweal.core.catalog as shelf\nshelf.Certificate(**fields)",
        "import commonweal.core.catalog\ncommonweal.core.catalog.certificate.Certificate(**fields)",
        "anything.Certificate(**fields)",
        "getattr(catalog, 'Certificate')(**fields)",
        "load('commonweal.core.catalog:Certificate')(**fields)",
        "from commonweal.core.catalog.certificate import parse as read\nread({})",
        "from commonweal.core.catalog import certificate\ncertificate.parse({})",
        f"from dataclasses import replace as alike\n{FROM_RELEASE}alike(release.certificate, digest='d')",
        f"import dataclasses\n{GIVEN}dataclasses.replace(paper, **fields)",
        f"import copy\n{GIVEN}copy.replace(paper, digest='d')",
        f"from dataclasses import replace\n{FROM_RELEASE}word = release.certificate; replace(word, digest='d')",
        f"{GIVEN}paper.__replace__(digest='d')",
        f"{GIVEN}type(paper)('a', 'b', 'c', {{}}, {{}}, 'd')",
        f"{GIVEN}paper.__class__('a', 'b', 'c', {{}}, {{}}, 'd')",
        f"{GIVEN}object.__setattr__(paper, 'digest', 'd')",
        f"{GIVEN}paper.__dict__.update(digest='d')",
    ],
)
def test_a_certificate_made_in_any_other_way_is_found(source: str) -> None:
    assert making(source)


@pytest.mark.parametrize(
    "source",
    [
        "from commonweal.core.catalog import Certificate\ndef show(paper: Certificate | None) -> 'Certificate': ...",
        "from commonweal.core.catalog import Certificate\nclass Shown:\n    paper: Certificate",
        "from cryptography import x509\nx509.Certificate(**fields)",
        "from cryptography.x509 import Certificate\nCertificate(**fields)",
        "class Certificate: ...\nCertificate()",
        "from dataclasses import replace\nreplace(plan, parameters={})",
        "from commonweal.core.catalog.release import parse\nparse({})",
        "title = 'Certificate'",
    ],
)
def test_naming_one_or_making_something_else_is_fine(source: str) -> None:
    assert making(source) == []
