"""Builders of what many tests need: a job, a job brought to a state, a picture of the database."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar, cast

from redis import Redis

from shared.batches import Batch
from shared.job_store import JobStore
from shared.jobs import Job, new_image_name, new_job_id
from shared.moves import Release
from shared.over_limit import OverLimit
from shared.scripts import PREFIX

LEASE_MS = 30_000
HOUR_MS = 3_600_000
LANES = ("queued", "queued_batch")
PLACES = (*LANES, "delayed", "dispatched", "running", "parked", "resuming", "ending")
CLAIM = "c1"
PROVIDER_ID = "a" * 64

T = TypeVar("T")
R = TypeVar("R")


def a_job(**changes: Any) -> Job:
    """Return a new job for a square picture by generate/core."""
    job = Job(
        id=new_job_id(),
        kind="generate",
        operation="generate/core",
        variant="core",
        request={"prompt": "a fox", "aspect_ratio": "1:1", "output_format": "png"},
        image=new_image_name("png"),
        estimate=3_000,
        created=0,
        deadline=60_000,
    )
    return replace(job, **changes)


def accepted(store: JobStore, **changes: Any) -> Job:
    """Return a job that the store has taken."""
    return store.accept(a_job(**changes), 10_000).job


def fits(order: Callable[[], object]) -> bool:
    """Tell whether an order is within every limit."""
    try:
        order()
    except OverLimit:
        return False
    return True


def a_batch(number: int = 3, **changes: Any) -> tuple[Batch, list[Job]]:
    """Return a new batch and its jobs, with ids in their order as the API gives them."""
    batch = Batch(id=new_job_id(), owner=changes.get("owner", ""))
    ids = sorted(new_job_id() for _ in range(number))
    return batch, [a_job(id=job_id, batch=batch.id, **changes) for job_id in ids]


def accepted_batch(store: JobStore, number: int = 3, **changes: Any) -> Batch:
    """Return a batch that the store has taken."""
    return store.accept_batch(*a_batch(number, **changes), 10_000).batch


def running(store: JobStore, **changes: Any) -> Job:
    """Return a job that runs under CLAIM."""
    job = store.claim(accepted(store, **changes).id, CLAIM, LEASE_MS)
    assert job is not None
    return job


def orphan(store: JobStore, redis: "Redis", *, sent: bool, **changes: Any) -> Job:
    """Return a running job whose worker is gone, before or after it sent its call."""
    job = running(store, **changes)
    if sent:
        assert store.begin_call(job.id, CLAIM, 10_000).word == "go"
    redis.zadd(f"{PREFIX}running", {job.id: 1})
    return known(store, job.id)


def parked(store: JobStore, ms: int = 60_000, **changes: Any) -> Job:
    """Return a job that cooks at the provider; its result can be asked for in so many ms."""
    job = running(store, **changes)
    assert store.begin_call(job.id, CLAIM, 10_000).word == "go"
    assert store.park(job.id, PROVIDER_ID, ms)
    return known(store, job.id)


def dispatched(store: JobStore, job: Job) -> str:
    """Return the id of a job for which a message was sent."""
    store.heartbeat("w", 100, 60_000)
    assert job.id in store.dispatch()
    store.heartbeat("w", 0, 0)
    return job.id


def resumed(store: JobStore, claim: str = CLAIM, **changes: Any) -> str:
    """Return the id of a job that a worker has taken up again, to ask for its result."""
    job_id = dispatched(store, parked(store, 0, **changes))
    assert store.claim(job_id, claim, LEASE_MS)
    return job_id


def due(redis: "Redis", job_id: str) -> int:
    """Return when the result of a parked job can be asked for, in ms from now."""
    score = redis.zscore(f"{PREFIX}parked", job_id)
    assert score is not None
    return int(score) - now_ms(redis)


def given_up_in(redis: "Redis", job_id: str) -> float:
    """Return in how many ms a job is past its deadline: to be bought, or to be fetched."""
    deadline = redis.zscore(f"{PREFIX}deadlines", job_id)
    assert deadline is not None
    return deadline - now_ms(redis)


def in_state(store: JobStore, state: str) -> str:
    """Return the id of a job in a state: a status, a place of a job that has not ended, or missing."""
    if state == "missing":
        return new_job_id()
    if state == "dispatched":
        return dispatched(store, accepted(store))
    if state in {"parked", "resuming"}:
        job = parked(store, 0 if state == "resuming" else 60_000)
        return dispatched(store, job) if state == "resuming" else job.id
    job = accepted(store) if state == "queued" else running(store)
    if state == "delayed":
        assert store.release(job.id, CLAIM, Release(pause_ms=60_000))
    elif state == "succeeded":
        assert store.succeed(job.id)
    elif state == "failed":
        assert store.fail(job.id, CLAIM)
    elif state == "canceled":
        assert store.cancel([job.id]) == 1
    return job.id


def known(store: JobStore, job_id: str) -> Job:
    """Return a job that must be there."""
    job = store.get(job_id)
    assert job is not None
    return job


def places(redis: "Redis", job_id: str) -> list[str]:
    """Return the indexes in which a job stands."""
    owner = cast("str | None", redis.hget(f"{PREFIX}job:{job_id}", "owner"))
    return [place for place in PLACES if redis.zscore(place_key(place, owner), job_id) is not None]


def place_key(place: str, owner: str | None = "") -> str:
    """Return the name of an index; an owner's lanes are its own."""
    return f"{PREFIX}{place}:{owner}" if owner and place in LANES else f"{PREFIX}{place}"


def dump(redis: "Redis") -> dict[str, Any]:
    """Return everything in the database."""
    read: dict[str, Callable[[str], Any]] = {
        "hash": redis.hgetall,
        "string": redis.get,
        "list": lambda name: redis.lrange(name, 0, -1),
        "set": lambda name: sorted(cast("set[str]", redis.smembers(name))),
        "zset": lambda name: redis.zrange(name, 0, -1, withscores=True),
    }
    return {str(name): read[str(redis.type(name))](str(name)) for name in redis.scan_iter()}


def now_ms(redis: "Redis") -> int:
    """Return the time by the store's clock."""
    seconds, micros = redis.time()
    return int(seconds) * 1000 + int(micros) // 1000


def at_once(work: Callable[[T], R], items: Iterable[T], threads: int = 50) -> list[R]:
    """Do the same work on every item at once; return the answers in order."""
    todo = list(items)
    gate = threading.Barrier(min(threads, len(todo)))

    def step(numbered: tuple[int, T]) -> R:
        if numbered[0] < gate.parties:
            gate.wait(10)
        return work(numbered[1])

    with ThreadPoolExecutor(gate.parties) as pool:
        return list(pool.map(step, enumerate(todo)))


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Return when a condition holds; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
