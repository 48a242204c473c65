"""A job store with as many finished jobs as asked for: a thousand real ones, and copies of them."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from redis import Redis

from shared.census import Registrar
from shared.job_index import EVERYBODYS, JobIndex, Wanted
from shared.job_store import JobStore
from shared.jobs import Job
from shared.moves import Pace
from shared.retirement import Retirement
from shared.scripts import PREFIX
from shared.services import connect
from tests.builders import a_batch, a_job
from tests.redis_server import embedded_server

REAL = 1_000
_HANDS = 32
_BATCH = 50
_LEASE_MS = 30_000
_QUEUE = 10_000_000
PROMPT = (
    "A lighthouse on a cliff at dusk, long exposure, waves like mist, warm window light, 35mm film"
)
REQUEST = {"prompt": PROMPT, "model": "core", "aspect_ratio": "1:1", "output_format": "webp"}
_RESULT = {"format": "webp", "width": 1536, "height": 1536, "bytes": 183_224, "seed": 343_940_597}
# Owners have as many jobs alone as in batches; one job in twenty has failed.
OWNERS = ("", "alice")
FAILED = 20
# Bytes.
_ROUNDING = 128
# Each copy of the thousand lies so much further back.
_BACK_MS = 120_000

# Copies finished jobs, and the batches that they are of, under ids of their own, further back in time;
# with all that the scripts keep of such a job: record, image name, place in a list, bytes.
# ARGV: which copy, ms to go back, then what is copied, as job:<id> or batch:<id>.
_COPY = """
local prefix, nth, back = KEYS[1], ARGV[1], tonumber(ARGV[2])
local function other(name, length) return redis.sha1hex(name .. ':' .. nth):sub(1, length) end
local function earlier(record, names)
  for _, name in ipairs(names) do
    if redis.call('HEXISTS', record, name) == 1 then redis.call('HINCRBY', record, name, -back) end
  end
end
local function copied(kind, id)
  local record = prefix .. kind .. ':' .. other(id, 32)
  redis.call('COPY', prefix .. kind .. ':' .. id, record)
  earlier(record, { 'created', 'deadline', 'started', 'finished', 'called' })
  return record
end
for i = 3, #ARGV do
  local kind, id = ARGV[i]:match('^(%a+):(%x+)$')
  local record = copied(kind, id)
  if kind == 'batch' then
    local jobs = redis.call('HGET', record, 'jobs'):gsub('%x+', function(job) return other(job, 32) end)
    redis.call('HSET', record, 'jobs', jobs)
  else
    local image, what, status, owner, batch, created, stored = unpack(redis.call('HMGET', record,
      'image', 'kind', 'status', 'owner', 'batch', 'created', 'stored'))
    image = other(image, 22) .. image:match('%.%a+$')
    redis.call('HSET', record, 'image', image)
    if batch then redis.call('HSET', record, 'batch', other(batch, 32)) end
    redis.call('SET', prefix .. 'image:' .. image, other(id, 32))
    local list = prefix .. 'list:' .. (owner and owner .. ':' or '') .. what .. ':' .. status
    redis.call('ZADD', list, created, other(id, 32))
    if stored then redis.call('INCRBY', prefix .. 'stored_bytes', stored) end
  end
end
"""


@dataclass(frozen=True, slots=True)
class Filled:
    """A store, what asks it, and its server."""

    redis: "Redis"
    store: JobStore
    index: JobIndex
    registrar: Registrar
    retirement: Retirement
    folder: Path

    @property
    def bytes_held(self) -> int:
        """What the server's data take in memory."""
        return int(self.redis.info("memory")["used_memory"])

    @property
    def bytes_of_file(self) -> int:
        """What the server has written for the next start."""
        return sum(path.stat().st_size for path in (self.folder / "appendonlydir").iterdir())


@contextmanager
def filled(folder: Path) -> Iterator[Filled]:
    """Run a server of its own whose store has the first thousand jobs."""
    folder.mkdir()
    with embedded_server(folder) as url:
        redis, pace = connect(url), Pace(0.01)
        of = partial(_asked, redis, pace)
        stands = Filled(
            redis, JobStore(redis, pace), of(JobIndex), of(Registrar), Retirement(redis), folder
        )
        stands.store.heartbeat("benchmark", 1_000_000, 86_400_000)
        yield stands
        redis.connection_pool.disconnect()


def _asked(redis: "Redis", pace: Pace, kind: Any) -> Any:
    return kind(redis, pace)


