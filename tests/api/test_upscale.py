"""POST /upscale_image: its fields and modes, and what its caller is told."""

from typing import Any

import pytest

from shared.image_file import inspect
from tests.api.callers import Api, assert_fault, errors_of, json_of
from tests.api.conftest import Start
from tests.folders import folder_of
from tests.pictures import picture

REQUIRED = {"image": "Image file is required"}
CONSERVATIVE = {
    "mode": "conservative",
    "prompt": "a fox",
    "negative_prompt": "dogs",
    "seed": "7",
    "creativity": "0.35",
    "output_format": "png",
}


def test_a_picture_alone_is_enough(api: Api) -> None:
    answer = api.upscale()

    body = json_of(answer)
    assert answer.status_code == 202
    assert answer.headers["Location"] == body["status_url"] == f"/jobs/{body['job_id']}"
    assert (body["kind"], body["credits_estimate"]) == ("upscale", 2)
    assert body["request"] == {"mode": "fast", "output_format": "webp"}


def test_the_conservative_mode_takes_all_its_fields(api: Api) -> None:
    body = json_of(api.upscale(**CONSERVATIVE))

    assert body["request"] == {**CONSERVATIVE, "seed": 7, "creativity": 0.35}
    assert body["credits_estimate"] == 40


def test_the_creative_mode_takes_a_style_too(api: Api) -> None:
    fields = {**CONSERVATIVE, "mode": "creative", "creativity": "0.1", "style_preset": "anime"}

    body = json_of(api.upscale(**fields))

    assert body["request"] == {**fields, "seed": 7, "creativity": 0.1}
    assert body["credits_estimate"] == 60


def test_what_both_routes_take_is_taken_here_too(api: Api) -> None:
    answer = api.upscale(output_format="jpeg", metadata='{"a": "b"}', deadline_seconds="60")

    body, job = json_of(answer), api.job(answer)
    assert body["image_url"].endswith(".jpg")
    assert body["metadata"] == {"a": "b"}
    assert job.deadline - job.created == 60_000


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_the_input_is_kept_as_sent_and_named_by_its_content(api: Api, form: str) -> None:
    image = picture(form=form)

    job = api.job(api.upscale(image))

    assert api.services.images.read_input(job.input) == image
    assert inspect(image).format == form
    assert job.input.endswith({"png": ".png", "jpeg": ".jpg", "webp": ".webp"}[form])
    assert job.input != job.image


def test_the_input_can_be_read_by_this_service_only(api: Api) -> None:
    api.upscale()

    assert [path.stat().st_mode & 0o777 for path in api.inputs()] == [0o600]


FAST_REFUSES = ["prompt", "negative_prompt", "seed", "creativity", "style_preset", "aspect_ratio"]


@pytest.mark.parametrize("field", [*FAST_REFUSES, "model", "image_uri"])
def test_the_fast_mode_refuses_what_it_does_not_take(api: Api, field: str) -> None:
    errors = errors_of(api.upscale(**{field: "1"}))

    assert errors == {field: f"{field} is not taken by mode fast; it takes output_format"}
    assert api.is_empty()


@pytest.mark.parametrize("mode", ["conservative", "creative"])
@pytest.mark.parametrize("prompt", [None, "", "  "])
def test_the_dear_modes_require_a_prompt(api: Api, mode: str, prompt: str | None) -> None:
    fields = {} if prompt is None else {"prompt": prompt}

    errors = errors_of(api.upscale(mode=mode, **fields))

    assert errors == {"prompt": "Prompt is required"}
    assert api.is_empty()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", "x" * 10_001),
        ("negative_prompt", "x" * 10_001),
        ("seed", "-1"),
        ("seed", "4294967295"),
        ("creativity", "0.19"),
        ("creativity", "0.51"),
        ("creativity", "nan"),
        ("creativity", "inf"),
        ("creativity", "high"),
        ("style_preset", "anime"),
        ("output_format", "gif"),
        ("metadata", "text"),
        ("deadline_seconds", "0"),
        ("wait_seconds", "soon"),
    ],
)
def test_a_wrong_field_of_the_conservative_mode_is_refused_by_name(
    api: Api, field: str, value: str
) -> None:
    errors = errors_of(api.upscale(**{**CONSERVATIVE, field: value}))

    assert list(errors) == [field]
    assert api.is_empty()


@pytest.mark.parametrize("creativity", ["0.2", "0.5"])
def test_creativity_at_its_limits_is_taken(api: Api, creativity: str) -> None:
    body = json_of(api.upscale(mode="conservative", prompt="a fox", creativity=creativity))

    assert body["request"]["creativity"] == float(creativity)


@pytest.mark.parametrize("mode", ["slow", "FAST", "fast "])
@pytest.mark.parametrize("more", [{}, {"prompt": "a fox"}])
def test_an_unknown_mode_is_the_first_thing_told(api: Api, mode: str, more: dict[str, str]) -> None:
    answer = api.upscale(mode=mode, **more)

    assert set(errors_of(answer)) == {"mode"}
    assert json_of(answer)["error"].startswith("mode must be one of fast, conservative, creative")
    assert api.is_empty()


def test_all_faults_are_told_at_once_the_image_first(api: Api) -> None:
    answer = api.upscale(b"text", mode="conservative", seed="x", colour="red", mask=picture())

    errors = errors_of(answer)
    assert set(errors) == {"image", "mask", "prompt", "seed", "colour"}
    assert next(iter(errors)) == "image"
    assert api.is_empty()


def call_without_image(api: Api, **options: Any) -> dict[str, str]:
    return errors_of(api.call("POST", "/upscale_image", **options))


@pytest.mark.parametrize(
    "options",
    [
        {"data": {}, "content_type": "multipart/form-data"},
        {"data": {"output_format": "png"}, "content_type": "multipart/form-data"},
        {"data": {"output_format": "png"}},
        {"json": {}},
        {},
    ],
)
def test_a_missing_image_is_told_in_exactly_these_words(api: Api, options: dict[str, Any]) -> None:
    assert call_without_image(api, **options) == REQUIRED
    assert api.is_empty()


def test_an_image_that_is_text_in_a_form_is_no_file(api: Api) -> None:
    errors = call_without_image(api, data={"image": "small.png"})

    assert errors["image"]
    assert api.is_empty()


def test_a_full_queue_leaves_no_input_behind(start: Start) -> None:
    api = start(queue_max_jobs=1)
    api.upscale()
    before = api.redis.dbsize(), api.inputs()

    answer = api.upscale()

    assert_fault(answer, 429, "queue_full")
    assert int(answer.headers["Retry-After"]) > 0
    assert (api.redis.dbsize(), api.inputs()) == before


def test_storage_that_takes_nothing_refuses_and_queues_nothing(api: Api) -> None:
    folder = folder_of(api.services.images)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")

    answer = api.upscale()

    assert_fault(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert api.redis.dbsize() == 0
