"""Each alternative makes a picture, as the benchmarks run it, with a thread or two."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from benchmarks.alternatives.running import ALTERNATIVES, Alternative, alternative
from benchmarks.provider import NO_LIMIT, Conduct, provider

for _package in ("rq", "dramatiq", "huey"):
    pytest.importorskip(_package, reason="comes with requirements-bench.txt")


@dataclass(frozen=True, slots=True)
class _Made:
    """What one has answered, and what it has kept."""

    answer: requests.Response
    kept: bytes


def _make(chosen: Alternative, folder: Path, port: int) -> _Made:
    provider = f"http://127.0.0.1:{port}"
    with alternative(chosen, folder, provider, threads=2, processes=1) as address:
        answer = requests.post(address, json={"prompt": "a fox"}, timeout=60)
    name = str(answer.json()["image_url"]).removeprefix("/saved_images/")
    return _Made(answer, (folder / "pictures" / name).read_bytes())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, "Future[_Made]"]]:
    """Have all of them make a picture, at once: most of the time is their start and their stop."""
    folder = tmp_path_factory.mktemp("alternatives")
    with (
        provider(Conduct(latency=0, rate=NO_LIMIT)) as stands,
        ThreadPoolExecutor(len(ALTERNATIVES)) as pool,
    ):
        yield {
            each.name: pool.submit(_make, each, folder / str(number), stands.port)
            for number, each in enumerate(ALTERNATIVES)
        }


@pytest.mark.parametrize("name", [each.name for each in ALTERNATIVES])
def test_a_picture_is_made_and_kept(name: str, made: dict[str, "Future[_Made]"]) -> None:
    told = made[name].result(timeout=120)

    assert told.answer.status_code == 200
    assert told.kept[:4] == b"RIFF"
