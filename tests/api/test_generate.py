"""POST /generate_image: what is accepted, and what its caller is told."""

import re
from typing import Any

import pytest
from kombu.exceptions import OperationalError
from redis import Redis

from tests.api.callers import Api, assert_fault, json_of
from tests.api.conftest import Start
from tests.builders import places
from tests.fakes import RememberingQueue

MODELS = {
    "core": 3,
    "ultra": 8,
    "sd3.5-large": 6.5,
    "sd3.5-large-turbo": 4,
    "sd3.5-medium": 3.5,
    "sd3.5-flash": 2.5,
}
RATIOS = ["21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21"]
STYLES = [
    "3d-model", "analog-film", "anime", "cinematic", "comic-book", "digital-art", "enhance",
    "fantasy-art", "isometric", "line-art", "low-poly", "modeling-compound", "neon-punk",
    "origami", "photographic", "pixel-art", "tile-texture",
]  # fmt: skip
EVERYTHING: dict[str, Any] = {
    "prompt": "a fox",
    "negative_prompt": "dogs",
    "model": "ultra",
    "aspect_ratio": "16:9",
    "style_preset": "anime",
    "seed": 42,
    "output_format": "png",
}


class BrokenQueue(RememberingQueue):
    """A broker that takes nothing."""

    def send(self, job_id: str) -> None:
        """Refuse one job."""
        raise OperationalError("no broker")


def test_a_prompt_alone_is_enough(api: Api) -> None:
    answer = api.generate()

    body = json_of(answer)
    assert answer.status_code == 202
    assert answer.headers["Location"] == body["status_url"] == f"/jobs/{body['job_id']}"
    assert int(answer.headers["Retry-After"]) == body["poll_after_seconds"] > 0
    assert "Preference-Applied" not in answer.headers


@pytest.mark.parametrize("blank", ["", " \n"])
def test_a_blank_negative_prompt_is_none(api: Api, blank: str) -> None:
    body = json_of(api.generate(negative_prompt=blank))

    assert "negative_prompt" not in body["request"]


def test_a_whole_number_may_have_a_fraction_of_zero(api: Api) -> None:
    answer = api.generate(seed=7.0, deadline_seconds=60.0)

    assert json_of(answer)["request"]["seed"] == 7
    assert isinstance(api.job(answer).request["seed"], int)
    assert api.job(answer).deadline - api.job(answer).created == 60_000


def test_the_defaults_are_told_in_the_request(api: Api) -> None:
    body = json_of(api.generate())

    expected = {"prompt": "a fox", "model": "core", "aspect_ratio": "1:1", "output_format": "webp"}
    assert body["request"] == expected


def test_every_option_is_kept_and_told(api: Api) -> None:
    body = json_of(api.generate(**EVERYTHING))

    assert body["request"] == EVERYTHING


@pytest.mark.parametrize(("model", "credits"), MODELS.items())
def test_every_model_is_taken_and_priced(api: Api, model: str, credits: float) -> None:
    body = json_of(api.generate(model=model))

    assert body["request"]["model"] == model
    assert (body["credits_estimate"], body["credits"]) == (credits, None)


def test_the_operator_may_set_another_price(start: Start) -> None:
    api = start(prices='{"core": 3.25}')

    assert json_of(api.generate())["credits_estimate"] == 3.25


@pytest.mark.parametrize("ratio", RATIOS)
def test_every_aspect_ratio_is_taken(api: Api, ratio: str) -> None:
    assert json_of(api.generate(aspect_ratio=ratio))["request"]["aspect_ratio"] == ratio


@pytest.mark.parametrize("style", STYLES)
def test_every_style_is_taken(api: Api, style: str) -> None:
    assert json_of(api.generate(style_preset=style))["request"]["style_preset"] == style


@pytest.mark.parametrize("model", MODELS)
def test_every_model_takes_every_option(api: Api, model: str) -> None:
    expected = {**EVERYTHING, "model": model}

    assert json_of(api.generate(**expected))["request"] == expected


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("form", "extension"), [("webp", "webp"), ("png", "png"), ("jpeg", "jpg")])
def test_every_format_is_taken_by_every_model_and_names_the_image(
    api: Api, model: str, form: str, extension: str
) -> None:
    url = json_of(api.generate(model=model, output_format=form))["image_url"]

    assert re.fullmatch(rf"/saved_images/[A-Za-z0-9]{{22}}\.{extension}", url)


