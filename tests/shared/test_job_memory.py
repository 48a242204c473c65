"""What a finished job takes in Redis is what operators are told to reckon with."""

from redis import Redis

from shared.job_store import JobStore
from tests.builders import CLAIM, LEASE_MS, accepted

# README and docs say 1.5 KB for an ordinary prompt.
MOST_BYTES = 1_500
JOBS = 500
PROMPT = (
    "A lighthouse on a cliff at dusk, long exposure, waves like mist, warm window light, 35mm film"
)
RESULT = {"format": "webp", "width": 1536, "height": 1536, "bytes": 183_224, "seed": 343_940_597}


def used(redis: "Redis") -> int:
    """Return the bytes that the server has allocated for its data."""
    return int(redis.info("memory")["used_memory"])


def finish_one(store: JobStore) -> None:
    """Bring a job to its end."""
    request = {"prompt": PROMPT, "model": "core", "aspect_ratio": "1:1", "output_format": "webp"}
    job = accepted(store, request=request, request_id="a" * 32)
    store.claim(job.id, CLAIM, LEASE_MS)
    assert store.begin_call(job.id, CLAIM, 10_000).word == "go"
    store.succeed(
        job.id, provider_ms=4_630, provider_request_id="f" * 32, result=RESULT, credits=3_000
    )


def test_a_finished_job_takes_no_more_than_is_told(store: JobStore, redis_client: "Redis") -> None:
    finish_one(store)  # scripts, counters and connections are there from now on
    before = used(redis_client)

    for _ in range(JOBS):
        finish_one(store)

    assert (used(redis_client) - before) / JOBS < MOST_BYTES
