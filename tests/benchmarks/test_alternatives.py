"""Each alternative makes a picture, as the benchmarks run it, with a thread or two."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from benchmarks.alternatives.running import ALTERNATIVES, Alternative, alternative
from benchmarks.provider import NO_LIMIT, Conduct, Provider, provider

for _package in ("rq", "dramatiq", "huey"):
    pytest.importorskip(_package, reason="comes with requirements-bench.txt")


@pytest.fixture(scope="module")
def counting() -> Iterator[Provider]:
    with provider(Conduct(latency=0, rate=NO_LIMIT)) as stands:
        yield stands


@pytest.mark.parametrize("chosen", ALTERNATIVES, ids=lambda each: each.module)
def test_a_picture_is_made_and_kept(
    chosen: Alternative, counting: Provider, tmp_path: Path
) -> None:
    called = len(counting.counted().accepted)
    url = f"http://127.0.0.1:{counting.port}"

    with alternative(chosen, tmp_path / "own", url, threads=2, processes=1) as address:
        answer = requests.post(address, json={"prompt": "a fox"}, timeout=60)

    assert answer.status_code == 200, answer.text
    name = answer.json()["image_url"].removeprefix("/saved_images/")
    assert (tmp_path / "own" / "pictures" / name).read_bytes()[:4] == b"RIFF"
    assert len(counting.counted().accepted) == called + 1
