"""When very many callers look at once, a look may fail; nobody is held longer for that."""

import threading
import time
from dataclasses import replace

from api.waiting import Waiting
from shared.services import Services
from tests.builders import CLAIM, running
from tests.fakes import FlakyStore


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
