"""Pictures are decoded by the machine's measure."""

import os
import threading

from shared.image_file import inspect
from tests.builders import at_once
from tests.pictures import picture
from worker.decoding import decoded


def test_no_more_are_decoded_at_once_than_there_are_cores() -> None:
    data, lock = picture(), threading.Lock()
    inside, most = 0, 0
    full = threading.Event()

    def decode(_: int) -> None:
        nonlocal inside, most
        with decoded(data, inspect(data)):
            with lock:
                inside += 1
                most = max(most, inside)
                if inside == os.cpu_count():
                    full.set()
            full.wait(10)
            with lock:
                inside -= 1

    at_once(decode, range(4 * (os.cpu_count() or 1)))

    assert most == os.cpu_count()
