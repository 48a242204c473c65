import base64
from typing import Any

import pytest

from sandbox.pictures import measure
from tests.sandbox.helpers import Caller, Clock, opened

REFUSALS = [
    ("moderated", 403, "content_moderation"),
    ("invalid_language", 422, "invalid_language"),
    ("public_figure", 422, "public_figure"),
    ("unauthorized", 401, "unauthorized"),
    ("payment_required", 402, "payment_required"),
    ("429", 429, "rate_limit_exceeded"),
    ("status", 500, "internal_error"),
]


@pytest.mark.parametrize(("kind", "status", "name"), REFUSALS)
def test_a_refusal_is_free_and_has_its_documented_body(
    caller: Caller, kind: str, status: int, name: str
) -> None:
    caller.fault(kind)

    answer = caller.generate()

    assert (answer.status_code, answer.json["name"]) == (status, name)
    assert answer.json["errors"]
    assert caller.ledger() == []


def test_a_marker_in_the_prompt_does_the_same(caller: Caller) -> None:
    assert caller.generate("cat [sandbox:moderated]").status_code == 403


def test_a_429_may_say_when_to_retry(caller: Caller) -> None:
    caller.fault("429", retry_after=7)

    assert caller.generate().headers["Retry-After"] == "7"


@pytest.mark.parametrize("status", [400, 404, 418, 500, 502, 503, 520])
def test_any_status_can_come_as_json_or_as_a_gateways_page(caller: Caller, status: int) -> None:
    caller.fault("status", status=status)
    caller.fault("status", status=status, html=True)

    own, page = (caller.generate() for _ in range(2))

    assert (own.status_code, page.status_code) == (status, status)
    assert set(own.json) == {"id", "name", "errors"}
    assert (page.headers["content-type"], b"<html>" in page.data) == (
        "text/html; charset=utf-8",
        True,
    )


def test_an_error_may_come_after_the_charge(caller: Caller) -> None:
    caller.fault("status", status=504, html=True, charged=True)

    assert caller.generate().status_code == 504
    assert [entry["delivered"] for entry in caller.ledger()] == [False]


def test_a_filtered_picture_is_a_charged_200(caller: Caller) -> None:
    caller.fault("filtered")

    answer = caller.generate()

    assert (answer.status_code, answer.headers["finish-reason"]) == (200, "CONTENT_FILTERED")
    assert len(caller.ledger()) == 1


def test_a_filtered_picture_says_so_in_json(caller: Caller) -> None:
    caller.fault("filtered")

    answer = caller.generate(accept="application/json")

    assert answer.json["finish_reason"] == "CONTENT_FILTERED"


def test_what_is_no_image_claims_to_be_one(caller: Caller) -> None:
    caller.fault("not_image")

    answer = caller.generate()

    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.data.startswith(b"<html>")
    assert len(caller.ledger()) == 1


def test_a_truncated_image_is_whole_http(caller: Caller) -> None:
    caller.fault("truncated_image")

    answer = caller.generate(accept="application/json")

    assert measure(base64.b64decode(answer.json["image"])) is None


def test_a_wrong_format_is_announced_honestly(caller: Caller) -> None:
    caller.fault("wrong_format")

    answer = caller.generate()

    assert answer.headers["content-type"] == "image/png"
    assert opened(answer.data).format == "PNG"


@pytest.mark.parametrize("accept", ["image/*", "application/json"])
def test_the_finish_reason_may_be_missing(caller: Caller, accept: str) -> None:
    caller.fault("no_finish_reason")

    answer = caller.post("generate/core", accept=accept, prompt="cat")

    assert "finish-reason" not in answer.headers
    assert b"finish_reason" not in answer.data
    assert answer.status_code == 200


def test_an_empty_answer_is_a_charged_200(caller: Caller) -> None:
    caller.fault("empty")

    answer = caller.generate()

    assert (answer.status_code, answer.data) == (200, b"")
    assert len(caller.ledger()) == 1


