"""Callers as good clients are: each order has a key, and is sent again under it until it is answered."""

import hashlib
import io
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

import requests
from PIL import Image

from shared.image_file import inspect
from tests.chaos.judge import Order
from worker.decoding import MOST_PIXELS
from worker.preparing import prepare

# Small and quick to draw; each in the format in which the provider sends it.
_GENERATE = {"model": "sd3.5-flash", "output_format": "jpeg"}
KINDS = {"generate": 55, "fast": 26, "batch": 11, "conservative": 3, "creative": 5}
# What costs the sandbox next to nothing, so that as many can be made as the provider allows.
LIGHT = {"fast": 97, "creative": 3}
_BATCH = 3
_PATIENCE_SECONDS = 8.0
# Now and then a caller hangs up before it can have had its answer.
_HANGS_UP, _HANG_UP_SECONDS = 0.08, (0.01, 0.2)
# Or asks again for what it was told already.
_ASKS_AGAIN = 0.1
# Most do not wait for the end of their job, and never is that part of what the key stands for.
_WAITS = (0, 0, 0, 3)
_PAUSES = (0.3, 2.0)


@dataclass(frozen=True, slots=True)
class Request:
    """An order on the wire: path, the arguments of `requests.post`, and how its jobs are known.

    `uploads` gives the mark of a job by the SHA-256 of what it sends, where it has no prompt.
    """

    order: Order
    path: str
    content: dict[str, Any]
    uploads: dict[str, str] = field(default_factory=dict)


def new_request(rng: random.Random, name: str, kinds: Mapping[str, int] = KINDS) -> Request:
    """Return an order of a random kind; all that it says is made from its name, which is unique."""
    (kind,) = rng.choices([*kinds], [*kinds.values()])
    if kind == "generate":
        job = {**_job(name), **_GENERATE}
        return Request(Order(name, (name,)), "/generate_image", {"json": job})
    if kind == "batch":
        names = [f"{name}.{number}" for number in range(_BATCH)]
        body = {"jobs": [_job(each) for each in names], "defaults": _GENERATE}
        return Request(Order(name, tuple(names)), "/batches", {"json": body})
    return _enlargement(rng, name, kind)


def _job(name: str) -> dict[str, Any]:
    return {"prompt": name, "metadata": {"mark": name}}


def _enlargement(rng: random.Random, name: str, kind: str) -> Request:
    image = patchwork(rng)
    form = {"mode": kind, "metadata": f'{{"mark": "{name}"}}', "output_format": "png"}
    if kind != "fast":
        form |= {"prompt": name, "output_format": "jpeg"}
    return Request(
        Order(name, (name,)),
        "/upscale_image",
        {"data": form, "files": {"image": ("small.png", image)}},
        {hashlib.sha256(_as_sent(image)).hexdigest(): name},
    )


def patchwork(rng: random.Random) -> bytes:
    """Return a PNG whose like there is not, so that no two jobs can end with the same picture."""
    patches = Image.frombytes("RGB", (8, 8), rng.randbytes(8 * 8 * 3))
    out = io.BytesIO()
    patches.resize((72, 64), Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()


def _as_sent(image: bytes) -> bytes:
    """Return what a worker makes of an image before the provider sees it."""
    return prepare(image, inspect(image), MOST_PIXELS).data


@dataclass(frozen=True, slots=True)
class Met:
    """What a caller met who asked an address: a status, 0 when there was no answer in time.

    `asked` is in seconds since the epoch, `patience` how long it would have waited.
    """

    base: str
    asked: float
    seconds: float
    status: int
    patience: float


class Callers:
    """Submit from several threads, from entering until told to stop; `orders` is what they remember.

    Whoever has had no answer asks the next time at any of the addresses.
    """

    def __init__(
        self,
        bases: Sequence[str],
        seed: int,
        number: int,
        headers: Mapping[str, str] | None = None,
        kinds: Mapping[str, int] = KINDS,
    ) -> None:
        self._kinds = kinds
        self._bases = bases
        self._headers = headers or {}
        self._closing = threading.Event()
        self._gone = threading.Event()
        self._lock = threading.Lock()
        self._orders: dict[str, Order] = {}
        self.uploads: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.refused: list[str] = []
        self.met: list[Met] = []
        self._threads = [
            threading.Thread(
                target=self._work, args=[f"c{n}", random.Random(f"{seed}:{n}")], daemon=True
            )
            for n in range(number)
        ]

    @property
    def orders(self) -> list[Order]:
        """Return what was ordered so far, with every answer."""
        with self._lock:
            return list(self._orders.values())

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._gone.set()

    def stop(self, seconds: float) -> None:
        """Order nothing more; what is not answered yet is asked for again for so many seconds."""
        self._closing.set()
        timer = threading.Timer(seconds, self._gone.set)
        timer.start()
        for thread in self._threads:
            thread.join()
        timer.cancel()

    def _work(self, name: str, rng: random.Random) -> None:
        number = 0
        while not self._closing.is_set():
            number += 1
            self._place(new_request(rng, f"{name}-{number}", self._kinds), rng)
            self._closing.wait(rng.uniform(*_PAUSES))

    def _place(self, request: Request, rng: random.Random) -> None:
        with self._lock:
            self._orders[request.order.key] = request.order
            self.uploads |= request.uploads
            self.counts["orders"] += 1
        self._until(request, rng)
        if rng.random() < _ASKS_AGAIN:
            self._until(request, rng)

    def _until(self, request: Request, rng: random.Random) -> None:
        """Send an order until it is answered, each time under its key."""
        pause = 0.2
        while not self._gone.is_set():
            base, wait = rng.choice(self._bases), rng.choice(_WAITS)
            if self._answered(base, request, self._seconds(rng), wait):
                return
            self._gone.wait(pause * rng.uniform(0.5, 1.5))
            pause = min(pause * 2, 2.0)

    def _seconds(self, rng: random.Random) -> float:
        hurried = rng.random() < _HANGS_UP
        return rng.uniform(*_HANG_UP_SECONDS) if hurried else _PATIENCE_SECONDS

    def _answered(self, base: str, request: Request, seconds: float, wait: int) -> bool:
        asked, status = time.time(), 0
        try:
            answer = requests.post(
                base + request.path,
                headers={**self._headers, "Idempotency-Key": request.order.key},
                params={"wait": wait},
                timeout=seconds,
                **request.content,
            )
            body, status = answer.json(), answer.status_code
        except (requests.RequestException, ValueError):
            self._count("answers lost")
            return False
        finally:
            with self._lock:
                took = time.time() - asked
                self.met.append(Met(base, asked, took, status, seconds))
        told = _told(body)
        if told:
            with self._lock:
                order = self._orders[request.order.key]
                self._orders[order.key] = replace(order, told=(*order.told, told))
        elif answer.status_code >= 500 or answer.status_code in {409, 429}:
            self._count(f"answered {answer.status_code}")
            return False
        else:
            with self._lock:
                self.refused.append(f"{request.order.key}: {answer.status_code} {body}")
        return True

    def _count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1


def _told(body: dict[str, Any]) -> tuple[str, tuple[str, ...]] | None:
    """Return the id of what was accepted and those of its jobs; a fault has none."""
    if "jobs" in body:
        return str(body["batch_id"]), tuple(str(job["job_id"]) for job in body["jobs"])
    return (str(body["job_id"]), (str(body["job_id"]),)) if "job_id" in body else None
