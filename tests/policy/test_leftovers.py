"""A test that leaves a thread or a listening socket behind fails itself, and not another."""

import socket
import threading

import pytest

from tests.leftovers import kept, nothing_left


def test_a_thread_that_goes_on_is_told_by_what_it_runs() -> None:
    over = threading.Event()

    def waits() -> None:
        over.wait(10)

    thread = threading.Thread(target=waits, daemon=True)
    with pytest.raises(AssertionError, match=r"left behind.*waits"), nothing_left(seconds=0):
        thread.start()

    over.set()
    thread.join()


def test_a_socket_that_listens_is_told() -> None:
    with pytest.raises(AssertionError, match=r"left behind.*laddr"), nothing_left():
        server = socket.create_server(("127.0.0.1", 0))

    server.close()


def test_what_ends_soon_and_what_was_there_before_are_no_concern() -> None:
    over = threading.Event()
    before = threading.Thread(target=over.wait, daemon=True)
    before.start()

    with socket.create_server(("127.0.0.1", 0)), nothing_left():
        socket.create_server(("127.0.0.1", 0)).close()
        threading.Timer(0.05, over.is_set).start()

    over.set()
    before.join()


def test_what_a_fixture_of_many_tests_starts_is_kept() -> None:
    with nothing_left(), kept():
        server = socket.create_server(("127.0.0.1", 0))

    server.close()


def test_what_a_server_of_many_tests_begins_for_a_caller_is_its_own() -> None:
    over, asked, begun = (threading.Event() for _ in range(3))

    def serve() -> None:
        asked.wait(10)
        threading.Thread(target=over.wait, daemon=True).start()
        begun.set()
        over.wait(10)

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    with nothing_left(seconds=0):
        asked.set()
        assert begun.wait(5)

    over.set()
    server.join()
