"""What a job says after each fault, what it costs, and whether the call is repeated."""

from typing import Any

import pytest
from redis import Redis

from shared import errors
from shared.errors import JobFault, Retryable
from shared.moves import Release
from shared.services import Services
from shared.settings import load_settings
from tests.builders import a_job, accepted, places
from tests.fakes import ScriptedProvider
from tests.worker.bench import IMAGE, after_a_run, ripen
from worker.endings import retry_rule
from worker.wire import ProviderImage

BROKEN = ProviderImage(IMAGE.data[:-1], 7, "q1")
AWAY = errors.ProviderUnavailable("away")
LOCKED = errors.RateLimited("locked", 60)
FAILED = errors.ServerError("failed")
UNKNOWN = errors.OutcomeUnknown("unknown")
LATE = errors.ProviderTimeout("late")


@pytest.mark.parametrize(
    ("answer", "code", "credits"),
    [
        (errors.InputModerated("no"), "input_moderated", 0),
        (errors.OutputModerated("no"), "output_moderated", 3_000),
        (errors.ProviderRejected("no"), "provider_rejected", 0),
        (errors.ProviderAuth("no"), "provider_auth", 0),
        (errors.ProviderCredits("no"), "provider_credits", 0),
        (errors.ProviderBadImage("no"), "provider_bad_image", 3_000),
        (BROKEN, "provider_bad_image", 3_000),
    ],
)
def test_a_final_answer_ends_the_job_with_its_code_and_cost(
    services: Services, answer: Any, code: str, credits: int
) -> None:
    provider = ScriptedProvider(answer)

    job = after_a_run(services, accepted(services.store), provider)

    assert (job.status, job.error_code, job.credits) == ("failed", code, credits)
    assert job.error
    assert services.images.find(job.image) is None
    assert len(provider.calls) == 1


@pytest.mark.parametrize(
    ("fault", "code", "counts"),
    [
        (AWAY, "provider_unavailable", (0, 0, 1)),
        (LOCKED, "provider_unavailable", (0, 0, 1)),
        (FAILED, "provider_error", (1, 0, 0)),
        (UNKNOWN, "outcome_unknown", (1, 1, 0)),
        (LATE, "provider_timeout", (1, 1, 0)),
    ],
)
def test_a_call_that_may_be_repeated_waits_for_its_next_try(
    services: Services, redis_client: "Redis", fault: Retryable, code: str, counts: object
) -> None:
    job = after_a_run(services, accepted(services.store), ScriptedProvider(fault))

    assert (job.status, job.trouble) == ("queued", code)
    assert (job.attempts, job.unknown, job.unreached) == counts
    assert (job.credits, job.error, job.sent) == (None, None, None)
    assert places(redis_client, job.id) == ["delayed"]


def test_a_lock_out_pauses_everybody(services: Services) -> None:
    after_a_run(services, accepted(services.store), ScriptedProvider(LOCKED))

    assert 50_000 < services.index.paused_ms() <= 60_000


@pytest.mark.parametrize("fault", [AWAY, FAILED, UNKNOWN])
def test_other_trouble_pauses_nobody_else(services: Services, fault: Retryable) -> None:
    after_a_run(services, accepted(services.store), ScriptedProvider(fault))

    assert services.index.paused_ms() == 0


@pytest.mark.parametrize("fault", [AWAY, FAILED, UNKNOWN])
def test_a_repeated_call_can_succeed(
    services: Services, redis_client: "Redis", fault: Retryable
) -> None:
    job, provider = accepted(services.store), ScriptedProvider(fault, IMAGE)

    after_a_run(services, job, provider)
    ripen(services, redis_client, job)
    done = after_a_run(services, job, provider)

    assert (done.status, done.credits, done.trouble) == ("succeeded", 3_000, None)


