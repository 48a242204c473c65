"""What is held of a request while its caller waits: thousands do, and each may have sent a picture."""

import gc
from collections.abc import Callable
from tempfile import SpooledTemporaryFile
from typing import Any

import pytest
from flask import Request
from werkzeug.test import TestResponse

from api.uploads import Upload
from tests.api.callers import Api, json_of
from tests.api.named import data_url, upscale
from tests.pictures import picture

PADDED = picture() + bytes(1_000_000)  # more than a form's file may have in memory


@pytest.mark.parametrize(
    ("things", "send"),
    [
        ("jobs", lambda api: upscale(api, "?wait=9", image_url=data_url(PADDED))),
        ("jobs", lambda api: api.upscale(PADDED, wait_seconds="9")),
        ("batches", lambda api: api.batch_of_images(PADDED, PADDED, query="?wait=9")),
    ],
    ids=["json", "form", "batch"],
)
def test_who_waits_holds_nothing_of_the_picture_that_was_sent(
    api: Api, things: str, send: Callable[[Api], TestResponse]
) -> None:
    held: list[Any] = []
    gc.collect()
    before = {id(thing) for thing in pictures_held()}  # by what earlier tests have sent

    def look(waited_for: str) -> None:
        held.extend(thing for thing in pictures_held() if id(thing) not in before)
        api.call("DELETE", f"/{things}/{waited_for}")

    answer = api.while_waiting(lambda: send(api), look)

    answer.request.input_stream.close()  # that is the test client's
    assert json_of(answer)["status"] == "canceled"
    assert held == []


def pictures_held() -> list[Any]:
    """Return all of this process that keep an upload's bytes or its file."""
    return [thing for thing in gc.get_objects() if holds_a_picture(thing)]


def holds_a_picture(thing: object) -> bool:
    """Tell whether an object is one that keeps an upload's bytes or its file."""
    if type(thing) is Request:
        return bool(getattr(thing, "_cached_data", b""))
    return type(thing) is Upload or (type(thing) is SpooledTemporaryFile and not thing.closed)
