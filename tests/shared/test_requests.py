"""How many requests a key has sent: in any minute no more than it may, exactly."""

import pytest
from redis import Redis

from shared.limits import KeyLimits, Limits
from shared.over_limit import TooManyRequests
from shared.requests import Allowance, Requests
from shared.scripts import PREFIX
from tests.builders import at_once, fits, now_ms

KEY = f"{PREFIX}requests:alice"


def counting(redis: "Redis", most: int) -> Requests:
    """Return what counts the requests of a key that may send so many a minute."""
    return Requests(redis, KeyLimits(named={"alice": Limits(requests_per_minute=most)}))


def sent(redis: "Redis", *ms_ago: int) -> None:
    """Let requests have been sent so long ago."""
    redis.rpush(KEY, *(now_ms(redis) - ms for ms in ms_ago))


def test_fifty_at_once_take_exactly_what_is_there(redis_client: "Redis") -> None:
    processes = [counting(redis_client, 10) for _ in range(5)]

    taken = at_once(lambda n: fits(lambda: processes[n % 5].take("alice")), range(50))

    assert sum(taken) == 10


def test_what_is_left_is_told_and_when_there_is_more(redis_client: "Redis") -> None:
    requests = counting(redis_client, 2)

    assert requests.take("alice") == Allowance(2, 1, 60)
    assert requests.take("alice") == Allowance(2, 0, 60)
    with pytest.raises(TooManyRequests, match="may send 2 requests a minute; try again in 60 s"):
        requests.take("alice")


def test_a_minute_is_any_minute(redis_client: "Redis") -> None:
    requests = counting(redis_client, 3)
    sent(redis_client, 60_001, 59_000, 2_000)

    assert requests.take("alice") == Allowance(3, 0, 1)
    with pytest.raises(TooManyRequests) as raised:
        requests.take("alice")
    assert raised.value.seconds == 1


def test_who_was_refused_is_taken_when_the_time_that_was_told_is_over(
    redis_client: "Redis",
) -> None:
    requests = counting(redis_client, 2)
    sent(redis_client, 30_000, 20_000, 10_000)  # the limit was lowered since

    with pytest.raises(TooManyRequests) as raised:
        requests.take("alice")
    moments = [int(moment) for moment in redis_client.lrange(KEY, 0, -1)]
    redis_client.delete(KEY)
    redis_client.rpush(KEY, *(moment - 1000 * raised.value.seconds for moment in moments))

    assert raised.value.seconds == 40
    assert requests.take("alice")


def test_a_clock_that_went_back_locks_nobody_out(redis_client: "Redis") -> None:
    requests = counting(redis_client, 1)
    sent(redis_client, -3_600_000)

    assert requests.take("alice")


def test_nothing_is_kept_longer_than_a_minute(redis_client: "Redis") -> None:
    counting(redis_client, 5).take("alice")

    assert 0 < redis_client.pttl(KEY) <= 60_000


def test_without_a_limit_nothing_is_counted(redis_client: "Redis") -> None:
    requests = counting(redis_client, 5)

    assert requests.take("bob") is None
    assert requests.take("") is None
    assert redis_client.dbsize() == 0
