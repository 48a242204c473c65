"""POST /batches: many jobs as one, all of them or none; GET: how they stand."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.batches import STATUSES
from tests.api.callers import LONG, Api, assert_fault, json_of
from tests.api.conftest import Start
from tests.pictures import picture


def test_a_batch_is_answered_with_202_where_it_stands_and_when_to_ask_again(api: Api) -> None:
    answer = api.batch("a fox", "a bear")

    body = json_of(answer)
    assert (answer.status_code, body["status"]) == (202, "queued")
    assert answer.headers["Location"] == body["status_url"] == f"/batches/{body['batch_id']}"
    assert answer.headers["Retry-After"] == str(body["poll_after_seconds"])
    assert "Preference-Applied" not in answer.headers


def test_a_batch_tells_every_field(api: Api) -> None:
    body = json_of(api.batch("a fox", "a bear", metadata={"order": "17"}))

    path = f"/batches/{body['batch_id']}"
    assert body == body | {
        "revision": 1,
        "message": "0 of 2 jobs have ended. Ask again in 2 seconds, or watch events_url.",
        "counts": dict.fromkeys(STATUSES, 0) | {"queued": 2},
        "total": 2,
        "progress": 0,
        "status_url": path,
        "events_url": f"{path}/events",
        "archive_url": f"{path}/archive",
        "credits": 0,
        "credits_estimate": 6,
        "metadata": {"order": "17"},
        "finished_at": None,
    }
    assert [job["status"] for job in body["jobs"]] == ["queued", "queued"]


def test_a_batch_is_told_the_same_way_wherever_it_is_told(api: Api) -> None:
    answer = api.batch("a fox", "a bear")

    assert json_of(api.get(json_of(answer)["status_url"])) == json_of(answer)


def test_each_entry_is_a_job_in_the_order_of_the_request_and_knows_its_batch(api: Api) -> None:
    answer = api.batch(*(f"fox {number}" for number in range(20)))

    jobs = api.jobs(answer)
    assert [job.request["prompt"] for job in jobs] == [f"fox {number}" for number in range(20)]
    assert {job.batch for job in jobs} == {json_of(answer)["batch_id"]}
    told = json_of(api.get(f"/jobs/{jobs[0].id}"))
    assert (told["batch_id"], told["kind"]) == (json_of(answer)["batch_id"], "generate")
    assert told["image_url"] == json_of(answer)["jobs"][0]["image_url"]


def test_each_entry_is_laid_over_the_defaults(api: Api) -> None:
    defaults = {"prompt": "a fox", "model": "ultra", "seed": 5, "metadata": {"a": "1"}}
    entries: list[dict[str, Any]] = [
        {},
        {"prompt": "a bear", "model": "core"},
        {"metadata": {"b": "2"}, "output_format": "png"},
        {"seed": None},
    ]

    plain, other, named, unset = api.jobs(api.batch(*entries, defaults=defaults))

    assert (plain.request["prompt"], plain.variant, plain.request["seed"]) == ("a fox", "ultra", 5)
    assert (other.request["prompt"], other.variant) == ("a bear", "core")
    assert (plain.metadata, named.metadata) == ({"a": "1"}, {"b": "2"})
    assert named.image.endswith(".png")
    assert "seed" not in unset.request  # null takes a default away


def test_a_batch_without_defaults_may_say_so(api: Api) -> None:
    assert api.batch("a fox", defaults=None, metadata=None).status_code == 202
    assert api.batch("a fox", defaults={}).status_code == 202


def test_the_metadata_of_a_batch_is_its_own(api: Api) -> None:
    answer = api.batch({"prompt": "a fox", "metadata": {"a": "1"}}, metadata={"b": "2"})

    assert json_of(answer)["metadata"] == {"b": "2"}
    assert api.jobs(answer)[0].metadata == {"a": "1"}


def test_a_deadline_may_be_told_of_each_or_of_all(api: Api) -> None:
    entries = [{"prompt": "a fox"}, {"prompt": "a bear", "deadline_seconds": 5}]

    first, second = api.jobs(api.batch(*entries, defaults={"deadline_seconds": 60}))

    assert first.deadline - first.created == 60_000
    assert second.deadline - second.created == 5_000


def test_several_images_of_a_form_are_enlarged_each_by_the_same_fields(api: Api) -> None:
    images = [picture(64, 64), picture(80, 80, "jpeg"), picture(96, 96, "webp")]
    fields = {
        "mode": "conservative",
        "prompt": "sharp",
        "output_format": "png",
        "metadata": '{"a": "1"}',
        "deadline_seconds": "60",
    }

    answer = api.batch_of_images(*images, **fields)

    jobs = api.jobs(answer)
    assert [api.services.images.read_input(job.input) for job in jobs] == images
    for job in jobs:
        assert (job.kind, job.variant, job.request["prompt"]) == (
            "upscale",
            "conservative",
            "sharp",
        )
        assert (job.metadata, job.deadline - job.created) == ({"a": "1"}, 60_000)
    assert json_of(answer)["metadata"] == {"a": "1"}
    assert json_of(answer)["credits_estimate"] == 120


def test_the_jobs_are_sent_to_the_workers_as_far_as_there_is_room(api: Api) -> None:
    api.store.heartbeat("w", 2, 60_000)

    jobs = api.jobs(api.batch("a fox", "a bear", "a hare"))

    assert api.queue.sent == [job.id for job in jobs[:2]]


def test_as_many_jobs_as_the_operator_allows_are_taken_and_one_more_is_not(start: Start) -> None:
    api = start(batch_max_jobs=3)

    assert api.batch(*["a fox"] * 4).status_code == 400
    assert api.batch_of_images(*[picture()] * 4).status_code == 400
    assert api.is_empty()
    assert api.batch(*["a fox"] * 3).status_code == 202
    assert api.batch_of_images(*[picture()] * 3).status_code == 202


@pytest.mark.parametrize("number", [1, 100])
def test_one_to_a_hundred_jobs_are_a_batch(api: Api, number: int) -> None:
    assert json_of(api.batch(*["a fox"] * number))["total"] == number
    assert json_of(api.batch_of_images(*[picture()] * number, mode="fast"))["total"] == number


def test_a_batch_that_the_queue_has_no_room_for_is_refused_whole(start: Start) -> None:
    api = start(queue_max_jobs=5)
    api.generate()
    before = api.redis.dbsize()

    answer = api.batch_of_images(*[picture()] * 5)

    assert_fault(answer, 429, "queue_full")
    assert answer.headers["Retry-After"]
    assert (api.redis.dbsize(), api.inputs()) == (before, [])


def test_a_batch_can_be_waited_for(api: Api) -> None:
    def end(batch_id: str) -> None:
        for job_id in json_of(api.get(f"/batches/{batch_id}"))["jobs"]:
            api.succeed(job_id["job_id"])

    answer = api.while_waiting(lambda: api.batch("a fox", "a bear", query="?wait=9"), end)

    assert (answer.status_code, json_of(answer)["status"]) == (200, "succeeded")
    assert answer.headers["Preference-Applied"] == "wait=9"
    assert "Retry-After" not in answer.headers
    assert [job["status"] for job in json_of(answer)["jobs"]] == ["succeeded"] * 2


def test_a_wait_ends_with_the_last_job_and_not_before(api: Api) -> None:
    def half(batch_id: str) -> None:
        api.succeed(json_of(api.get(f"/batches/{batch_id}"))["jobs"][0]["job_id"])

    answer = api.while_waiting(lambda: api.batch("a fox", "a bear", wait_seconds=0.5), half)

    body = json_of(answer)
    assert (answer.status_code, body["status"], body["progress"]) == (202, "running", 0.5)
    assert answer.headers["Retry-After"]


def test_a_batch_whose_jobs_have_failed_is_still_an_answer(api: Api) -> None:
    def end(batch_id: str) -> None:
        api.fail(json_of(api.get(f"/batches/{batch_id}"))["jobs"][0]["job_id"])

    answer = api.while_waiting(lambda: api.batch("a fox", query=f"?wait={LONG}"), end)

    body = json_of(answer)
    assert (answer.status_code, body["status"]) == (200, "failed")
    assert (body["jobs"][0]["error"], body["jobs"][0]["image_url"]) == ("It went wrong", None)


def test_a_deployment_may_wait_by_default_and_a_caller_may_not(start: Start) -> None:
    api = start(default_wait_seconds=LONG)

    headers = {"Prefer": "respond-async"}
    answer = api.call("POST", "/batches", json={"jobs": [{"prompt": "a fox"}]}, headers=headers)

    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert api.events.seen.empty()


def test_the_same_key_and_batch_give_the_same_batch_again(api: Api) -> None:
    first, again = (api.batch("a fox", "a bear", key="k") for _ in range(2))

    assert json_of(first)["batch_id"] == json_of(again)["batch_id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert api.redis.zcard("images:queued_batch") == 2


def test_a_replay_tells_the_batch_as_it_is_by_now(api: Api) -> None:
    first = api.batch("a fox", key="k")
    api.succeed(api.jobs(first)[0].id)

    again = api.batch("a fox", key="k", query="?wait=5")

    assert (again.status_code, json_of(again)["status"]) == (200, "succeeded")


@pytest.mark.parametrize(
    "other",
    [
        {"jobs": ("a fox", "a hare")},
        {"jobs": ("a bear", "a fox")},
        {"jobs": ("a fox",)},
        {"jobs": ("a fox", "a bear", "a bear")},
        {"metadata": {"a": "1"}},
        {"defaults": {"seed": 1}},
    ],
    ids=str,
)
def test_the_same_key_for_another_batch_is_refused(api: Api, other: dict[str, Any]) -> None:
    api.batch("a fox", "a bear", key="k")

    answer = api.batch(*other.pop("jobs", ("a fox", "a bear")), key="k", **other)

    assert_fault(answer, 422, "idempotency_key_reused")
    assert api.redis.zcard("images:queued_batch") == 2


def test_a_batch_of_images_is_known_again_by_their_bytes_and_keeps_them_once(api: Api) -> None:
    images = [picture(64, 64), picture(80, 80)]
    first = api.batch_of_images(*images, idempotency_key="k")
    again = api.batch_of_images(*images, idempotency_key="k")
    other = api.batch_of_images(*reversed(images), idempotency_key="k")

    assert json_of(first)["batch_id"] == json_of(again)["batch_id"]
    assert_fault(other, 422, "idempotency_key_reused")
    assert len(api.inputs()) == 2


def test_twenty_equal_batches_at_once_are_one(api: Api) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: api.batch("a fox", "a bear", key="k"), range(20)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({json_of(answer)["batch_id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 19
    assert api.redis.zcard("images:queued_batch") == 2


def test_a_dry_run_tells_the_price_of_all_and_the_queue_and_does_nothing(api: Api) -> None:
    answer = api.batch("a fox", {"prompt": "a bear", "model": "ultra"}, query="?dry_run=true")

    body = json_of(answer)
    assert (answer.status_code, body["total"], body["credits_estimate"]) == (200, 2, 11)
    assert [request["model"] for request in body["requests"]] == ["core", "ultra"]
    assert body["queue"] == {"waiting": 0, "running": 0}
    assert api.is_empty()


def test_a_dry_run_of_images_keeps_none(api: Api) -> None:
    body = json_of(api.batch_of_images(*[picture()] * 3, query="?dry_run=true"))

    assert (body["kind"], body["total"], body["credits_estimate"]) == ("upscale", 3, 6)
    assert api.is_empty()
