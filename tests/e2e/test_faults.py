"""What the provider can do wrong, and what a waiting caller is told; the ledger says what it cost."""

import pytest
import requests

from tests.e2e.stack import Stack, eventually
from tests.pictures import picture


@pytest.mark.parametrize(
    ("fault", "status", "error_code", "credits", "charged"),
    [
        ({"kind": "moderated"}, 422, "input_moderated", 0, 0),
        ({"kind": "invalid_language"}, 400, "provider_rejected", 0, 0),
        ({"kind": "public_figure"}, 422, "input_moderated", 0, 0),
        ({"kind": "filtered"}, 422, "output_moderated", 3, 1),
        ({"kind": "unauthorized"}, 502, "provider_auth", 0, 0),
        ({"kind": "payment_required"}, 502, "provider_credits", 0, 0),
        ({"kind": "not_image"}, 502, "provider_bad_image", 3, 1),
        ({"kind": "truncated_image"}, 502, "provider_bad_image", 3, 1),
        ({"kind": "empty"}, 502, "provider_bad_image", 3, 1),
        ({"kind": "no_finish_reason"}, 502, "provider_bad_image", 3, 1),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_a_final_fault_ends_the_job_and_says_what_it_cost(
    stack: Stack, fault: dict[str, str], status: int, error_code: str, credits: int, charged: int
) -> None:
    prompt = f"meets {fault['kind']}"
    stack.fault(**fault)

    answer = stack.generate(prompt)

    job = answer.json()
    assert (answer.status_code, job["error_code"]) == (status, error_code)
    assert (job["status"], job["image_url"], job["credits"]) == ("failed", None, credits)
    assert job["error"]
    assert "Retry-After" not in answer.headers
    assert len(stack.charged(prompt)) == charged


def test_another_format_than_asked_for_is_converted(stack: Stack) -> None:
    stack.fault("wrong_format")

    job = stack.generate("in another format", output_format="webp").json()

    assert job["status"] == "succeeded"
    assert job["image"]["format"] == "webp"
    assert stack.get(job["image_url"]).headers["Content-Type"] == "image/webp"


def test_a_failure_that_cost_nothing_is_repeated(stack: Stack) -> None:
    stack.fault("status", status=500, count=2)

    job = stack.generate("fails twice").json()

    assert (job["status"], job["attempts"]) == ("succeeded", 3)
    assert len(stack.charged("fails twice")) == 1


@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_a_call_that_broke_off_is_repeated_once(stack: Stack, kind: str) -> None:
    prompt = f"breaks off by {kind}"
    stack.fault(kind)

    job = stack.generate(prompt).json()

    assert (job["status"], job["attempts"]) == ("succeeded", 2)
    assert len(stack.charged(prompt)) == 2


def test_a_call_that_breaks_off_again_is_not_repeated_any_more(stack: Stack) -> None:
    stack.fault("cut", count=2)

    answer = stack.generate("breaks off twice")

    job = answer.json()
    assert (answer.status_code, job["error_code"]) == (502, "outcome_unknown")
    assert job["credits"] is None
    assert "may pay again" in job["message"]
    assert len(stack.charged("breaks off twice")) == 2


def test_a_dear_call_that_broke_off_is_not_repeated(stack: Stack) -> None:
    stack.fault("cut", operation="upscale/conservative")
    files = {"image": ("small.png", picture(100, 80))}

    answer = requests.post(
        f"{stack.base}/upscale_image?wait=60",
        files=files,
        data={"mode": "conservative", "prompt": "a dear picture"},
        timeout=90,
    )

    assert answer.json()["error_code"] == "outcome_unknown"
    assert len(stack.charged("a dear picture")) == 1


def test_a_provider_that_is_away_uses_up_no_attempt(stack: Stack) -> None:
    stack.fault("status", status=503, count=2, html=True)

    job = stack.generate("waits for the provider").json()

    assert (job["status"], job["attempts"]) == ("succeeded", 1)


def test_a_job_whose_provider_stays_away_ends_at_its_deadline(stack: Stack) -> None:
    stack.fault("status", status=503, count=None, prompt_contains="never reached")

    answer = stack.generate("never reached", deadline_seconds=3)

    assert (answer.status_code, answer.json()["error_code"]) == (503, "provider_unavailable")
    assert answer.json()["credits"] == 0


def test_a_rate_limit_pauses_everybody_and_loses_nobody(stack: Stack) -> None:
    before = stack.stats()["rate_limited"]
    stack.fault("429", retry_after=2)

    first = stack.generate("meets the limit", wait=0).json()
    eventually(lambda: stack.get("/readyz").json()["provider"]["paused_seconds"], what="the pause")
    second = stack.generate("comes during the pause", wait=0).json()

    assert stack.ended(first["job_id"])["status"] == "succeeded"
    assert stack.ended(second["job_id"])["attempts"] == 1
    assert stack.stats()["rate_limited"] == before + 1


def test_a_provider_that_never_answers_is_given_up_in_time(own_stack: Stack) -> None:
    own_stack.environment |= {"PROVIDER_TIMEOUT_SECONDS": "1", "RETRY_UNKNOWN_OUTCOME": "0"}
    stack = own_stack.start()
    stack.fault("hang", seconds=30)

    answer = stack.generate("never answered")

    assert (answer.status_code, answer.json()["error_code"]) == (504, "provider_timeout")
