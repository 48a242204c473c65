"""When very many callers look at once, a look may fail; nobody is held longer for that."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from api.waiting import Waiting
from shared.services import Services
from tests.api.callers import LONG, Api, json_of
from tests.builders import CLAIM, accepted_batch, running
from tests.fakes import FlakyStore

_CROWD = 300


def test_a_look_that_fails_is_repeated_soon_and_not_at_the_deadline(services: Services) -> None:
    job = running(services.store)
    looks = FlakyStore(services.store, acts_first=False, get=0)
    waiting = Waiting(replace(services, store=looks))  # type: ignore[arg-type]  # same methods
    seen = []
    caller = threading.Thread(target=lambda: seen.append(waiting.for_end(job, 30, lambda: False)))

    begun = time.monotonic()
    caller.start()
    looks.fail_next("get", 2)
    services.store.fail(job.id, CLAIM, error_code="internal", error="x")
    caller.join(timeout=20)

    assert [job.status for job in seen] == ["failed"]
    assert time.monotonic() - begun < 15


def test_a_crowd_that_is_woken_at_one_moment_is_answered_with_the_end(api: Api) -> None:
    jobs = accepted_batch(api.store, _CROWD).jobs

    with ThreadPoolExecutor(_CROWD) as pool:
        answers = [pool.submit(api.get, f"/jobs/{job_id}?wait={LONG}") for job_id in jobs]
        for _ in jobs:
            api.events.seen.get(timeout=LONG)
        begun = time.monotonic()
        api.store.cancel(jobs)
        told = [answer.result(LONG) for answer in answers]

    assert {answer.status_code for answer in told} == {200}
    assert {json_of(answer)["status"] for answer in told} == {"canceled"}
    assert time.monotonic() - begun < LONG / 2
