import pytest

from sandbox.limits import Rate, RateLimit

RATE = Rate(3, 10)


def test_lets_as_many_through_as_the_rate_says() -> None:
    limit = RateLimit()

    assert [limit.seconds_locked("k", now, RATE, 60) for now in (0, 1, 2)] == [0, 0, 0]


def test_locks_the_key_that_goes_over_for_the_whole_lockout() -> None:
    limit = RateLimit()
    for now in (0, 1, 2):
        limit.seconds_locked("k", now, RATE, 60)

    assert limit.seconds_locked("k", 9.9, RATE, 60) == 60
    assert limit.seconds_locked("k", 69.8, RATE, 60) == pytest.approx(0.1)
    assert limit.seconds_locked("k", 69.9, RATE, 60) == 0


def test_calls_during_the_lockout_do_not_extend_it() -> None:
    limit = RateLimit()
    for now in (0, 0, 0, 0):
        limit.seconds_locked("k", now, RATE, 60)

    assert limit.seconds_locked("k", 30, RATE, 60) == 30
    assert limit.seconds_locked("k", 60, RATE, 60) == 0


def test_the_window_slides() -> None:
    limit = RateLimit()
    for now in (0, 5, 9):
        limit.seconds_locked("k", now, RATE, 60)

    assert limit.seconds_locked("k", 10, RATE, 60) == 0
    assert limit.seconds_locked("k", 14.9, RATE, 60) == 60


def test_each_key_has_its_own_window() -> None:
    limit = RateLimit()
    for _ in range(4):
        limit.seconds_locked("greedy", 0, RATE, 60)

    assert limit.seconds_locked("modest", 0, RATE, 60) == 0


def test_a_rate_is_written_as_it_is_read() -> None:
    assert str(Rate.parse("150/10s")) == "150/10s"
    assert Rate.parse("5/0.5") == Rate(5, 0.5)


@pytest.mark.parametrize("text", ["", "150", "0/10s", "10/0s", "-1/10s", "a/b", "150/10m"])
def test_refuses_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="150/10s"):
        Rate.parse(text)
