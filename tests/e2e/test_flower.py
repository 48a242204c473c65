"""Flower as an operator sees it, in a real browser: what became of each job, and nothing to press."""

import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests
from playwright.sync_api import Browser, expect

from tests.browser import Window, browser, needs_browser
from tests.e2e.stack import Stack, eventually

pytestmark = needs_browser
_NO_ACTIONS = "Terminate|Revoke|Shut Down|Restart|Refresh All|Grow|Shrink|Autoscale|Cancel"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as chromium:
        yield chromium


@pytest.fixture
def window(chromium: Browser) -> Iterator[Window]:
    window = Window(chromium)
    yield window
    window.close()


def test_the_pages_tell_of_workers_and_of_what_became_of_each_job(
    stack: Stack, window: Window
) -> None:
    made = stack.generate("seen by the operator").json()["job_id"]
    stack.fault("moderated")
    refused = stack.generate("not seen").json()["job_id"]
    page = window.page

    page.goto(f"{stack.flower}/workers")
    expect(page.get_by_role("cell", name="Online")).to_be_visible()
    page.goto(f"{stack.flower}/tasks")
    row = page.locator("tr", has_text=refused)
    expect(row).to_contain_text("FAILURE")
    expect(row).to_contain_text("failed: input_moderated")
    expect(page.locator("tr", has_text=made)).to_contain_text("succeeded")
    page.get_by_role("link", name=made).click()
    expect(page.locator("#task-page")).to_contain_text("images.make")
    expect(page.locator("#task-page")).to_contain_text("SUCCESS")

    assert "seen by the operator" not in page.content()
    assert window.errors == []


def test_what_it_has_seen_outlives_it(stack: Stack) -> None:
    job = stack.generate("remembered").json()["job_id"]
    task = f"{stack.flower}/task/{job}"
    eventually(lambda: "SUCCESS" in _page(task), what="the task")

    before = stack.kill("flower", signal.SIGTERM)

    eventually(lambda: stack.pid("flower") not in {0, before}, what="another Flower")
    eventually(lambda: _page(f"{stack.flower}/healthcheck"), what="Flower's answer")
    assert "SUCCESS" in _page(task)


def _page(url: str) -> str:
    with suppress(requests.ConnectionError):
        answer = requests.get(url, timeout=10)
        return answer.text if answer.ok else ""
    return ""


def test_there_is_nothing_to_press(stack: Stack, window: Window) -> None:
    job = stack.generate("looked at").json()["job_id"]
    eventually(lambda: _page(f"{stack.flower}/task/{job}"), what="the task")
    worker = stack.http.get(f"{stack.flower}/workers?json=1").json()["data"][0]["hostname"]

    for path in (f"/worker/{worker}", f"/task/{job}", "/workers", "/broker"):
        window.page.goto(stack.flower + path)
        for button in window.page.get_by_role("button").all_inner_texts():
            assert not any(word in button for word in _NO_ACTIONS.split("|")), button

    assert window.errors == []
