"""GET /saved_images/<name>, before the image is there: the address waits for it."""

import pytest

from shared.jobs import Job, new_image_name
from tests.api.callers import LONG, Api, assert_fault, json_of
from tests.api.conftest import Start
from tests.builders import accepted, running
from tests.folders import folder_of
from tests.pictures import picture


def url(job: Job) -> str:
    """Return where a job's image will be."""
    return f"/saved_images/{job.image}"


@pytest.fixture
def hasty(start: Start) -> Api:
    """Give an API that waits hardly at all for an image."""
    return start(image_wait_seconds=0.02)


def test_the_address_waits_and_then_gives_the_image(api: Api) -> None:
    job = accepted(api.store, image=new_image_name("webp"))

    answer = api.while_waiting(lambda: api.get(url(job)), api.succeed)

    assert (answer.status_code, answer.get_data()) == (200, picture(form="webp"))
    assert "immutable" in answer.headers["Cache-Control"]


def test_the_address_of_the_very_first_answer_is_good(api: Api) -> None:
    address = json_of(api.generate())["image_url"]

    answer = api.while_waiting(lambda: api.get(address), api.succeed)

    assert (answer.status_code, answer.content_type) == (200, "image/webp")


def test_an_image_that_is_not_ready_in_time_is_asked_for_again(hasty: Api) -> None:
    job = accepted(hasty.store)

    answer = hasty.get(url(job))

    assert_fault(answer, 503, "not_ready")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"
    assert hasty.events.seen.qsize() == 1


def test_a_job_that_is_only_started_in_time_is_not_ready(hasty: Api) -> None:
    assert_fault(hasty.get(url(running(hasty.store))), 503, "not_ready")


def test_with_no_time_to_wait_the_answer_comes_at_once(start: Start) -> None:
    api = start(image_wait_seconds=0)

    assert_fault(api.get(url(accepted(api.store))), 503, "not_ready")
    assert api.events.seen.empty()


def test_head_never_waits(start: Start) -> None:
    api = start(image_wait_seconds=LONG)

    answer = api.call("HEAD", url(accepted(api.store)))

    assert (answer.status_code, answer.get_data()) == (503, b"")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"
    assert api.events.seen.empty()


def test_a_job_that_fails_meanwhile_leaves_a_410(api: Api) -> None:
    job = accepted(api.store)

    answer = api.while_waiting(lambda: api.get(url(job)), api.fail)

    assert_fault(answer, 410, "gone")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("status", "told"), [("failed", "failed"), ("canceled", "canceled"), ("succeeded", "kept")]
)
def test_an_image_that_will_never_be_there_is_410_and_tells_why(
    api: Api, method: str, status: str, told: str
) -> None:
    job = accepted(api.store)
    for field, value in [("status", status), ("error", "prompt of a secret kind")]:
        api.redis.hset(f"images:job:{job.id}", field, value)

    answer = api.call(method, url(job))

    assert answer.status_code == 410
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Retry-After" not in answer.headers
    if method == "GET":
        assert_fault(answer, 410, "gone")
        assert told in json_of(answer)["error"]
        assert "secret" not in answer.get_data(as_text=True)


def test_an_image_that_was_deleted_by_hand_is_410(api: Api) -> None:
    job = accepted(api.store, image=new_image_name("webp"))
    api.succeed(job.id)
    (folder_of(api.services.images) / job.image).unlink()

    assert_fault(api.get(url(job)), 410, "gone")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_image_that_never_existed_is_404(api: Api, method: str) -> None:
    answer = api.call(method, f"/saved_images/{new_image_name('webp')}")

    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"
    assert api.events.seen.empty()


def test_another_extension_is_another_image(api: Api) -> None:
    job = accepted(api.store)

    answer = api.get(url(job).replace(".png", ".webp"))

    assert_fault(answer, 404, "not_found")


def test_the_twenty_first_caller_of_one_image_is_refused_at_once(start: Start) -> None:
    api = start(image_wait_seconds=LONG)
    job, other = accepted(api.store), accepted(api.store, image=new_image_name("webp"))
    for number in range(20):
        assert api.services.index.hold(job.image, f"w{number}", 60_000, 20)

    answer = api.get(url(job))

    assert_fault(answer, 503, "not_ready")
    assert int(answer.headers["Retry-After"]) > 0
    assert api.events.seen.empty()
    assert api.while_waiting(lambda: api.get(url(other)), api.succeed).status_code == 200


def test_the_twentieth_caller_of_one_image_may_wait(api: Api) -> None:
    job = accepted(api.store, image=new_image_name("webp"))
    for number in range(19):
        api.services.index.hold(job.image, f"w{number}", 60_000, 20)

    answer = api.while_waiting(lambda: api.get(url(job)), api.succeed)

    assert answer.status_code == 200


def test_who_has_waited_gives_the_place_back(hasty: Api) -> None:
    job = accepted(hasty.store)

    for _ in range(25):
        hasty.get(url(job))

    assert hasty.events.seen.qsize() == 25


def test_beyond_the_most_waiters_of_a_process_a_promise_is_503_at_once(start: Start) -> None:
    api = start(max_waiters=0, image_wait_seconds=LONG)

    answer = api.get(url(accepted(api.store)))

    assert_fault(answer, 503, "not_ready")
    assert int(answer.headers["Retry-After"]) > 0
    assert api.events.seen.empty()