def test_a_huge_answer_is_as_long_as_told(caller: Caller) -> None:
    caller.fault("huge", bytes=1_000_000)

    answer = caller.generate()

    assert (answer.headers["content-length"], len(answer.data)) == ("1000000", 1_000_000)
    assert answer.headers["content-type"] == "image/jpeg"


def test_a_slow_answer_is_late_and_whole(caller: Caller, clock: Clock) -> None:
    caller.fault("slow", seconds=30)

    assert opened(caller.generate().data).size == (1024, 1024)
    assert clock.slept == [30]


def test_a_dripping_answer_takes_its_seconds_and_is_whole(caller: Caller, clock: Clock) -> None:
    caller.fault("drip", seconds=30)

    assert opened(caller.generate().data).size == (1024, 1024)
    assert sum(clock.slept) == pytest.approx(30)
    assert caller.ledger()[0]["delivered"]


@pytest.mark.parametrize(
    ("fault", "charged"),
    [
        ({"kind": "reset"}, 1),
        ({"kind": "reset", "charged": False}, 0),
        ({"kind": "hang", "charged": True}, 1),
        ({"kind": "hang"}, 0),
        ({"kind": "cut"}, 1),
    ],
)
def test_a_broken_connection_is_charged_as_told(
    caller: Caller, fault: dict[str, Any], charged: int
) -> None:
    caller.fault(str(fault["kind"]), **{n: v for n, v in fault.items() if n != "kind"})

    with pytest.raises(BrokenPipeError):
        caller.generate()

    assert [entry["delivered"] for entry in caller.ledger()] == [False] * charged
    assert caller.status()["stats"]["calls"] == {"generate/sd3": {fault["kind"]: 1}}


def test_a_lost_start_of_an_upscale_is_charged(caller: Caller, photo: bytes) -> None:
    caller.fault("reset", operation="upscale")

    with pytest.raises(BrokenPipeError):
        caller.post("upscale/creative", image=photo, prompt="cat")

    assert len(caller.ledger()) == 1


def test_a_fault_of_the_picture_shows_when_the_upscale_is_collected(
    caller: Caller, photo: bytes
) -> None:
    caller.set(latency={"creative_cook": 0})
    caller.fault("filtered")

    start = caller.post("upscale/creative", image=photo, prompt="cat", output_format="jpeg")
    answers = [caller.get(f"/v2beta/results/{start.json['id']}") for _ in range(2)]

    assert [a.headers["finish-reason"] for a in answers] == ["CONTENT_FILTERED"] * 2


def test_a_fault_of_the_starts_connection_is_over_when_the_upscale_is_collected(
    caller: Caller, clock: Clock, photo: bytes
) -> None:
    caller.fault("drip", seconds=4)
    start = caller.post("upscale/creative", image=photo, prompt="cat", output_format="jpeg")
    dripped = sum(clock.slept)
    clock.sleep(15)

    assert caller.get(f"/v2beta/results/{start.json['id']}").status_code == 200
    assert dripped == pytest.approx(4)
    assert sum(clock.slept) == pytest.approx(19)


def test_polls_have_faults_of_their_own(caller: Caller, clock: Clock, photo: bytes) -> None:
    start = caller.post("upscale/creative", image=photo, prompt="cat", output_format="jpeg")
    path = f"/v2beta/results/{start.json['id']}"
    caller.fault("status", operation="pending")
    caller.fault("not_image", operation="results")

    cooking = [caller.get(path).status_code for _ in range(2)]
    clock.sleep(15)
    done = [caller.get(path).data[:6] for _ in range(2)]

    assert cooking == [500, 202]
    assert done == [b"<html>", b"\xff\xd8\xff\xe0\x00\x10"]


def test_the_balance_has_faults_of_its_own(caller: Caller) -> None:
    caller.fault("status", status=503, operation="balance")

    answers = [caller.get("/v1/user/balance") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [503, 200]
    assert set(answers[0].json) == {"id", "name", "message"}
