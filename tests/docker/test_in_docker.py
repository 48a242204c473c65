"""`docker compose up` and nothing else: it works, survives, upgrades, and keeps what it promises.

The tests share one project, in the order in which they stand, for building takes a minute.
"""

import io
import os
import re
from collections.abc import Iterator

import pytest
from PIL import Image

from tests.docker.house import OURS, SECRET, SERVICES, House, missing
from tests.e2e.stack import eventually

_REASON = missing()
pytestmark = pytest.mark.skipif(bool(_REASON), reason=_REASON)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give a project that was started as a newcomer does."""
    house = House(tmp_path_factory.mktemp("docker"))
    try:
        house.up("--build")
        yield house
    finally:
        house.remove()


def test_a_newcomer_gets_a_picture_and_a_warning(house: House) -> None:
    answer = house.http.post(
        f"{house.base}/generate_image?wait=true", json={"prompt": "A magical forest"}, timeout=60
    )

    assert answer.status_code == 200, answer.text
    picture = house.http.get(house.base + answer.json()["image_url"], timeout=10)
    assert Image.open(io.BytesIO(picture.content)).size == (1536, 1536)
    assert "CLIENT_KEYS is not set" in house.compose("logs", "api")
    flower = house.http.get(f"http://127.0.0.1:{house.flower_port}/workers", timeout=10)
    assert "celery@" in flower.text


def test_nothing_can_be_reached_from_elsewhere(house: House) -> None:
    published = {
        service: [
            (binding["HostIp"], binding["HostPort"])
            for container in house.of(service)
            for bindings in house.inspect(container)["NetworkSettings"]["Ports"].values()
            for binding in bindings or []
        ]
        for service in SERVICES
    }

    assert published == {
        "api": [("127.0.0.1", str(house.port))],
        "flower": [("127.0.0.1", str(house.flower_port))],
        "worker": [],
        "sandbox": [],
        "redis": [],
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_part_is_nobody_and_can_write_nowhere_but_where_it_must(
    house: House, service: str
) -> None:
    container = house.of(service)[0]

    for folder in ("/", "/usr/local/bin", "/etc", "/var", "/app"):
        wrote = house.inside(container, "touch", f"{folder}/intruder")
        assert wrote.returncode, folder
    assert int(house.inside(container, "id", "-u").stdout) in {10001, 999}
    status = house.inside(container, "cat", "/proc/1/status").stdout
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)
    assert house.inspect(container)["HostConfig"]["Memory"] > 0
    if service in OURS:
        assert re.search(r"^Name:\ttini$", status, re.MULTILINE)
        assert house.inside(container, "touch", "/tmp/mine").returncode == 0  # noqa: S108


def test_no_secret_stands_in_an_image_or_an_argument(house: House) -> None:
    api, redis = house.of("api")[0], house.of("redis")[0]
    image = house.inspect(api)["Image"]

    assert f"WEBHOOK_SECRET={SECRET}" in house.inspect(api)["Config"]["Env"]
    assert SECRET not in house.docker("history", "--no-trunc", image)
    assert SECRET not in house.docker("image", "inspect", image)
    for pattern in (".env", ".git", "tests", "pip", "*.ipynb", "docker-compose.yml"):
        found = house.inside(api, "find", "/app", "/opt/venv", "-name", pattern)
        assert found.stdout == "", pattern
    assert house.inside(api, "grep", "-rl", SECRET, "/app", "/opt/venv").stdout == ""
    for container in (api, redis):
        told = house.inspect(container)
        arguments = [*told["Args"], *(told["Config"]["Cmd"] or []), house.docker("top", container)]
        assert not [each for each in arguments if SECRET in each or ":private@" in each]
    assert "requirepass private" not in " ".join(house.inspect(redis)["Args"])


def test_calls_under_way_are_finished_when_a_worker_is_stopped(house: House) -> None:
    house.sandbox("PUT", "settings", {"latency": 8})
    jobs = house.submit([f"slow {number}" for number in range(3)])
    eventually(lambda: house.sandbox("GET", "")["stats"]["in_flight"] == 3, 20, "three calls")
    worker = house.of("worker")[0]

    house.docker("stop", worker)

    assert house.inspect(worker)["State"]["ExitCode"] == 0
    # whoever looks is told at once: nothing is left to be done
    ended = [house.job(job) for job in jobs]
    assert [(job["status"], job["attempts"]) for job in ended] == [("succeeded", 1)] * 3
    assert [house.charged(f"slow {number}") for number in range(3)] == [1] * 3
    house.sandbox("PUT", "settings", {"latency": 2})
    house.docker("start", worker)
    house.wait(1)


def test_nothing_is_lost_when_parts_are_killed(house: House) -> None:
    house.set(PROVIDER_RATE="20/10s")
    house.up(workers=3)
    eventually(lambda: _workers(house) == 3, 30, "three workers")
    prompts = [f"survivor {number}" for number in range(60)]
    jobs = house.submit(prompts)
    house.begun(jobs)

    house.kill_inside(house.of("worker")[0])
    house.kill_inside(house.of("api")[0])
    redis = house.of("redis")[0]
    house.docker("kill", redis)
    house.docker("start", redis)

    ended = house.ended(jobs)
    assert {job["status"] for job in ended} == {"succeeded"}
    house.wait(3)
    # what was under way in the killed worker may be paid twice, and nothing else
    for job, prompt in zip(ended, prompts, strict=True):
        assert house.charged(prompt) <= (2 if job["attempts"] > 1 else 1)


def test_an_upgrade_in_place_loses_nothing_and_pays_nothing_twice(house: House) -> None:
    before = house.inspect(house.of("worker")[0])["Image"]
    prompts = [f"upgrade {number}" for number in range(100)]
    jobs = house.submit(prompts)
    house.begun(jobs)
    with (house.folder / "worker" / "__init__.py").open("a") as source:
        source.write("# changed\n")

    # the sandbox stands for the provider, and is not upgraded
    house.up("--build", "--no-deps", "api", "worker", "flower", workers=3)

    assert house.inspect(house.of("worker")[0])["Image"] != before
    ended = house.ended(jobs)
    assert {job["status"] for job in ended} == {"succeeded"}
    moment = house.inspect(house.of("worker")[0])["State"]["StartedAt"]
    assert {job["finished_at"] < moment for job in ended} == {True, False}
    ledger = [entry["fields"].get("prompt") for entry in house.sandbox("GET", "ledger")["entries"]]
    assert {prompt: ledger.count(prompt) for prompt in prompts} == dict.fromkeys(prompts, 1)


def test_a_load_of_upscales_stays_within_the_memory(house: House) -> None:
    noise = Image.frombytes("RGB", (256, 256), os.urandom(256 * 256 * 3))
    file = io.BytesIO()
    noise.save(file, "PNG")
    jobs = []
    for _ in range(40):
        answer = house.http.post(
            f"{house.base}/upscale_image",
            files={"image": ("noise.png", file.getvalue())},
            data={"output_format": "png"},
            timeout=20,
        )
        jobs.append(answer.json()["job_id"])

    assert {job["status"] for job in house.ended(jobs)} == {"succeeded"}
    for container in house.containers():
        state = house.inspect(container)["State"]
        assert (state["OOMKilled"], state["Running"]) == (False, True)


def test_what_was_made_outlives_the_containers_and_then_needs_a_key(house: House) -> None:
    (kept,) = house.ended(house.submit(["keepsake"]))
    house.compose("down")
    assert not house.containers()
    house.set(
        CLIENT_KEYS="alice:" + "k" * 40, REDIS_PASSWORD="another1", OPERATOR_AUTH="o:" + "p" * 20
    )

    house.up()

    assert house.http.get(house.base + kept["image_url"], timeout=10).ok
    assert _order(house) == 401
    assert _order(house, Authorization="Bearer " + "k" * 40) == 200
    assert "CLIENT_KEYS is not set" not in house.compose("logs", "api")
    redis = house.of("redis")[0]
    refused = house.inside(redis, "env", "REDISCLI_AUTH=private", "valkey-cli", "ping")
    assert "NOAUTH" in refused.stdout + refused.stderr


def _order(house: House, **headers: str) -> int:
    answer = house.http.post(
        f"{house.base}/generate_image?wait=true",
        json={"prompt": "A fox"},
        headers=headers,
        timeout=60,
    )
    return answer.status_code


def _workers(house: House) -> int:
    """Return how many workers' heartbeats count."""
    told = house.http.get(f"{house.base}/metrics", timeout=10).text
    found = re.search(r"^image_api_workers (\d+)", told, re.MULTILINE)
    return int(found[1]) if found else 0
