"""`python -m tests.fuzz.uploads`: what do door, routes and worker make of pictures that mean harm?

Every input goes through the door's check, every fourth through the whole app, and what the door takes
through the worker's preparation. Each is known by its number: `--first 4711 --inputs 1` is one again.
"""

import argparse
import faulthandler
import io
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from redis import Redis
from werkzeug.datastructures import FileStorage

from api.app import create_app
from api.uploads import Upload, read_image
from shared.errors import BrokenImage, PayloadTooLarge
from shared.image_file import inspect
from shared.services import build_services, connect
from shared.settings import Settings, load_settings
from tests.fakes import RememberingQueue
from tests.fuzz.mutations import mutant, real_pictures, request_with
from tests.measuring import memory_held
from tests.redis_server import embedded_server
from worker.preparing import prepare

# Seconds of a core that one input may take; far above what any took, since machines are slow at times.
MOST_SECONDS = {"door": 0.5, "app": 2.0, "worker": 3.0}
MOST_MEMORY = 96_000_000
# Connections to the store come and go; a file that each input leaves open would be hundreds.
MOST_FILES = 5
_APP_EVERY = 4
# Accepted jobs are forgotten from time to time, as a worker would see to it.
_FORGET_EVERY = 500


@dataclass
class Report:
    """What became of the inputs: outcomes and times (s) by stage, and what must not be."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: list[str] = field(default_factory=list)

    def note(self, stage: str, outcome: str, seconds: float, number: int) -> None:
        """Note what one stage made of one input."""
        self.outcomes[stage, outcome] += 1
        self.seconds[stage].append(seconds)
        if seconds > MOST_SECONDS[stage]:
            self.failures.append(f"input {number}: {stage} took {seconds:.2f} s")

    def table(self) -> str:
        """Return the outcomes as a table of Markdown."""
        lines = ["| stage | outcome | inputs |", "| --- | --- | ---: |"]
        for (stage, outcome), count in sorted(
            self.outcomes.items(), key=lambda told: (told[0][0], -told[1])
        ):
            lines.append(f"| {stage} | {outcome} | {count:,} |")
        lines += ["", "| stage | median ms | longest ms |", "| --- | ---: | ---: |"]
        for stage, took in self.seconds.items():
            lines.append(
                f"| {stage} | {statistics.median(took) * 1000:.2f} | {max(took) * 1000:.1f} |"
            )
        return "\n".join(lines)


class Fuzz:
    """One run: an app on a store of its own, and what became of the inputs."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self.settings, self.seed, self.report = settings, seed, Report()
        self.redis: Redis = connect(settings.required_redis_url)
        self.services = build_services(settings, RememberingQueue())
        self.app: Flask = create_app(self.services)
        self.pictures = real_pictures()

    def close(self) -> None:
        """Let go of the store."""
        self.services.events.close()
        self.redis.close()

    def run(self, first: int, inputs: int) -> Report:
        """Send so many inputs through everything."""
        self._send(0)
        self.redis.ping()
        self.services.store.check()  # what is opened and loaded once does not count
        self.report = Report()
        before, most = (_open_files(), memory_held()), 0
        for number in range(first, first + inputs):
            self._send(number)
            if number % _FORGET_EVERY == 0:
                self._forget()
                most = max(most, memory_held())
        self._forget()
        grown = max(most, memory_held()) - before[1]
        self.report.outcomes["process", f"memory grown by {grown / 1e6:.0f} MB"] = inputs
        if grown > MOST_MEMORY:
            self.report.failures.append(f"memory has grown by {grown} bytes")
        if (left := _open_files() - before[0]) > MOST_FILES:
            self.report.failures.append(f"{left} files are still open")
        return self.report

    def _send(self, number: int) -> None:
        rng = random.Random(f"{self.seed}:{number}")
        data = mutant(rng, self.pictures)
        upload = self._at_the_door(number, data)
        if upload:
            self._in_the_worker(number, data, upload)
        if number % _APP_EVERY == 0:
            self._in_the_app(number, rng, data)

    def _at_the_door(self, number: int, data: bytes) -> Upload | None:
        begun, upload = time.process_time(), None
        try:
            upload, faults = read_image(FileStorage(io.BytesIO(data), "a"), self.settings)
            outcome = _plain(faults[0]["error"]) if faults else "taken"
        except PayloadTooLarge:
            outcome, faults = "too many bytes", []
        except Exception as error:  # noqa: BLE001 - that is what we look for
            self.report.failures.append(f"input {number}: the door raised {error!r}")
            return None
        self.report.note("door", outcome, time.process_time() - begun, number)
        return upload if outcome == "taken" else None

    def _in_the_worker(self, number: int, data: bytes, upload: Upload) -> None:
        begun, info = time.process_time(), inspect(data)
        try:
            made = prepare(data, info)
        except BrokenImage as error:
            self.report.note("worker", error.message, time.process_time() - begun, number)
            return
        except Exception as error:  # noqa: BLE001 - that is what we look for
            self.report.failures.append(f"input {number}: the worker raised {error!r}")
            return
        self.report.note(
            "worker", f"sent as {made.info.format}", time.process_time() - begun, number
        )
        seen = (upload.info.width, upload.info.height)
        if inspect(made.data) != made.info or (made.info.width, made.info.height) != seen:
            self.report.failures.append(f"input {number}: another picture went out: {made.info}")

    def _in_the_app(self, number: int, rng: random.Random, data: bytes) -> None:
        path, body, kind = request_with(rng, data)
        begun = time.process_time()
        try:
            with self.app.test_client() as client:
                answer = client.post(path, data=body, content_type=kind)
                told, status = answer.get_json(), answer.status_code
        except Exception as error:  # noqa: BLE001 - that is what we look for
            self.report.failures.append(f"input {number}: the app raised {error!r}")
            return
        self.report.note("app", str(status), time.process_time() - begun, number)
        if status not in {202, 400, 413, 415} or not (status == 202 or told["error"]):
            self.report.failures.append(f"input {number}: the app answered {status}: {told}")

    def _forget(self) -> None:
        self.redis.flushdb()
        for file in Path(self.settings.storage_url).rglob("*"):
            if file.is_file():
                if file.name.startswith("."):
                    self.report.failures.append(f"a temporary file was left: {file.name}")
                file.unlink()


