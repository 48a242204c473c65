"""`POST /v1/images/generations`: images made, waited for, and told as that API tells them."""

import base64
import io
from pathlib import Path
from typing import Any

import pytest

from api.openai.answers import encoded
from tests.api.callers import RESULT, Api, json_of
from tests.api.conftest import Start
from tests.api.openai.callers import GENERATIONS, ended, error_of, generate, made
from tests.builders import CLAIM, LEASE_MS
from tests.folders import folder_of
from tests.pictures import picture

WEBP = picture(form="webp")
# What these programs send, read in their sources.
OPEN_WEBUI = {
    "model": "dall-e-2",
    "prompt": "a fox",
    "n": 1,
    "size": "512x512",
    "response_format": "b64_json",
}
OPEN_WEBUI_GPT = {"model": "gpt-image-1", "prompt": "a fox", "n": 1, "size": "1024x1024"}
LIBRECHAT_DALLE = {
    "model": "dall-e-3",
    "quality": "hd",
    "style": "vivid",
    "size": "1792x1024",
    "prompt": "a fox",
    "n": 1,
}
LIBRECHAT_GPT = {
    "model": "gpt-image-1",
    "prompt": "a fox",
    "n": 1,
    "background": "auto",
    "output_format": "webp",
    "output_compression": 100,
    "quality": "auto",
    "size": "auto",
}
LANGCHAIN = {"prompt": "a fox", "n": 1, "size": "1024x1024", "model": "dall-e-2"}


@pytest.mark.parametrize("body", [OPEN_WEBUI, OPEN_WEBUI_GPT, LIBRECHAT_GPT], ids=str)
def test_programs_that_read_the_image_itself_get_it(api: Api, body: dict[str, Any]) -> None:
    answer = json_of(made(api, **body))

    assert base64.b64decode(answer["data"][0]["b64_json"], validate=True) == WEBP


@pytest.mark.parametrize("body", [LIBRECHAT_DALLE, LANGCHAIN], ids=str)
def test_programs_that_read_an_address_get_one_that_is_whole(
    api: Api, body: dict[str, Any]
) -> None:
    (told,) = json_of(made(api, **body))["data"]

    assert told["url"].startswith("http://127.0.0.1:5000/saved_images/")
    assert api.get(told["url"].removeprefix("http://127.0.0.1:5000")).status_code == 200


def test_the_answer_says_which_model_made_the_image_and_how_large_it_is(api: Api) -> None:
    answer = made(api, model="dall-e-3")

    told = json_of(answer)
    assert (told["model"], told["size"], told["output_format"]) == ("core", "1536x1536", "png")
    assert told["created"] > 1_700_000_000
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_address_is_public_where_the_service_is(start: Start) -> None:
    api = start(public_base_url="https://img.example/api", allow_anonymous=True)

    (told,) = json_of(made(api))["data"]

    assert told["url"].startswith("https://img.example/api/saved_images/")


def test_several_images_come_in_one_answer(api: Api) -> None:
    named, inline = made(api, n=3), made(api, n=3, response_format="b64_json")

    assert len({told["url"] for told in json_of(named)["data"]}) == 3
    images = [base64.b64decode(told["b64_json"]) for told in json_of(inline)["data"]]
    assert images == [WEBP] * 3


def succeed_with(api: Api, job_id: str, image: bytes) -> None:
    """End a job well with these bytes; without any, as if its image had been lost since."""
    job = api.store.claim(job_id, CLAIM, LEASE_MS)
    assert job is not None
    if image:
        api.services.images.put(job.image, image)
    assert api.store.succeed(job_id, result=RESULT, credits=3_000)


def test_an_image_of_any_length_is_told_whole(api: Api) -> None:
    image = WEBP * 10_000 + b"x"

    answer = ended(
        api,
        lambda job_id: succeed_with(api, job_id, image),
        lambda: generate(api, response_format="b64_json"),
    )

    (told,) = json_of(answer)["data"]
    assert base64.b64decode(told["b64_json"], validate=True) == image


class Dribble(io.BytesIO):
    """A file that gives less than it is asked for, as one that comes over a network may."""

    def read(self, size: int | None = -1) -> bytes:
        """Return at most seven bytes."""
        return super().read(min(7, size or 7))


@pytest.mark.parametrize("length", [0, 1, 6, 7, 8, 100])
def test_an_image_that_comes_in_odd_pieces_is_told_whole(length: int) -> None:
    data = WEBP[:length]

    assert b"".join(encoded(Dribble(data))) == base64.b64encode(data)


def test_what_some_of_several_came_to_is_told_beside_the_images(api: Api) -> None:
    ends = iter([api.succeed, api.fail, api.succeed])

    def end(job_id: str) -> None:
        next(ends)(job_id)

    answer = ended(api, end, lambda: generate(api, n=3))

    told = json_of(answer)
    assert (answer.status_code, len(told["data"])) == (200, 2)
    assert told["errors"] == [
        {
            "message": "It went wrong",
            "type": "server_error",
            "param": None,
            "code": "provider_error",
        }
    ]


def test_an_image_that_was_removed_meanwhile_is_said_to_be_gone(api: Api) -> None:
    answer = ended(
        api,
        lambda job_id: succeed_with(api, job_id, b""),
        lambda: generate(api, response_format="b64_json"),
    )

    assert error_of(answer, 410)["code"] == "gone"


def test_the_address_of_an_image_that_was_deleted_is_not_given_out(api: Api) -> None:
    keyed = {"Idempotency-Key": "order-19"}
    made(api, keyed)
    (job,) = json_of(api.get("/jobs"))["jobs"]
    api.call("DELETE", f"/jobs/{job['job_id']}/image")

    assert error_of(generate(api, keyed), 410)["code"] == "gone"


def open_files(folder: Path) -> list[str]:
    """Return the files of a folder that this process has open."""
    links = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [name for name in links if name.startswith(str(folder))]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files can't be told here")
def test_no_file_stays_open_behind_a_caller_who_goes(api: Api) -> None:
    keyed = {"Idempotency-Key": "order-20"}
    made(api, keyed, n=3)
    body = {"prompt": "a fox", "n": 3, "response_format": "b64_json"}

    answer = api.app.test_client().post(GENERATIONS, json=body, headers=keyed)
    sending = open_files(folder_of(api.services.images))
    answer.close()

    assert len(sending) == 3
    assert not open_files(folder_of(api.services.images))


def test_the_job_is_listed_as_any_other(api: Api) -> None:
    made(api, prompt="a listed fox")

    (job,) = json_of(api.get("/jobs"))["jobs"]
    assert (job["request"]["prompt"], job["status"]) == ("a listed fox", "succeeded")


def test_nothing_is_kept_of_who_the_program_says_its_user_is(api: Api) -> None:
    made(api, user="planted-user", safety_identifier="planted-id")

    kept = [api.redis.hgetall(name) for name in api.redis.scan_iter("images:job:*")]
    assert len(kept) == 1
    assert "planted" not in str(kept)


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/core"])
def test_models_are_listed_by_their_own_names(api: Api, path: str) -> None:
    told = json_of(api.get(path))

    first = told["data"][0] if path == "/v1/models" else told
    assert first == {"id": "core", "object": "model", "created": 0, "owned_by": "stability-ai"}


@pytest.mark.parametrize("name", ["dall-e-3", "fast", "nothing"])
def test_what_is_no_model_that_makes_images_is_not_there(api: Api, name: str) -> None:
    error = error_of(api.get(f"/v1/models/{name}"), 404)

    assert error["message"].startswith("There is no model of this name; there are core, ultra,")