@pytest.mark.parametrize("seed", [0, 1, 4_294_967_294])
def test_every_seed_of_the_provider_is_taken(api: Api, seed: int) -> None:
    assert json_of(api.generate(seed=seed))["request"]["seed"] == seed


@pytest.mark.parametrize("prompt", ["x", "x" * 10_000, "🦊" * 10_000, "a\0b", "line\nline", "<b>"])
def test_a_prompt_is_kept_as_it_is(api: Api, prompt: str) -> None:
    assert json_of(api.generate(prompt=prompt))["request"]["prompt"] == prompt


@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
def test_a_text_is_trimmed_before_it_is_measured(api: Api, field: str) -> None:
    body = json_of(api.generate(**{field: "  \n" + "x" * 10_000 + "\t  "}))

    assert body["request"][field] == "x" * 10_000


def test_metadata_comes_back_with_the_job(api: Api) -> None:
    metadata = {"order": "17", "Bär": "🐻", "": ""}

    assert json_of(api.generate(metadata=metadata))["metadata"] == metadata


def test_ids_and_names_are_random_and_tell_nothing_of_each_other(api: Api) -> None:
    bodies = [json_of(api.generate()) for _ in range(50)]

    ids = {body["job_id"] for body in bodies}
    tokens = {body["image_url"].split("/")[-1].split(".")[0] for body in bodies}
    assert len(ids) == len(tokens) == 50
    assert all(len(job_id) == 32 and int(job_id, 16) for job_id in ids)
    assert len(set("".join(tokens))) > 50


def test_the_deadline_counts_from_the_moment_it_was_accepted(api: Api) -> None:
    job = api.job(api.generate(deadline_seconds=90))

    assert job.deadline - job.created == 90_000


def test_without_a_deadline_the_longest_one_holds(start: Start) -> None:
    api = start(job_deadline_seconds=300)

    job = api.job(api.generate())

    assert job.deadline - job.created == 300_000


def test_the_job_remembers_which_request_made_it(api: Api) -> None:
    answer = api.generate()

    assert api.job(answer).request_id == answer.headers["X-Request-ID"]


def test_a_job_waits_in_the_store_while_no_worker_lives(api: Api) -> None:
    job = api.job(api.generate())

    assert places(api.redis, job.id) == ["queued"]
    assert api.queue.sent == []


def test_a_job_goes_to_the_workers_at_once_when_they_are_free(api: Api) -> None:
    api.store.heartbeat("w", 10, 60_000)

    job = api.job(api.generate())

    assert api.queue.sent == [job.id]
    assert places(api.redis, job.id) == ["dispatched"]


def test_a_submission_runs_one_script(api: Api) -> None:
    api.generate()  # what is loaded once is loaded
    before = scripts_run(api.redis)

    api.generate(idempotency_key="k")

    assert scripts_run(api.redis) == before + 1


def scripts_run(redis: "Redis") -> int:
    """Return how many scripts Redis has run since it started."""
    told: Any = redis.info("commandstats")
    return int(told["cmdstat_evalsha"]["calls"])


def test_a_broker_that_takes_nothing_is_no_trouble_of_the_callers(start: Start) -> None:
    api = start(queue=BrokenQueue())
    api.store.heartbeat("w", 10, 60_000)

    answer = api.generate()

    assert answer.status_code == 202
    assert api.job(answer).status == "queued"


def test_a_full_queue_refuses_and_says_when_to_come_back(start: Start) -> None:
    api = start(queue_max_jobs=1)
    api.generate()
    before = api.redis.dbsize()

    answer = api.generate()

    assert_fault(answer, 429, "queue_full")
    assert int(answer.headers["Retry-After"]) > 0
    assert api.redis.dbsize() == before


def test_the_same_request_twice_makes_two_jobs(api: Api) -> None:
    first, second = api.job(api.generate()), api.job(api.generate())

    assert first.id != second.id
    assert first.image != second.image