@pytest.mark.parametrize(
    ("fault", "calls", "code", "credits"),
    [
        (UNKNOWN, 2, "outcome_unknown", None),
        (LATE, 2, "provider_timeout", None),
        (FAILED, 5, "provider_error", 0),
    ],
)
def test_trouble_that_does_not_end_ends_the_job(
    services: Services,
    redis_client: "Redis",
    fault: Retryable,
    calls: int,
    code: str,
    credits: int | None,
) -> None:
    job, provider = accepted(services.store), ScriptedProvider(*[fault] * 9)

    after = after_a_run(services, job, provider)
    while after.status == "queued":
        ripen(services, redis_client, job)
        after = after_a_run(services, job, provider)

    assert (after.status, after.error_code, after.credits) == ("failed", code, credits)
    assert len(provider.calls) == calls


def test_an_expensive_call_of_unknown_outcome_is_not_repeated(services: Services) -> None:
    job = accepted(services.store, estimate=40_000)

    after = after_a_run(services, job, ScriptedProvider(UNKNOWN))

    assert (after.status, after.error_code, after.credits) == ("failed", "outcome_unknown", None)


@pytest.mark.parametrize(
    ("fault", "job", "settings", "again"),
    [
        (AWAY, {}, {}, 2_000),
        (AWAY, {"unreached": 1}, {}, 4_000),
        (AWAY, {"unreached": 2}, {}, 8_000),
        (AWAY, {"unreached": 3}, {}, 15_000),
        (AWAY, {"unreached": 9_999, "estimate": 60_000}, {"max_attempts": 1}, 15_000),
        (LOCKED, {"attempts": 99, "unknown": 99}, {}, 2_000),
        (FAILED, {}, {}, 1_000),
        (FAILED, {"attempts": 3, "estimate": 60_000}, {}, 8_000),
        (FAILED, {"attempts": 4}, {}, None),
        (FAILED, {}, {"max_attempts": 1}, None),
        (FAILED, {"attempts": 90}, {"max_attempts": 100}, 15_000),
        (UNKNOWN, {}, {}, 1_000),
        (UNKNOWN, {"estimate": 10_000}, {}, 1_000),
        (UNKNOWN, {"estimate": 10_001}, {}, None),
        (UNKNOWN, {"unknown": 1}, {}, None),
        (UNKNOWN, {"unknown": 1}, {"retry_unknown_outcome": 2}, 1_000),
        (UNKNOWN, {}, {"retry_unknown_outcome": 0}, None),
        (UNKNOWN, {"estimate": 1}, {"retry_unknown_max_credits": 0}, None),
        (UNKNOWN, {"estimate": 0}, {"retry_unknown_max_credits": 0}, 1_000),
        (LATE, {"attempts": 99}, {}, 1_000),
    ],
)
def test_what_a_call_may_have_cost_decides_about_its_repetition(
    fault: Retryable, job: dict[str, Any], settings: dict[str, Any], again: int | None
) -> None:
    release = retry_rule(a_job(**job), fault, load_settings(None, **settings))

    assert (release and release.pause_ms) == again


@pytest.mark.parametrize(
    ("fault", "release"),
    [
        (AWAY, Release(2_000, "unreached", True, "provider_unavailable")),
        (FAILED, Release(1_000, "", False, "provider_error")),
        (LATE, Release(1_000, "unknown", False, "provider_timeout")),
    ],
)
def test_only_a_call_that_never_ran_gives_its_attempt_back(
    fault: Retryable, release: Release
) -> None:
    assert retry_rule(a_job(), fault, load_settings(None)) == release


def test_every_fault_of_a_job_has_words_and_a_code_of_its_own() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    faults = [kind for kind in kinds if issubclass(kind, JobFault) and kind.__doc__]

    codes = {kind.error_code for kind in faults}
    assert len(faults) >= 14
    # RateLimited, ResultLost, Retryable and ServerError share their base's, DefectAfterCall that of any
    # defect, UnreadableInput that of what the provider rejects
    assert len(codes) == len(faults) - 6
