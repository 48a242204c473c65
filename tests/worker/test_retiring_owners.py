"""Records come to their end whoever owns them, and an owner of whom nothing is left is forgotten."""

from dataclasses import replace

from redis import Redis

from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import accepted, accepted_batch, dump
from worker.retention import Retiring

OWNERS = ("", *(f"key-{number}" for number in range(9)))


def with_short_lives(services: Services) -> Services:
    """Return services that keep the record of what has ended for less than a moment."""
    settings = services.settings.model_copy(update={"job_ttl_days": 1e-8})
    return replace(services, settings=settings)


def test_the_records_of_all_owners_go_a_few_owners_at_a_time(
    services: Services, redis_client: "Redis"
) -> None:
    for owner in OWNERS:
        batch = accepted_batch(services.store, 2, owner=owner)
        services.store.cancel([accepted(services.store, owner=owner).id, *batch.jobs])
    open_job = accepted(services.store, owner=OWNERS[3])
    retiring = Retiring(with_short_lives(services))

    for _ in range(8):  # twice the turns that ten owners take, three at a time
        retiring.step()

    left = dump(redis_client)
    assert [name for name in left if ":job:" in name] == [f"{PREFIX}job:{open_job.id}"]
    assert not [name for name in left if ":batch:" in name]
    assert left[f"{PREFIX}owners"] == [OWNERS[3]]


def test_an_owner_is_known_as_long_as_one_of_its_records_is_kept(
    services: Services, redis_client: "Redis"
) -> None:
    kept, gone = accepted(services.store, owner="a"), accepted(services.store, owner="a")
    services.store.cancel([kept.id, gone.id])

    assert services.retirement.retire(gone)
    assert services.retirement.lists().count("a:generate:canceled") == 1
    assert services.retirement.retire(kept)

    assert not redis_client.exists(f"{PREFIX}owners")
    assert not [name for name in services.retirement.lists() if name.startswith("a:")]


def test_what_is_too_young_to_go_is_not_even_looked_at(
    services: Services, redis_client: "Redis"
) -> None:
    services.store.cancel([accepted(services.store).id for _ in range(30)])
    redis_client.config_resetstat()

    pages = services.retirement.pages(3_600_000, {"generate:canceled": 0})

    assert pages["generate:canceled"].last
    commands = redis_client.info("commandstats")
    assert "cmdstat_zrange" not in commands
    assert "cmdstat_hmget" not in commands
