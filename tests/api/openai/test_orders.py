"""What a body of the OpenAI API comes to: which order, or which complaints."""

from typing import Any

import pytest

from api.bodies import Body
from api.openai.orders import RATIOS, Wanted, read_images
from shared.errors import InvalidRequest, UnsupportedMediaType
from shared.operations import offered
from shared.settings import load_settings

SETTINGS = load_settings(None)


def read(**fields: Any) -> Wanted:
    """Return what a body comes to; the prompt is there unless given."""
    return read_images(Body({"prompt": "a fox", **fields}, {}, typed=True), SETTINGS)


def order(**fields: Any) -> dict[str, Any]:
    """Return the one order that a body comes to."""
    (piece,) = read(**fields).submission.pieces
    return dict(piece.order.request)


def complaints(**fields: Any) -> dict[str, str]:
    """Return {field: error} of a body that must be refused."""
    with pytest.raises(InvalidRequest) as refused:
        read(**fields)
    return {fault["field"]: fault["error"] for fault in refused.value.errors}


def test_a_prompt_alone_is_a_square_png_of_the_default_model() -> None:
    assert order() == {
        "model": "core",
        "prompt": "a fox",
        "aspect_ratio": "1:1",
        "output_format": "png",
    }


@pytest.mark.parametrize(("size", "ratio"), RATIOS.items())
def test_a_size_is_a_shape(size: str, ratio: str) -> None:
    assert order(size=size)["aspect_ratio"] == ratio


@pytest.mark.parametrize("model", offered("generate"))
def test_our_models_go_by_their_names(model: str) -> None:
    assert order(model=model)["model"] == model


@pytest.mark.parametrize("model", ["dall-e-2", "dall-e-3", "gpt-image-1", "chatgpt-image-latest"])
def test_a_name_that_a_program_brings_with_it_is_the_default_model(model: str) -> None:
    assert order(model=model)["model"] == "core"


@pytest.mark.parametrize(
    ("fields", "inline"),
    [
        ({}, False),
        ({"model": "ultra"}, False),
        ({"model": "dall-e-3"}, False),
        ({"model": "gpt-image-1"}, True),
        ({"model": "chatgpt-image-latest"}, True),
        ({"model": "gpt-image-1", "response_format": "url"}, False),
        ({"response_format": "b64_json"}, True),
        ({"response_format": None}, False),
    ],
    ids=str,
)
def test_images_are_answered_as_the_program_expects(fields: dict[str, Any], inline: bool) -> None:
    assert read(**fields).inline is inline


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [({}, 600), ({"job_deadline_seconds": 60}, 60), ({"max_wait_seconds": 900.5}, 901)],
    ids=str,
)
def test_an_image_for_which_nobody_waits_any_more_is_not_bought(
    changes: dict[str, Any], seconds: int
) -> None:
    settings = load_settings(None, **changes)

    wanted = read_images(Body({"prompt": "a fox", "n": 2}, {}, typed=True), settings)

    assert [piece.order.deadline_seconds for piece in wanted.submission.pieces] == [seconds] * 2


def test_several_images_are_a_batch_of_the_same_order() -> None:
    submission = read(n=3).submission

    assert len(submission.pieces) == 3
    assert submission.batch is not None
    assert read(n=1).submission.batch is None


@pytest.mark.parametrize(
    "fields",
    [
        {"quality": "hd", "style": "vivid"},
        {"quality": "auto", "background": "auto", "output_compression": 100, "moderation": "low"},
        {"user": "u-17", "safety_identifier": "s-17", "complexity": "high"},
        {"stream": False, "partial_images": 0, "background": "opaque"},
        dict.fromkeys(["n", "size", "quality", "style", "model", "stream", "user"]),
    ],
    ids=str,
)
def test_what_has_no_meaning_here_changes_nothing(fields: dict[str, Any]) -> None:
    assert read(**fields) == read()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"prompt": " "}, {"prompt": "Prompt is required"}),
        ({"n": 0}, {"n": "n must be an integer from 1 to 10"}),
        ({"n": 11}, {"n": "n must be an integer from 1 to 10"}),
        ({"n": "2"}, {"n": "n must be an integer from 1 to 10"}),
        ({"stream": True}, {"stream": "stream must be false"}),
        ({"partial_images": 2}, {"partial_images": "partial_images must be 0"}),
        ({"background": "transparent"}, {"background": "background must be one of auto, opaque"}),
        (
            {"output_format": "gif"},
            {"output_format": "output_format must be one of webp, png, jpeg"},
        ),
        (
            {"model": "midjourney"},
            {"model": f"model must be one of {', '.join(offered('generate'))}"},
        ),
        ({"size": "4096x4096"}, {"size": f"size must be one of {', '.join(RATIOS)}"}),
    ],
    ids=str,
)
def test_what_can_not_be_done_is_refused_and_says_what_can(
    fields: dict[str, Any], told: dict[str, str]
) -> None:
    assert complaints(**fields) == told


def test_everything_that_is_wrong_is_told_at_once() -> None:
    told = complaints(prompt="", size="big", colour="red", model="midjourney")

    assert told.keys() == {"prompt", "size", "colour", "model"}
    assert told["colour"].startswith("colour is not taken by /v1/images/generations; it takes")


def test_a_service_whose_batches_are_small_makes_no_more_at_once() -> None:
    small = load_settings(None, batch_max_jobs=3)

    with pytest.raises(InvalidRequest, match="n must be an integer from 1 to 3"):
        read_images(Body({"prompt": "a fox", "n": 4}, {}, typed=True), small)


def test_a_form_is_not_taken() -> None:
    with pytest.raises(UnsupportedMediaType):
        read_images(Body({"prompt": "a fox"}, {}, typed=False), SETTINGS)
