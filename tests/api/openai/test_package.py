"""The `openai` package raises for each fault the class that its callers look for."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.api.callers import LONG, Api
from tests.api.conftest import Start

Serve = Callable[..., OpenAI]
ALICE = "alice-has-this-key"


class Quiet(WSGIRequestHandler):
    """A handler that prints nothing."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give what lets an API listen, and returns a client of it that does not repeat unless told to."""
    opened: list[Callable[[], object]] = []

    def serve(api: Api, key: str = "sk-dummy", retries: int = 0) -> OpenAI:
        server = make_server("127.0.0.1", 0, api.app, threaded=True, request_handler=Quiet)
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        url = f"http://127.0.0.1:{server.port}/v1"
        client = OpenAI(base_url=url, api_key=key, max_retries=retries, timeout=LONG)
        opened.extend([client.close, server.shutdown, thread.join, server.server_close])
        return client

    yield serve
    for close in opened:
        close()


def generate(client: OpenAI, **fields: Any) -> Any:
    """Ask for an image."""
    return client.images.generate(**{"prompt": "a fox", "model": "core", **fields})


def test_without_a_right_key(start: Start, serve: Serve) -> None:
    client = serve(start(client_keys=f"alice:{ALICE}"))

    with pytest.raises(openai.AuthenticationError, match="A client key is needed") as refused:
        generate(client)

    assert refused.value.code == "invalid_api_key"
    with pytest.raises(openai.AuthenticationError):
        client.models.list()


def test_with_a_right_key(start: Start, serve: Serve) -> None:
    client = serve(start(client_keys=f"alice:{ALICE}"), ALICE)

    assert next(iter(client.models.list())).id == "core"


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"size": "4x4"}, openai.BadRequestError),
        ({"prompt": ""}, openai.BadRequestError),
        ({"stream": True}, openai.BadRequestError),
        ({"extra_body": {"colour": "red"}}, openai.BadRequestError),
        ({"extra_headers": {"Origin": "https://evil.example"}}, openai.PermissionDeniedError),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_request(
    api: Api, serve: Serve, fields: dict[str, Any], kind: type[openai.APIStatusError]
) -> None:
    with pytest.raises(kind) as refused:
        generate(serve(api), **fields)

    assert refused.value.message
    assert refused.value.request_id


def test_what_is_not_there(api: Api, serve: Serve) -> None:
    client = serve(api)

    with pytest.raises(openai.NotFoundError, match="There is no model of this name"):
        client.models.retrieve("dall-e-3")
    with pytest.raises(openai.NotFoundError):
        client.images.edit(image=b"x", prompt="a fox")


def test_more_than_is_allowed(start: Start, serve: Serve) -> None:
    full, poor = start(key_limits='{"*": {"queued": 0}}'), start(credits_per_day="1")

    with pytest.raises(openai.RateLimitError) as refused:
        generate(serve(full))
    assert refused.value.response.headers["Retry-After"] == "10"
    with pytest.raises(openai.RateLimitError) as refused:
        generate(serve(poor))
    assert refused.value.code == "insufficient_quota"


def test_a_key_for_another_request(start: Start, serve: Serve) -> None:
    client = serve(start(max_wait_seconds=0))
    keyed = {"extra_headers": {"Idempotency-Key": "order-17"}}

    with pytest.raises(openai.InternalServerError, match="Not made yet"):
        generate(client, **keyed)
    with pytest.raises(openai.UnprocessableEntityError):
        generate(client, prompt="a hare", **keyed)


def test_a_job_that_ends_badly_is_not_asked_for_again(api: Api, serve: Serve) -> None:
    client = serve(api, retries=2)
    asked: list[None] = []
    api.app.before_request(lambda: asked.append(None))
    api.events.before = api.fail

    with pytest.raises(openai.InternalServerError, match="It went wrong"):
        generate(client)

    assert len(asked) == 1


def test_the_package_says_how_often_it_has_asked(api: Api, serve: Serve) -> None:
    client = serve(api)
    api.events.before = api.succeed

    generate(client)

    assert len(list(api.redis.scan_iter("images:tries:*"))) == 1
