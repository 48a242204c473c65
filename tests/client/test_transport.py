"""What is sent, what is sent again, and what is told when that does not help."""

import json
from pathlib import Path

import pytest

from client import (
    Client,
    ClientError,
    Closed,
    Conflict,
    InvalidRequest,
    LimitReached,
    ServiceFault,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from shared.embedded_redis import free_port
from tests.client.scripted import Answer, Handler, Script, breaks, says, told

QUEUED = says(202, told("queued"))
AWAY = says(503, {"error": "away", "error_code": "unavailable"}, Retry_After="0")


@pytest.mark.parametrize(
    "trouble",
    [
        AWAY,
        breaks(),
        breaks(b"HTTP/1.1 202 ACCEPTED\r\nContent-Length: 99\r\n\r\n{"),
        says(429, {"error": "full", "error_code": "queue_full"}, Retry_After="0"),
        says(502, b"<html>no upstream</html>"),
    ],
    ids=["away", "broken", "cut short", "queue full", "a proxy"],
)
def test_a_submission_that_met_trouble_comes_again_with_the_same_key(
    service: Script, client: Client, trouble: Answer
) -> None:
    service.will(trouble, QUEUED)

    job = client.generate("A fox", model="ultra")

    first, second = service.seen
    assert job.status == "queued"
    assert len(first.headers["idempotency-key"]) == 32
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body
    assert json.loads(first.body) == {"prompt": "A fox", "model": "ultra"}


def test_two_submissions_have_keys_of_their_own(service: Script, client: Client) -> None:
    service.will(QUEUED)

    client.generate("A fox")
    client.generate("A fox")

    one, other = (seen.headers["idempotency-key"] for seen in service.seen)
    assert one != other


def test_a_key_of_the_caller_s_own_is_sent(service: Script, client: Client) -> None:
    service.will(QUEUED)

    client.generate("A fox", idempotency_key="order-17")
    client.retry("j1", idempotency_key="order-18")

    assert [seen.headers["idempotency-key"] for seen in service.seen] == ["order-17", "order-18"]


def test_a_service_that_waits_by_default_is_asked_not_to(service: Script, client: Client) -> None:
    service.will(QUEUED)

    client.generate("A fox")

    assert service.seen[0].headers["prefer"] == "respond-async"


def test_what_is_refused_is_not_repeated_and_tells_everything(
    service: Script, client: Client
) -> None:
    errors = [{"field": "prompt", "error": "Prompt is required"}, {"field": "seed", "error": "…"}]
    told = {"error": "Prompt is required", "error_code": "invalid_request", "errors": errors}
    service.will(says(400, {**told, "request_id": "r1"}), QUEUED)

    with pytest.raises(InvalidRequest, match="Prompt is required") as caught:
        client.generate(" ")

    fault = caught.value
    assert (fault.status, fault.error_code, fault.request_id) == (400, "invalid_request", "r1")
    assert list(fault.errors) == errors
    assert fault.idempotency_key == service.seen[0].headers["idempotency-key"]
    assert len(service.seen) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (says(401, {"error": "who?"}), Unauthorized),
        (says(409, {"error": "no"}), Conflict),
        (says(429, {"error": "full"}, Retry_After="3600"), LimitReached),
        (says(500, {"error": "a defect"}), ServiceFault),
        (says(503, {"error": "away"}, Retry_After="3600"), Unavailable),
        (says(200, b"<html>a router</html>"), ServiceFault),
        (says(200, ["a list"]), ServiceFault),
        (says(308, b"", Location="https://elsewhere.test/jobs/j1"), ServiceFault),
    ],
)
def test_each_fault_has_its_class(
    service: Script, client: Client, answer: Answer, kind: type[ClientError]
) -> None:
    service.will(answer)

    with pytest.raises(kind) as caught:
        client.job("j1")

    assert type(caught.value) is kind
    assert len(service.seen) == 1


def test_nobody_there_is_told_within_the_patience() -> None:
    base = f"http://127.0.0.1:{free_port()}"
    troubles: list[float] = []
    client = Client(base, patience=1, on_trouble=lambda _, seconds: troubles.append(seconds))

    with client, pytest.raises(Unreachable, match=f"Nothing answers at {base}"):
        client.job("j1")

    assert len(troubles) == 2


