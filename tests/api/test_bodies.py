"""How a request may be written: JSON or a form, and what happens to everything else."""

import io
import json

import pytest

from tests.api.callers import Api, assert_fault, errors_of, json_of
from tests.api.test_generate import EVERYTHING

NOT_AN_OBJECT = {"body": "The body must be a JSON object"}
FORM = "application/x-www-form-urlencoded"


def test_a_form_says_the_same_as_json(api: Api) -> None:
    extras = {"metadata": {"order": "17"}, "deadline_seconds": 60}
    form = {name: str(value) for name, value in EVERYTHING.items()}

    by_json = json_of(api.generate(**EVERYTHING, **extras))
    by_form = json_of(api.generate_form(**form, metadata='{"order": "17"}', deadline_seconds="60"))

    for field in ("request", "metadata", "credits_estimate", "status"):
        assert by_form[field] == by_json[field]


def test_a_multipart_form_says_the_same_too(api: Api) -> None:
    answer = api.call(
        "POST",
        "/generate_image",
        data={"prompt": "a fox", "seed": "7"},
        content_type="multipart/form-data",
    )

    assert json_of(answer)["request"]["seed"] == 7


def test_a_form_holds_the_longest_prompt(api: Api) -> None:
    assert json_of(api.generate_form(prompt="🦊" * 10_000))["request"]["prompt"] == "🦊" * 10_000


FIELDS = ["negative_prompt", "model", "aspect_ratio", "style_preset", "seed", "output_format"]


@pytest.mark.parametrize("field", [*FIELDS, "metadata", "deadline_seconds", "wait_seconds"])
def test_an_empty_field_of_a_form_is_absent(api: Api, field: str) -> None:
    answer = api.generate_form(**{field: ""})

    assert answer.status_code == 202
    assert json_of(answer)["request"] == json_of(api.generate())["request"]


def test_an_empty_prompt_of_a_form_is_missing(api: Api) -> None:
    assert errors_of(api.generate_form(prompt="")) == {"prompt": "Prompt is required"}
    assert api.is_empty()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", "x"),
        ("seed", "-1"),
        ("seed", "1.5"),
        ("seed", "nan"),
        ("seed", "9" * 5_000),
        ("deadline_seconds", "0"),
        ("deadline_seconds", "86401"),
        ("metadata", "text"),
        ("metadata", "[]"),
        ("metadata", '{"a": 1}'),
        ("metadata", "[" * 100_000),
        ("output_format", "gif"),
        ("wait_seconds", "soon"),
        ("colour", "red"),
    ],
)
def test_a_wrong_field_of_a_form_is_refused_by_name(api: Api, field: str, value: str) -> None:
    assert list(errors_of(api.generate_form(**{field: value}))) == [field]
    assert api.is_empty()


def test_a_field_given_twice_in_a_form_is_refused_by_name(api: Api) -> None:
    answer = api.generate_raw("prompt=a&prompt=b&seed=1&seed=1&model=core", FORM)

    errors = errors_of(answer)
    assert errors == {
        "prompt": "prompt must be given once",
        "seed": "seed must be given once",
    }
    assert api.is_empty()


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        '["prompt"]',
        '"a fox"',
        "5",
        "null",
        "true",
        "NaN",
        "{",
        '{"prompt": "a fox"',
        '{"prompt": "a fox",}',
        "{'prompt': 'a fox'}",
        "prompt=a+fox",
        b"\xff\xfe\xff",
        b'{"prompt": "\xff"}',
        "[" * 100_000,
        '{"a":' * 50_000,
        '{"prompt": "a", "seed": ' + "9" * 5_000 + "}",
    ],
)
def test_a_body_that_is_no_json_object_is_refused(api: Api, body: str | bytes) -> None:
    assert errors_of(api.generate_raw(body)) == NOT_AN_OBJECT
    assert api.is_empty()


@pytest.mark.parametrize("field", ["prompt", "negative_prompt", "style_preset", "seed", "colour"])
def test_half_a_character_is_refused_in_any_field(api: Api, field: str) -> None:
    body = json.dumps({"prompt": "a fox", field: "x\ud800y"})

    assert list(errors_of(api.generate_raw(body))) == [field]
    assert api.is_empty()


@pytest.mark.parametrize("metadata", [{"a": "\ud800"}, {"\ud800": "a"}])
def test_half_a_character_is_refused_in_metadata(api: Api, metadata: dict[str, str]) -> None:
    body = json.dumps({"prompt": "a fox", "metadata": metadata})

    assert list(errors_of(api.generate_raw(body))) == ["metadata"]
    assert api.is_empty()


