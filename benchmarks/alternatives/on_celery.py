"""Celery with its own result backend, as its guide has it."""

import os

from celery import Celery

from benchmarks.alternatives.picture import make_picture
from benchmarks.alternatives.route import LONGEST_SECONDS, create_app

queue = Celery("pictures", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
make = queue.task(name="make_picture")(make_picture)
app = create_app(lambda prompt: str(make.delay(prompt).get(timeout=LONGEST_SECONDS)))
