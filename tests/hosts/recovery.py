"""How long after a cable is back each part works again, as those who need it see it."""

import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import requests

from tests.chaos.callers import patchwork
from tests.hosts.house import APIS, KEY, WORKERS, House

_EVERY_SECONDS, _HTTP_SECONDS = 0.1, 2.0
_HELD_SECONDS = 120
HEADERS = {"X-API-Key": KEY}
_JOB = {"model": "sd3.5-flash", "output_format": "jpeg"}
_MADE = "made an image"


@dataclass
class Recovery:
    """Ask whether each part works until all do; `seconds` is how long that took."""

    house: House
    seconds: dict[str, float | None] = field(default_factory=dict)

    def measure(self, patience: float) -> Mapping[str, float | None]:
        """Return the seconds from now until it works, by what works; None: not within the patience."""
        begun = time.monotonic()
        questions = [*self._questions()]
        threads = [
            threading.Thread(target=self._until, args=[what, ask, begun, patience], daemon=True)
            for what, ask in questions
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.seconds

    def _questions(self) -> list[tuple[str, Callable[[], bool]]]:
        house = self.house
        made = {name: house.log(name).count(_MADE) for name in WORKERS}
        return [
            *((f"{name} accepts", partial(_accepts, house.bases[name])) for name in APIS),
            *((f"{name} is ready", partial(house.works, name)) for name in APIS),
            *((f"{name} counts all workers", partial(self._counts, name)) for name in APIS),
            *((f"{name} makes images", partial(self._makes, name, made[name])) for name in WORKERS),
        ]

    def _until(self, what: str, ask: Callable[[], bool], begun: float, patience: float) -> None:
        self.seconds[what] = None
        while time.monotonic() - begun < patience:
            if ask():
                self.seconds[what] = time.monotonic() - begun
                return
            time.sleep(_EVERY_SECONDS)

    def _counts(self, name: str) -> bool:
        return self.house.counted(name) == len(WORKERS)

    def _makes(self, name: str, before: int) -> bool:
        return self.house.log(name).count(_MADE) > before


class Held:
    """A caller whose answer an API holds from before a cut; its job cooks for ten seconds or more.

    Moments are in seconds since the epoch.
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self._answered: tuple[float, str] | None = None
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def seconds_late(self, healed: float, patience: float) -> float | None:
        """Return how long after its job's end, and the cut's, it had its image; None: not in time."""
        self._thread.join(max(0.0, healed + patience - time.time()))
        if self._answered is None:
            return None
        moment, finished = self._answered
        return max(0.0, moment - max(healed, datetime.fromisoformat(finished).timestamp()))

    def _ask(self) -> None:
        name = f"held-{uuid.uuid4().hex}"
        form = {"mode": "creative", "prompt": name, "metadata": f'{{"mark": "{name}"}}'}
        with suppress(requests.RequestException):
            answer = requests.post(
                f"{self._base}/upscale_image",
                data=form,
                files={"image": ("small.png", patchwork(random.Random(name)))},
                headers={**HEADERS, "Idempotency-Key": name},
                params={"wait": _HELD_SECONDS},
                timeout=_HELD_SECONDS + _HTTP_SECONDS,
            )
            if answer.status_code == 200:
                self._answered = time.time(), str(answer.json()["finished_at"])


def _accepts(base: str) -> bool:
    """Send an order of its own each time: none that was left half done may answer for it."""
    name = f"probe-{uuid.uuid4().hex}"
    with suppress(requests.RequestException):
        answer = requests.post(
            f"{base}/generate_image",
            json={"prompt": name, "metadata": {"mark": name}, **_JOB},
            headers={**HEADERS, "Idempotency-Key": name},
            timeout=_HTTP_SECONDS,
        )
        return answer.status_code == 202
    return False
