"""Who is turned away for a limit learns which, how much it allows, and when to come back."""

from tests.api.callers import Api, assert_fault
from tests.api.conftest import Start


def test_a_full_queue_tells_its_limit(start: Start) -> None:
    api = start(queue_max_jobs=1)
    api.generate()

    answer = api.generate()

    assert_fault(answer, 429, "queue_full")
    assert answer.headers["RateLimit-Policy"] == '"queued-jobs";q=1'
    assert answer.headers["RateLimit"] == '"queued-jobs";r=0;t=10'
    assert answer.headers["Retry-After"] == "10"


def test_a_process_that_holds_all_it_can_tells_its_limit(start: Start) -> None:
    api = start(max_waiters=0)
    job = api.job(api.generate())

    answer = api.get(f"/jobs/{job.id}/events")

    assert_fault(answer, 429, "too_many_streams")
    assert answer.headers["RateLimit-Policy"] == '"waiting-callers";q=0'


def test_other_faults_tell_of_no_limit(api: Api) -> None:
    assert "RateLimit" not in api.get("/jobs/nothing").headers
