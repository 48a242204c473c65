"""Whoever asks while a read is under way shares the next one, and nobody is told what is older."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from shared.errors import StoreUnavailable
from shared.together import Together
from tests.builders import at_once, until

LONG = 10


class Book:
    """What is read: it stops at each read until it is let on, and notes what was asked for."""

    def __init__(self) -> None:
        self.reads: list[list[str]] = []
        self.faults: list[BaseException] = []
        self.open = threading.Event()
        self.together = Together(self.read)

    def read(self, names: Sequence[str]) -> list[str]:
        """Return the number of this read for each name."""
        self.reads.append(list(names))
        number = len(self.reads)
        assert self.open.wait(LONG)
        if self.faults:
            raise self.faults.pop()
        return [f"{name} of read {number}" for name in names]

    def ask(self, pool: ThreadPoolExecutor, *names: str) -> list["Future[str]"]:
        """Ask for names at once, while the first read is under way; return when all have asked."""
        answers = [pool.submit(self.together.get, "first")]
        until(lambda: self.reads)
        answers += [pool.submit(self.together.get, name) for name in names]
        until(lambda: self.together.waiting == len(names) + 1)
        return answers


@pytest.fixture
def book() -> Book:
    """Give a book that is closed."""
    return Book()


def test_those_who_ask_during_a_read_share_the_next(book: Book) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = book.ask(pool, "a", "b", "a", "first")
        book.open.set()
        told = [answer.result(LONG) for answer in answers]

    assert [sorted(names) for names in book.reads] == [["first"], ["a", "b", "first"]]
    assert told[0] == "first of read 1"
    assert told[1:] == ["a of read 2", "b of read 2", "a of read 2", "first of read 2"]


def test_a_read_holds_no_more_than_a_hundred(book: Book) -> None:
    book.open.set()

    told = at_once(book.together.get, [str(number) for number in range(250)], threads=250)

    assert [text.split()[0] for text in told] == [str(number) for number in range(250)]
    assert max(map(len, book.reads)) <= 100
    assert sum(map(len, book.reads)) == 250


def test_who_asks_while_a_read_fails_is_told_so_without_another(book: Book) -> None:
    book.faults.append(StoreUnavailable("It is away"))
    with ThreadPoolExecutor(8) as pool:
        answers = book.ask(pool, "a", "b")
        book.open.set()
        faults = [answer.exception(LONG) for answer in answers]

    assert [str(fault) for fault in faults] == ["It is away"] * 3
    assert len(book.reads) == 1
    assert book.together.get("a") == "a of read 2"


def test_a_defect_is_told_to_those_it_concerns_and_to_nobody_else(book: Book) -> None:
    book.faults.append(ValueError("A defect"))
    with ThreadPoolExecutor(8) as pool:
        first, other = book.ask(pool, "a")
        book.open.set()

        assert isinstance(first.exception(LONG), ValueError)
        assert other.result(LONG) == "a of read 2"


def test_who_waits_for_a_reader_that_is_ended_is_not_left_waiting(book: Book) -> None:
    book.faults.append(SystemExit())
    with ThreadPoolExecutor(8) as pool:
        first, other = book.ask(pool, "a")
        book.open.set()

        assert isinstance(first.exception(LONG), SystemExit)
        assert other.result(LONG) == "a of read 2"