def _plain(error: str) -> str:
    """Return a complaint without what differs from one input to the next."""
    return error.removeprefix("image: ")[:70]


def _open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


@contextmanager
def _settings(folder: Path, redis_url: str) -> Iterator[Settings]:
    """Give settings for a run in a folder, where temporary files go too; check that none is left."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder / "temporary")
    Path(tempfile.tempdir).mkdir()
    try:
        yield load_settings(None, redis_url=redis_url, storage_url=str(folder / "images"))
        left = list(Path(tempfile.tempdir).iterdir())
        assert not left, f"temporary files are left: {left}"
    finally:
        tempfile.tempdir = before


def fuzz(folder: Path, redis_url: str, *, first: int, inputs: int, seed: int) -> Report:
    """Run in a folder of its own, on a store that is emptied."""
    with _settings(folder, redis_url) as settings:
        run = Fuzz(settings, seed)
        try:
            return run.run(first, inputs)
        finally:
            run.close()


def main() -> int:
    """Run, print what became of the inputs, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="inputs in all")
    parser.add_argument("--first", type=int, default=0, help="the number of the first one")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other inputs")
    asked = parser.parse_args()
    faulthandler.enable()  # a decoder that crashes takes the process with it
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with embedded_server(folder / "redis") as url:
            report = fuzz(folder, url, first=asked.first, inputs=asked.inputs, seed=asked.seed)
    print(report.table())
    print(f"\n{asked.inputs:,} inputs in {time.monotonic() - begun:.0f} s, seed {asked.seed}")
    for failure in report.failures[:50]:
        print("FAILED", failure)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
