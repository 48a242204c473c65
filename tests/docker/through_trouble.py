"""Kills, upgrades, memory and restarts, for `make docker-test`: together they take minutes.

Not named as tests are, so that `make test` passes by. They share a project with `test_in_docker.py`, and
stand in the order in which they are done to it.
"""

import asyncio
import io
import os
import re

import pytest
from mcp import Client
from PIL import Image

from tests.docker.house import ROOT, House, workers
from tests.e2e.stack import eventually

_REACH = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"


def test_the_tools_for_assistants_are_nobody_and_give_links_that_open_outside(house: House) -> None:
    house.compose("--profile", "mcp", "up", "-d", "--build", "mcp")
    (tools,) = house.of("mcp")
    eventually(lambda: house.inspect(tools)["State"]["Health"]["Status"] == "healthy", 60, "health")

    async def make() -> str:
        async with Client(f"http://127.0.0.1:{house.mcp_port}/mcp") as client:
            made = await client.call_tool("generate_image", {"prompt": "A heron in a container"})
            return str(made.structured_content["image_url"])

    link = asyncio.run(make())

    assert link.startswith(f"{house.base}/saved_images/")
    assert house.http.get(link, timeout=10).ok
    assert house.inside(tools, "id", "-u").stdout == "10001\n"
    assert house.inside(tools, "touch", "/app/intruder").returncode
    (binding,) = house.inspect(tools)["NetworkSettings"]["Ports"][f"{house.mcp_port}/tcp"]
    assert binding["HostIp"] == "127.0.0.1"
    # a page can have a name of its own lead to this machine: not even one that the tools use is taken
    for host in ("api", "api.localhost", "tools"):
        named = {"Host": f"{host}:{house.port}"}
        assert house.http.get(f"{house.base}/jobs", headers=named, timeout=10).status_code == 403
    (redis,) = house.of("redis")
    (address,) = {
        each["IPAddress"] for each in house.inspect(redis)["NetworkSettings"]["Networks"].values()
    }
    for host, port in (("redis", 6379), (address, 6379), ("flower", house.flower_port)):
        assert house.inside(tools, "python", "-c", _REACH, host, str(port)).returncode, host
    assert not house.inside(tools, "python", "-c", _REACH, "api", str(house.port)).returncode
    house.compose("--profile", "mcp", "rm", "-s", "-f", "mcp")


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
    eventually(lambda: workers(house) == 3, 30, "three workers")
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


def test_what_flower_has_seen_outlives_its_container(house: House) -> None:
    (job,) = house.ended(house.submit(["seen by Flower"]))
    task = f"http://127.0.0.1:{house.flower_port}/task/{job['job_id']}"
    eventually(lambda: "SUCCESS" in house.page(task), 30, "the task")
    before = house.of("flower")

    house.compose("up", "-d", "--no-deps", "--force-recreate", "flower")

    house.wait(3)
    assert house.of("flower") != before
    assert "SUCCESS" in house.page(task)


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


def test_a_backup_is_put_back_into_new_volumes_as_the_page_says(house: House) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    back_up, put_back = (
        re.search(r"`(docker compose run [^`]*shared\.backup save [^`]*)`", page),
        re.search(r"```\n(  docker compose up --no-start.*?)```", page, re.DOTALL),
    )
    assert back_up
    assert put_back
    backups = house.folder / "backups"
    backups.mkdir()
    backups.chmod(0o777)  # as `install -o 10001` would, for who is not root
    (kept,) = house.ended(house.submit(["worth a backup"]))
    house.http.post(f"{house.base}/operator/pause", timeout=10)
    (waits,) = house.submit(["waits in the backup"])

    house.paste(back_up[1])
    house.compose("down", "-v")
    with pytest.raises(AssertionError):
        house.paste(put_back[1].replace("/backups/monday", "/backups/mondya"))
    assert not house.containers("--filter=status=running")
    assert "appendonlydir" not in house.compose("run", "--rm", "--no-deps", "-T", "redis", "ls")
    house.paste(put_back[1])

    house.wait(1)
    assert house.http.get(house.base + kept["image_url"], timeout=10).ok
    assert house.job(kept["job_id"])["status"] == "succeeded"
    assert "Restored from a backup" in house.job(waits)["message"]
    assert house.http.post(f"{house.base}/operator/resume", timeout=10).ok
    assert [job["status"] for job in house.ended([waits])] == ["succeeded"]
    # where a store is, none is put back
    with pytest.raises(AssertionError):
        house.paste(put_back[1])
    assert house.job(kept["job_id"])["status"] == "succeeded"
    house.paste('docker compose run --rm --no-deps -T -v "$PWD/backups:/b" worker rm -rf /b/monday')


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
