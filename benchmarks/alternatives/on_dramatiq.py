"""Dramatiq with its Redis broker and result backend."""

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from benchmarks.alternatives.picture import make_picture
from benchmarks.alternatives.route import LONGEST_SECONDS, create_app, waiting_address

broker = RedisBroker(url=waiting_address())
broker.add_middleware(Results(backend=RedisBackend(url=waiting_address())))
dramatiq.set_broker(broker)
make = dramatiq.actor(store_results=True, max_retries=0)(make_picture)
app = create_app(
    lambda prompt: str(make.send(prompt).get_result(block=True, timeout=LONGEST_SECONDS * 1000))
)
