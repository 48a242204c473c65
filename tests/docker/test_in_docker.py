"""`docker compose up` and nothing else: what a newcomer gets, and what nobody else can reach.

What takes minutes is in `through_trouble.py`, for `make docker-test`.
"""

import io
import re

import pytest
from PIL import Image

from tests.docker.house import OURS, SECRET, SERVICES, House


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


def test_the_doctor_finds_nothing_wrong_from_inside(house: House) -> None:
    told = house.compose("exec", "-T", "worker", "python", "-m", "worker.doctor")

    assert "0 wrong" in told
    assert "1 alive, room for 200 calls" in told
