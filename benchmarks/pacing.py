"""Compare ways to keep to the provider's limit: `python -m benchmarks.pacing [words]`.

Two processes of 40 threads each call an own server (3 s an answer) as fast as the way lets them: one
thread at first and all others 7 s later, as a batch comes some time after a single call; then 13 s of
settling, then three of the way's own periods, of which the use is told. The server lets each call
travel by chance and then counts it in an exact window of 10 s. There is no lock-out here, so that
every call too many is seen; the provider's would last 60 s each time. With words: only the ways whose
name or setting holds one. It takes ten minutes and is no part of `make bench`: it compares what the
service could do with what it does.
"""

import http.client
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from redis import Redis

from benchmarks.figures import quantile, use
from benchmarks.pacing_ways import Contender, CountingConnection, Way, contenders
from benchmarks.plots import Bars
from benchmarks.processes import Channel, beside
from benchmarks.provider import Conduct, Counted, provider
from benchmarks.report import progress, report
from tests.redis_server import embedded_server

_JITTERS = (0.0, 0.05, 0.15)
_THREADS = 40
_START_SECONDS = 4.0
_ALONE_SECONDS = 7.0
_WARM_SECONDS = 20.0
_PERIODS = 3
_HEAD = (
    "way", "setting", "travel ms", "use %", "429s", "Redis calls a grant",
    "wait s: median", "longest", "spread",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Errand:
    """What one process of callers does: whom to call, from when until when (monotonic seconds).

    `alone`: one of its threads begins before all others."""

    contender: Contender
    redis: str
    port: int
    begin: float
    end: float
    alone: bool


@dataclass(frozen=True, slots=True)
class Waited:
    """What a process of callers saw: the seconds each grant was waited for, and Redis calls."""

    seconds: list[float]
    redis_calls: int


def call_all(channel: "Channel[object, object]", errand: Errand) -> None:
    """Call from many threads until the end, in this process; send what was Waited."""
    seconds: list[float] = []
    threads = [
        threading.Thread(target=_call, args=[errand, number, seconds], daemon=True)
        for number in range(_THREADS)
    ]
    for thread in threads:
        thread.start()
    time.sleep(max(0.0, errand.end - time.monotonic()))
    channel.send(Waited(list(seconds), CountingConnection.sent))


def _call(errand: Errand, number: int, seconds: list[float]) -> None:
    way = errand.contender.build(errand.redis)
    begin = errand.begin + (_ALONE_SECONDS if number or not errand.alone else 0)
    while time.monotonic() < errand.end:
        way.ready()
        time.sleep(max(0.0, begin - time.monotonic()))
        asked = time.monotonic()
        if _may_call(way, errand.end):
            seconds.append(time.monotonic() - asked)
            line = http.client.HTTPConnection("127.0.0.1", errand.port, timeout=10)
            line.request("POST", "/")
            line.getresponse().read()
            line.close()


def _may_call(way: Way, end: float) -> bool:
    while pause := way.pause():
        if time.monotonic() + pause > end:
            return False
        time.sleep(pause)
    return True


def measure(contender: Contender, redis: str, jitter: float) -> list[object]:
    """Run one way against one provider; return its row."""
    with provider(Conduct(jitter)) as one_provider:
        port = one_provider.port
        begin = time.monotonic() + _START_SECONDS
        end = begin + _WARM_SECONDS + _PERIODS * contender.period
        first, second = (Errand(contender, redis, port, begin, end, each) for each in (True, False))
        with (
            beside(call_all, first) as one,
            beside(call_all, second) as two,
        ):
            waited = [cast("Waited", channel.recv()) for channel in (one, two)]
        counted = one_provider.counted()
    return row(first, jitter, counted, waited)


def row(errand: Errand, jitter: float, counted: Counted, waited: Sequence[Waited]) -> list[object]:
    """Return what a run showed."""
    seconds = [each for process in waited for each in process.seconds]
    calls = sum(process.redis_calls for process in waited)
    steady = use(counted.accepted, errand.begin + _WARM_SECONDS, errand.end)
    return [
        errand.contender.name,
        errand.contender.setting,
        f"{jitter * 1000:.0f}",
        steady,
        counted.refused,
        calls / len(seconds),
        quantile(seconds, 0.5),
        max(seconds),
        statistics.pstdev(seconds),
    ]


def main(words: Sequence[str]) -> None:
    """Measure every way, or those whose name or setting holds a word; report."""
    chosen = [
        each
        for each in contenders()
        if not words or any(word in f"{each.name} {each.setting}" for word in words)
    ]
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder, embedded_server(Path(folder)) as url:
        for contender in chosen:
            # a database for each travel time, and a fresh one for each way
            with ThreadPoolExecutor(len(_JITTERS)) as pool:
                runs = [
                    pool.submit(measure, contender, f"{url[:-1]}{number}", jitter)
                    for number, jitter in enumerate(_JITTERS)
                ]
            rows += [run.result() for run in runs]
            _empty(url)
            progress(f"{contender.name}, {contender.setting}: measured")
    report("pacing", _HEAD, rows, plot(rows), ["There is no lock-out here: each 429 is counted."])


def plot(rows: Sequence[Sequence[object]]) -> Bars:
    """Return each way's use of the limit, by travel."""
    of_ways = [rows[at : at + len(_JITTERS)] for at in range(0, len(rows), len(_JITTERS))]
    series = {
        f"{1000 * jitter:.0f} ms of travel": [float(str(of[number][3])) for of in of_ways]
        for number, jitter in enumerate(_JITTERS)
    }
    names = [f"{name}, {setting}" for (name, setting, *_), *_ in of_ways]
    return Bars("Use of the provider's limit, by way of pacing", "%", names, series)


def _empty(url: str) -> None:
    with Redis.from_url(url) as client:
        client.flushall()


if __name__ == "__main__":
    main(sys.argv[1:])
