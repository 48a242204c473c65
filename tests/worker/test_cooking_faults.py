"""What asking for a picture meets, and what follows: nothing is paid, and little is an end."""

from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from shared import errors
from shared.folder_store import FolderStore
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import due, places
from tests.fakes import ScriptedProvider
from tests.folders import folder_of
from tests.pictures import picture
from tests.worker.bench import after_a_run
from tests.worker.kitchen import LARGE, cooking, creative, ripe
from worker.cooking import pause_before_asking
from worker.workshop import POLL_MS

DAY_MS = 86_400_000
TROUBLE = [
    (errors.ServerError("failed"), 10_000),
    (errors.ProviderUnavailable("away"), 10_000),
    (errors.OutcomeUnknown("broke off"), 10_000),
    (errors.ProviderTimeout("late"), 10_000),
    (errors.RateLimited("locked", 40), 40_000),
    (errors.RateLimited("locked", 1), 10_000),
    (errors.ProviderAuth("no"), 60_000),
    (errors.ProviderCredits("no"), 60_000),
]


@pytest.mark.parametrize(("fault", "pause"), TROUBLE)
def test_trouble_with_asking_costs_nothing_and_ends_nothing(
    services: Services, redis_client: "Redis", fault: Exception, pause: int
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider(*[fault] * 9, LARGE)

    after = after_a_run(services, job, provider)
    waits = due(redis_client, after.id)
    for _ in range(8):
        redis_client.delete(f"{PREFIX}pace:paused_until", f"{PREFIX}breaker")
        after_a_run(services, ripe(services, redis_client, job), provider)
    redis_client.delete(f"{PREFIX}pace:paused_until", f"{PREFIX}breaker")
    done = after_a_run(services, ripe(services, redis_client, job), provider)

    assert after == job
    assert pause - 1_000 < waits <= pause
    assert (done.status, done.attempts, done.unknown) == ("succeeded", 1, 0)
    assert provider.calls == []


def test_a_lock_out_met_by_asking_pauses_everybody(
    services: Services, redis_client: "Redis"
) -> None:
    job = cooking(services, redis_client)

    after_a_run(services, job, ScriptedProvider(errors.RateLimited("locked", 60)))

    assert 50_000 < services.index.paused_ms() <= 60_000


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (errors.ResultLost("gone"), "provider_error"),
        (errors.OutputModerated("no"), "output_moderated"),
        (errors.ProviderBadImage("no"), "provider_bad_image"),
        (replace(LARGE, data=LARGE.data[:-1]), "provider_bad_image"),
        (replace(LARGE, data=picture(256, 100)), "provider_bad_image"),
        (KeyError("a defect"), "internal"),
    ],
)
def test_what_can_be_had_no_more_ends_the_job_as_charged(
    services: Services, redis_client: "Redis", answer: Any, code: str
) -> None:
    job = cooking(services, redis_client)

    after = after_a_run(services, job, ScriptedProvider(answer))

    assert (after.status, after.error_code, after.credits) == ("failed", code, 60_000)
    assert after.error
    assert places(redis_client, job.id) == []


@pytest.mark.parametrize("answer", [None, errors.ServerError("failed")])
def test_after_a_day_it_is_asked_for_once_more_and_then_given_up(
    services: Services, redis_client: "Redis", answer: Any
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider(answer)
    redis_client.hincrby(f"{PREFIX}job:{job.id}", "sent", -DAY_MS - 1)

    after = after_a_run(services, job, provider)

    assert (after.status, after.error_code, after.credits) == ("failed", "provider_error", 60_000)
    assert len(provider.polls) == 1


@pytest.mark.parametrize(
    ("fault", "age_ms", "pause"),
    [
        (None, 0, 10_000),
        (None, 100_000, 10_000),
        (None, 600_000, 60_000),
        (None, DAY_MS, 300_000),
        (errors.ServerError("x"), 600_000, 60_000),
        (errors.RateLimited("x", 60), 0, 60_000),
        (errors.RateLimited("x", 60), DAY_MS, 300_000),
        (errors.ProviderAuth("x"), 0, 60_000),
        (errors.ProviderCredits("x"), DAY_MS, 300_000),
    ],
)
def test_what_takes_long_is_asked_for_less_often(
    fault: Exception | None, age_ms: int, pause: int
) -> None:
    assert pause_before_asking(fault, age_ms, POLL_MS) == pause


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (errors.InputModerated("no"), "failed", "input_moderated"),
        (errors.ProviderUnavailable("away"), "queued", None),
        (errors.ServerError("failed"), "queued", None),
        (errors.OutcomeUnknown("broke off"), "failed", "outcome_unknown"),
        (errors.ProviderBadImage("no id"), "failed", "provider_bad_image"),
    ],
)
def test_a_start_that_fails_follows_the_rule_of_any_paid_call(
    services: Services, fault: Exception, status: str, code: str | None
) -> None:
    after = after_a_run(services, creative(services), ScriptedProvider(fault))

    assert (after.status, after.error_code, after.provider_id) == (status, code, "")


def test_an_original_that_is_there_no_more_keeps_nobody_from_the_picture(
    services: Services, redis_client: "Redis"
) -> None:
    job = cooking(services, redis_client)
    services.images.delete_input(job.input)

    assert after_a_run(services, job, ScriptedProvider(LARGE)).status == "succeeded"


def test_while_storage_is_in_trouble_nobody_asks(
    services: Services, redis_client: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider()
    monkeypatch.setattr("shared.folder_store.ROOM_BYTES", 2**80)

    after = after_a_run(services, job, provider)

    assert (after.status, places(redis_client, job.id)) == ("running", ["parked"])
    assert provider.polls == []


def test_a_picture_that_could_not_be_written_is_asked_for_again(
    services: Services, redis_client: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk(FolderStore):
        def put(self, name: str, data: bytes) -> bool:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("worker.workshop._WRITE_SECONDS", 0)
    job, full = cooking(services, redis_client), FullDisk(folder_of(services.images))

    after = after_a_run(services, job, ScriptedProvider(LARGE), images=full)
    done = after_a_run(services, ripe(services, redis_client, job), ScriptedProvider(LARGE))

    assert after == job
    assert (done.status, done.credits) == ("succeeded", 60_000)
