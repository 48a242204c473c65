"""The `openai` package against the running service: only its base URL is another."""

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import openai
import pytest
import requests
from openai import OpenAI

from shared.image_file import inspect
from tests.e2e.dropping import dropping
from tests.e2e.stack import ROOT, Stack


@contextmanager
def package(base: str, **options: Any) -> Iterator[OpenAI]:
    """Give a client of a service that is open, with the key that such programs ask their users for."""
    with OpenAI(base_url=f"{base}/v1", api_key="sk-dummy", **options) as client:
        yield client


@pytest.fixture
def client(stack: Stack) -> Iterator[OpenAI]:
    """Give a client of the stack."""
    with package(stack.base) as client:
        yield client


def test_an_image_comes_as_an_address_from_which_it_can_be_fetched(
    client: OpenAI, stack: Stack
) -> None:
    response = client.images.generate(prompt="an openai fox", model="core", size="1536x1024")

    assert response.data
    image = requests.get(str(response.data[0].url), timeout=10)
    assert (image.status_code, image.headers["Content-Type"]) == (200, "image/png")
    info = inspect(image.content)
    assert response.size == f"{info.width}x{info.height}"
    assert info.width / info.height == pytest.approx(1.5, rel=0.05)
    assert len(stack.charged("an openai fox")) == 1


def test_three_images_come_as_they_are(client: OpenAI, stack: Stack) -> None:
    response = client.images.generate(
        prompt="three openai foxes",
        model="sd3.5-flash",
        n=3,
        response_format="b64_json",
        output_format="jpeg",
        size="1024x1792",
    )

    assert response.data
    images = [base64.b64decode(str(image.b64_json), validate=True) for image in response.data]
    assert [inspect(image).format for image in images] == ["jpeg"] * 3
    assert len(set(images)) == 3
    assert response.model_extra == {"model": "sd3.5-flash"}
    assert len(stack.charged("three openai foxes")) == 3


def test_the_example_of_the_page_works(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "openai.md").read_text()
    example = page.split("```python\n")[1].split("```")[0]

    exec(example.replace("http://127.0.0.1:5000", stack.base), {})  # noqa: S102 - it is ours

    assert requests.get(capsys.readouterr().out.strip(), timeout=10).status_code == 200


def test_the_models_are_listed(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]

    assert names[0] == "core"
    assert client.models.retrieve(names[-1]).owned_by == "stability-ai"


def test_a_refused_prompt_is_a_bad_request(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(prompt="[sandbox:moderated] an openai bear", model="dall-e-3")

    assert refused.value.code == "content_policy_violation"
    assert refused.value.request_id


def test_of_three_images_those_that_were_made_are_answered(client: OpenAI, stack: Stack) -> None:
    stack.fault("moderated")

    response = client.images.generate(prompt="two of three foxes", model="core", n=3)

    assert response.data
    assert len(response.data) == 2
    assert response.model_extra
    assert response.model_extra["errors"][0]["code"] == "content_policy_violation"


def test_an_answer_that_is_lost_twice_is_asked_for_again_and_paid_once(stack: Stack) -> None:
    with dropping(stack.port, losing=2) as proxy, package(proxy.url) as client:
        response = client.images.generate(prompt="two lost foxes", model="core", n=2)

    assert proxy.lost == 2
    assert response.data
    assert len({image.url for image in response.data}) == 2
    assert len(stack.charged("two lost foxes")) == 2


def test_of_equal_requests_whose_answers_are_lost_each_is_paid_once_and_answered(
    stack: Stack,
) -> None:
    prompt = "four equal foxes"
    with (
        dropping(stack.port, 4) as proxy,
        package(proxy.url) as client,
        ThreadPoolExecutor(4) as pool,
    ):
        calls = [pool.submit(client.images.generate, prompt=prompt, model="core") for _ in range(4)]
        answered = [call.result(timeout=60) for call in calls]

    assert all(response.data for response in answered)
    assert len(stack.charged(prompt)) == 4


def test_a_client_that_runs_out_of_patience_comes_again_and_pays_once(stack: Stack) -> None:
    stack.sandbox_settings(latency=1)
    with package(stack.base, timeout=0.6) as client:
        response = client.images.generate(prompt="a slow openai fox", model="core")

    assert response.data
    assert len(stack.charged("a slow openai fox")) == 1
