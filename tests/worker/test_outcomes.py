"""What Flower is told of a job, by the end of each message for it."""

import pytest

from shared.errors import StoreUnavailable
from shared.job_store import JobStore
from shared.jobs import Job
from shared.moves import Release
from tests.builders import accepted, parked, running
from worker.outcomes import GoesOn, JobFailed, tell


class Away:
    """A store that does not answer."""

    def get(self, job_id: str) -> Job | None:
        raise StoreUnavailable("away")


def test_a_job_with_its_image_has_succeeded(store: JobStore) -> None:
    job = running(store)
    store.succeed(job.id)

    assert tell(job.id, store) == "succeeded"


def test_a_failed_job_is_no_success_and_its_code_is_told(store: JobStore) -> None:
    job = running(store)
    store.fail(job.id, job.claim, error_code="input_moderated", error="Refused: a secret prompt")

    with pytest.raises(JobFailed) as told:
        tell(job.id, store)

    assert repr(told.value) == "failed: input_moderated"


def test_a_job_that_was_handed_back_goes_on_for_a_reason(store: JobStore) -> None:
    job = running(store)
    store.release(job.id, job.claim, Release(1_000, trouble="provider_unavailable"))

    with pytest.raises(GoesOn) as told:
        tell(job.id, store)

    assert repr(told.value) == "waits again: provider_unavailable"


def test_a_job_that_another_worker_has_goes_on_there(store: JobStore) -> None:
    with pytest.raises(GoesOn, match="with another worker"):
        tell(running(store).id, store)


def test_what_cooks_goes_on_at_the_provider(store: JobStore) -> None:
    with pytest.raises(GoesOn, match="cooks at the provider"):
        tell(parked(store).id, store)


def test_a_canceled_job_is_canceled(store: JobStore) -> None:
    job = accepted(store)
    store.cancel([job.id])

    assert tell(job.id, store) == "canceled"


def test_a_job_whose_record_is_gone_is_no_fault(store: JobStore) -> None:
    assert tell("0" * 32, store) == "no job of this id"


def test_without_the_job_store_nobody_knows() -> None:
    with pytest.raises(GoesOn, match="the job store does not answer"):
        tell("0" * 32, Away())  # type: ignore[arg-type]