def make_real(stands: Filled) -> list[str]:
    """Bring a thousand jobs through their life by the product's own scripts; return their names."""
    jobs: list[Job] = []
    for owner in OWNERS:
        given = {
            "owner": owner,
            "deadline": 86_400_000,
            "request": REQUEST,
            "request_id": "a" * 32,
        }
        share = REAL // len(OWNERS) // 2
        jobs += [stands.store.accept(a_job(**given), _QUEUE).job for _ in range(share)]
        for _ in range(0, share, _BATCH):
            jobs += stands.store.accept_batch(*a_batch(_BATCH, **given), _QUEUE).jobs
    with ThreadPoolExecutor(_HANDS) as pool:
        list(pool.map(lambda each: end(stands, each[1], each[0]), enumerate(jobs)))
    batches = {job.batch for job in jobs if job.batch}
    return [*(f"job:{job.id}" for job in jobs), *(f"batch:{batch}" for batch in batches)]


def end(stands: Filled, job: Job, number: int = 1) -> None:
    """Bring an accepted job to its end: one of twenty fails."""
    store = stands.store
    store.dispatch()
    store.claim(job.id, "benchmark", _LEASE_MS)
    while store.begin_call(job.id, "benchmark", 10_000).word != "go":
        time.sleep(0.0005)
    if number % FAILED:
        store.succeed(
            job.id, provider_ms=4_630, provider_request_id="f" * 32, result=_RESULT, credits=3_000
        )
    else:
        store.fail(
            job.id, "benchmark", error="The provider refused it", error_code="invalid", credits=0
        )


def grow(stands: Filled, names: Sequence[str], begin: int, jobs: int) -> None:
    """Copy what has these names until there are so many jobs, from so many on; compact the file."""
    copy = stands.redis.register_script(_COPY)
    stands.redis.config_set("appendonly", "no")
    for nth in range(begin // REAL, jobs // REAL):
        # a few at a time: a command is given a second, also on a busy machine
        for first in range(0, len(names), 100):
            args: list[str | int] = [nth, nth * _BACK_MS, *names[first : first + 100]]
            copy(keys=[PREFIX], args=args)
    stands.redis.config_set("appendonly", "yes")
    _until_written(stands)


def compact(stands: Filled) -> None:
    """Have the server write its file anew, without what has changed since."""
    stands.redis.bgrewriteaof()
    _until_written(stands)


def _until_written(stands: Filled) -> None:
    while any(stands.redis.info("persistence")[name] for name in _REWRITES):
        time.sleep(0.1)


_REWRITES = ("aof_rewrite_in_progress", "aof_rewrite_scheduled")


def differences(stands: Filled, jobs: int, others: int = 0) -> list[str]:
    """Return in what the copies are unlike the real ones: in number, in form, in what they take.

    `others` is how many jobs of other kinds the store has besides.
    """
    redis, found = stands.redis, []
    keys = Counter(key.split(":")[1] for key in redis.scan_iter(f"{PREFIX}*", count=10_000))
    batches = jobs // 2 // _BATCH
    for kind, number in (("job", jobs + others), ("image", jobs + others), ("batch", batches)):
        found += [f"{keys[kind]} of {kind}, {number} wanted"] if keys[kind] != number else []
    if sum(stands.registrar.take().jobs.values()) != jobs + others:
        found.append("the lists have another number of jobs")
    newest = stands.index.newest(Wanted(EVERYBODYS, limit=REAL + others))
    oldest = [stands.store.get(job_id) for job_id in _oldest(redis, 200)]
    forms = {_form(redis, job): _size(redis, job) for job in newest}
    found += [f"{job}" for job in oldest if job is None or not _alike(redis, job, forms)]
    found += [job.id for job in oldest if job and stands.store.find_by_image(job.image) != job]
    return found


def _oldest(redis: "Redis", number: int) -> list[str]:
    lists = [f"{PREFIX}list:{owner}generate:succeeded" for owner in ("", "alice:")]
    return [job for name in lists for job in cast("list[str]", redis.zrange(name, 0, number // 2))]


def _form(redis: "Redis", job: Job) -> tuple[object, ...]:
    key = f"{PREFIX}job:{job.id}"
    names = frozenset(cast("dict[str, str]", redis.hgetall(key)))
    return names, redis.object("encoding", key)


def _size(redis: "Redis", job: Job) -> int:
    return cast("int", redis.memory_usage(f"{PREFIX}job:{job.id}"))


def _alike(redis: "Redis", job: Job, forms: Mapping[tuple[object, ...], int]) -> bool:
    """Tell whether a record has a real one's form and, but for what is rounded, its size."""
    size = forms.get(_form(redis, job))
    return size is not None and abs(_size(redis, job) - size) <= _ROUNDING
