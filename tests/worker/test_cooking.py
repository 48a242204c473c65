"""A creative upscale is begun once and then asked for, with a provider that does as it is told."""

import threading

import pytest
from redis import Redis

from shared.job_store import JobStore
from shared.moves import Pace
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import PROVIDER_ID, accepted, at_once, due, known, now_ms, places, until
from tests.fakes import ScriptedProvider
from tests.folders import folder_of
from tests.pictures import opened, picture, turned
from tests.worker.bench import PICTURE, after_a_run, pixels_sent, workshop
from tests.worker.kitchen import LARGE, cooking, creative, ripe
from worker.make_image import make_image
from worker.wire import ProviderImage
from worker.workshop import POLL_MS


def test_what_was_begun_is_parked_under_the_providers_id(
    services: Services, redis_client: "Redis"
) -> None:
    provider = ScriptedProvider(PROVIDER_ID)

    job = after_a_run(services, creative(services), provider)

    assert (job.status, job.provider_id, job.attempts) == ("running", PROVIDER_ID, 1)
    assert (job.credits, job.claim) == (None, "")
    assert places(redis_client, job.id) == ["parked"]
    assert POLL_MS - 1_000 < due(redis_client, job.id) <= POLL_MS == 10_000
    (outgoing,) = provider.calls
    assert outgoing.path == "/v2beta/stable-image/upscale/creative"
    assert pixels_sent(provider) == opened(PICTURE).tobytes()
    assert services.images.read_input(job.input) == PICTURE


def test_when_it_is_done_the_job_ends_with_its_picture(
    services: Services, redis_client: "Redis"
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider(LARGE)
    redis_client.hincrby(f"{PREFIX}job:{job.id}", "sent", -30_000)

    done = after_a_run(services, job, provider)

    assert (done.status, done.credits, done.attempts) == ("succeeded", 60_000, 1)
    assert (done.result or {})["width"] == 256
    assert (done.provider_request_id, done.provider_id) == ("q2", PROVIDER_ID)
    assert 30_000 <= (done.provider_ms or 0) < 40_000
    assert done.revision == job.revision + 1
    assert (folder_of(services.images) / job.image).read_bytes() == LARGE.data
    assert places(redis_client, job.id) == []
    with pytest.raises(FileNotFoundError):
        services.images.read_input(job.input)


def test_it_is_asked_for_by_its_id_and_with_the_key_and_nothing_is_paid(
    services: Services, redis_client: "Redis"
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider(LARGE)

    after_a_run(services, job, provider)

    (poll,) = provider.polls
    assert (poll.path, poll.parts) == (f"/v2beta/results/{PROVIDER_ID}", {})
    assert poll.headers["Authorization"] == "Bearer sk-sandbox"
    assert provider.calls == []


def test_while_it_cooks_it_is_parked_again_and_nobody_is_told(
    services: Services, redis_client: "Redis"
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider(None, None, LARGE)

    first = after_a_run(services, job, provider)
    pause = due(redis_client, first.id)
    second = after_a_run(services, ripe(services, redis_client, job), provider)
    done = after_a_run(services, ripe(services, redis_client, job), provider)

    assert first == second == job
    assert POLL_MS - 1_000 < pause <= POLL_MS
    assert (done.status, len(provider.polls)) == ("succeeded", 3)


def test_the_deadline_is_for_what_is_not_bought_yet(
    services: Services, redis_client: "Redis"
) -> None:
    job = cooking(services, redis_client)
    redis_client.hset(f"{PREFIX}job:{job.id}", "deadline", 1)

    assert after_a_run(services, job, ScriptedProvider(LARGE)).status == "succeeded"


def test_a_second_message_asks_for_nothing_while_it_is_parked(services: Services) -> None:
    job = creative(services)
    after_a_run(services, job, ScriptedProvider(PROVIDER_ID))
    provider = ScriptedProvider()

    after = after_a_run(services, job, provider)

    assert after.status == "running"
    assert provider.calls == provider.polls == []


def test_twenty_messages_at_once_ask_once(services: Services, redis_client: "Redis") -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider(*[None] * 20)
    shop = workshop(services, provider)

    at_once(lambda _: make_image(job.id, shop), range(20))

    assert len(provider.polls) == 1


def test_an_image_that_is_there_ends_the_job_without_asking(
    services: Services, redis_client: "Redis"
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider()
    services.images.put(job.image, LARGE.data)

    after = after_a_run(services, job, provider)

    assert (after.status, after.credits) == ("succeeded", 60_000)
    assert provider.polls == []


def test_while_calls_are_paused_nobody_asks(services: Services, redis_client: "Redis") -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider()
    services.store.pause(60_000)

    after = after_a_run(services, job, provider)

    assert (after, provider.polls) == (job, [])
    assert 50_000 < due(redis_client, job.id) <= 60_000


def test_a_stop_while_waiting_for_a_slot_leaves_it_parked(
    services: Services, redis_client: "Redis"
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider()
    redis_client.set(f"{PREFIX}pace:next", now_ms(redis_client) + 2_500)
    shop = workshop(services, provider, store=JobStore(redis_client, Pace(2_500)))
    worker = threading.Thread(target=make_image, args=[job.id, shop])

    worker.start()
    until(lambda: known(services.store, job.id).slot)
    shop.stopping.set()
    worker.join(timeout=2)

    assert not worker.is_alive()
    assert (known(services.store, job.id), provider.polls) == (job, [])
    assert places(redis_client, job.id) == ["parked"]


def test_other_jobs_end_while_one_cooks(services: Services) -> None:
    upscaled, other = creative(services), accepted(services.store)
    services.store.heartbeat("w", 1, 60_000)
    provider = ScriptedProvider(PROVIDER_ID, ProviderImage(PICTURE, 7, "q1"))
    shop = workshop(services, provider)

    for _ in range(2):
        (job_id,) = services.store.dispatch()
        make_image(job_id, shop)

    assert known(services.store, upscaled.id).status == "running"
    assert known(services.store, other.id).status == "succeeded"
    assert services.store.dispatch() == []


def test_what_cooked_has_the_shape_that_a_viewer_saw_of_its_original(
    services: Services, redis_client: "Redis"
) -> None:
    provider = ScriptedProvider(PROVIDER_ID, ProviderImage(picture(96, 128), 7, "q1"))
    job = after_a_run(services, creative(services, image=turned("png", 8)), provider)

    done = after_a_run(services, ripe(services, redis_client, job), provider)

    assert done.status == "succeeded"
