"""`/openapi-actions.json`: within what a Custom GPT takes; what it shows is taken by the service."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.api.callers import Api, json_of
from tests.api.conftest import Start
from tests.api.named import ref
from tests.worker.provider_server import ProviderServer

JSON = "application/json"


@pytest.fixture
def told(api: Api) -> dict[str, Any]:
    """Give the document as a client gets it."""
    return document(api)


def document(api: Api) -> dict[str, Any]:
    """Return the document as a client gets it."""
    answer = api.get("/openapi-actions.json")
    assert (answer.status_code, answer.content_type) == (200, JSON)
    return json_of(answer)


def operations(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the operations by their names."""
    return {
        operation["operationId"]: operation
        for methods in told["paths"].values()
        for operation in methods.values()
    }


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Give every object inside a value."""
    if isinstance(value, dict):
        yield value
    for part in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    ):
        yield from parts(part)


def media(told: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what an operation takes as its body."""
    body: dict[str, Any] = operations(told)[name]["requestBody"]["content"][JSON]
    return body


def test_there_is_one_absolute_server(told: dict[str, Any], start: Start) -> None:
    public = start(public_base_url="https://img.example", allow_anonymous=True)

    assert told["servers"] == [{"url": "http://127.0.0.1:5000"}]
    assert document(public)["servers"] == [{"url": "https://img.example"}]


def test_the_operations_are_few_and_each_says_whether_it_asks_first(told: dict[str, Any]) -> None:
    asks = {name: each["x-openai-isConsequential"] for name, each in operations(told).items()}

    assert asks == {
        "generateImage": False,
        "upscaleImage": False,
        "getJob": False,
        "cancelJob": True,
    }


def test_no_sentence_is_longer_than_300_characters(told: dict[str, Any]) -> None:
    for part in parts(told):
        for name in ("summary", "description"):
            assert len(str(part.get(name, ""))) <= 300, part


def test_every_operation_and_field_is_described(told: dict[str, Any]) -> None:
    for operation in operations(told).values():
        assert operation["summary"]
        assert operation["description"]
        for parameter in operation.get("parameters", []):
            assert parameter.get("description") or parameter["schema"]["description"]
    for part in parts(told):
        for field in part.get("properties", {}).values():
            assert field["description"]


def test_the_document_is_small(api: Api) -> None:
    assert len(api.get("/openapi-actions.json").get_data()) < 20_000


def test_neither_request_nor_answer_is_larger_than_an_action_may_carry(
    api: Api, told: dict[str, Any]
) -> None:
    fields = media(told, "generateImage")["schema"]["properties"]
    texts = {
        name: "\U0001f98a" * field["maxLength"]
        for name, field in fields.items()
        if "prompt" in name
    }

    answer = api.call("POST", "/generate_image", json={**texts, "wait_seconds": 0})

    assert answer.status_code == 202
    assert len(texts) == 2
    assert 50_000 < len(answer.get_data(as_text=True)) < 100_000


def test_every_description_of_a_parameter_is_short_enough(told: dict[str, Any]) -> None:
    for operation in operations(told).values():
        for parameter in operation.get("parameters", []):
            assert len(parameter.get("description", "")) <= 700


def test_bodies_are_flat(told: dict[str, Any]) -> None:
    for part in parts(told):
        assert not {"oneOf", "anyOf", "allOf"} & part.keys()
        assert not isinstance(part.get("type"), list)
    for name in ("generateImage", "upscaleImage"):
        schema = media(told, name)["schema"]
        assert schema["type"] == "object"
        assert all(field["type"] != "object" for field in schema["properties"].values())


def test_nothing_must_be_sent_by_a_header(told: dict[str, Any]) -> None:
    for operation in operations(told).values():
        assert {each["in"] for each in operation.get("parameters", [])} <= {"path", "query"}
    for name in ("generateImage", "upscaleImage"):
        fields = media(told, name)["schema"]["properties"]
        assert {"wait_seconds", "idempotency_key"} <= fields.keys()


def test_no_wait_is_longer_than_an_action_may_take(told: dict[str, Any]) -> None:
    waits = [
        *(media(told, name)["schema"]["properties"] for name in ("generateImage", "upscaleImage")),
        {each["name"]: each["schema"] for each in operations(told)["getJob"]["parameters"]},
    ]

    longest = [fields.get("wait_seconds", fields.get("wait"))["maximum"] for fields in waits]

    assert longest == [40, 40, 40]


def test_enums_and_defaults_are_those_of_the_whole_document(api: Api, told: dict[str, Any]) -> None:
    whole = json_of(api.get("/openapi.json"))["components"]["schemas"]
    for name, form in (("generateImage", "GenerateForm"), ("upscaleImage", "UpscaleForm")):
        for field, schema in media(told, name)["schema"]["properties"].items():
            same = whole[form]["properties"].get(field, schema)
            assert (schema.get("enum"), schema.get("default")) == (
                same.get("enum"),
                same.get("default"),
            )


def test_files_are_declared_as_strings(told: dict[str, Any]) -> None:
    files = media(told, "upscaleImage")["schema"]["properties"]["openaiFileIdRefs"]

    assert (files["type"], files["items"]) == ("array", {"type": "string"})


@pytest.mark.parametrize("name", ["generateImage", "upscaleImage"])
def test_every_example_is_valid(told: dict[str, Any], name: str) -> None:
    body = media(told, name)

    assert not list(Draft202012Validator(body["schema"]).iter_errors(body["example"]))


def test_the_example_of_an_image_is_taken(start: Start) -> None:
    api = start(max_wait_seconds=0)

    answer = api.call(
        "POST", "/generate_image", json=media(document(api), "generateImage")["example"]
    )

    assert answer.status_code == 202, answer.get_data()


def test_the_example_of_a_file_is_taken_as_the_action_sends_it(
    near: Api, server: ProviderServer
) -> None:
    example = media(document(near), "upscaleImage")["example"]
    # strings in the document are objects on the wire
    sent = {**example, "openaiFileIdRefs": [ref(f"{server.url}/a.png")], "wait_seconds": 0}

    answer = near.call("POST", "/upscale_image", json=sent)

    assert answer.status_code == 202, answer.get_data()


def test_an_answer_has_the_fields_that_the_document_shows(api: Api, told: dict[str, Any]) -> None:
    shown = told["components"]["schemas"]["Job"]["properties"]
    job_id = json_of(api.generate())["job_id"]
    api.succeed(job_id)

    job = json_of(api.get(f"/jobs/{job_id}?wait=35"))

    assert shown.keys() <= job.keys()
    present = {name: job[name] for name in shown if job[name] is not None}
    assert {"job_id", "status", "message", "image_url"} <= present.keys()
    assert not list(Draft202012Validator({"properties": shown}).iter_errors(present))
