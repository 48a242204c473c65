"""Huey on Redis, with results that wake whoever waits for them."""

from huey import RedisHuey

from benchmarks.alternatives.picture import make_picture
from benchmarks.alternatives.route import LONGEST_SECONDS, create_app, waiting_address

queue = RedisHuey("pictures", url=waiting_address(), notify_result=True)
make = queue.task()(make_picture)
app = create_app(lambda prompt: str(make(prompt).get(blocking=True, timeout=LONGEST_SECONDS)))
