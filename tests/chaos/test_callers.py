"""What callers order is different for each order, and the same for each seed."""

import hashlib
import random

from shared.image_file import inspect
from tests.chaos.callers import Request, new_request
from worker.decoding import MOST_PIXELS
from worker.preparing import prepare


def requests_of(seed: int) -> list[Request]:
    rng = random.Random(seed)
    return [new_request(rng, f"c1-{number}") for number in range(200)]


def test_a_seed_decides_what_is_ordered() -> None:
    assert requests_of(1) == requests_of(1)
    assert requests_of(1) != requests_of(2)


def test_every_job_can_be_told_from_every_other() -> None:
    orders = requests_of(1)

    marks = [mark for request in orders for mark in request.order.marks]
    uploads = [sha256 for request in orders for sha256 in request.uploads]
    assert len(set(marks)) == len(marks) > 200
    assert len(set(uploads)) == len(uploads) > 20
    assert len({request.order.key for request in orders}) == 200


def test_an_upload_is_known_by_what_is_sent() -> None:
    request = next(request for request in requests_of(1) if request.uploads)
    _, image = request.content["files"]["image"]
    sent = prepare(image, inspect(image), MOST_PIXELS).data

    assert request.uploads == {hashlib.sha256(sent).hexdigest(): request.order.key}


def test_everything_is_ordered() -> None:
    orders = requests_of(1)

    modes = {request.content["data"]["mode"] for request in orders if "data" in request.content}
    assert modes == {"fast", "conservative", "creative"}
    assert {request.path for request in orders} == {
        "/generate_image",
        "/upscale_image",
        "/batches",
    }