def test_the_key_is_shown_to_the_service_and_not_with_pictures(
    service: Script, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password pass\n")
    monkeypatch.setenv("NETRC", str(netrc))
    done = told("succeeded", image_url="https://pictures.example/saved_images/a.webp")
    service.will(says(200, done), says(200, b"RIFF"))

    picture = client.image("j1")

    assert picture == b"RIFF"
    assert service.seen[0].headers["authorization"] == "Bearer s3cret"
    assert service.seen[1].path == "/saved_images/a.webp"
    assert "authorization" not in service.seen[1].headers


@pytest.mark.parametrize(
    "base",
    [
        *(
            "127.0.0.1:5000",
            "ftp://x",
            "http://",
            "",
            "http://[::1",
            "http://x:99999",
            "http://x:a",
        ),
        *("http://x/?a=1", "http://x/#a"),
    ],
)
def test_an_address_that_is_none_is_refused_at_once(base: str) -> None:
    with pytest.raises(ValueError, match="must be like http"):
        Client(base)


def test_a_password_in_an_address_is_refused_and_not_told() -> None:
    with pytest.raises(ValueError, match="no user and no password") as caught:
        Client("https://me:s3cret@images.example")

    assert "s3cret" not in str(caught.value)


def test_a_key_that_no_header_can_hold_is_refused_without_being_told() -> None:
    with pytest.raises(ValueError, match="must be one line") as caught:
        Client(api_key="s3cret\nX-Evil: 1")

    assert "s3cret" not in str(caught.value)


def test_a_service_that_asks_for_no_pause_is_given_one_that_grows(service: Script) -> None:
    pauses: list[float] = []
    service.will(AWAY)

    client = Client(service.base, patience=1, on_trouble=lambda _, pause: pauses.append(pause))
    with client, pytest.raises(Unavailable):
        client.job("j1")

    assert 1 < len(pauses) < 4
    assert min(pauses) > 0.1


@pytest.mark.parametrize(
    ("base", "key", "clear"),
    [
        ("http://images.example", "k", True),
        ("http://images.example", None, False),
        ("https://images.example", "k", False),
        ("http://127.0.0.1:5000", "k", False),
        ("http://[::1]:5000", "k", False),
    ],
)
def test_a_key_that_anybody_between_can_read_is_told_of(
    base: str, key: str | None, clear: bool
) -> None:
    with Client(base, key) as client:
        assert client.shows_key_in_the_clear is clear


def test_no_proxy_leads_to_this_machine(service: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    service.will(QUEUED)

    with Client(service.base, patience=0) as client:
        assert client.job("j1").status == "queued"


def test_a_client_that_was_closed_by_another_thread_asks_no_more(
    service: Script, client: Client
) -> None:
    def close(handler: Handler) -> None:
        client.close()
        says(503, {"error": "Away"})(handler)

    service.will(close)
    for ask in (client.job, client.generate, client.wait):
        with pytest.raises(Closed, match="was closed") as closed:
            ask("j1")
        assert not closed.value.temporary

    assert len(service.seen) == 1


def test_what_arrives_after_a_close_is_not_read(service: Script, client: Client) -> None:
    def close(handler: Handler) -> None:
        client.close()
        says(200, told("queued"))(handler)

    service.will(close)

    with pytest.raises(Closed, match="was closed"):
        client.job("j1")


def test_a_twin_asks_the_same_service_with_the_same_key(service: Script, client: Client) -> None:
    service.will(says(200, told("queued")))

    with client.twin() as twin:
        twin.job("j1")
    client.job("j1")

    assert [seen.headers["authorization"] for seen in service.seen] == ["Bearer s3cret"] * 2


def test_a_service_is_asked_by_another_name_and_nobody_else_is(
    service: Script, tmp_path: Path
) -> None:
    port = service.base.rpartition(":")[2]
    there = f"http://localhost:{port}/elsewhere/a.png"
    client = Client(service.base, "s3cret", host="images.example:5000")
    service.will(
        says(200, told("succeeded", image_url="/saved_images/a.png")),
        says(302, b"", Location=there),
        says(200, b"a picture"),
        says(200, told("queued")),
    )

    client.save("j1", tmp_path / "a.png")
    client.twin().job("j1")

    hosts = [seen.headers["host"] for seen in service.seen]
    named = "images.example:5000"
    assert hosts == [named, named, f"localhost:{port}", named]
