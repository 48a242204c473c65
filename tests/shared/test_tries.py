"""Which request comes again: one that has no answer yet, and for each of several another."""

import pytest
from redis import Redis

from shared.scripts import PREFIX
from shared.tries import Tries
from tests.builders import at_once


@pytest.fixture
def tries(redis_client: "Redis") -> Tries:
    """Give the tries of an empty store."""
    return Tries(redis_client)


def first(tries: Tries, asked: str = "a fox", owner: str = "alice") -> str:
    """Return the name of a request that comes for the first time."""
    return tries.begin(owner, asked, again=False)


def again(tries: Tries, asked: str = "a fox", owner: str = "alice") -> str:
    """Return the name of a request that says that it comes again."""
    return tries.begin(owner, asked, again=True)


def test_what_comes_for_the_first_time_is_new_each_time(tries: Tries) -> None:
    assert first(tries) != first(tries)


def test_what_comes_again_is_the_same_however_often(tries: Tries) -> None:
    name = first(tries)

    assert [again(tries), again(tries)] == [name, name]


def test_what_comes_again_without_a_first_time_is_one_request(tries: Tries) -> None:
    assert again(tries) == again(tries)


def test_other_owners_and_other_requests_have_names_of_their_own(tries: Tries) -> None:
    name = first(tries)

    others = {again(tries, owner="bob"), again(tries, owner=""), again(tries, "a hare")}

    assert len(others | {name}) == 4


def test_of_several_without_an_answer_each_that_comes_again_is_another(tries: Tries) -> None:
    names = {first(tries) for _ in range(10)}

    taken = at_once(lambda _: again(tries), range(10))

    assert set(taken) == names


def test_what_nobody_serves_any_more_comes_again_before_what_is_served(tries: Tries) -> None:
    served, refused = first(tries), first(tries)
    tries.end("alice", "a fox", refused, answered=False)

    assert [again(tries), again(tries)] == [refused, served]


def test_what_was_answered_comes_again_only_when_nothing_else_can(tries: Tries) -> None:
    old, lost = first(tries), first(tries)
    tries.end("alice", "a fox", old, answered=True)

    assert again(tries) == lost


def test_of_what_was_answered_the_latest_comes_again(tries: Tries, redis_client: "Redis") -> None:
    names = [first(tries) for _ in range(2)]
    for name in names:
        tries.end("alice", "a fox", name, answered=True)
    redis_client.zincrby(f"{PREFIX}tries:alice:a fox", -1, names[1])  # a ms later

    assert again(tries) == names[1]


def test_names_are_kept_for_the_longest_wait_and_a_quarter_of_an_hour(
    redis_client: "Redis",
) -> None:
    tries, key = Tries(redis_client, longest_wait=60), f"{PREFIX}tries:alice:a fox"

    name = first(tries)
    begun = int(redis_client.pttl(key))
    redis_client.pexpire(key, 1_000)
    tries.end("alice", "a fox", name, answered=True)

    assert 950_000 < begun <= 960_000
    assert 950_000 < int(redis_client.pttl(key)) <= 960_000


def test_of_a_thousand_the_longest_answered_go(tries: Tries, redis_client: "Redis") -> None:
    key = f"{PREFIX}tries:alice:a fox"
    redis_client.zadd(key, {f"answered {number}": 1e14 - number for number in range(1_000)})

    name = first(tries)

    assert redis_client.zcard(key) == 1_000
    assert redis_client.zscore(key, "answered 0") is None
    assert again(tries) == name
