"""A batch that is wrong: nothing of it is queued, and everything that is wrong is told by index."""

import io
import os
import random
import tracemalloc
from typing import Any

import pytest
import requests
from PIL import Image
from werkzeug.test import TestResponse

from tests.api.callers import Api, assert_fault, errors_of, json_of
from tests.api.conftest import Start
from tests.pictures import picture

MEBIBYTE = 1024 * 1024
WRONG_NUMBER = "jobs must be a list of 1 to 100 jobs"


def faults(answer: TestResponse, message: str) -> list[tuple[int, str]]:
    """Return (index, field) of each fault of a 400 that counts jobs so."""
    body = json_of(answer)
    assert (answer.status_code, body["error_code"], body["error"]) == (
        400,
        "invalid_request",
        message,
    )
    assert body["request_id"] == answer.headers["X-Request-ID"]
    return [(fault["index"], fault["field"]) for fault in body["errors"] if "index" in fault]


def send(api: Api, body: str | bytes, kind: str = "application/json") -> TestResponse:
    """Ask for a batch with exactly these bytes."""
    return api.call("POST", "/batches", data=body, content_type=kind)


def test_two_wrong_jobs_of_forty_are_told_by_their_places(api: Api) -> None:
    entries: list[dict[str, Any]] = [{"prompt": f"fox {number}"} for number in range(40)]
    entries[3] = {"aspect_ratio": "4:3"}
    entries[17] = {"prompt": "a fox", "seed": -1}

    answer = api.batch(*entries)

    told = [(3, "prompt"), (3, "aspect_ratio"), (17, "seed")]
    assert faults(answer, "2 of 40 jobs are invalid") == told
    assert json_of(answer)["errors"][0] == {
        "index": 3,
        "field": "prompt",
        "error": "Prompt is required",
    }
    assert api.is_empty()


def test_one_wrong_job_is_one(api: Api) -> None:
    assert faults(api.batch("a fox", ""), "1 of 2 jobs is invalid") == [(1, "prompt")]


def test_faults_of_the_batch_itself_stand_behind_those_of_its_jobs(api: Api) -> None:
    answer = api.batch("", metadata={"a": 1}, colour="red", query="?wait=soon")

    assert [(fault.get("index"), fault["field"]) for fault in json_of(answer)["errors"]] == [
        (0, "prompt"),
        (None, "colour"),
        (None, "metadata"),
        (None, "wait"),
    ]
    assert api.is_empty()


def test_a_batch_whose_jobs_are_right_may_still_be_wrong(api: Api) -> None:
    errors = errors_of(api.batch("a fox", colour="red", metadata={"a": 1}))

    assert list(errors) == ["colour", "metadata"]
    assert "it takes jobs, defaults, metadata" in errors["colour"]
    assert api.is_empty()


@pytest.mark.parametrize("field", ["wait_seconds", "idempotency_key"])
@pytest.mark.parametrize("where", ["job", "defaults"])
def test_what_the_batch_takes_as_a_whole_is_refused_of_one_job(
    api: Api, field: str, where: str
) -> None:
    job = {"prompt": "a fox", field: "9"} if where == "job" else {"prompt": "a fox"}

    answer = api.batch(job, defaults={field: "9"} if where == "defaults" else {})

    assert faults(answer, "1 of 1 jobs is invalid") == [(0, field)]
    assert "by the batch as a whole" in json_of(answer)["errors"][0]["error"]
    assert api.is_empty()


@pytest.mark.parametrize(
    "body",
    ["", "{}", '{"jobs": []}', '{"jobs": null}', '{"jobs": {}}', '{"jobs": "abc"}', '{"jobs": 5}'],
)
def test_a_batch_of_no_jobs_is_refused(api: Api, body: str) -> None:
    assert errors_of(send(api, body)) == {"jobs": WRONG_NUMBER}


def test_a_batch_of_too_many_jobs_is_refused_for_that_alone(api: Api) -> None:
    assert errors_of(api.batch(*[""] * 101)) == {"jobs": WRONG_NUMBER}
    assert api.is_empty()


