"""Waiting callers under the production server."""

import time
from concurrent.futures import ThreadPoolExecutor

import redis
import requests

from tests.e2e.stack import Stack, eventually


def test_a_wait_that_is_too_short_answers_like_no_wait_and_the_job_goes_on(stack: Stack) -> None:
    stack.sandbox_settings(latency=1.5)

    answer = stack.generate("takes its time", wait=0.3)

    assert answer.status_code == 202
    assert answer.headers["Retry-After"]
    assert stack.ended(answer.json()["job_id"])["status"] == "succeeded"


def test_prefer_asks_for_a_wait_too(stack: Stack) -> None:
    answer = requests.post(
        f"{stack.base}/generate_image",
        json={"prompt": "preferred"},
        headers={"Prefer": "wait=20"},
        timeout=30,
    )

    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=20"


def test_two_hundred_callers_wait_for_one_job_and_are_woken_together(stack: Stack) -> None:
    stack.sandbox_settings(latency=3)
    job_id = stack.generate("waited for by many", wait=0).json()["job_id"]

    def wait(_: int) -> tuple[str, float]:
        answer = requests.get(f"{stack.base}/jobs/{job_id}?wait=30", timeout=60)
        return answer.json()["status"], time.monotonic()

    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(wait, range(200)))

    assert {status for status, _ in answers} == {"succeeded"}
    woken = [moment for _, moment in answers]
    assert max(woken) - min(woken) < 5


def test_who_waits_asks_redis_nothing_meanwhile(stack: Stack) -> None:
    stack.sandbox_settings(latency=4)
    job_id = stack.generate("waited for in peace", wait=0).json()["job_id"]
    eventually(lambda: stack.job(job_id)["status"] == "running", what="the start")
    client = redis.Redis.from_url(_redis_url(stack))
    reads = _reads(client)

    with ThreadPoolExecutor(30) as pool:
        waits = [pool.submit(stack.job, job_id, 20) for _ in range(30)]
        jobs = [wait.result() for wait in waits]

    assert {job["status"] for job in jobs} == {"succeeded"}
    # each reads the record when it comes, when it has registered, and when it is woken
    assert _reads(client) - reads <= 30 * 4


def test_a_promise_that_takes_too_long_says_when_to_come_back(stack: Stack) -> None:
    stack.sandbox_settings(latency=5)
    url = stack.generate("slow to come", wait=0).json()["image_url"]

    early = stack.get(url)
    head = stack.http.head(stack.base + url, timeout=10)
    eventually(lambda: stack.get(url).status_code == 200, what="the picture")

    assert (early.status_code, early.json()["error_code"]) == (503, "not_ready")
    assert early.headers["Retry-After"]
    assert early.headers["Cache-Control"] == "no-store"
    assert head.status_code == 503


def test_a_promise_that_fails_is_gone(stack: Stack) -> None:
    stack.sandbox_settings(latency=1)
    stack.fault("moderated")
    url = stack.generate("will fail", wait=0).json()["image_url"]

    answer = stack.get(url)

    assert (answer.status_code, answer.json()["error_code"]) == (410, "gone")
    assert "failed" in answer.json()["error"]


def test_no_more_than_twenty_wait_for_one_picture_over_all_processes(stack: Stack) -> None:
    stack.sandbox_settings(latency=2.5)
    url = stack.base + stack.generate("a crowd waits", wait=0).json()["image_url"]

    with ThreadPoolExecutor(30) as pool:
        statuses = list(pool.map(lambda _: requests.get(url, timeout=30).status_code, range(30)))

    assert statuses.count(200) == 20
    assert statuses.count(503) == 10


def _redis_url(stack: Stack) -> str:
    lines = (stack.folder / "data" / "redis.conf").read_text().splitlines()
    conf = dict(line.split(" ", 1) for line in lines)
    return f"redis://:{conf['requirepass']}@127.0.0.1:{conf['port']}/0"


def _reads(client: "redis.Redis") -> int:
    stats = client.info("commandstats")
    return int(stats.get("cmdstat_hgetall", {}).get("calls", 0))


def test_who_has_hung_up_keeps_no_place(stack: Stack) -> None:
    stack.sandbox_settings(latency=8)
    url = stack.base + stack.generate("a crowd that leaves", wait=0).json()["image_url"]

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(_gives_up, [url] * 20)) == [True] * 20

    def has_room() -> bool:
        try:
            return requests.get(url, timeout=0.5).status_code != 503
        except requests.Timeout:
            return True  # it waits

    eventually(has_room, 2.5, "a free place")


def _gives_up(url: str) -> bool:
    try:
        requests.get(url, timeout=0.3)
    except requests.Timeout:
        return True
    return False
