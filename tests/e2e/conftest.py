"""Stacks for the end-to-end tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import browser
from tests.e2e.stack import Stack
from tests.e2e.studio import Studio, Visit


# not until the end of the session, where nothing else would be left to do while it stops
@pytest.fixture(scope="package")
def _shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    # short promises, so that a test need not wait a minute for one to be given up
    stack = Stack(
        tmp_path_factory.mktemp("stack"), IMAGE_WAIT_SECONDS="3", SHUTDOWN_GRACE_SECONDS="5"
    )
    try:
        yield stack.start()
    finally:
        stack.stop()


@pytest.fixture
def stack(_shared_stack: Stack) -> Iterator[Stack]:
    """Give the stack that most tests share, with a sandbox that does nothing wrong."""
    yield _shared_stack
    _shared_stack.http.delete(f"{_shared_stack.sandbox}/_sandbox/faults", timeout=10)
    _shared_stack.sandbox_settings(latency=0.05, jitter=0)


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """Give a stack that a test may break; it is not started yet."""
    stack = Stack(tmp_path, SHUTDOWN_GRACE_SECONDS="5")
    yield stack
    if stack.process:
        stack.stop()


# not for all modules: while it is open no other event loop may run in its thread
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Give a real browser."""
    with browser() as chromium:
        yield chromium


@pytest.fixture
def visit(chromium: Browser, stack: Stack) -> Iterator[Visit]:
    """Give what opens the studio; at the end no page may have done what none may."""
    opened: list[Studio] = []

    def visit(base: str = stack.base, width: int = 1280) -> Studio:
        opened.append(Studio(chromium, base, width))
        return opened[-1]

    yield visit
    for studio in opened:
        studio.close()
    assert [deed for studio in opened for deed in studio.misdeeds()] == []