@pytest.mark.parametrize("number", [0, 101])
def test_a_form_of_no_images_or_too_many_is_refused(api: Api, number: int) -> None:
    errors = errors_of(api.batch_of_images(*[picture(32, 32)] * number, mode="fast"))

    assert errors == {"image": "image must be 1 to 100 files"}
    assert api.is_empty()


@pytest.mark.parametrize("entry", [1, "a fox", None, [], True, dict.fromkeys(map(str, range(101)))])
def test_an_entry_that_is_no_object_of_a_job_is_told(api: Api, entry: object) -> None:
    answer = api.call("POST", "/batches", json={"jobs": [{"prompt": "a fox"}, entry]})

    assert faults(answer, "1 of 2 jobs is invalid") == [(1, "jobs")]
    assert api.is_empty()


@pytest.mark.parametrize("defaults", [[], False, 0, "", "a", dict.fromkeys(map(str, range(101)))])
def test_defaults_that_are_no_object_are_told_and_not_dropped(api: Api, defaults: object) -> None:
    assert list(errors_of(api.batch("a fox", {}, defaults=defaults))) == ["defaults"]
    assert api.is_empty()


def test_an_unknown_field_is_refused_by_name_wherever_it_stands(api: Api) -> None:
    of_all = api.batch("a fox", "a bear", defaults={"promt": "x"})
    of_one = api.batch({"prompt": "a fox", "promt": "x"}, "a bear")

    assert faults(of_all, "2 of 2 jobs are invalid") == [(0, "promt"), (1, "promt")]
    assert faults(of_one, "1 of 2 jobs is invalid") == [(0, "promt")]


@pytest.mark.parametrize(
    "body",
    [
        '{"jobs": [{"\\ud800": 1, "prompt": "x"}]}',
        '{"jobs": [{"prompt": "\\ud800"}]}',
        '{"jobs": [{"prompt": "x", "metadata": {"\\ud800": "y"}}]}',
        '{"jobs": [{"prompt": "x"}], "defaults": {"\\ud800": 1}}',
        '{"jobs": [{"prompt": "x"}], "metadata": {"\\ud800": "y"}}',
        '{"jobs": [{"prompt": "x"}], "\\ud800": 1}',
        '{"jobs": [{"prompt": "x", "seed": 1e400}]}',
        '{"jobs": [{"prompt": "x", "seed": NaN}]}',
        '{"jobs": [{"prompt": "x"}], "idempotency_key": []}',
        '{"jobs": [{"prompt": ["x"]}]}',
        f'{{"jobs": {"[" * 100_000}{"]" * 100_000}}}',
        f'{{"jobs": [{{"prompt": {"[" * 500}{"]" * 500}}}]}}',
        f'{{"jobs": [{{"prompt": "x", "seed": {"9" * 5_000}}}]}}',
        '{"jobs": [{"prompt": "x"}]',
        '[{"prompt": "x"}]',
        "\x00",
    ],
)
def test_a_hostile_body_is_a_fault_of_the_caller_and_no_defect(api: Api, body: str) -> None:
    answer = send(api, body)

    assert_fault(answer, 400, "invalid_request")
    assert api.is_empty()


@pytest.mark.parametrize(
    "body",
    [
        b'{"jobs": [' + b"[]," * 600_000 + b"[]]}",
        b'{"jobs": [' + b"0," * 1_000_001 + b"0]}",
        b'{"jobs": [{' + b'"a":1,' * 1_000_001 + b'"b":1}]}',
    ],
    ids=["lists", "numbers", "fields"],
)
def test_a_body_of_very_many_parts_is_not_even_read(api: Api, body: bytes) -> None:
    tracemalloc.start()
    try:
        answer = send(api, body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert_fault(answer, 413, "payload_too_large")
    assert peak < 5 * len(body)


def test_very_many_fields_are_one_fault(api: Api) -> None:
    fields = {f"field_{number}": 1 for number in range(101)}

    assert errors_of(api.call("POST", "/batches", json=fields)) == {
        "body": "body must have at most 100 fields"
    }
    assert list(errors_of(api.generate(**fields))) == ["body"]
    assert list(errors_of(api.generate_form(**dict.fromkeys(fields, "1")))) == ["body"]


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("application/json", 32 * MEBIBYTE),
        ("text/plain", 32 * MEBIBYTE),
        ("multipart/form-data; boundary=b", 100 * MEBIBYTE),
    ],
)
def test_a_request_that_is_too_large_is_refused_before_it_is_read(
    api: Api, kind: str, most: int
) -> None:
    class Unread(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("it was read")

    given = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(most + 1), "CONTENT_TYPE": kind}
    answer = api.call("POST", "/batches", environ_overrides=given)

    assert_fault(answer, 413, "payload_too_large")


