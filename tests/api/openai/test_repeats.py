"""A request that its client sends again, by itself or by a key, is bought once."""

import pytest

from tests.api.callers import Api, json_of
from tests.api.conftest import Start
from tests.api.openai.callers import again, ended, error_of, generate, made

FIRST = again(0)


def jobs(api: Api) -> int:
    """Return how many jobs there are."""
    return len(json_of(api.get("/jobs?limit=100"))["jobs"])


def test_what_comes_again_gets_the_image_that_was_made(api: Api) -> None:
    first = made(api, FIRST)

    second = generate(api, again())

    assert json_of(second) == json_of(first)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert jobs(api) == 1


def test_what_comes_again_before_the_end_waits_for_the_same_job(start: Start) -> None:
    api = start(max_wait_seconds=0)
    error_of(generate(api, FIRST), 503)
    error_of(generate(api, again(1)), 503)
    patient = start()

    answer = ended(patient, patient.succeed, lambda: generate(patient, again(2)))

    assert answer.status_code == 200
    assert jobs(api) == 1


def test_several_images_are_one_request(api: Api) -> None:
    first = made(api, FIRST, n=3)

    assert json_of(generate(api, again(), n=3)) == json_of(first)
    assert jobs(api) == 3


def test_the_same_prompt_anew_is_another_image(api: Api) -> None:
    urls = {json_of(made(api, FIRST))["data"][0]["url"] for _ in range(2)}

    assert len(urls) == 2


def test_programs_that_do_not_say_so_ask_for_another_image_each_time(api: Api) -> None:
    urls = {json_of(made(api))["data"][0]["url"] for _ in range(2)}

    assert len(urls) == 2
    assert not list(api.redis.scan_iter("images:tries*"))


def test_what_was_refused_is_bought_when_it_comes_again(start: Start) -> None:
    full, roomy = start(key_limits='{"*": {"queued": 0}}'), start()
    error_of(generate(full, FIRST), 429)

    answer = made(roomy, again())

    assert answer.status_code == 200
    assert "Idempotent-Replayed" not in answer.headers


@pytest.mark.parametrize("refused_first", [True, False])
def test_of_two_at_once_one_refused_each_has_an_image_of_its_own(
    start: Start, refused_first: bool
) -> None:
    full, roomy = start(key_limits='{"*": {"queued": 0}}'), start()
    if refused_first:
        error_of(generate(full, FIRST), 429)
    taken = made(roomy, FIRST)
    if not refused_first:
        error_of(generate(full, FIRST), 429)

    refused = made(roomy, again())

    assert json_of(refused)["data"] != json_of(taken)["data"]
    assert jobs(roomy) == 2


def test_what_failed_is_told_again_and_not_bought_again(api: Api) -> None:
    ended(api, api.fail, lambda: generate(api, FIRST))

    answer = generate(api, again())

    assert error_of(answer, 502)["code"] == "provider_error"
    assert jobs(api) == 1


def test_what_comes_again_counts_for_no_limit(start: Start) -> None:
    api = start(key_limits='{"*": {"requests_per_minute": 1}}')
    made(api, FIRST)

    assert generate(api, again()).status_code == 200


def test_a_key_says_more_than_a_count(api: Api) -> None:
    keyed = {"Idempotency-Key": "order-17"}
    first = made(api, {**keyed, **FIRST})

    assert json_of(generate(api, {**keyed, **FIRST})) == json_of(first)
    assert error_of(generate(api, keyed, prompt="a hare"), 422)["code"] == "idempotency_key_reused"
    assert (
        error_of(generate(api, {"Idempotency-Key": "x" * 256}), 400)["param"] == "Idempotency-Key"
    )


def test_the_answer_in_another_form_is_the_same_image(api: Api) -> None:
    made(api, {"Idempotency-Key": "order-18"})

    inline = generate(api, {"Idempotency-Key": "order-18"}, response_format="b64_json")

    assert "b64_json" in json_of(inline)["data"][0]
    assert jobs(api) == 1
