"""Webhooks reach real receivers, signed, however often that takes; none of it is on a job's way."""

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis
from standardwebhooks import Webhook, WebhookVerificationError

from shared.deliveries import Deliveries
from shared.jobs import Job
from shared.outbound import Outbound
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import accepted, now_ms
from tests.shared.outside import Names
from tests.webhooks import (
    SECRET,
    batch_of,
    ended,
    leases_end,
    pauses_end,
    take,
    taken,
    verified,
    with_webhooks,
)
from tests.worker.provider_server import Answer, ProviderServer, never, provider, resets, says
from worker.webhooks import deliver, pause_after

OK = says(204, b"")
SECONDS = 0.3


@pytest.fixture
def services(services: Services) -> Services:
    """Give services that may call this machine, with a secret to sign by."""
    return with_webhooks(services)


def hook(server: ProviderServer) -> str:
    """Return an address of a receiver that nobody else should learn."""
    return f"{server.url}/done?token=sesame"


def send(services: Services, outbound: Outbound | None = None) -> None:
    """Take what is due and call its receiver once."""
    deliver(taken(services.outbox), services, outbound or Outbound(allow_private=True))


def told(services: Services, job: Job) -> Deliveries:
    """Return what became of a job's webhook."""
    return services.outbox.deliveries(job)


def only_error(services: Services, job: Job) -> str | None:
    """Return what is told of the only try."""
    (done,) = told(services, job).tries
    return done.error


def test_the_end_of_a_job_reaches_its_receiver_signed(services: Services) -> None:
    with provider(OK) as server:
        job = ended(services.store, hook(server), metadata={"order": "17"})

        send(services)

    (call,) = server.received
    body = verified(call)
    assert call.line == "POST /done?token=sesame HTTP/1.1"
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["User-Agent"] == "stability-ai-image-api"
    assert call.headers["webhook-id"] == f"msg_{job.id}"
    assert abs(int(call.headers["webhook-timestamp"]) - time.time()) < 5
    assert body["type"] == "job.failed"
    assert body["timestamp"] == body["data"]["finished_at"]
    assert (body["data"]["job_id"], body["data"]["metadata"]) == (job.id, {"order": "17"})
    assert body["data"]["error_code"] == "internal"
    assert told(services, job).status == "delivered"
    assert told(services, job).tries[0].status_code == 204


def test_what_was_not_signed_by_this_service_is_told_apart(services: Services) -> None:
    with provider(OK) as server:
        ended(services.store, hook(server))
        send(services)

    (call,) = server.received
    with pytest.raises(WebhookVerificationError):
        verified(call, "whsec_" + "QUJD" * 8)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(call.body + b" ", dict(call.headers))


@pytest.mark.parametrize(
    ("end", "event"),
    [
        (lambda store, job: store.succeed(job.id, result={"format": "png"}), "job.succeeded"),
        (lambda store, job: store.cancel([job.id]), "job.canceled"),
    ],
)
def test_the_type_tells_how_a_job_has_ended(
    services: Services, end: Callable[[Any, Job], object], event: str
) -> None:
    with provider(OK) as server:
        end(services.store, accepted(services.store, webhook=server.url))
        send(services)

    body = verified(server.received[0])
    assert (body["type"], body["data"]["status"]) == (event, event.removeprefix("job."))


def test_a_batch_is_told_once_with_all_its_jobs(services: Services) -> None:
    with provider(OK) as server:
        batch = batch_of(services.store, 2, server.url)
        services.store.succeed(batch.jobs[0])
        services.store.cancel([batch.jobs[1]])
        send(services)

    (call,) = server.received
    body = verified(call)
    assert (body["type"], body["data"]["status"]) == ("batch.finished", "partial")
    assert call.headers["webhook-id"] == f"msg_{batch.id}"
    assert {job["job_id"] for job in body["data"]["jobs"]} == set(batch.jobs)
    assert body["timestamp"] == body["data"]["finished_at"]


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (says(500, b"oh"), 500, "The receiver answered 500"),
        (says(410, b""), 410, "The receiver answered 410"),
        (says(302, b"", {"Location": "http://127.0.0.1:1/"}), 302,
         "The receiver answered 302; redirects are not followed"),
        (resets, None, "No answer: connection broken off"),
        (never, None, f"No answer: timed out after {SECONDS:g} s"),
    ],
)  # fmt: skip
def test_a_receiver_that_does_not_take_it_is_called_again_later(
    services: Services, redis_client: "Redis", answer: Answer, status: int | None, error: str
) -> None:
    with provider(answer) as server:
        job = ended(services.store, hook(server))
        begun = now_ms(redis_client)
        send(services, Outbound(allow_private=True, seconds=SECONDS))

    after = told(services, job)
    assert (after.status, after.tries[0].status_code) == ("waiting", status)
    assert only_error(services, job) == error
    assert after.next_try
    assert 4_500 <= after.next_try - begun <= 6_500
    if answer is never:
        assert after.tries[0].duration_ms >= SECONDS * 1000


