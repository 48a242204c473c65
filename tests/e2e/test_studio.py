"""The studio in a real browser: ordering, watching, and what may go wrong on the way."""

import re
import zipfile

from playwright.sync_api import Route, expect

from tests.browser import needs_browser
from tests.e2e.stack import Stack, eventually
from tests.e2e.studio import ALICE, POOR, Visit, keyed_door

pytestmark = needs_browser


def test_a_prompt_becomes_a_picture_that_is_paid_once(visit: Visit, stack: Stack) -> None:
    studio = visit()
    page = studio.page
    stack.sandbox_settings(latency=0.6)

    page.get_by_label("Prompt", exact=True).fill("a fox <b>in</b> the studio")
    page.get_by_label("Model").select_option("ultra")
    page.get_by_label("16:9").check()
    expect(studio.send).to_have_text(re.compile(r"Make\s+· 8 credits"))
    studio.send.dblclick()

    expect(studio.stage.locator(".waiting")).to_be_visible()
    expect(page.locator("#stage-clock")).to_contain_text("0:0")
    studio.shows_picture()
    expect(studio.stage.get_by_role("heading")).to_have_text("a fox <b>in</b> the studio")
    expect(page.locator("#stage-facts")).to_contain_text("16:9")
    expect(page.locator("#said")).to_contain_text("The image is ready")
    expect(page.locator("#cards li").first).to_contain_text("ultra · 16:9")
    assert len(stack.charged("a fox <b>in</b> the studio")) == 1

    page.reload()
    studio.shows_picture()
    studio.stage.get_by_role("button", name="Use again").click()
    expect(page.get_by_label("Model")).to_have_value("ultra")
    expect(page.get_by_label("16:9")).to_be_checked()
    expect(page.get_by_label("Prompt", exact=True)).to_be_focused()

    studio.stage.get_by_role("button", name="Delete").click()
    studio.stage.get_by_role("button", name="Really delete?").click()
    expect(studio.stage).to_contain_text("The image was deleted")


def test_an_order_whose_answer_is_lost_is_sent_again_and_paid_once(
    visit: Visit, stack: Stack
) -> None:
    studio = visit()
    said = studio.page.locator("#said")
    lost: list[str] = []

    def lose_the_first(route: Route) -> None:
        prompt = str((route.request.post_data_json or {})["prompt"])
        if prompt in lost:
            route.continue_()
        else:
            assert route.fetch().status == 202
            lost.append(prompt)
            route.abort("connectionfailed")

    studio.page.route("**/generate_image", lose_the_first)
    studio.order("its answer is lost")
    expect(said).to_contain_text("did not answer. Trying again")
    studio.shows_picture()
    studio.order("lost, and somebody presses again")
    expect(said).to_contain_text("did not answer. Trying again")
    studio.page.goto(stack.base)
    studio.order("lost, and somebody presses again")
    studio.shows_picture()

    assert len(lost) == 2
    assert [len(stack.charged(prompt)) for prompt in lost] == [1, 1]


def test_a_dropped_picture_is_enlarged_and_compared_by_the_keyboard(visit: Visit) -> None:
    studio = visit()
    page = studio.page

    studio.drop(96, 64)
    expect(page.locator("#image-hint")).to_have_text(re.compile("^96 . 64 pixels.$"))
    studio.send.click()
    made = studio.shows_picture()

    assert made.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [384, 256]
    line = studio.stage.get_by_role("slider")
    line.focus()
    page.keyboard.press("ArrowRight")
    expect(line).to_have_attribute("aria-valuetext", "51 % before")
    page.reload()
    expect(studio.stage.locator(".compare img.before")).to_have_js_property("naturalWidth", 96)


def test_several_dropped_pictures_become_one_batch(visit: Visit) -> None:
    studio = visit()

    studio.drop(96, 64, times=2)
    expect(studio.send).to_have_text(re.compile(r"Enlarge 2\s+· 4 credits"))
    studio.send.click()

    expect(studio.stage.get_by_role("heading")).to_have_text("Batch of 2 pictures")
    expect(studio.stage.locator("ol img")).to_have_count(2)


def test_a_picture_that_is_too_large_is_shrunk_and_that_is_said(visit: Visit) -> None:
    studio = visit()
    studio.order("a harbour, to be enlarged")
    studio.shows_picture()

    studio.stage.get_by_role("button", name="Enlarge this").click()

    expect(studio.page.locator("#image-hint")).to_contain_text(
        re.compile("your browser has shrunk to 512 . 512")
    )
    studio.page.get_by_label("Mode", exact=True).select_option("creative")
    expect(studio.send).to_have_text(re.compile(r"Enlarge\s+· 60 credits"))
    studio.page.get_by_label("Mode", exact=True).select_option("fast")
    studio.send.click()
    expect(studio.stage.locator(".compare")).to_be_visible()


def test_pasted_lines_become_a_batch_and_a_zip(visit: Visit) -> None:
    studio = visit()
    page = studio.page
    studio.tab("Batch")

    page.get_by_label("Prompts, one on each line").fill("one\n\n  two  \nthree\n")
    expect(studio.send).to_have_text(re.compile(r"Make all\s+· 9 credits"))
    studio.send.click()

    expect(studio.stage.get_by_role("progressbar")).to_have_js_property("value", 1)
    expect(studio.stage.locator("ol img")).to_have_count(3)
    expect(page.locator("#cards li.succeeded img")).not_to_have_count(0)
    with page.expect_download() as download:
        studio.stage.get_by_role("button", name="Download as zip").click()
    names = zipfile.ZipFile(download.value.path()).namelist()
    assert len(names) == 4
    assert studio.most_streams == 1


