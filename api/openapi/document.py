"""The whole document, put together from its tables."""

import re

from api.openapi.answers import failing_statuses, responses
from api.openapi.bodies import request_bodies, request_schemas
from api.openapi.endpoints import ENDPOINTS, TAGS, Endpoint, faults_of, is_operators, needs_key
from api.openapi.models import Schema, answer_schemas
from api.openapi.parameters import parameters
from api.openapi.webhooks import webhooks
from api.openapi.words import ABOUT
from shared.settings import Settings
from shared.version import VERSION

TITLE = "Stability AI Image API"
_OPERATOR = "operator"
# Two ways to show a client key; what a service without keys asks for none of.
SECURITY: Schema = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A client key."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same."},
}


def build(settings: Settings) -> Schema:
    """Return the OpenAPI 3.1 document of a service with these settings."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "summary": "Images from Stability AI, one request and one URL each.",
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": settings.public_base_url or "/"}],
        "tags": [{"name": name, "description": what} for name, what in TAGS.items()],
        "paths": _paths(not settings.open_mode),
        "webhooks": webhooks(),
        "components": {
            "schemas": {**request_schemas(settings), **answer_schemas()},
            "parameters": parameters(),
            "requestBodies": request_bodies(),
            "responses": responses(settings),
            "securitySchemes": {**SECURITY, _OPERATOR: {"type": "http", "scheme": "basic"}},
        },
    }


def address(rule: str) -> str:
    """Return a rule of Flask's as OpenAPI writes it."""
    return re.sub(r"<(\w+)>", r"{\1}", rule)


def _paths(keys: bool) -> dict[str, Schema]:
    paths: dict[str, Schema] = {}
    for endpoint in ENDPOINTS:
        operations = paths.setdefault(address(endpoint.rule), {})
        operations[endpoint.method.lower()] = _operation(endpoint, keys)
    return paths


def _operation(endpoint: Endpoint, keys: bool) -> Schema:
    taken = (*re.findall(r"<(\w+)>", endpoint.rule), *endpoint.takes)
    told: Schema = {
        "operationId": endpoint.name,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": endpoint.what,
        "parameters": [_ref("parameters", name) for name in taken],
        "requestBody": _ref("requestBodies", endpoint.body) if endpoint.body else None,
        "responses": _responses(endpoint),
        "security": _security(endpoint, keys=keys),
    }
    return {name: value for name, value in told.items() if value}


def _security(endpoint: Endpoint, *, keys: bool) -> list[Schema] | None:
    if is_operators(endpoint.rule):
        return [{_OPERATOR: []}]
    return [{name: []} for name in SECURITY] if keys and needs_key(endpoint.rule) else None


def _responses(endpoint: Endpoint) -> Schema:
    failing = failing_statuses() if endpoint.waits else frozenset()
    faults = {
        status: f"{'Failed' if status in failing else 'Fault'}{status}"
        for status in {*faults_of(endpoint), *failing}
    }
    named = {**faults, **endpoint.answers}
    return {str(status): _ref("responses", named[status]) for status in sorted(named)}


def _ref(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}
