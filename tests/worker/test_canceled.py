"""A job that is canceled while a worker has it: its image is dropped, its cost is told truthfully."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from shared import errors
from shared.job_store import JobStore
from shared.jobs import Job
from shared.moves import Release, Turn
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import CLAIM, LEASE_MS, accepted, known, places, running
from tests.fakes import ScriptedProvider
from tests.pictures import picture
from tests.worker.bench import IMAGE, PICTURE, after_a_run, ripen, upscale
from worker.leases import Leases
from worker.wire import ProviderImage


def canceled_in_mid_call(services: Services, job: Job, answer: Any) -> Job:
    """Return a job that was canceled between its call and the provider's answer."""

    def call() -> ProviderImage:
        assert services.store.cancel([job.id]) == 1
        assert known(services.store, job.id).credits is None
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, ProviderImage)
        return answer

    return after_a_run(services, job, ScriptedProvider(call))


def test_what_a_running_call_still_brings_is_dropped_and_its_credits_are_told(
    services: Services,
) -> None:
    job = canceled_in_mid_call(services, accepted(services.store), IMAGE)

    assert (job.status, job.credits, job.result) == ("canceled", 3_000, None)
    assert services.images.find(job.image) is None


@pytest.mark.parametrize(
    ("fault", "credits"),
    [
        (errors.InputModerated("no"), 0),
        (errors.OutputModerated("no"), 3_000),
        (errors.ProviderUnavailable("away"), 0),
        (errors.ServerError("failed"), 0),
        (errors.OutcomeUnknown("unknown"), None),
        (errors.ProviderTimeout("late"), None),
    ],
)
def test_a_call_that_fails_after_the_cancel_tells_what_it_cost_and_that_it_has_ended(
    services: Services, redis_client: "Redis", fault: Exception, credits: int | None
) -> None:
    job = canceled_in_mid_call(services, accepted(services.store), fault)

    assert (job.status, job.credits) == ("canceled", credits)
    assert places(redis_client, job.id) == []


def test_until_a_canceled_call_has_ended_its_worker_tells_that_it_goes_on(
    services: Services, redis_client: "Redis"
) -> None:
    leases, during = Leases(services.store), list[str]()

    def call() -> ProviderImage:
        services.store.cancel([job.id])
        redis_client.zadd(f"{PREFIX}ending", {job.id: 1})  # as after half a minute
        leases.renew()
        services.store.sweep("s", LEASE_MS)
        during.extend(places(redis_client, job.id))
        return IMAGE

    job = accepted(services.store)
    after_a_run(services, job, ScriptedProvider(call), leases=leases)

    assert (during, places(redis_client, job.id)) == (["ending"], [])


def test_an_earlier_call_of_unknown_outcome_keeps_the_cost_open(
    services: Services, redis_client: "Redis"
) -> None:
    job = accepted(services.store)
    after_a_run(services, job, ScriptedProvider(errors.OutcomeUnknown("unknown")))
    ripen(services, redis_client, job)

    ended = canceled_in_mid_call(services, job, errors.InputModerated("no"))

    assert (ended.status, ended.credits) == ("canceled", None)


def test_a_job_canceled_before_its_call_is_never_sent_and_costs_nothing(
    services: Services,
) -> None:
    job = running(services.store)
    services.store.cancel([job.id])

    assert services.store.begin_call(job.id, CLAIM, 1_000).word == "stale"
    assert known(services.store, job.id).credits == 0


def test_a_message_for_a_canceled_job_does_nothing(services: Services) -> None:
    job, provider = accepted(services.store), ScriptedProvider()
    services.store.cancel([job.id])

    after_a_run(services, job, provider)

    assert provider.calls == []


def test_the_input_of_a_canceled_job_stays_for_a_retry(services: Services) -> None:
    job = upscale(services)

    canceled_in_mid_call(services, job, ProviderImage(picture(256, 256), None, None))

    assert services.images.read_input(job.input) == PICTURE


@pytest.mark.parametrize(
    "move",
    [
        lambda store, job: store.claim(job.id, CLAIM, LEASE_MS),
        lambda store, job: store.release(job.id, CLAIM, Release()),
        lambda store, job: store.succeed(job.id),
        lambda store, job: store.fail(job.id, CLAIM),
    ],
)
def test_nothing_leaves_the_canceled_state(
    services: Services, move: Callable[[Any, Job], object]
) -> None:
    job = running(services.store)
    services.store.cancel([job.id])

    assert not move(services.store, job)
    assert known(services.store, job.id).status == "canceled"


def test_only_the_worker_whose_call_it_was_tells_its_cost(services: Services) -> None:
    job = running(services.store)
    services.store.begin_call(job.id, CLAIM, 1_000)
    services.store.cancel([job.id])

    assert not services.store.settle(job.id, "another", 0)
    assert services.store.settle(job.id, CLAIM, 3_000)
    assert not services.store.settle(job.id, CLAIM, 0)
    assert known(services.store, job.id).credits == 3_000


class CanceledMeanwhile:
    """A store that grants the first turn, loses the answer, and then cancels the job."""

    def __init__(self, store: JobStore) -> None:
        self._store, self._lost = store, False

    def begin_call(self, job_id: str, *args: Any) -> Turn:
        """Give a turn as the store does; the first never arrives."""
        turn = self._store.begin_call(job_id, *args)
        if not self._lost:
            self._lost = True
            self._store.cancel([job_id])
            raise errors.StoreUnavailable("away")
        return turn

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_call_that_counts_as_sent_and_never_was_cost_nothing(services: Services) -> None:
    job, provider = accepted(services.store), ScriptedProvider()

    ended = after_a_run(services, job, provider, store=CanceledMeanwhile(services.store))

    assert (ended.status, ended.credits, provider.calls) == ("canceled", 0, [])
