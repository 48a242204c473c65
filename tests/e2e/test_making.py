"""From a request to a picture, through real processes."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from shared.image_file import inspect
from tests.e2e.stack import Stack, eventually
from tests.pictures import picture, turned

PHOTOS = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "photos"


def test_a_waited_prompt_becomes_a_picture(stack: Stack) -> None:
    answer = stack.generate("a lighthouse at dawn", wait="true", output_format="webp")

    job = answer.json()
    assert answer.status_code == 200
    assert job["status"] == "succeeded"
    data = stack.get(job["image_url"]).content
    assert len(data) == job["image"]["bytes"]
    assert inspect(data).format == "webp"
    assert (inspect(data).width, inspect(data).height) == (1536, 1536)


def test_the_address_of_the_first_answer_waits_for_its_picture(stack: Stack) -> None:
    stack.sandbox_settings(latency=1.0)

    accepted = stack.generate("a promise", wait=0)
    image = stack.get(accepted.json()["image_url"])

    assert accepted.status_code == 202
    assert accepted.json()["status"] == "queued"
    assert image.status_code == 200
    assert image.headers["Content-Type"] == "image/jpeg"
    assert inspect(image.content).format == "jpeg"


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_a_small_picture_is_enlarged_four_times(stack: Stack, form: str) -> None:
    files = {"image": ("small", picture(80, 48, form))}

    answer = stack.http.post(f"{stack.base}/upscale_image?wait=30", files=files, timeout=60)

    job = answer.json()
    assert (job["image"]["width"], job["image"]["height"]) == (320, 192)
    assert job["credits"] == 2
    image = Image.open(io.BytesIO(stack.get(job["image_url"]).content))
    assert image.size == (320, 192)


def test_a_picture_that_lies_on_its_side_comes_back_as_its_viewer_sees_it(stack: Stack) -> None:
    files = {"image": ("photo.jpg", turned("jpeg", 6, width=64, height=48))}

    answer = stack.http.post(f"{stack.base}/upscale_image?wait=30", files=files, timeout=60)

    job = answer.json()
    assert (job["image"]["width"], job["image"]["height"]) == (4 * 48, 4 * 64)


def test_an_enlarged_upload_is_not_kept(stack: Stack) -> None:
    files = {"image": ("small.png", picture(64, 64))}

    job = stack.http.post(f"{stack.base}/upscale_image?wait=30", files=files, timeout=60).json()

    assert job["status"] == "succeeded"
    inputs = stack.images / "inputs"  # those of other tests may lie there
    kept = partial(inputs.glob, f"{job['job_id']}*")
    eventually(lambda: not list(kept()), what="the removal of the upload")


@pytest.mark.parametrize(
    ("variant", "credits"),
    [
        ("core", 3),
        ("ultra", 8),
        ("sd3.5-large", 6.5),
        ("sd3.5-large-turbo", 4),
        ("sd3.5-medium", 3.5),
        ("sd3.5-flash", 2.5),
    ],
)
def test_every_model_makes_its_picture_at_its_price(
    stack: Stack, variant: str, credits: float
) -> None:
    prompt = f"a kite, by {variant}"

    job = stack.generate(prompt, model=variant, aspect_ratio="16:9", style_preset="anime").json()

    assert job["credits"] == credits
    assert job["image"]["width"] > job["image"]["height"]
    (charged,) = stack.charged(prompt)
    assert charged["credits"] == credits


def test_the_conservative_mode_enlarges_with_a_prompt(stack: Stack) -> None:
    files = {"image": ("small.png", picture(100, 80))}
    fields = {"mode": "conservative", "prompt": "a meadow", "creativity": "0.3"}

    answer = stack.http.post(
        f"{stack.base}/upscale_image?wait=60", files=files, data=fields, timeout=90
    )

    job = answer.json()
    assert job["credits"] == 40, job
    assert job["image"]["width"] > 100


def test_the_seed_of_the_request_makes_the_same_picture_again(stack: Stack) -> None:
    first, second, other = (
        stack.get(stack.generate("a fern", seed=seed, output_format="png").json()["image_url"])
        for seed in (7, 7, 8)
    )

    assert _pixels(first.content) == _pixels(second.content)
    assert _pixels(first.content) != _pixels(other.content)


def test_forty_callers_at_once_get_forty_different_pictures(stack: Stack) -> None:
    prompts = [f"caller number {number}" for number in range(40)]
    before = stack.stats()["rate_limited"]  # by what other tests ordered

    with ThreadPoolExecutor(40) as pool:
        jobs = [answer.json() for answer in pool.map(stack.generate, prompts)]

    assert {job["status"] for job in jobs} == {"succeeded"}
    files = [stack.images / job["image_url"].rsplit("/", 1)[1] for job in jobs]
    assert len({hashlib.sha256(file.read_bytes()).hexdigest() for file in files}) == 40
    assert stack.stats()["rate_limited"] == before


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the photographs are not here")
def test_real_photographs_are_enlarged_or_refused(stack: Stack) -> None:
    answers = {
        name: stack.http.post(
            f"{stack.base}/upscale_image?wait=30",
            files={"image": (name, (PHOTOS / name).read_bytes())},
            timeout=60,
        )
        for name in ("chelsea.png", "astronaut.png", "rocket.jpg")
    }

    chelsea, astronaut = answers["chelsea.png"].json(), answers["astronaut.png"].json()
    assert (chelsea["image"]["width"], chelsea["image"]["height"]) == (1804, 1200)
    assert (astronaut["image"]["width"], astronaut["image"]["height"]) == (2048, 2048)
    assert answers["rocket.jpg"].status_code == 400
    assert answers["rocket.jpg"].json()["error"] == "Image dimensions should not exceed 512x512"


def _pixels(data: bytes) -> bytes:
    return Image.open(io.BytesIO(data)).convert("RGB").tobytes()
