"""Rules of the studio that a visit seldom shows: old news, streams of all tabs, keys of pictures."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Request, expect

from tests.browser import needs_browser
from tests.e2e.stack import Stack, eventually
from tests.e2e.studio import Studio, Visit
from tests.pictures import picture

pytestmark = needs_browser
_LOCKS = "navigator.locks.query().then(({ held, pending }) => [held.length, pending.length])"
# The next order is accepted, and its answer never arrives.
_LOSE_AN_ANSWER = """() => {
  const ask = window.fetch;
  window.fetch = async (url, options) => {
    const answer = await ask(url, options);
    if (options.method !== "POST") return answer;
    window.fetch = ask;
    throw new TypeError("lost");
  };
}"""
_REMEMBER_STATES = """() => {
  window.states = [];
  const stage = document.querySelector("#stage");
  const note = () => window.states.push(stage.dataset.status);
  new MutationObserver(note).observe(stage, { attributeFilter: ["data-status"] });
}"""


@pytest.fixture
def done(stack: Stack) -> dict[str, Any]:
    """Give a job that has succeeded, as the service tells it."""
    job: dict[str, Any] = stack.generate("told in the wrong order").json()
    return job


def _at(job: dict[str, Any], revision: int, status: str) -> dict[str, Any]:
    """Return an open job as it may have been told before its end."""
    open_now = {"finished_at": None, "image": None, "image_url": None, "credits": None}
    return {**job, **open_now, "revision": revision, "status": status}


def _events(*jobs: dict[str, Any]) -> dict[str, Any]:
    told = "".join(f"id: {job['revision']}\ndata: {json.dumps(job)}\n\n" for job in jobs)
    return {"content_type": "text/event-stream", "body": told}


def _look_at(studio: Studio, job: dict[str, Any]) -> None:
    # a page that is still opening would look for itself too, and move the focus once more
    expect(studio.page.locator("#cards li").first).to_be_visible()
    studio.page.evaluate("path => { location.hash = path }", f"jobs/{job['job_id']}")


# An answer that is older than what is shown.


def test_an_event_that_is_older_than_what_is_shown_changes_nothing(
    visit: Visit, done: dict[str, Any]
) -> None:
    studio, path = visit(), f"**/jobs/{done['job_id']}"
    late = _events(_at(done, 5, "running"), _at(done, 3, "queued"), {**done, "revision": 7})
    studio.page.route(path, lambda route: route.fulfill(json=_at(done, 4, "queued")))
    studio.page.route(f"{path}/events", lambda route: route.fulfill(**late))
    studio.page.evaluate(_REMEMBER_STATES)

    _look_at(studio, done)

    expect(studio.stage).to_have_attribute("data-status", "succeeded")
    assert studio.page.evaluate("states") == ["queued", "running", "succeeded"]


def test_an_answer_to_a_button_that_was_overtaken_changes_nothing(
    visit: Visit, done: dict[str, Any]
) -> None:
    studio = visit()
    old = _at(done, done["revision"] - 1, "running")
    studio.page.route(f"**/jobs/{done['job_id']}/image", lambda route: route.fulfill(json=old))
    _look_at(studio, done)
    expect(studio.page.locator("#stage-title")).to_be_focused()
    studio.stage.get_by_role("button", name="Delete").click()

    with studio.page.expect_response("**/image"):
        studio.stage.get_by_role("button", name="Really delete?").click()

    expect(studio.stage.get_by_role("button", name="Really delete?")).not_to_have_attribute(
        "aria-disabled", "true"
    )
    expect(studio.stage).to_have_attribute("data-status", "succeeded")


def test_a_card_never_goes_back(visit: Visit, done: dict[str, Any]) -> None:
    page = visit().page
    card = page.locator(f"#cards li:has([href='#jobs/{'9' * 32}'])")
    running, queued = _at(done, 5, "running"), _at(done, 4, "queued")
    told = {"job_id": done["job_id"], "status": "failed", "image_url": None}

    def put(act: str, job: dict[str, Any]) -> None:
        page.evaluate(
            f"job => import('/static/studio/gallery.js').then(gallery => gallery.{act}(job))",
            {**job, "job_id": "9" * 32},
        )

    # the same card twice, and what was told of it between the two
    for job in (_at(done, 3, "running"), running, queued):
        put("put", job)
    expect(card).to_have_class("running")
    # a batch tells the end, without a revision; a list that was asked before comes after it
    put("patch", told)
    put("put", running)
    expect(card).to_have_class("failed")
    put("put", {**done, "revision": 6})
    expect(card).to_have_class("succeeded")


# Three streams for all tabs of a browser.


@pytest.fixture
def waiting(stack: Stack) -> Iterator[str]:
    """Give the id of a job that waits for as long as the test lasts."""
    assert stack.http.post(f"{stack.base}/operator/pause", timeout=10).ok
    yield stack.generate("watched by many", wait=0).json()["job_id"]
    assert stack.http.post(f"{stack.base}/operator/resume", timeout=10).ok


def test_all_tabs_of_a_browser_hold_three_streams(visit: Visit, waiting: str) -> None:
    studio = visit()
    browser = studio.page.context
    begun: list[str] = []

    def note(asked: Request) -> None:
        begun.extend([asked.url] * asked.url.endswith("/events"))

    browser.on("request", note)

    def hold(held: int, wait: int) -> None:
        eventually(lambda: studio.page.evaluate(_LOCKS) == [held, wait], what=f"{held} and {wait}")

    tabs = [browser.new_page() for _ in range(4)]
    for number, tab in enumerate(tabs, 1):
        tab.goto(f"{studio.base}/#jobs/{waiting}")
        hold(min(number, 3), 3 * (number > 3))  # the last one waits for whichever is free first
    assert len(begun) == 3
    tabs[0].close()
    hold(3, 0)
    # who has no stream any more leaves the place to others
    tabs[1].evaluate("import('/static/studio/watch.js').then(watch => watch.watch(null))")
    hold(2, 0)
    assert len(begun) == 4


def test_who_gives_up_waiting_for_a_place_has_no_stream(visit: Visit) -> None:
    page = visit().page

    told = page.evaluate(
        """async () => {
          const { inTurn } = await import("/static/studio/turns.js");
          const begun = [], places = [], ends = [];
          const hold = (name) => new Promise((end) => (begun.push(name), ends.push(end)));
          const waits = new AbortController(), stays = new AbortController().signal;
          for (const name of ["a", "b", "c"]) places.push(inTurn(() => hold(name), stays));
          const given_up = inTurn(() => hold("given up"), waits.signal);
          const late = performance.now() + 5000;
          while ((await navigator.locks.query()).pending.length !== 3 || begun.length < 3) {
            if (performance.now() > late) throw new Error(`${begun} have begun, and three do not wait`);
          }
          waits.abort();
          await Promise.race([given_up, new Promise((late) => setTimeout(late, 5000))]);
          ends.forEach((end) => end());
          await Promise.all(places);
          await inTurn(async () => begun.push("later"), stays);
          return begun;
        }"""
    )

    assert told == ["a", "b", "c", "later"]


def test_who_is_given_several_places_at_once_has_one_stream(visit: Visit) -> None:
    page = visit().page

    told = page.evaluate(
        """async () => {
          const { inTurn } = await import("/static/studio/turns.js");
          const generous = { request: async (place, options, take) => take({}) };
          Object.defineProperty(navigator, "locks", { value: generous });
          let streams = 0;
          await inTurn(async () => (streams += 1), new AbortController().signal);
          return streams;
        }"""
    )

    assert told == 1


# What tells two orders of a picture apart.


def test_a_picture_is_known_by_its_bytes_and_by_nothing_else(visit: Visit) -> None:
    page = visit().page

    told = page.evaluate(
        """async ([small, other, large]) => {
          const { fromFile } = await import("/static/studio/picture.js");
          const type = "image/png";
          const file = (numbers, name) => new File([new Uint8Array(numbers)], name, { type });
          const given = [file(small, "a.png"), file(small, "b.png"), file(other, "a.png")];
          const shrunk = [file(large, "c.png"), file(large, "d.png")];
          return Promise.all([...given, ...shrunk].map(async (each) => (await fromFile(each)).id));
        }""",
        [list(picture(64, 64)), list(picture(64, 65)), list(picture(600, 64))],
    )

    a, same, other, large, same_large = told
    assert a == same
    assert large == same_large  # what is sent is drawn by the browser, the same each time
    assert len({a, other, large}) == 3


def test_the_same_picture_dropped_again_after_a_lost_answer_is_paid_once(
    visit: Visit, stack: Stack
) -> None:
    studio = visit()

    def enlarge(width: int) -> str:
        studio.drop(width, 64)
        studio.page.get_by_label("Mode", exact=True).select_option("conservative")
        studio.page.get_by_label("Prompt", exact=True).fill("dropped again")
        with studio.page.expect_request("**/upscale_image") as asked:
            studio.send.click()
        return asked.value.headers["idempotency-key"]

    studio.page.evaluate(_LOSE_AN_ANSWER)
    lost = enlarge(80)
    expect(studio.page.locator("#said")).to_contain_text("did not answer. Trying again")
    studio.page.goto(stack.base)
    again = enlarge(80)
    studio.shows_picture()
    other = enlarge(96)
    expect(studio.stage.locator(".compare img.before")).to_have_js_property("naturalWidth", 96)
    studio.shows_picture()

    assert again == lost
    assert other != lost
    assert len(stack.charged("dropped again")) == 2
