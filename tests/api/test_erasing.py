"""What the operator erases is gone: record, prompt, picture, input, webhook, its place in a batch."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis
from werkzeug.test import TestResponse

from shared.jobs import Job
from shared.scripts import PREFIX
from tests.api.callers import Api, assert_fault, json_of
from tests.api.named import PICTURE
from tests.builders import CLAIM, HOUR_MS, LEASE_MS, accepted, dump, known, running
from tests.fakes import ScriptedProvider
from tests.folders import folder_of
from tests.webhooks import FAILED, batch_of, take
from tests.worker.bench import workshop
from worker.endings import succeed

SECRET = "a fox nobody must know of"


def erase(api: Api, job: Job) -> TestResponse:
    """Erase a job."""
    return api.call("POST", f"/operator/jobs/{job.id}/erase")


def made(api: Api, **fields: object) -> Job:
    """Return a job that has its picture."""
    job = api.job(api.generate(prompt=SECRET, output_format="png", **fields))
    api.services.images.put(job.image, PICTURE)
    api.succeed(job.id)
    return known(api.store, job.id)


def in_batch(api: Api, number: int = 3) -> list[Job]:
    """Return the jobs of a batch, all of them failed."""
    batch = batch_of(api.store, number)
    for job_id in batch.jobs:
        assert api.store.fail(job_id, "", error="no", error_code="internal", credits=0)
    return [known(api.store, job_id) for job_id in batch.jobs]


def files(api: Api) -> list[Path]:
    """Return every file of the storage."""
    return [path for path in folder_of(api.services.images).rglob("*") if path.is_file()]


def test_nothing_is_kept_of_an_erased_job(api: Api) -> None:
    webhook = "http://hooks.test/of-a-person"
    job = accepted(
        api.store,
        request={"prompt": SECRET},
        metadata={"of": SECRET},
        webhook=webhook,
        owner="alice",
    )
    api.services.images.put(job.image, PICTURE)
    assert api.store.succeed(job.id, HOUR_MS, credits=3_000)
    parcel = take(api.services.outbox)
    assert parcel
    api.services.outbox.record(parcel, FAILED, 60_000)

    answer = erase(api, job)

    assert (answer.status_code, json_of(answer)["job_id"]) == (200, job.id)
    left = json.dumps(dump(api.redis))
    assert not [told for told in (job.id, job.image, SECRET, "of-a-person") if told in left]
    assert not files(api)
    assert_fault(api.get(f"/saved_images/{job.image}"), 404, "not_found")
    assert_fault(erase(api, job), 404, "not_found")


def test_what_it_cost_stays_counted(api: Api) -> None:
    job = made(api)
    (day,) = api.redis.keys(f"{PREFIX}spent:*")
    before = api.redis.get(day)

    erase(api, job)

    assert before == api.redis.get(day) == "3000"


def test_its_picture_is_counted_as_kept_no_more_and_once(api: Api) -> None:
    kept, deleted, erased = made(api), made(api), made(api)
    api.call("DELETE", f"/jobs/{deleted.id}/image")

    erase(api, deleted)
    erase(api, erased)

    result = known(api.store, kept.id).result
    assert result
    assert int(api.redis.get(f"{PREFIX}stored_bytes") or 0) == result["bytes"]


def test_the_same_request_again_is_not_bought_unseen(api: Api) -> None:
    erase(api, made(api, idempotency_key="k"))

    again = api.generate(prompt=SECRET, output_format="png", idempotency_key="k")

    assert_fault(again, 422, "idempotency_key_reused")
    assert SECRET not in json.dumps(dump(api.redis))


def test_the_input_goes_too(api: Api) -> None:
    job = api.job(api.upscale())
    api.store.cancel([job.id])
    assert api.inputs()

    erase(api, job)

    assert not api.inputs()


def test_a_job_that_has_not_ended_is_canceled_first(api: Api) -> None:
    job = api.job(api.generate())

    assert_fault(erase(api, job), 409, "conflict")
    api.call("DELETE", f"/operator/jobs/{job.id}")

    assert erase(api, job).status_code == 200


def test_while_the_call_of_a_canceled_job_is_under_way_it_is_not_erased(api: Api) -> None:
    job = running(api.store)
    assert api.store.begin_call(job.id, CLAIM, 10_000).word == "go"
    api.store.cancel([job.id])

    refused = erase(api, job)
    api.store.settle(job.id, CLAIM, 3_000)

    assert_fault(refused, 409, "conflict")
    assert "still under way" in json_of(refused)["error"]
    assert erase(api, job).status_code == 200


def test_a_picture_that_comes_after_all_is_dropped(api: Api) -> None:
    job = replace(running(api.store), claim=CLAIM)
    api.store.cancel([job.id])
    erase(api, job)
    api.services.images.put(job.image, PICTURE)  # by a worker that was frozen

    succeed(job, workshop(api.services, ScriptedProvider()), credits=3_000)

    assert (files(api), api.store.get(job.id)) == ([], None)


def test_a_picture_that_comes_while_it_is_erased_goes_too(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, erasing = made(api), api.services.retirement.erase

    def meanwhile(job: Job) -> bool:
        api.services.images.put(job.image, PICTURE)  # by a second attempt
        return erasing(job)

    monkeypatch.setattr(api.services.retirement, "erase", meanwhile)

    assert erase(api, job).status_code == 200
    assert not files(api)


def test_a_crash_between_the_files_and_the_record_is_mended_by_a_second_call(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = made(api)
    with monkeypatch.context() as patch:
        patch.setattr(api.services.images, "delete", lambda _: 1 / 0)
        assert_fault(erase(api, job), 500, "internal")
    assert known(api.store, job.id).image == job.image

    assert erase(api, job).status_code == 200
    assert not files(api)


def test_a_batch_counts_what_is_left_of_it(api: Api) -> None:
    first, second, third = in_batch(api)
    before = json_of(api.get(f"/batches/{first.batch}"))["revision"]

    erase(api, second)

    told = json_of(api.get(f"/batches/{first.batch}"))
    assert told["revision"] == before + 1
    assert [job["job_id"] for job in told["jobs"]] == [first.id, third.id]
    assert (told["total"], told["counts"]["failed"], told["status"]) == (2, 2, "failed")


def test_a_batch_of_which_nothing_is_left_is_gone(api: Api) -> None:
    jobs = in_batch(api)

    for job in jobs:
        assert erase(api, job).status_code == 200

    assert_fault(api.get(f"/batches/{jobs[0].batch}"), 404, "not_found")
    assert jobs[0].batch not in json.dumps(dump(api.redis))


def test_a_batch_goes_on_without_what_was_erased(api: Api) -> None:
    batch = batch_of(api.store, 2)
    gone, stays = (known(api.store, job_id) for job_id in batch.jobs)
    api.store.cancel([gone.id])
    erase(api, gone)

    assert api.store.claim(stays.id, CLAIM, LEASE_MS)
    assert api.store.succeed(stays.id, credits=3_000)

    told = json_of(api.get(f"/batches/{batch.id}"))
    assert (told["status"], told["total"], told["progress"]) == ("succeeded", 1, 1)


def test_what_a_client_key_submitted_is_found(api: Api, redis_client: "Redis") -> None:
    mine = accepted(api.store, owner="alice")
    accepted(api.store, owner="bob")
    accepted(api.store)

    listed = json_of(api.get("/operator/jobs?owner=alice"))["jobs"]

    assert [job["job_id"] for job in listed] == [mine.id]
    assert len(json_of(api.get("/operator/jobs?owner="))["jobs"]) == 3
    assert json_of(api.get("/operator/jobs?owner=nobody"))["jobs"] == []
    assert api.get("/jobs?owner=alice").status_code == 400
