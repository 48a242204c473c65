"""Calls that block run beside the callers of a web process, and print nothing of what they raise."""

import subprocess
import sys

SCRIPT = """
from gevent import monkey
monkey.patch_all()
import gevent
from gevent.monkey import get_original
from api.aside import Aside
from shared.image_store import StorageAway

aside, turns, sleep = Aside(), [], get_original("time", "sleep")

def spin():
    while True:
        gevent.sleep(0.01)
        turns.append(1)

def missing():
    raise FileNotFoundError("a name that opens a picture")

gevent.spawn(spin)
print(aside(lambda: sleep(0.5) or "done"), len(turns) > 5)
try:
    aside(missing)
except FileNotFoundError:
    print("raised here")

import api.aside
api.aside._PATIENCE_SECONDS = 0.2
hanging = [gevent.spawn(aside, lambda: sleep(1)) for _ in range(32)]
gevent.sleep(0.1)
try:
    aside(lambda: "too late")
except StorageAway as away:
    print(away.strerror)

api.aside._THREADS = 1
aside = Aside()

def read_on():
    while True:
        aside(lambda: sleep(0.01))

gevent.spawn(read_on)
gevent.sleep(0.02)
print(aside(lambda: "had its turn"))

places = api.aside._Places(1)
places.take(0)
gone, going = gevent.spawn(places.take, 9), gevent.spawn(places.take, 9)
gevent.sleep(0)
gone.kill()
going.kill(block=False)
places.give_back()  # to one that is about to go
gevent.sleep(0.05)
print("nobody keeps a place who has gone", places.take(0), places.take(0))
"""


def test_calls_run_beside_callers_and_nobody_waits_for_a_thread_for_long() -> None:
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False
    )

    assert told.stdout.splitlines() == [
        "done True",
        "raised here",
        "too slow",
        "had its turn",
        "nobody keeps a place who has gone True False",
    ], told.stderr
    assert told.stderr == ""