def test_half_a_character_in_a_fields_name_is_refused(api: Api) -> None:
    answer = api.generate_raw('{"prompt": "a fox", "col\\ud800our": 1}')

    errors_of(answer)
    assert api.is_empty()


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/vnd.x+json"])
def test_a_json_type_with_more_to_it_is_json(api: Api, kind: str) -> None:
    assert api.generate_raw('{"prompt": "a fox"}', kind).status_code == 202


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "image/png", "", "json"])
@pytest.mark.parametrize("path", ["/generate_image", "/upscale_image"])
def test_a_body_of_another_type_is_refused(api: Api, path: str, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}

    answer = api.call("POST", path, data=b'{"prompt": "a fox"}', headers=headers)

    assert_fault(answer, 415, "unsupported_media_type")
    assert api.is_empty()


def test_no_body_and_no_type_lacks_its_prompt(api: Api) -> None:
    assert errors_of(api.call("POST", "/generate_image")) == {"prompt": "Prompt is required"}


def test_a_file_where_none_belongs_is_refused_by_name(api: Api) -> None:
    form = {"prompt": "a fox", "image": (b"", "a.png")}
    answer = api.call("POST", "/generate_image", data=form, content_type="multipart/form-data")

    errors = errors_of(answer)
    assert list(errors) == ["image"]
    assert errors["image"].startswith("image is not a file ")
    assert api.is_empty()


def test_the_names_of_a_forms_fields_and_files_are_cut_before_they_are_told(api: Api) -> None:
    long = "x" * 5_000
    file = {"prompt": "a fox", long: (b"", "a.png")}
    with_file = api.call("POST", "/generate_image", data=file, content_type="multipart/form-data")
    twice = api.generate_raw(f"prompt=a&{long}=1&{long}=2", FORM)

    assert list(errors_of(with_file)) == list(errors_of(twice)) == ["x" * 64]


def test_a_form_without_its_boundary_is_an_empty_form(api: Api) -> None:
    answer = api.generate_raw(b"--x", "multipart/form-data")

    assert errors_of(answer) == {"prompt": "Prompt is required"}


@pytest.mark.parametrize("kind", ["application/json", FORM, "text/plain", "multipart/form-data"])
@pytest.mark.parametrize("path", ["/generate_image", "/upscale_image"])
def test_a_body_over_the_limit_is_refused_in_json(api: Api, path: str, kind: str) -> None:
    limit = api.services.settings.max_upload_bytes * 4 // 3 + 64 * 1024
    kind += "; boundary=x" if kind.startswith("multipart") else ""

    answer = api.call("POST", path, data=b" " * (limit + 1), content_type=kind)

    assert_fault(answer, 413, "payload_too_large")
    assert api.is_empty()


def test_a_body_at_the_limit_is_read(api: Api) -> None:
    limit = api.services.settings.max_upload_bytes * 4 // 3 + 64 * 1024
    body = '{"prompt": "a fox"}'

    assert api.generate_raw(body + " " * (limit - len(body))).status_code == 202


def test_metadata_may_be_a_part_of_its_own_type_as_browsers_send_it(api: Api) -> None:
    part = (io.BytesIO(b'{"order": "4711"}'), "blob", "application/json")

    answer = api.call("POST", "/generate_image", data={"prompt": "a fox", "metadata": part})

    assert answer.status_code == 202
    assert api.job(answer).metadata == {"order": "4711"}


@pytest.mark.parametrize("content", [b"red", b"[" * 100_000, b'{"a": "' + b"x" * 70_000 + b'"}'])
def test_metadata_that_is_no_object_is_refused_as_a_part_too(api: Api, content: bytes) -> None:
    part = (io.BytesIO(content), "blob", "application/json")

    answer = api.call("POST", "/generate_image", data={"prompt": "a fox", "metadata": part})

    assert errors_of(answer).keys() == {"metadata"}
    assert api.is_empty()


def test_metadata_is_given_once_in_either_form(api: Api) -> None:
    part = (io.BytesIO(b"{}"), "blob", "application/json")

    answer = api.call("POST", "/generate_image", data={"prompt": "a fox", "metadata": ["{}", part]})

    assert errors_of(answer) == {"metadata": "metadata must be given once"}


@pytest.mark.parametrize("rest", ["", '; filename="a.png"', "; filename*=utf-8''a.png"])
@pytest.mark.parametrize("path", ["/upscale_image", "/generate_image", "/batches"])
def test_a_part_of_a_form_that_has_no_name_is_refused(api: Api, path: str, rest: str) -> None:
    part = f"--b\r\nContent-Disposition: form-data{rest}\r\n\r\nx\r\n--b--\r\n".encode()

    answer = api.call("POST", path, data=part, content_type="multipart/form-data; boundary=b")

    assert errors_of(answer) == {"body": "body must be a form whose parts each have a name"}
    assert api.is_empty()
