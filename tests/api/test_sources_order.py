"""When an image that is named is fetched, and when not: faults, dry runs, replays, waits."""

import threading
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.callers import Api, assert_fault, errors_of, json_of
from tests.api.named import PICTURE, data_url, kept, ref, saved, upscale
from tests.pictures import picture
from tests.worker.provider_server import ProviderServer, provider, says


def test_an_invalid_request_fetches_nothing_and_is_told_whole(
    near: Api, server: ProviderServer
) -> None:
    answer = upscale(
        near, image_url=server.url, mode="conservative", seed=-1, colour="red", wait_seconds="x"
    )

    assert set(errors_of(answer)) == {"prompt", "seed", "colour", "wait_seconds"}
    assert not server.received
    assert near.is_empty()


def test_all_faults_are_told_at_once_the_image_first(api: Api) -> None:
    answer = upscale(api, image_url="http://10.0.0.1/", seed=1, metadata=7)

    assert list(errors_of(answer)) == ["image_url", "seed", "metadata"]


def test_a_dry_run_fetches_nothing_and_stores_nothing(near: Api, server: ProviderServer) -> None:
    answer = json_of(upscale(near, "?dry_run=true", image_url=server.url))

    assert (answer["dry_run"], answer["credits_estimate"]) == (True, 2)
    assert errors_of(upscale(near, "?dry_run=true", image_url=data_url(b"text")))
    assert not server.received
    assert near.is_empty()


def test_the_other_route_takes_no_image(api: Api) -> None:
    errors = errors_of(api.generate(image_url="http://a.test/"))

    assert errors["image_url"].startswith("image_url is not taken by model core")


def test_a_replay_fetches_nothing(near: Api, server: ProviderServer) -> None:
    fields = {"image_url": server.url, "idempotency_key": "k"}
    first = upscale(near, **fields)
    server.answer = says(404, b"")

    again = upscale(near, **fields)

    assert json_of(first)["job_id"] == json_of(again)["job_id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(server.received) == len(near.inputs()) == 1


def test_the_same_file_under_another_link_is_the_same_request(
    near: Api, server: ProviderServer
) -> None:
    def ask(link: str, file_id: str) -> TestResponse:
        refs = [ref(f"{server.url}/{link}", file_id)]
        return upscale(near, openaiFileIdRefs=refs, idempotency_key="k")

    first, again, other = ask("a", "file-1"), ask("b", "file-1"), ask("a", "file-2")

    assert json_of(first)["job_id"] == json_of(again)["job_id"]
    assert_fault(other, 422, "idempotency_key_reused")
    assert len(server.received) == 1


@pytest.mark.parametrize("name", ["image_url", "openaiFileIdRefs"])
def test_another_url_is_another_request(near: Api, server: ProviderServer, name: str) -> None:
    def ask(link: str) -> TestResponse:
        url = f"{server.url}/{link}"
        return upscale(near, idempotency_key="k", **{name: url if name == "image_url" else [url]})

    ask("a")

    assert_fault(ask("b"), 422, "idempotency_key_reused")
    assert len(server.received) == 1


def test_a_data_url_counts_by_its_bytes_as_a_file_does(api: Api) -> None:
    first = api.upscale(idempotency_key="k")
    again = upscale(api, image_url=data_url(PICTURE, "image/x"), idempotency_key="k")
    other = upscale(api, image_url=data_url(picture(65, 65)), idempotency_key="k")

    assert json_of(first)["job_id"] == json_of(again)["job_id"]
    assert_fault(other, 422, "idempotency_key_reused")


def test_a_replay_needs_its_image_no_more(api: Api) -> None:
    fields = {"image_url": saved(api), "idempotency_key": "k"}
    first = upscale(api, **fields)
    api.services.images.delete(fields["image_url"].removeprefix("/saved_images/"))

    again = upscale(api, **fields)

    assert json_of(first)["job_id"] == json_of(again)["job_id"]


def test_what_could_not_be_fetched_uses_up_no_key(near: Api, server: ProviderServer) -> None:
    fields = {"image_url": server.url, "idempotency_key": "k"}
    server.answer = says(500, b"")
    assert upscale(near, **fields).status_code == 400
    server.answer = says(200, PICTURE)

    assert kept(near, upscale(near, **fields)) == PICTURE


def test_equal_requests_whose_fetches_meet_make_one_job(near: Api) -> None:
    both = threading.Barrier(2)

    def answer(connection: Any, over: threading.Event) -> None:
        both.wait(10)
        says(200, PICTURE)(connection, over)

    with provider(answer) as server:
        fields = {"image_url": server.url, "idempotency_key": "k"}
        answers: list[TestResponse] = []
        threads = [
            threading.Thread(target=lambda: answers.append(upscale(near, **fields)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

    assert len({json_of(answer)["job_id"] for answer in answers}) == 1
    assert len(near.inputs()) == 1


def test_what_a_fetch_takes_is_part_of_the_wait(near: Api) -> None:
    def answer(connection: Any, over: threading.Event) -> None:
        over.wait(0.5)
        says(200, PICTURE)(connection, over)

    with provider(answer) as server:
        answered = upscale(near, "?wait=0.4", image_url=server.url)

    assert answered.status_code == 202
    assert near.events.seen.empty()
