"""The studio in a browser, as a person uses it; and a second door to a stack that asks for keys."""

import base64
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Literal

import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Request, expect

from shared.embedded_redis import free_port
from tests.browser import PATIENCE_MS, Window
from tests.e2e.stack import ROOT, Stack, eventually
from tests.pictures import picture

ALICE, POOR = "alice-has-this-key-in-the-tests", "bob-has-this-key-and-no-credits"
expect.set_options(timeout=PATIENCE_MS)
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# What a browser writes by itself about a refusal that the page tells of, and a server that went away.
_EXPECTED = re.compile(
    "Failed to load resource: .*"
    r"(status of 4\d\d|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_FAILED)"
)
# A script that drops a file where the mouse would.
_DROP = """([data, type, times]) => {
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  const carried = new DataTransfer();
  for (; times; times--) carried.items.add(new File([bytes], "small", { type }));
  const how = { dataTransfer: carried, bubbles: true, cancelable: true };
  document.body.dispatchEvent(new DragEvent("drop", how));
}"""


class Studio(Window):
    """The page at `/`, which remembers what it asked for and how many streams it held at once."""

    def __init__(self, chromium: Browser, base: str, width: int = 1280) -> None:
        super().__init__(chromium, width=width)
        self.base, self.requests, self.streams, self.most_streams = base, list[Request](), 0, 0
        self.page.on("request", self._asked)
        self.page.on("requestfinished", self._answered)
        self.page.on("requestfailed", self._answered)
        self.page.goto(base)

    def _asked(self, request: Request) -> None:
        self.requests.append(request)
        self.streams += request.url.endswith("/events")
        self.most_streams = max(self.most_streams, self.streams)

    def _answered(self, request: Request) -> None:
        self.streams -= request.url.endswith("/events")

    def tab(self, name: str) -> None:
        """Choose what to do."""
        self.page.get_by_role("tab", name=name).click()

    def order(self, prompt: str) -> None:
        """Make a picture of a prompt, by the keyboard."""
        self.page.get_by_label("Prompt", exact=True).fill(prompt)
        self.page.keyboard.press("Control+Enter")

    def drop(self, width: int, height: int, times: int = 1) -> None:
        """Drop a picture onto the page, or several that are alike."""
        data = base64.b64encode(picture(width, height)).decode()
        self.page.evaluate(_DROP, [data, "image/png", times])

    @property
    def send(self) -> Locator:
        """Return the button that orders."""
        return self.page.locator("#send")

    @property
    def stage(self) -> Locator:
        """Return what shows the job that is looked at."""
        return self.page.locator("#stage")

    def shows_picture(self) -> Locator:
        """Wait until the picture on the stage is loaded; return it."""
        made = self.stage.locator("img.made, .compare img.after")
        expect(made).to_be_visible()
        assert made.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
        return made

    def grave_faults(self) -> list[str]:
        """Return what axe finds serious or critical, in light and in dark."""
        found = []
        for scheme in _SCHEMES:
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found += Axe().run(self.page).response["violations"]
        return [
            f"{fault['id']}: {node['html']}"
            for fault in found
            if fault["impact"] in {"serious", "critical"}
            for node in fault["nodes"]
        ]

    def overflows(self) -> bool:
        """Tell whether the page is wider than its window."""
        wide: bool = self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return wide

    def misdeeds(self) -> list[str]:
        """Return what no page may do: errors in its console, requests to another host."""
        foreign = [
            request.url
            for request in self.requests
            if not request.url.startswith((self.base, "data:", "blob:"))
        ]
        return foreign + [error for error in self.errors if not _EXPECTED.match(error)]


Visit = Callable[..., Studio]


class KeyedDoor:
    """A second API process on a stack's Redis and pictures, with client keys."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._port = stack, free_port()
        self.base = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def open(self, log: IO[bytes]) -> None:
        """Start it, and wait until it answers."""
        environment = {
            "REDIS_URL": self._stack.redis_url,
            "SANDBOX_URL": self._stack.sandbox,
            "PORT": str(self._port),
            "CLIENT_KEYS": f"alice:{ALICE},bob:{POOR}",
            "KEY_LIMITS": '{"bob": {"credits_per_day": 1}}',
            "WEB_PROCESSES": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "api"],
            cwd=ROOT,
            env={**self._stack.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        eventually(self._answers, what="the start of the second API")

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.base}/healthz", timeout=1).ok
        except requests.ConnectionError:
            return False

    def close(self) -> None:
        """Stop it."""
        if self._process:
            self._process.kill()  # its streams would hold up a stop
            self._process.wait(timeout=30)
            self._process = None


@contextmanager
def keyed_door(stack: Stack) -> Iterator[tuple[KeyedDoor, IO[bytes]]]:
    """Give a second API for as long as the block lasts; it is not open yet."""
    door = KeyedDoor(stack)
    with (stack.folder / "keyed.log").open("ab") as log:
        try:
            yield door, log
        finally:
            door.close()
