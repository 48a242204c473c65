"""A real browser for the tests of pages: the Chromium of this machine; without one they are skipped."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_OPTIONS = (
    "--no-sandbox",  # it may run as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    # it asks nobody but the page's own host
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Slow machines, and no test waits for what has come.
PATIENCE_MS = 15_000


def find_chromium() -> str | None:
    """Return the program on PATH, None when there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


needs_browser = pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium or Chrome on PATH: apt-get install chromium"
)


@contextmanager
def browser() -> Iterator[Browser]:
    """Run a browser for as long as the block lasts: a second or two to start, so share it."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_chromium(), headless=True, args=list(_OPTIONS)
        )
        yield chromium
        chromium.close()


class Window:
    """A page at the width of an operator's screen, which remembers what went wrong in it."""

    def __init__(self, chromium: Browser, login: str = "", width: int = 1440) -> None:
        user, _, password = login.partition(":")
        self._context = chromium.new_context(
            viewport={"width": width, "height": 900},
            http_credentials={"username": user, "password": password} if login else None,
        )
        self._context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self._context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._listen)

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def close(self) -> None:
        """Close it."""
        self._context.close()