def test_many_jobs_at_once_take_one_stream(visit: Visit, stack: Stack) -> None:
    studio = visit()
    stack.sandbox_settings(latency=1.5)
    cards = studio.page.locator("#cards li")

    for number in range(7):
        studio.order(f"one of many, {number}")
        expect(cards.filter(has_text=f"one of many, {number}")).to_be_visible()
    mine = cards.filter(has_text="one of many")
    expect(mine.locator("img")).to_have_count(7)

    assert studio.most_streams <= 2  # one that ends, and the next


def test_a_job_is_canceled_and_asked_for_again(visit: Visit, stack: Stack) -> None:
    studio = visit()
    stack.sandbox_settings(latency=30)
    studio.order("not worth the wait")

    studio.stage.get_by_role("button", name="Cancel").click()
    expect(studio.stage).to_contain_text("The job was canceled")
    stack.sandbox_settings(latency=0.05)
    studio.stage.get_by_role("button", name="Try again").click()
    studio.shows_picture()


def test_what_is_wrong_stands_beside_its_field(visit: Visit) -> None:
    studio = visit()
    page = studio.page
    page.get_by_text("More settings").click()
    page.get_by_label("Seed").fill("a lot")
    studio.send.click()

    prompt, seed = page.get_by_label("Prompt", exact=True), page.get_by_label("Seed")
    expect(prompt).to_be_focused()
    expect(prompt).to_have_attribute("aria-invalid", "true")
    expect(prompt).to_have_accessible_description("Prompt is required")
    expect(seed).to_have_accessible_description(re.compile("seed must be an integer from 0"))
    seed.fill("7")
    studio.order("it fails [sandbox:moderated]")
    expect(studio.stage).to_contain_text("Nothing was charged")
    expect(page.locator(".fault")).to_have_count(1)  # that of the dialog, empty


def test_a_client_key_is_asked_for_kept_in_the_tab_and_forgotten(
    visit: Visit, stack: Stack
) -> None:
    with keyed_door(stack) as (door, log):
        door.open(log)
        studio = visit(door.base)
        page = studio.page
        dialog, key = page.get_by_role("dialog"), page.get_by_label("Client key", exact=True)

        key.fill("not-a-key")
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("does not know this key")
        key.fill(POOR)
        page.keyboard.press("Enter")
        studio.order("more than Bob may spend")
        expect(page.locator("#refused")).to_contain_text("Nothing was ordered")
        page.get_by_role("button", name="Sign out").click()

        key.fill(ALICE)
        page.keyboard.press("Enter")
        expect(page.locator("#gallery-empty")).to_be_visible()
        stack.sandbox_settings(latency=3)
        studio.order("it outlives the service")
        expect(studio.stage.locator(".waiting")).to_be_visible()
        door.close()
        expect(page.get_by_text("The service can't be reached")).to_be_visible()
        door.open(log)
        studio.shows_picture()
        expect(page.locator("#trouble")).to_be_hidden()
        page.get_by_role("button", name="Sign out").click()

        expect(dialog).to_be_visible()
        eventually(lambda: page.evaluate("sessionStorage.length") == 0)
        assert "outlives" not in page.content()
        assert not [request.url for request in studio.requests if ALICE in request.url]
        assert page.evaluate("localStorage.length + document.cookie.length") == 0


def test_nothing_scrolls_sideways_on_a_telephone(visit: Visit) -> None:
    studio = visit(width=390)

    for tab in ("Batch", "Enlarge", "Make"):
        studio.tab(tab)
        assert not studio.overflows(), tab
    studio.order("a_very_long_word_" * 20)
    studio.shows_picture()
    studio.stage.get_by_role("button", name="Copy URL").click()
    expect(studio.stage).to_contain_text("Copied: http")
    assert not studio.overflows()


def test_axe_finds_nothing_serious_in_light_and_in_dark(visit: Visit) -> None:
    studio = visit()
    faults = studio.grave_faults()
    studio.drop(64, 64)
    studio.send.click()
    studio.shows_picture()
    studio.page.get_by_label("Mode", exact=True).select_option("conservative")
    studio.send.click()
    expect(studio.page.locator("#prompt-fault")).to_be_visible()

    assert faults + studio.grave_faults() == []


def test_the_place_in_the_queue_is_told_as_it_changes(visit: Visit, stack: Stack) -> None:
    pause = f"{stack.base}/operator/pause"
    assert stack.http.post(pause, json={"reason": "the studio"}, timeout=10).ok
    first = stack.generate("before it in the queue", wait=0).json()["job_id"]
    studio = visit()
    studio.order("behind another")

    clock = studio.page.locator("#stage-clock")
    expect(studio.stage).to_contain_text("The operator has paused this service: the studio.")
    expect(clock).to_contain_text("number 2 in the queue")
    assert stack.http.delete(f"{stack.base}/jobs/{first}", timeout=10).ok
    expect(clock).to_contain_text("number 1 in the queue")
    assert stack.http.post(f"{stack.base}/operator/resume", timeout=10).ok
    studio.shows_picture()
