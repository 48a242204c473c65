"""Pictures are decoded by the machine's measure, and only as what they were checked for."""

import threading

import pytest

from shared.errors import BrokenImage
from shared.image_file import ImageInfo, inspect
from tests.builders import at_once
from tests.pictures import picture
from worker.decoding import AT_ONCE, MOST_PIXELS, decoded


def test_no_more_are_decoded_at_once_than_there_are_cores() -> None:
    data, lock, too_many = picture(), threading.Lock(), threading.Event()
    inside: list[int] = []
    most = []

    def decode(number: int) -> None:
        with decoded(data, inspect(data)):
            with lock:
                inside.append(number)
                most.append(len(inside))
                if len(inside) > AT_ONCE:
                    too_many.set()
            too_many.wait(0.1)
            with lock:
                inside.remove(number)

    at_once(decode, range(AT_ONCE + 2))

    assert max(most) == AT_ONCE


@pytest.mark.parametrize(
    ("info", "complaint"),
    [
        (ImageInfo("png", 64, 65), "two sizes"),
        (ImageInfo("png", MOST_PIXELS, 2), "too many pixels"),
        (ImageInfo("webp", 64, 64), "pixels are damaged"),
    ],
)
def test_what_is_decoded_is_what_was_checked(info: ImageInfo, complaint: str) -> None:
    with pytest.raises(BrokenImage, match=complaint), decoded(picture(), info):
        pass
