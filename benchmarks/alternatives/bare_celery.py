"""What a user of Celery alone would write: one task that calls the provider.

With or without a `rate_limit`, which Celery counts in each worker; who has several divides it among
them. A call that is refused comes again when the provider says so. A worker takes a task when it has a
greenlet for it: one that took more would keep a burst from the others. Run by `benchmarks.limit_use`.
"""

import os

import requests
from celery import Celery, Task

app = Celery("bare", broker=os.environ.get("BARE_BROKER", "redis://127.0.0.1:1/0"))
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    broker_connection_retry_on_startup=True,
)


@app.task(
    bind=True,
    name="bare.call",
    rate_limit=os.environ.get("BARE_RATE_LIMIT") or None,
    max_retries=None,
)
def call(self: "Task[[], None]") -> None:
    """Call the provider once; when it refuses, come again as late as it says."""
    form = {"prompt": (None, "a fox"), "output_format": (None, "webp")}
    answer = requests.post(os.environ["BARE_PROVIDER"], files=form, timeout=180)
    if answer.status_code == 429:
        raise self.retry(countdown=float(answer.headers["Retry-After"]))
    answer.raise_for_status()
