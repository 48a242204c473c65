"""What each tool makes of its arguments: what is sent, what is refused here, and what never leaves."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.client.mcp.conftest import DONE, PNG, QUEUED, Assistant, texts
from tests.client.scripted import Script, says, told


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        (
            "generate_image",
            {"prompt": "x", "wait_seconds": 99},
            "wait_seconds must be a number from 0",
        ),
        ("generate_image", {"prompt": "x", "wait_seconds": True}, "wait_seconds must be"),
        ("generate_image", {"prompt": "x", "return": "svg"}, "return must be image or link"),
        ("generate_image", {"prompt": "x", "idempotency_key": 5}, "idempotency_key must be"),
        ("generate_image", {"prompt": "x", "idempotency_key": "a\nb"}, "idempotency_key must be"),
        ("upscale_image", {}, "Give image_url"),
        ("upscale_image", {"image_url": "/etc/hostname"}, "image_url must be"),
        ("upscale_image", {"image_url": "file:///etc/hostname"}, "image_url must be"),
        (
            "upscale_image",
            {"image_path": "/etc/hostname"},
            "image_path is for a server on your own",
        ),
        ("upscale_image", {"image": "x", "image_url": "data:x"}, "There is no argument image"),
        ("get_job", {}, "job_id must be"),
        ("get_job", {"job_id": ".."}, "job_id must be"),
        ("cancel_job", {"job_id": "a/b"}, "job_id must be"),
        ("list_jobs", {"limit": 0}, "limit must be"),
        ("list_jobs", {"status": 1}, "status must be text"),
    ],
)
def test_a_wrong_argument_is_named_and_nothing_is_sent(
    service: Script, assistant: Assistant, name: str, arguments: dict[str, Any], sentence: str
) -> None:
    result = assistant.call(name, **arguments)

    assert result.is_error
    assert texts(result).startswith(sentence)
    assert service.seen == []


@pytest.mark.parametrize("field", ["self", "key", "path"])
def test_a_field_that_nobody_knows_is_the_services_to_refuse(
    service: Script, assistant: Assistant, field: str
) -> None:
    service.will(says(400, {"error": f"{field} is not taken"}))

    for name, own in (
        ("generate_image", {"prompt": "x"}),
        ("upscale_image", {"image_url": "data:x"}),
    ):
        assert texts(assistant.call(name, **own, **{field: 1})) == f"{field} is not taken."


def test_a_file_of_the_users_machine_is_sent_when_it_is_a_picture(
    service: Script, assistant: Assistant, tmp_path: Path
) -> None:
    assistant.local_files = True
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "id_rsa").write_text("-----BEGIN OPENSSH PRIVATE KEY-----")
    service.will(says(202, QUEUED))

    secret = assistant.call("upscale_image", image_path=str(tmp_path / "id_rsa"))
    missing = assistant.call("upscale_image", image_path=str(tmp_path / "none.png"))
    relative = assistant.call("upscale_image", image_path="a.png")
    folder = assistant.call("upscale_image", image_path=str(tmp_path))

    assert texts(secret) == "image_path: it must be a PNG, JPEG or WebP image."
    assert texts(missing) == "image_path: No such file or directory."
    assert texts(relative) == "image_path: it must be an absolute path."
    assert texts(folder).startswith("image_path: it must be a file")
    assert service.seen == []
    picture = assistant.call("upscale_image", image_path=str(tmp_path / "a.png"), wait_seconds=0)
    assert not picture.is_error
    assert PNG in service.seen[0].body


def test_jobs_are_listed_briefly(service: Script, assistant: Assistant) -> None:
    service.will(says(200, {"jobs": [{**DONE, "request": {"prompt": "x"}}], "next_cursor": None}))

    result = assistant.call("list_jobs", status="succeeded", limit=5)

    assert "limit=5" in service.seen[0].path
    assert "status=succeeded" in service.seen[0].path
    assert result.structured_content["jobs"][0]["job_id"] == "j1"
    assert "request" not in result.structured_content["jobs"][0]


def test_a_job_is_canceled_and_one_that_has_ended_says_so(
    service: Script, assistant: Assistant
) -> None:
    ended = {**DONE, "error": "The job has ended already", "error_code": "conflict"}
    service.will(says(200, told("canceled", 2, message="Canceled.")), says(409, ended))

    assert assistant.call("cancel_job", job_id="j1").structured_content["status"] == "canceled"
    late = assistant.call("cancel_job", job_id="j1")

    assert late.is_error
    assert texts(late).startswith("The job has ended already")


def test_an_unknown_job_and_a_wrong_key_are_errors_of_the_tool(
    service: Script, assistant: Assistant
) -> None:
    service.will(says(404, {"error": "No such job"}), says(401, {"error": "No right client key"}))

    assert "list_jobs tells" in texts(assistant.call("get_job", job_id="j2"))
    assert texts(assistant.call("get_job", job_id="j2")) == "No right client key."


def test_an_address_that_was_given_out_here_is_the_services_own(
    service: Script, assistant: Assistant
) -> None:
    service.will(says(202, QUEUED))

    for url in (
        f"{service.base}/saved_images/a.png",
        "https://elsewhere.example/saved_images/a.png",
    ):
        assistant.call("upscale_image", image_url=url, wait_seconds=0)

    assert [b"elsewhere" in seen.body for seen in service.seen] == [False, True]
    assert b'"image_url": "/saved_images/a.png"' in service.seen[0].body


@pytest.mark.parametrize(
    "rest", [".{}/../x", "1{}/x", "/etc{}/../x", ".{}/../../../..{}", "{}/../x"]
)
def test_what_only_resembles_the_services_own_address_is_never_read_as_a_file(
    service: Script, assistant: Assistant, tmp_path: Path, rest: str
) -> None:
    service.will(says(202, QUEUED))
    (tmp_path / "x").write_text("a secret")
    assistant.set(links_url="http://127.0.0.1:5000")
    url = "http://127.0.0.1:5000" + rest.format("/saved_images", tmp_path / "x")

    assistant.call("upscale_image", image_url=url, wait_seconds=0)

    # as it came, for the service to refuse: it looks at addresses that it fetches
    assert json.loads(service.seen[0].body)["image_url"] == url


def test_no_path_of_this_machine_comes_out_of_an_address(
    service: Script, assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.will(says(202, QUEUED))
    read: list[Path] = []

    def noted(path: Path) -> bytes:
        read.append(path)
        return b""

    monkeypatch.setattr(Path, "read_bytes", noted)

    for rest in ("", ".", "1", "/etc", "//", "?", "#", "@"):
        for tail in ("/saved_images/../x", "/saved_images/x", "/saved_images/../../../dev/zero"):
            assistant.call("upscale_image", image_url=f"{service.base}{rest}{tail}", wait_seconds=0)

    assert len(service.seen) == 24
    assert read == []


def test_the_service_is_asked_by_a_name_that_it_answers_to(
    service: Script, assistant: Assistant
) -> None:
    assistant.set(host="127.0.0.1:5000")
    service.will(says(200, DONE))

    assistant.call("get_job", job_id="j1", **{"return": "link"})

    assert {seen.headers["host"] for seen in service.seen} == {"127.0.0.1:5000"}


def test_links_lead_to_where_callers_find_the_service_and_are_known_when_they_come_back(
    service: Script, assistant: Assistant
) -> None:
    assistant.set(links_url="https://images.example")
    service.will(says(200, DONE), says(200, {"jobs": [DONE]}), says(202, QUEUED))

    link = assistant.call("get_job", job_id="j1", **{"return": "link"}).structured_content
    listed = assistant.call("list_jobs").structured_content["jobs"][0]
    assistant.call("upscale_image", image_url=link["image_url"], wait_seconds=0)

    assert link["image_url"] == "https://images.example/saved_images/a.png"
    assert listed["image_url"] == link["image_url"]
    assert b'"image_url": "/saved_images/a.png"' in service.seen[-1].body