def test_a_batch_of_the_longest_prompts_is_taken(api: Api) -> None:
    prompts = ["🦊" * 10_000] * 100  # 12 bytes each, as JSON writes them

    assert api.batch(*prompts).status_code == 202


def test_an_image_that_is_too_large_is_refused_as_in_a_single_request(start: Start) -> None:
    api = start(max_upload_bytes=2_000)

    answer = api.batch_of_images(picture(), picture() + b"\0" * 2_000)

    assert_fault(answer, 413, "payload_too_large")
    assert api.is_empty()


def test_wrong_images_are_told_by_their_places(api: Api) -> None:
    answer = api.batch_of_images(
        picture(), b"text", picture()[:-9], b"", picture(513, 64), picture(16, 16)
    )

    told = faults(answer, "5 of 6 jobs are invalid")
    assert {index for index, field in told if field == "image"} == {1, 2, 3, 4, 5}
    assert api.is_empty()


def test_wrong_fields_of_a_form_are_told_once(api: Api) -> None:
    errors = errors_of(api.batch_of_images(picture(), picture(), mode="best", metadata="no"))

    assert list(errors) == ["metadata", "mode"]
    assert api.is_empty()


def test_a_field_that_stands_twice_in_a_form_is_refused(api: Api) -> None:
    data = {"image": (io.BytesIO(picture()), "a.png"), "mode": ["fast", "conservative"]}

    answer = api.call("POST", "/batches", data=data, content_type="multipart/form-data")

    assert errors_of(answer) == {"mode": "mode must be given once"}


def test_a_file_in_another_field_is_refused(api: Api) -> None:
    data = {name: (io.BytesIO(picture()), "a.png") for name in ("image", "jobs")}

    answer = api.call("POST", "/batches", data=data, content_type="multipart/form-data")

    assert list(errors_of(answer)) == ["jobs"]
    assert api.is_empty()


def test_as_many_files_as_the_operator_allows_pass_the_framework(start: Start) -> None:
    api = start(batch_max_jobs=1_000, queue_max_jobs=10)

    answer = api.batch_of_images(*[picture(32, 32)] * 1_000, mode="fast", output_format="png")

    # and not 413: all of its parts were read, and more than may wait could never be accepted
    assert errors_of(answer) == {"image": "image must be 1 to 10 files"}


@pytest.mark.parametrize("last", [picture(), b"text"], ids=["good", "bad"])
def test_a_batch_of_large_images_leaves_no_open_file_and_no_temporary_one(
    api: Api, last: bytes
) -> None:
    out = io.BytesIO()
    Image.frombytes("RGB", (512, 512), random.randbytes(512 * 512 * 3)).save(out, "PNG")
    files = [("image", ("a.png", image)) for image in (*[out.getvalue()] * 3, last)]
    form = requests.Request("POST", "http://127.0.0.1/batches", files=files).prepare()
    assert isinstance(form.body, bytes)
    api.batch("a fox")
    before = os.listdir("/dev/fd")  # noqa: PTH208 - a folder of numbers

    answer = send(api, form.body, form.headers["Content-Type"])

    assert len(form.body) > 2 * MEBIBYTE
    assert answer.status_code == (400 if last == b"text" else 202)
    assert len(os.listdir("/dev/fd")) <= len(before)  # noqa: PTH208
    assert len(api.inputs()) == (0 if last == b"text" else 4)
