"""The description of the API: it is complete, its examples run, and what it promises does not go away."""

from __future__ import annotations

import json
import os
from itertools import product
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from starlette.routing import Route

from commonweal import __version__

PROMISED = Path(__file__).with_name("api_version_1.json")
"""The fields of each address's data. To add what is new: PROMISE=1 scripts/test tests/web/whole/test_openapi.py"""
STRANGE = [
    "zzz",
    "-1",
    "99999999999999999999",
    "1e400",
    "nan",
    "\x00",
    "٣",
    "2026-13-99",
    "..",
    "%",
    "é\u202e😀",
    "x" * 5000,
]
NOT_DESCRIBED = ("/static/{address:path}", "/openapi.json")
"""Style and scripts, which belong to pages; and the description itself."""


@pytest.fixture(scope="module")
def described(whole_site) -> dict:
    return whole_site.get("/openapi.json").json()


@pytest.fixture(scope="module")
def operations(described) -> list[tuple[str, dict]]:
    return [(path, operation) for path, item in described["paths"].items() for operation in item.values()]


@pytest.fixture(scope="module")
def ask(whole_site, whole):
    """Ask for an address as the program of somebody does who may see everything."""
    return lambda address: whole_site.get(address, authorization=f"Bearer {whole.tokens['all rights']}")


def examples_of(parameter) -> list[str]:
    found = parameter.get("examples", {}).values() or parameter["schema"].get("examples", [])
    return [str(each["value"] if isinstance(each, dict) else each) for each in found]


def only_here(whole) -> dict[str, str]:
    """Give what stands in a path that is another in every installation."""
    return {"offered": whole.offered, "proposal": whole.proposal}


def addresses_of(path: str, operation: dict, whole) -> list[str]:
    """Give every address that the examples make: with the first of each parameter, and with each other in its place.

    Data are also asked for without parameters. The secret of a link and the number of a proposal are those of here,
    since no example could be one.
    """
    inside, first, others = [], {}, []
    for parameter in operation.get("parameters", []):
        values = [(parameter["name"], value) for value in examples_of(parameter)]
        if parameter["in"] == "path":
            inside.append(values)
        else:
            first |= dict(values[:1])
            others += values[1:]
    queries = [first, *(first | {name: value} for name, value in others)]
    if path.endswith(".json"):
        queries.append({})
    made = []
    for places, query in product(product(*inside), queries):
        address = path
        for name, value in places:
            address = address.replace(f"{{{name}}}", only_here(whole).get(name, quote(value)))
        made.append(f"{address}?{urlencode(query)}" if query else address)
    return list(dict.fromkeys(made))


def test_it_says_what_it_is_and_where(described):
    assert described["openapi"].startswith("3.1")
    assert described["info"]["version"] == __version__
    assert "API-Version" in described["info"]["description"]
    assert [server["url"] for server in described["servers"]] == ["/"]


def test_every_file_is_described(whole_site, described):
    """What is not described is a page, a form or the like: nothing that a program would read."""
    left_out = [
        route.path
        for route in whole_site.app.router.routes
        if isinstance(route, Route) and getattr(route, "path_format", route.path) not in described["paths"]
    ]
    assert [path for path in left_out if "." in path and path not in NOT_DESCRIBED] == []


def test_what_is_described_is_no_page(operations):
    for path, operation in operations:
        assert "text/html" not in operation["responses"]["200"].get("content", {}), path


def test_every_operation_says_what_it_is_for(operations):
    names = [operation["operationId"] for _, operation in operations]
    assert len(set(names)) == len(names)
    for path, operation in operations:
        assert operation["summary"], path
        assert operation["tags"], path
        assert operation["responses"]["200"]["content"], path


def test_every_parameter_is_explained_and_has_an_example(operations):
    wanting = [
        f"{path}: {parameter['name']}"
        for path, operation in operations
        for parameter in operation.get("parameters", [])
        if not (parameter.get("description") and examples_of(parameter))
    ]
    assert wanting == []


