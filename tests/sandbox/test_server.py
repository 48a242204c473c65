import base64
import re
from typing import Any

import pytest

from tests.sandbox.helpers import CORE, KEY, Caller, head, opened

UNAUTHORIZED = "authorization: invalid or missing header value"
STRANGER = "not-a-key"


def test_a_picture_comes_as_bytes_with_its_story_in_headers(caller: Caller) -> None:
    answer = caller.post("generate/core", prompt="cat", seed=7, output_format="webp")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["seed"] == "7"
    assert answer.headers["finish-reason"] == "SUCCESS"
    assert opened(answer.data).size == (1536, 1536)


def test_a_picture_comes_as_json_if_asked(caller: Caller) -> None:
    answer = caller.post("generate/sd3", accept="application/json", prompt="cat", seed=7)

    assert answer.headers["content-type"] == "application/json; type=image/png"
    assert "seed" not in answer.headers
    assert "finish-reason" not in answer.headers
    assert opened(base64.b64decode(answer.json["image"])).format == "PNG"
    assert (answer.json["seed"], answer.json["finish_reason"]) == (7, "SUCCESS")


def test_an_absent_accept_means_bytes(caller: Caller) -> None:
    answer = caller.send(
        "POST",
        CORE,
        data={"prompt": "cat"},
        content_type="multipart/form-data",
        headers={"Authorization": f"Bearer {KEY}"},
    )

    assert answer.headers["content-type"] == "image/png"


@pytest.mark.parametrize("accept", ["image/png", "*/*", "text/html"])
def test_another_accept_is_refused(caller: Caller, accept: str) -> None:
    assert caller.errors("generate/core", accept=accept, prompt="cat") == [
        "accept: invalid enum value. Expected 'image/*' | 'application/json'"
    ]


@pytest.mark.parametrize("seed", [{}, {"seed": 0}])
def test_without_a_seed_a_random_one_is_reported(caller: Caller, seed: dict[str, Any]) -> None:
    first, second = (caller.generate(**seed) for _ in range(2))

    assert first.headers["seed"] != second.headers["seed"] != "0"


def test_every_answer_carries_a_request_id(caller: Caller) -> None:
    answers = [
        caller.generate(),
        caller.post("generate/core"),
        caller.get("/v2beta/nothing"),
        caller.get("/v1/user/balance"),
    ]

    assert all(re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"]) for answer in answers)


def test_an_error_of_v2beta_has_its_shape(caller: Caller) -> None:
    answer = caller.post("generate/core")

    assert answer.json == {
        "id": answer.headers["x-request-id"],
        "name": "bad_request",
        "errors": ["prompt: required"],
    }


@pytest.mark.parametrize(
    ("content_type", "problem"),
    [
        ("application/json", "content-type: must be multipart/form-data"),
        ("application/x-www-form-urlencoded", "content-type: must be multipart/form-data"),
        (None, "content-type: required"),
    ],
)
def test_only_multipart_is_taken(caller: Caller, content_type: str | None, problem: str) -> None:
    answer = caller.send("POST", CORE, data=b"x", content_type=content_type, headers=head(KEY))

    assert (answer.status_code, answer.json["errors"]) == (400, [problem])


@pytest.mark.parametrize("header", [{}, {"Authorization": KEY}, {"Authorization": "Bearer "}])
def test_a_missing_key_is_refused_before_the_form_is_read(
    caller: Caller, header: dict[str, str]
) -> None:
    answer = caller.send("POST", CORE, data=b"x", headers=header)

    assert (answer.status_code, answer.json["name"]) == (401, "unauthorized")
    assert answer.json["errors"] == [UNAUTHORIZED]


def test_a_wrong_key_hides_behind_wrong_parameters(caller: Caller) -> None:
    assert caller.post("generate/core", key=STRANGER).status_code == 400
    assert caller.post("generate/core", key=STRANGER, prompt="cat").status_code == 401


def test_a_form_over_ten_mebibytes_is_too_large(caller: Caller) -> None:
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    body = bytes(10 * 1024 * 1024 + 1)
    answer = caller.send("POST", CORE, data=body, headers={**head(KEY), **form})

    assert (answer.status_code, answer.json["name"]) == (413, "payload_too_large")


@pytest.mark.parametrize("name", ["stability-client-id", "stability-client-user-id"])
def test_client_headers_are_limited(caller: Caller, name: str) -> None:
    answer = caller.post("generate/core", headers={name: "x" * 257}, prompt="cat")

    assert answer.json["errors"] == [f"{name}: must contain at most 256 character(s)"]


@pytest.mark.parametrize("path", ["/v2beta/nothing", "/v2beta/stable-image/edit/erase", CORE])
def test_an_unknown_path_or_method_is_not_found(caller: Caller, path: str) -> None:
    answer = caller.get(path)

    assert (answer.status_code, answer.json["name"]) == (404, "not_found")
    assert answer.json["errors"]


def test_v1_tells_the_balance(caller: Caller) -> None:
    caller.post("generate/sd3", prompt="cat", model="sd3.5-large")

    assert caller.get("/v1/user/balance").json == {"credits": 999_993.5}


def test_v1_tells_the_account(caller: Caller) -> None:
    account = caller.get("/v1/user/account").json

    assert set(account) == {"id", "email", "organizations"}


@pytest.mark.parametrize(
    ("key", "path", "status", "message"),
    [
        (None, "/v1/user/balance", 401, "missing authorization header"),
        (None, "/v1/nothing", 401, "missing authorization header"),
        ("secret-key-of-mine", "/v1/user/balance", 401, "Incorrect API key: secret-****mine"),
        (KEY, "/v1/nothing", 404, "path: not found"),
    ],
)
def test_v1_looks_at_the_key_first_and_answers_in_its_own_shape(
    caller: Caller, key: str | None, path: str, status: int, message: str
) -> None:
    answer = caller.get(path, key=key)

    assert answer.status_code == status
    assert set(answer.json) == {"id", "name", "message"}
    assert answer.json["message"] == message