def test_a_receiver_that_refuses_the_connection_is_called_again_later(services: Services) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        job = ended(services.store, f"http://127.0.0.1:{nobody.getsockname()[1]}/")
        send(services)

    assert told(services, job).status == "waiting"
    assert only_error(services, job) == "No answer: connection refused"


def test_it_is_tried_eight_times_by_the_promised_pauses_with_one_id(
    services: Services, redis_client: "Redis"
) -> None:
    pauses = []
    with provider(says(503, b"")) as server:
        job = ended(services.store, server.url)
        for _ in range(7):
            send(services)
            due = told(services, job).next_try
            assert due
            pauses.append((due - now_ms(redis_client)) / 1000)
            pauses_end(redis_client)
        send(services)

    promised = [5, 30, 300, 1_800, 7_200, 18_000, 36_000]
    assert pauses == [pytest.approx(pause, rel=0.11, abs=0.3) for pause in promised]
    assert len(set(pauses)) == 7
    assert told(services, job).status == "failed"
    assert len(told(services, job).tries) == 8
    pauses_end(redis_client)
    assert take(services.outbox) is None
    assert {call.headers["webhook-id"] for call in server.received} == {f"msg_{job.id}"}


def test_pauses_differ_so_that_what_failed_together_does_not_come_back_together() -> None:
    pauses = {pause_after(6) for _ in range(50)}

    assert len(pauses) > 40
    assert all(pause and 32_400_000 <= pause <= 39_600_000 for pause in pauses)
    assert pause_after(7) is None


def test_a_later_try_has_its_own_time_and_tells_the_job_as_it_is_by_then(
    services: Services, redis_client: "Redis"
) -> None:
    with provider(says(500, b"")) as server:
        job = accepted(services.store, webhook=server.url)
        services.store.succeed(job.id)
        send(services)
        first_image = verified(server.received[0])["data"]["image_url"]
        services.store.forget_image(job.id, "deleted")
        server.answer = OK
        pauses_end(redis_client)
        send(services)

    first, second = server.received
    assert first_image
    assert verified(second)["data"]["image_url"] is None
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert verified(first)["timestamp"] == verified(second)["timestamp"]
    assert [done.status_code for done in told(services, job).tries] == [500, 204]
    assert told(services, job).status == "delivered"


def test_a_webhook_whose_sender_died_is_sent_by_another_with_the_same_id(
    services: Services, redis_client: "Redis"
) -> None:
    with provider(OK) as server:
        job = ended(services.store, server.url)
        taken(services.outbox, "dies before it calls")
        leases_end(redis_client)
        parcel = taken(services.outbox, "dies after it has called")
        Outbound(allow_private=True).post(server.url, b"{}", {"webhook-id": f"msg_{parcel.id}"})
        leases_end(redis_client)

        send(services)

    assert [call.headers["webhook-id"] for call in server.received] == [f"msg_{job.id}"] * 2
    assert told(services, job).status == "delivered"


def test_a_name_that_leads_to_a_private_address_is_not_called(services: Services) -> None:
    with provider(OK) as server:
        url = server.url.replace("127.0.0.1", "hooks.test")
        job = ended(services.store, url)
        guarded = Outbound(allow_private=False, resolve=Names(["127.0.0.1"]))

        send(services, guarded)

    assert not server.received
    assert only_error(services, job) == "No answer: address is private"


def test_without_a_secret_nothing_is_sent_and_that_is_said(services: Services) -> None:
    settings = services.settings.model_copy(update={"webhook_secret": None})
    with provider(OK) as server:
        job = ended(services.store, server.url)

        send(replace(services, settings=settings))

    assert not server.received
    assert "WEBHOOK_SECRET is not set" in str(only_error(services, job))


def test_a_record_that_cannot_be_told_does_not_come_back_for_ever(
    services: Services, redis_client: "Redis"
) -> None:
    with provider(OK) as server:
        job = ended(services.store, server.url)
        redis_client.hset(f"{PREFIX}job:{job.id}", "finished", 10**18)

        send(services)

    assert not server.received
    assert only_error(services, job) == "Something went wrong in this service"
    assert told(services, job).next_try


def test_the_log_tells_the_receiver_and_neither_path_nor_secret(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    caplog.set_level("WARNING", "urllib3")  # as set_up_logs has it, whatever LOG_LEVEL says
    with provider(says(500, b"")) as server:
        ended(services.store, hook(server))
        send(services)
        server.answer = OK
        ended(services.store, hook(server))
        send(services)

    lines = [str(vars(record)) for record in caplog.records]
    assert any("'receiver': '127.0.0.1'" in line for line in lines)
    assert not [line for line in lines if "sesame" in line or SECRET[6:] in line]
