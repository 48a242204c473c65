"""DELETE: ending a job or a batch, and removing an image."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from werkzeug.test import TestResponse

from shared.image_store import ImageStore
from shared.job_store import JobStore
from shared.jobs import Job
from shared.moves import Pace
from tests.api.callers import LONG, Api, assert_fault, json_of
from tests.builders import (
    CLAIM,
    LEASE_MS,
    accepted,
    accepted_batch,
    at_once,
    in_state,
    known,
    running,
)
from tests.folders import folder_of
from tests.pictures import picture


def delete(api: Api, path: str, **options: object) -> TestResponse:
    """End something."""
    return api.call("DELETE", path, **options)


def assert_refused(answer: TestResponse, status: str) -> None:
    """Check that an answer is a 409 with the job or batch as it is, and a fault beside it."""
    assert_fault(answer, 409, "conflict")
    body = json_of(answer)
    assert body["status"] == status
    assert {"status_url", "revision", "message", "created_at"} <= body.keys()


@pytest.mark.parametrize("state", ["queued", "delayed", "dispatched", "running"])
def test_an_open_job_is_canceled_and_told_so(api: Api, state: str) -> None:
    job_id = in_state(api.store, state)

    answer = delete(api, f"/jobs/{job_id}")

    body = json_of(answer)
    assert (answer.status_code, body["status"], body["job_id"]) == (200, "canceled", job_id)
    assert (body["credits"], body["image_url"], body["error"]) == (0, None, None)
    assert body["message"] == "The job was canceled. Nothing was charged."
    assert "Retry-After" not in answer.headers
    assert json_of(api.get(f"/jobs/{job_id}")) == body


@pytest.mark.parametrize("state", ["succeeded", "failed", "canceled"])
def test_a_job_that_has_ended_is_refused_with_the_job(api: Api, state: str) -> None:
    job_id = in_state(api.store, state)
    before = known(api.store, job_id)

    answer = delete(api, f"/jobs/{job_id}")

    assert_refused(answer, state)
    assert json_of(answer)["job_id"] == job_id
    assert known(api.store, job_id) == before


def test_what_a_running_call_costs_is_told_when_it_is_known(api: Api) -> None:
    job = running(api.store)
    api.store.begin_call(job.id, CLAIM, 10_000)

    canceled = json_of(delete(api, f"/jobs/{job.id}"))
    api.store.settle(job.id, CLAIM, 3_000)
    settled = json_of(api.get(f"/jobs/{job.id}"))

    assert (canceled["credits"], settled["credits"]) == (None, 3)
    assert "when that is known" in canceled["message"]
    assert settled["message"] == "The job was canceled. It was charged."
    assert settled["revision"] == canceled["revision"] + 1


def test_the_image_of_a_canceled_job_is_gone_before_it_was_there(api: Api) -> None:
    job = accepted(api.store)
    delete(api, f"/jobs/{job.id}")

    answer = api.get(f"/saved_images/{job.image}")

    assert_fault(answer, 410, "gone")
    assert "canceled" in json_of(answer)["error"]


@pytest.mark.parametrize("path", ["/jobs/{0.id}?wait=20", "/saved_images/{0.image}"])
def test_whoever_waits_is_woken_by_a_cancel(api: Api, path: str) -> None:
    job = accepted(api.store)

    answer = api.while_waiting(
        lambda: api.get(path.format(job)), lambda job_id: delete(api, f"/jobs/{job_id}")
    )

    assert answer.status_code == (410 if "saved" in path else 200)
    assert "canceled" in answer.get_data(as_text=True)


def test_who_waited_for_the_end_of_its_own_job_gets_the_canceled_job(api: Api) -> None:
    answer = api.while_waiting(
        lambda: api.generate(f"?wait={LONG}"), lambda job_id: delete(api, f"/jobs/{job_id}")
    )

    assert (answer.status_code, json_of(answer)["status"]) == (200, "canceled")
    assert answer.headers["Preference-Applied"] == f"wait={LONG}"


def test_of_many_who_cancel_at_once_all_see_it_canceled(api: Api) -> None:
    job = accepted(api.store)

    answers = at_once(lambda _: delete(api, f"/jobs/{job.id}"), range(20), threads=20)

    assert {json_of(answer)["status"] for answer in answers} == {"canceled"}
    assert 200 in {answer.status_code for answer in answers} <= {200, 409}
    assert known(api.store, job.id).revision == 2


@pytest.mark.parametrize("end", ["succeed", "fail"])
def test_a_cancel_that_races_with_the_end_is_refused_or_comes_first(api: Api, end: str) -> None:
    ends: dict[str, Callable[[str], bool]] = {
        "succeed": api.store.succeed,
        "fail": lambda job_id: api.store.fail(job_id, CLAIM),
    }
    jobs = [running(api.store) for _ in range(30)]

    def act(numbered: tuple[bool, Job]) -> bool:
        by_caller, job = numbered
        if not by_caller:
            return ends[end](job.id)
        return delete(api, f"/jobs/{job.id}").status_code == 200

    pairs = [(by_caller, job) for job in jobs for by_caller in (True, False)]
    done = at_once(act, pairs, threads=8)

    for number, job in enumerate(jobs):
        canceled, ended = done[2 * number : 2 * number + 2]
        assert canceled != ended
        assert (known(api.store, job.id).status == "canceled") == canceled


def test_a_batch_is_canceled_with_all_its_open_jobs(api: Api) -> None:
    batch = accepted_batch(api.store, 3)
    api.store.succeed(batch.jobs[0])
    api.store.claim(batch.jobs[1], CLAIM, LEASE_MS)

    answer = delete(api, f"/batches/{batch.id}")

    body = json_of(answer)
    assert (answer.status_code, body["status"], body["progress"]) == (200, "partial", 1)
    assert [job["status"] for job in body["jobs"]] == ["succeeded", "canceled", "canceled"]
    assert body["finished_at"]


def test_a_batch_none_of_which_succeeded_is_canceled(api: Api) -> None:
    batch = accepted_batch(api.store, 2)
    api.fail(batch.jobs[0])

    assert json_of(delete(api, f"/batches/{batch.id}"))["status"] == "canceled"


def test_a_batch_that_has_ended_is_refused_with_the_batch(api: Api) -> None:
    batch = accepted_batch(api.store, 2)
    delete(api, f"/batches/{batch.id}")
    revision = json_of(api.get(f"/batches/{batch.id}"))["revision"]

    answer = delete(api, f"/batches/{batch.id}")

    assert_refused(answer, "canceled")
    assert json_of(answer)["revision"] == revision
    assert len(json_of(answer)["jobs"]) == 2


def test_an_image_is_removed_and_its_address_says_so_from_then_on(api: Api) -> None:
    job = accepted(api.store)
    api.succeed(job.id)
    path = f"/saved_images/{job.image}"
    assert api.get(path).status_code == 200

    answer = delete(api, f"/jobs/{job.id}/image")

    body = json_of(answer)
    assert (answer.status_code, body["status"], body["image_url"]) == (200, "succeeded", None)
    assert body["message"] == "The image was deleted."
    assert body["image"]["width"] == 1536
    assert_fault(api.get(path), 410, "gone")
    assert "deleted" in json_of(api.get(path))["error"]
    assert not list(folder_of(api.services.images).glob("*.webp"))


class PutInBetween(JobStore):
    """A store that is told of an image's end while a second attempt puts its own there."""

    images: ImageStore

    def forget_image(self, job_id: str, why: str) -> bool:
        """Put an image there, then do as ever."""
        self.images.put(known(self, job_id).image, picture(form="webp"))
        return super().forget_image(job_id, why)


