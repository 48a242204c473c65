"""`/openapi.json`: what it says is valid is taken, what it says is not is refused."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api.openapi.bodies import EXAMPLES, JSON
from shared.batches import Batch
from shared.delivery_views import batch_event, job_event
from shared.jobs import new_job_id
from shared.settings import Settings
from shared.views import batch_view, job_view
from tests.api.callers import Api, json_of
from tests.api.conftest import Start
from tests.builders import a_job
from tests.pictures import picture
from tests.shared.outside import PUBLIC
from tests.webhooks import SECRET

PATHS = {"Generate": "/generate_image", "Upscale": "/upscale_image", "Batch": "/batches"}
LONG = "x" * 10_001
RED = next(iter(EXAMPLES["Upscale", JSON].values()))["image_url"]


def document(api: Api) -> dict[str, Any]:
    """Return the document as a client gets it."""
    answer = api.get("/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    return json_of(answer)


def faults(told: dict[str, Any], schema: dict[str, Any], value: object) -> list[str]:
    """Return what is wrong with a value, by a schema of a document."""
    validator = Draft202012Validator({**schema, "components": told["components"]})
    return [fault.message for fault in validator.iter_errors(value)]


def body_schema(told: dict[str, Any], name: str, media: str = JSON) -> dict[str, Any]:
    """Return the schema of a request body."""
    schema: dict[str, Any] = told["components"]["requestBodies"][name]["content"][media]["schema"]
    return schema


def test_who_has_the_document_already_is_told_so(api: Api) -> None:
    first = api.get("/openapi.json")

    again = api.get("/openapi.json", If_None_Match=first.headers["ETag"])

    assert first.headers["Cache-Control"] == "no-cache"
    assert (again.status_code, again.get_data()) == (304, b"")


def test_the_document_names_this_server_or_the_public_one(api: Api, start: Start) -> None:
    public = start(public_base_url="https://img.example/api", allow_anonymous=True)

    assert document(api)["servers"] == [{"url": "/"}]
    assert document(public)["servers"] == [{"url": "https://img.example/api"}]


def test_the_document_goes_by_the_settings(start: Start) -> None:
    api = start(prices='{"core": 17}', batch_max_jobs=7, job_deadline_seconds=99)

    schemas = document(api)["components"]["schemas"]
    fields = schemas["GenerateRequest"]["properties"]

    assert "`core` 17," in fields["model"]["description"]
    assert fields["deadline_seconds"]["maximum"] == 99
    assert schemas["BatchRequest"]["properties"]["jobs"]["maxItems"] == 7


@pytest.mark.parametrize(("name", "media"), EXAMPLES)
def test_every_example_of_a_body_is_valid(api: Api, name: str, media: str) -> None:
    told = document(api)
    examples = told["components"]["requestBodies"][name]["content"][media]["examples"]

    assert examples
    for example in examples.values():
        assert not faults(told, body_schema(told, name, media), example["value"])


@pytest.mark.parametrize("name", PATHS)
def test_every_example_of_a_body_is_taken(start: Start, name: str) -> None:
    api = start(max_wait_seconds=0)

    for example in EXAMPLES[name, JSON].values():
        answer = api.call("POST", PATHS[name], json=example)

        assert answer.status_code == 202, answer.get_data()


@pytest.mark.parametrize("name", ["Retry", "Redeliver"])
def test_every_example_of_a_later_call_is_taken(start: Start, name: str) -> None:
    api = start(webhook_secret=SECRET, max_wait_seconds=0)
    job_id = json_of(api.generate(webhook_url=f"https://{PUBLIC}/done"))["job_id"]
    api.fail(job_id)

    for example in EXAMPLES[name, JSON].values():
        answer = api.call("POST", f"/jobs/{job_id}/{name.lower()}", json=example)

        assert answer.status_code == 202, answer.get_data()


def test_every_example_of_an_answer_is_valid(api: Api) -> None:
    told = document(api)
    contents = {
        name: response["content"][JSON]
        for name, response in told["components"]["responses"].items()
        if "example" in response.get("content", {}).get(JSON, {})
    }

    assert len(contents) > 20
    for name, content in contents.items():
        assert not faults(told, content["schema"], content["example"]), name


def test_a_blank_that_other_readers_of_patterns_do_not_know_is_named(api: Api) -> None:
    request = document(api)["components"]["schemas"]["GenerateRequest"]

    # for ECMAScript, U+0085 is no \s
    assert not re.search(request["properties"]["prompt"]["pattern"], "\u0085", re.ASCII)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("Generate", {}),
        ("Generate", {"prompt": None}),
        ("Generate", {"prompt": " \n"}),
        ("Generate", {"prompt": "\u0085"}),
        ("Generate", {"prompt": LONG}),
        ("Generate", {"prompt": "a fox", "negative_prompt": LONG}),
        ("Generate", {"prompt": "a fox", "model": "fast"}),
        ("Generate", {"prompt": "a fox", "model": None, "style_preset": None, "seed": None}),
        ("Generate", {"prompt": "a fox", "aspect_ratio": "4:3"}),
        ("Generate", {"prompt": "a fox", "seed": 4_294_967_294}),
        ("Generate", {"prompt": "a fox", "seed": 4_294_967_295}),
        ("Generate", {"prompt": "a fox", "seed": 7.0}),
        ("Generate", {"prompt": "a fox", "seed": 7.5}),
        ("Generate", {"prompt": "a fox", "seed": "7"}),
        ("Generate", {"prompt": "a fox", "seed": True}),
        ("Generate", {"prompt": "a fox", "colour": "red"}),
        ("Generate", {"prompt": "a fox", "metadata": {"a": "b"}}),
        ("Generate", {"prompt": "a fox", "metadata": {"a": 1}}),
        ("Generate", {"prompt": "a fox", "metadata": {str(n): "" for n in range(17)}}),
        ("Generate", {"prompt": "a fox", "deadline_seconds": 0}),
        ("Generate", {"prompt": "a fox", "deadline_seconds": 86_401}),
        ("Generate", {"prompt": "a fox", "wait_seconds": True}),
        ("Generate", {"prompt": "a fox", "wait_seconds": "1.5"}),
        ("Generate", {"prompt": "a fox", "wait_seconds": "soon"}),
        ("Generate", {"prompt": "a fox", "wait_seconds": -1}),
        ("Generate", {"prompt": "a fox", "idempotency_key": ""}),
        ("Generate", {"prompt": "a fox", "idempotency_key": "k" * 256}),
        ("Generate", {"prompt": "a fox", "webhook_url": f"https://{PUBLIC}/done"}),
        ("Generate", {"prompt": "a fox", "webhook_url": ""}),
        ("Upscale", {}),
        ("Upscale", {"image_url": None}),
        ("Upscale", {"image_url": RED}),
        ("Upscale", {"openaiFileIdRefs": [RED]}),
        ("Upscale", {"openaiFileIdRefs": [{"id": "1", "download_link": RED}]}),
        ("Upscale", {"openaiFileIdRefs": [{"id": "1"}]}),
        ("Upscale", {"openaiFileIdRefs": []}),
        ("Upscale", {"openaiFileIdRefs": [RED, RED]}),
        ("Upscale", {"openaiFileIdRefs": [RED], "image_url": RED}),
        ("Upscale", {"openaiFileIdRefs": None, "image_url": RED}),
        ("Upscale", {"image_url": RED, "mode": None, "prompt": None}),
        ("Upscale", {"image_url": RED, "prompt": "a fox"}),
        ("Upscale", {"image_url": RED, "mode": "fast", "seed": 7}),
        ("Upscale", {"image_url": RED, "mode": "conservative"}),
        ("Upscale", {"image_url": RED, "mode": "conservative", "prompt": None}),
        ("Upscale", {"image_url": RED, "mode": "conservative", "prompt": "a fox"}),
        ("Upscale", {"image_url": RED, "mode": "conservative", "prompt": "a", "creativity": 0.1}),
        ("Upscale", {"image_url": RED, "mode": "creative", "prompt": "a", "creativity": 0.1}),
        ("Upscale", {"image_url": RED, "mode": "creative", "prompt": "a", "creativity": 0.6}),
        (
            "Upscale",
            {"image_url": RED, "mode": "conservative", "prompt": "a", "style_preset": "anime"},
        ),
        ("Upscale", {"image_url": RED, "mode": "creative", "prompt": "a", "style_preset": "anime"}),
        ("Batch", {}),
        ("Batch", {"jobs": []}),
        ("Batch", {"jobs": [{}]}),
        ("Batch", {"jobs": [{"prompt": "a fox"}]}),
        ("Batch", {"jobs": [{"prompt": "a fox"}] * 101}),
        ("Batch", {"jobs": [{"prompt": "a fox"}, {}]}),
        ("Batch", {"jobs": [{}, {}], "defaults": {"prompt": "a fox"}}),
        ("Batch", {"jobs": [{"prompt": None}], "defaults": {"prompt": "a fox"}}),
        ("Batch", {"jobs": [{"prompt": "a fox"}], "defaults": None, "metadata": {"a": "b"}}),
        ("Batch", {"jobs": [{"prompt": "a fox", "wait_seconds": 1}]}),
        ("Batch", {"jobs": [{"prompt": "a fox"}], "defaults": {"idempotency_key": "k"}}),
        ("Batch", {"jobs": [{"prompt": "a fox"}], "webhook_url": f"https://{PUBLIC}/done"}),
        ("Batch", {"jobs": [{"prompt": "a fox"}], "prompt": "a fox"}),
        ("Batch", {"jobs": ["a fox"]}),
    ],
    ids=lambda value: json.dumps(value)[:80].replace(RED, "red"),
)
def test_a_body_is_taken_just_when_the_document_says_so(
    start: Start, name: str, body: dict[str, Any]
) -> None:
    api = start(webhook_secret=SECRET, max_wait_seconds=0)
    told = document(api)

    answer = api.call("POST", PATHS[name], json=body)

    expected = 400 if faults(told, body_schema(told, name), body) else 202
    assert answer.status_code == expected, answer.get_data()


def test_a_form_is_taken_as_the_document_says(api: Api) -> None:
    told = document(api)
    fields = body_schema(told, "Generate", "multipart/form-data")
    form = told["components"]["schemas"]["UpscaleForm"]

    answer = api.generate_form(metadata='{"a": "b"}', seed="7")

    assert answer.status_code == 202
    assert not faults(told, fields, {"prompt": "a fox", "metadata": {"a": "b"}, "seed": 7})
    assert "image" in form["required"]
    assert api.upscale(picture()).status_code == 202


@pytest.mark.parametrize("status", ["succeeded", "failed", "canceled"])
def test_the_webhook_of_a_job_is_what_the_document_says(
    api: Api, settings: Settings, status: str
) -> None:
    told = document(api)
    job = a_job(status=status, finished=1)

    event = {**job_event(job, job_view(job, settings))}

    schema = webhook_schema(told, f"job.{status}")
    assert not faults(told, schema, event)
    assert faults(told, schema, {**event, "type": "job.other"})
    assert faults(told, schema, {**event, "data": {}})


def test_the_webhook_of_a_batch_is_what_the_document_says(api: Api, settings: Settings) -> None:
    told = document(api)
    job = a_job(status="failed", finished=1)
    batch = Batch(new_job_id(), (job.id,), finished=1, failed=1)

    event = {**batch_event(batch, batch_view(batch, [job], settings))}

    schema = webhook_schema(told, "batch.finished")
    assert not faults(told, schema, event)
    assert faults(told, schema, {**event, "data": {}})


def webhook_schema(told: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the schema of what a webhook carries."""
    schema: dict[str, Any] = told["webhooks"][name]["post"]["requestBody"]["content"][JSON][
        "schema"
    ]
    return schema