def test_every_example_runs(operations, ask, whole):
    wrong = []
    for path, operation in operations:
        for address in addresses_of(path, operation, whole):
            answer = ask(address)
            media_type = answer.headers["content-type"].partition(";")[0]
            if answer.status_code != 200 or media_type not in operation["responses"]["200"]["content"]:
                wrong.append((address, answer.status_code, media_type))
    assert wrong == []


@pytest.mark.parametrize("strange", STRANGE)
def test_no_value_of_a_parameter_is_too_strange(operations, ask, whole, strange):
    """One parameter after the other, the others as in the examples; each meets a third of these values at an address,
    in turns. Briefs are made of the same parameters as data.
    """
    wrong, turn = [], STRANGE.index(strange)
    for path, operation in operations:
        if path.endswith(".pdf"):
            continue
        given = {each["name"]: (examples_of(each) or [""])[0] for each in operation.get("parameters", [])}
        inside = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
        for name in given:
            turn += 1
            if turn % 3:
                continue
            asked = given | only_here(whole) | {name: strange}
            address = path
            for each in inside:
                address = address.replace(f"{{{each}}}", quote(asked[each], safe=""))
            query = {each: value for each, value in asked.items() if each in given and each not in inside}
            answer = ask(f"{address}?{urlencode(query)}")
            if answer.status_code >= 500 or str(answer.status_code) not in operation["responses"]:
                wrong.append((f"{address}?{urlencode(query)}", answer.status_code))
    assert wrong == []


def test_every_error_is_described_as_the_problem_that_it_is(described, operations, ask):
    problem = described["components"]["schemas"]["Problem"]
    answered = ask("/catalog/nothing.json").json()
    assert set(problem["required"]) <= set(answered) <= set(problem["properties"])
    for path, operation in operations:
        assert {"400", "401", "503"} <= set(operation["responses"]), path
        for status, answer in operation["responses"].items():
            if status >= "400" and (path, status) != ("/health/ready", "503"):
                assert answer["content"] == {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                }, (path, status)


def test_it_says_who_must_show_a_token(described):
    def needs(path):
        operation = described["paths"][path]["get"]
        return operation["security"], "403" in operation["responses"]

    assert needs("/health") == ([{}, {"token": []}], False)
    assert needs("/catalog.json") == ([{}, {"token": []}], True)
    assert needs("/administration.json") == ([{"token": []}], True)


# The version ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "address",
    [
        "/.json",
        "/catalog.jsonld",
        "/catalog/nothing.json",
        "/openapi.json",
        "/health",
        "/catalog/figures/datasets.json",
    ],
)
def test_every_answer_in_json_says_its_version(whole_site, address):
    assert whole_site.get(address).headers["api-version"] == "1"


@pytest.mark.parametrize("address", ["/", "/catalog/figures/datasets.csv"])
def test_nothing_else_does(whole_site, address):
    assert "api-version" not in whole_site.page(address).headers


def fields_of(value, path: str = "") -> set[str]:
    """Name every field of JSON values, those in lists once; parameters of a release are named by whoever made it."""
    if isinstance(value, dict) and not path.endswith("/parameters"):
        return {name for key, each in value.items() for name in {f"{path}/{key}", *fields_of(each, f"{path}/{key}")}}
    if isinstance(value, list):
        return {name for each in value for name in fields_of(each, f"{path}/*")}
    return set()


def test_within_a_version_no_field_of_what_is_published_goes_away(operations, ask, whole):
    """Whoever must take one away raises API_VERSION, tells it in the changelog, and promises anew."""
    given = {}
    for path, operation in operations:
        for_everyone = {} in operation["security"]
        if for_everyone and list(operation["responses"]["200"]["content"]) == ["application/json"]:
            fields = {
                name for address in addresses_of(path, operation, whole) for name in fields_of(ask(address).json())
            }
            given[path] = sorted(fields)
    if os.environ.get("PROMISE"):
        PROMISED.write_text(json.dumps(given, indent=1) + "\n")
    promised = json.loads(PROMISED.read_text())
    gone = {path: sorted(set(fields) - set(given.get(path, ()))) for path, fields in promised.items()}
    assert {path: fields for path, fields in gone.items() if fields} == {}