def test_an_image_that_a_second_attempt_brings_meanwhile_is_removed_too(api: Api) -> None:
    job = accepted(api.store)
    api.succeed(job.id)
    store = PutInBetween(api.redis, Pace(1))
    store.images = api.services.images

    delete(Api(replace(api.services, store=store), api.redis), f"/jobs/{job.id}/image")

    assert_fault(api.get(f"/saved_images/{job.image}"), 410, "gone")


def test_an_image_that_was_removed_may_be_removed_again(api: Api) -> None:
    job = accepted(api.store)
    api.succeed(job.id)

    first, again = (json_of(delete(api, f"/jobs/{job.id}/image")) for _ in range(2))

    assert first == again


@pytest.mark.parametrize("end", ["fail", "cancel", "succeed"])
def test_an_input_is_removed_with_the_image(api: Api, end: str) -> None:
    job = api.job(api.upscale())
    ends: dict[str, Callable[[str], object]] = {
        "fail": api.fail,
        "cancel": lambda job_id: api.store.cancel([job_id]),
        "succeed": api.succeed,
    }
    ends[end](job.id)

    answer = delete(api, f"/jobs/{job.id}/image")

    assert (answer.status_code, api.inputs()) == (200, [])
    assert api.get(f"/saved_images/{job.image}").status_code == 410


@pytest.mark.parametrize("state", ["queued", "running"])
def test_an_image_that_is_still_to_be_made_can_not_be_removed(api: Api, state: str) -> None:
    job_id = in_state(api.store, state)

    assert_refused(delete(api, f"/jobs/{job_id}/image"), state)


def test_a_batch_tells_that_an_image_of_its_was_removed(api: Api) -> None:
    batch = accepted_batch(api.store, 1)
    api.succeed(batch.jobs[0])
    path = f"/batches/{batch.id}"
    before = api.get(path)

    delete(api, f"/jobs/{batch.jobs[0]}/image")

    after = api.get(path, If_None_Match=before.headers["ETag"])
    assert after.status_code == 200
    assert json_of(after)["jobs"][0]["image_url"] is None


@pytest.mark.parametrize("path", ["/jobs/x", "/batches/x", "/jobs/x/image"])
def test_what_is_unknown_can_not_be_ended(api: Api, path: str) -> None:
    assert_fault(delete(api, path), 404, "not_found")


@pytest.mark.parametrize("query", ["dry_run=true", "wait=5", "force=1"])
@pytest.mark.parametrize("path", ["/jobs/{}", "/jobs/{}/image"])
def test_an_option_that_would_be_dropped_ends_nothing(api: Api, path: str, query: str) -> None:
    job = accepted(api.store)

    answer = delete(api, f"{path.format(job.id)}?{query}")

    assert_fault(answer, 400, "invalid_request")
    assert known(api.store, job.id).status == "queued"


def test_a_page_of_another_site_ends_nothing(api: Api) -> None:
    job = accepted(api.store)

    answer = delete(api, f"/jobs/{job.id}", headers={"Origin": "https://evil.example"})

    assert_fault(answer, 403, "forbidden")
    assert known(api.store, job.id).status == "queued"
