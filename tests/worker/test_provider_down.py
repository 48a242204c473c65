"""When the provider is down or refuses this service: who waits, who ends, and how it goes on."""

from collections.abc import Callable

import pytest
from redis import Redis

from shared import errors
from shared.breaker import Why
from shared.errors import JobFault, StoreUnavailable
from shared.jobs import Job
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import accepted, known, places, until
from tests.fakes import ScriptedProvider
from tests.worker.bench import IMAGE, after_a_run, an_upkeep, started
from worker.probing import probe
from worker.sweep import sweep

DOWN: Why = "provider_unavailable"
AWAY = errors.ProviderUnavailable("away")
FAILED = errors.ServerError("failed")
NO_KEY = errors.ProviderAuth("no")
NO_CREDITS = errors.ProviderCredits("no")


def met(services: Services, fault: JobFault, number: int = 1) -> list[Job]:
    """Return as many jobs as there are, each after its call has met a fault."""
    jobs = [accepted(services.store) for _ in range(number)]
    return [after_a_run(services, job, ScriptedProvider(fault)) for job in jobs]


def probed(services: Services, redis: "Redis", answer: object) -> None:
    """Let the time for a probe come, and the provider answer it so."""
    redis.hset(f"{PREFIX}breaker", "probe_at", 1)
    probe(services, ScriptedProvider(answer))


def next_job(services: Services, redis: "Redis") -> Job:
    """Return the job that goes next, its pauses being over."""
    for job_id in redis.zrange(f"{PREFIX}delayed", 0, -1):
        redis.zadd(f"{PREFIX}delayed", {str(job_id): 1})
    services.store.heartbeat("w", 100, 60_000)
    job_id, *more = services.store.dispatch()
    assert more == []
    return known(services.store, job_id)


@pytest.mark.parametrize("fault", [AWAY, FAILED])
def test_ten_minutes_of_failures_use_up_no_attempts_and_all_jobs_are_made_after(
    services: Services, redis_client: "Redis", fault: JobFault
) -> None:
    jobs = met(services, fault, 20)
    for _ in range(45):  # ten minutes, with a probe every 15 s
        probed(services, redis_client, 1_000_000)
        after_a_run(services, next_job(services, redis_client), ScriptedProvider(fault))
    waiting = [known(services.store, job.id) for job in jobs]
    probed(services, redis_client, 1_000_000)
    after_a_run(services, next_job(services, redis_client), ScriptedProvider(IMAGE))
    for job_id in redis_client.zrange(f"{PREFIX}delayed", 0, -1):
        redis_client.zadd(f"{PREFIX}delayed", {str(job_id): 1})
    while sent := services.store.dispatch():
        for job_id in sent:
            after_a_run(services, known(services.store, job_id), ScriptedProvider(IMAGE))

    assert {job.status for job in waiting} == {"queued"}
    assert max(job.attempts for job in waiting) <= 1
    assert {known(services.store, job.id).status for job in jobs} == {"succeeded"}


def test_one_job_that_goes_first_in_vain_lets_others_go_first_next(
    services: Services, redis_client: "Redis"
) -> None:
    met(services, FAILED, 20)
    redis_client.delete(*redis_client.keys(f"{PREFIX}delayed"))
    first, second = accepted(services.store), accepted(services.store)
    probed(services, redis_client, 1_000_000)
    services.store.heartbeat("w", 100, 60_000)
    (tried,) = services.store.dispatch()

    after_a_run(services, known(services.store, tried), ScriptedProvider(FAILED))
    probed(services, redis_client, 1_000_000)

    assert {tried, *services.store.dispatch()} == {first.id, second.id}


@pytest.mark.parametrize("answer", [AWAY, errors.ProviderTimeout("late"), FAILED])
def test_as_long_as_even_the_free_call_fails_no_job_is_tried(
    services: Services, redis_client: "Redis", answer: JobFault
) -> None:
    met(services, AWAY, 5)

    probed(services, redis_client, answer)

    assert services.breaker.state().state == "open"


def test_a_probe_that_meets_the_limit_pauses_everybody(
    services: Services, redis_client: "Redis"
) -> None:
    met(services, AWAY, 5)

    probed(services, redis_client, errors.RateLimited("locked", 60))

    assert services.breaker.state().state == "open"
    assert services.index.paused_ms() > 50_000


def test_a_provider_that_knows_no_balance_is_there(
    services: Services, redis_client: "Redis"
) -> None:
    met(services, AWAY, 5)

    probed(services, redis_client, errors.ProviderRejected("no such page"))

    assert services.breaker.state().state == "half_open"


