"""The OpenAPI document says of the service what it is: every route, every code, nothing else."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.app import create_app
from api.errors import STATUS
from api.openapi.actions import build_actions
from api.openapi.answers import ANSWERS
from api.openapi.document import address, build
from api.openapi.endpoints import ENDPOINTS, TAGS, is_operators, needs_key
from api.openapi.words import ANSWER, CODES, REQUEST
from shared.services import Services
from shared.settings import load_settings
from shared.version import VERSION
from tests.policy.test_documents import NOT_CONTRACT

ROOT = Path(__file__).parent.parent.parent
SETTINGS = load_settings(None)
WHOLE, SHORT = build(SETTINGS), build_actions(SETTINGS)
OPERATIONS = {
    (method.upper(), path): operation
    for path, methods in WHOLE["paths"].items()
    for method, operation in methods.items()
}


def test_every_route_stands_in_the_document_and_every_operation_has_a_route(
    services: Services,
) -> None:
    routes = {
        (method, address(rule.rule))
        for rule in create_app(services).url_map.iter_rules()
        if rule.rule not in NOT_CONTRACT
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert routes == OPERATIONS.keys()


@pytest.mark.parametrize("document", [WHOLE, SHORT], ids=["whole", "short"])
def test_the_documents_are_openapi_3_1(document: dict[str, Any]) -> None:
    faults = list(OpenAPIV31SpecValidator(document).iter_errors())

    assert document["openapi"].startswith("3.1.")
    assert not faults


def test_every_operation_has_a_name_of_its_own_a_tag_and_a_summary() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in names)
    assert all(set(operation["tags"]) <= TAGS.keys() for operation in OPERATIONS.values())
    assert all(operation["summary"] for operation in OPERATIONS.values())


def test_every_error_code_is_described_and_no_other() -> None:
    assert CODES.keys() == STATUS.keys()
    assert WHOLE["components"]["schemas"]["ErrorCode"]["enum"] == sorted(STATUS)


def test_every_field_that_is_described_is_there() -> None:
    schemas = WHOLE["components"]["schemas"]
    fields = {name for schema in schemas.values() for name in schema.get("properties", {})}

    described = {name.rpartition(".")[2] for name in (*REQUEST, *ANSWER)}

    assert described <= fields


def test_every_field_is_described() -> None:
    schemas = WHOLE["components"]["schemas"]

    silent = {
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, told in schema.get("properties", {}).items()
        if "description" not in told
    }

    assert not silent


def test_no_component_is_there_for_nothing() -> None:
    written = json.dumps(WHOLE)
    components = {
        f"#/components/{kind}/{name}"
        for kind, named in WHOLE["components"].items()
        if kind != "securitySchemes"  # these go by their names
        for name in named
    }
    # a fault of every status can be met where no operation tells of it, as 405
    unused = {ref for ref in components if f'"{ref}"' not in written}

    assert {ref for ref in unused if "/responses/Fault" not in ref} == set()


def test_every_answer_is_given_by_an_endpoint() -> None:
    given = {name for endpoint in ENDPOINTS for name in endpoint.answers.values()}

    assert given == ANSWERS.keys()


def test_with_keys_every_operation_asks_for_one_unless_its_address_is_open() -> None:
    keyed = build(load_settings(None, client_keys="alice:alice-has-this-key"))
    asks = {
        (method.upper(), path)
        for path, methods in keyed["paths"].items()
        for method, operation in methods.items()
        if operation.get("security") == [{"bearer": []}, {"header": []}]
    }
    told = {call for call, operation in OPERATIONS.items() if "401" in operation["responses"]}
    operators = {(e.method, address(e.rule)) for e in ENDPOINTS if is_operators(e.rule)}

    assert asks == {(e.method, address(e.rule)) for e in ENDPOINTS if needs_key(e.rule)}
    assert told == asks | operators
    assert {call for call, operation in OPERATIONS.items() if "security" in operation} == operators


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    told = (WHOLE["info"]["version"], SHORT["info"]["version"], VERSION)

    assert set(told) == {project["version"]}