@pytest.mark.parametrize(
    ("fault", "code"), [(NO_KEY, "provider_auth"), (NO_CREDITS, "provider_credits")]
)
def test_the_first_refusal_ends_its_job_and_what_was_under_way_waits(
    services: Services, fault: JobFault, code: str
) -> None:
    ended: list[Job] = []

    def refused_after_another() -> None:
        ended.extend(met(services, fault))
        raise fault

    under_way = accepted(services.store)
    waits = after_a_run(services, under_way, ScriptedProvider(refused_after_another))

    (first,) = ended
    assert (first.status, first.error_code, first.credits) == ("failed", code, 0)
    assert (waits.status, waits.attempts, waits.trouble) == ("queued", 0, code)


def test_credits_that_are_enough_for_the_next_job_let_it_go(
    services: Services, redis_client: "Redis"
) -> None:
    met(services, NO_CREDITS)
    job = accepted(services.store, estimate=8_000)

    states = []
    for balance in (0, 7_999, 8_000):
        probed(services, redis_client, balance)
        states.append(services.breaker.state().state)
    done = after_a_run(services, next_job(services, redis_client), ScriptedProvider(IMAGE))

    assert states == ["open", "open", "half_open"]
    assert (done.id, done.status) == (job.id, "succeeded")
    assert services.breaker.state().state == "closed"


def test_a_balance_that_was_wrong_costs_no_further_job(
    services: Services, redis_client: "Redis"
) -> None:
    met(services, NO_CREDITS)
    job = accepted(services.store)
    probed(services, redis_client, 1_000_000)

    after = after_a_run(services, next_job(services, redis_client), ScriptedProvider(NO_CREDITS))

    assert (after.id, after.status, after.attempts) == (job.id, "queued", 0)
    assert services.breaker.state().state == "open"


def test_a_job_that_costs_more_than_there_is_ends_and_others_go(
    services: Services, redis_client: "Redis"
) -> None:
    met(services, NO_CREDITS)
    dear = accepted(services.store, owner="alice", estimate=60_000)
    cheap = accepted(services.store, owner="bob", estimate=3_000)

    ended = []
    for answer in (NO_CREDITS, IMAGE):
        probed(services, redis_client, 50_000)
        job = next_job(services, redis_client)
        ended.append(after_a_run(services, job, ScriptedProvider(answer)))

    assert [(job.id, job.status) for job in ended] == [(dear.id, "failed"), (cheap.id, "succeeded")]
    assert (ended[0].error_code, ended[0].credits) == ("provider_credits", 0)
    assert services.breaker.state().state == "closed"


def test_a_key_that_was_mended_lets_jobs_go(services: Services, redis_client: "Redis") -> None:
    met(services, NO_KEY)
    accepted(services.store)

    probed(services, redis_client, NO_KEY)
    refused = services.breaker.state()
    probed(services, redis_client, 1_000_000)

    assert (refused.state, refused.why) == ("open", "provider_auth")
    assert services.breaker.state().state == "half_open"


def test_a_key_that_is_refused_when_the_provider_is_back_is_told(
    services: Services, redis_client: "Redis"
) -> None:
    met(services, AWAY, 5)

    probed(services, redis_client, NO_KEY)

    assert services.breaker.state().why == "provider_auth"


@pytest.mark.parametrize(
    ("fault", "number", "code"),
    [
        (AWAY, 5, "provider_unavailable"),
        (NO_CREDITS, 1, "provider_credits"),
        (NO_KEY, 1, "provider_auth"),
    ],
)
def test_a_job_that_never_had_its_turn_tells_at_its_deadline_what_kept_it(
    services: Services, redis_client: "Redis", fault: JobFault, number: int, code: str
) -> None:
    met(services, fault, number)
    job = accepted(services.store)
    redis_client.zadd(f"{PREFIX}deadlines", {job.id: 1})

    sweep(services)

    after = known(services.store, job.id)
    assert (after.status, after.error_code, after.credits) == ("failed", code, 0)


def test_a_breaker_that_cannot_be_told_changes_nothing_for_the_job(
    services: Services, redis_client: "Redis"
) -> None:
    class Away:
        def __getattr__(self, name: str) -> Callable[..., None]:
            def away(*_: object, **__: object) -> None:
                raise StoreUnavailable("away")

            return away

    made, failed = accepted(services.store), accepted(services.store)
    breaker = {"breaker": Away()}

    done = after_a_run(services, made, ScriptedProvider(IMAGE), **breaker)
    again = after_a_run(services, failed, ScriptedProvider(FAILED), **breaker)

    assert done.status == "succeeded"
    assert (again.status, again.attempts) == ("queued", 1)
    assert places(redis_client, failed.id) == ["delayed"]


def test_a_worker_probes_by_itself(services: Services, redis_client: "Redis") -> None:
    met(services, AWAY, 5)
    redis_client.hset(f"{PREFIX}breaker", "probe_at", 1)

    with started(an_upkeep(services, ScriptedProvider(1_000_000))):
        until(lambda: services.breaker.state().state == "half_open")
