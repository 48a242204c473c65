"""What is wrong with a request: every fault at once, each by name, and nothing is queued."""

from typing import Any

import pytest

from tests.api.callers import Api, errors_of, json_of
from tests.api.conftest import Start
from tests.api.test_generate import MODELS, RATIOS, STYLES

PROMPT_REQUIRED = {"prompt": "Prompt is required"}
SEED = "seed must be an integer from 0 to 4294967294"
METADATA = "metadata must be an object of at most 16 strings and 2048 bytes"
DEADLINE = "deadline_seconds must be an integer from 1 to 86400"
TEXT = "must be a string of 0 to 10000 characters"
NO_CHOICE = ["", "1:1 ", "CORE", "jpg", 1, True, ["core"], {}, "4:3"]


@pytest.mark.parametrize("prompt", ["", " \t\n", "\u2003", None, 5, True, ["a"], {"a": "b"}])
def test_a_missing_prompt_is_told_in_exactly_these_words(api: Api, prompt: object) -> None:
    answer = api.generate(prompt=prompt)

    assert errors_of(answer) == PROMPT_REQUIRED
    assert json_of(answer)["error"] == "Prompt is required"
    assert api.is_empty()


@pytest.mark.parametrize("body", ["{}", "", "  \n"])
def test_an_empty_body_lacks_its_prompt(api: Api, body: str) -> None:
    assert errors_of(api.generate_raw(body)) == PROMPT_REQUIRED
    assert api.is_empty()


@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
def test_a_text_of_one_character_too_many_is_refused(api: Api, field: str) -> None:
    answer = api.generate(**{field: "x" * 10_001})

    assert "10000 characters" in errors_of(answer)[field]
    assert api.is_empty()


@pytest.mark.parametrize("value", [5, True, [], {}, ["a"]])
def test_a_negative_prompt_that_is_no_text_is_refused(api: Api, value: object) -> None:
    errors = errors_of(api.generate(negative_prompt=value))

    assert errors == {"negative_prompt": f"negative_prompt {TEXT}"}
    assert api.is_empty()


@pytest.mark.parametrize("value", NO_CHOICE)
@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ("model", list(MODELS)),
        ("aspect_ratio", RATIOS),
        ("style_preset", STYLES),
        ("output_format", ["webp", "png", "jpeg"]),
    ],
)
def test_a_choice_that_is_none_is_refused_and_all_choices_are_told(
    api: Api, field: str, allowed: list[str], value: object
) -> None:
    errors = errors_of(api.generate(**{field: value}))

    assert errors == {field: f"{field} must be one of {', '.join(allowed)}"}
    assert api.is_empty()


BAD_SEEDS = [-1, 4_294_967_295, 10**30, 1.5, "7", "", True, [], {}, float("nan"), float("inf")]


@pytest.mark.parametrize("seed", BAD_SEEDS)
def test_a_seed_outside_the_providers_range_is_refused(api: Api, seed: object) -> None:
    assert errors_of(api.generate(seed=seed)) == {"seed": SEED}
    assert api.is_empty()


@pytest.mark.parametrize("seconds", [0, -1, 86_401, 10**30, 1.5, "60", True, [], float("nan")])
def test_a_deadline_outside_its_limits_is_refused(api: Api, seconds: object) -> None:
    errors = errors_of(api.generate(deadline_seconds=seconds))

    assert errors["deadline_seconds"].startswith("deadline_seconds must be an integer from 1")
    assert api.is_empty()


@pytest.mark.parametrize("seconds", [1, 86_400])
def test_a_deadline_at_its_limits_is_taken(api: Api, seconds: int) -> None:
    assert api.generate(deadline_seconds=seconds).status_code == 202


def test_the_longest_deadline_is_the_operators(start: Start) -> None:
    api = start(job_deadline_seconds=100)

    assert api.generate(deadline_seconds=100).status_code == 202
    assert "from 1 to 100" in errors_of(api.generate(deadline_seconds=101))["deadline_seconds"]


BAD_METADATA = [
    "text",
    5,
    ["a"],
    {"a": 1},
    {"a": None},
    {"a": {"b": "c"}},
    {"a": True},
    {str(n): "x" for n in range(17)},
    {"a": "x" * 2_048},
    {"x" * 2_048: "a"},
    {"a": "🐻" * 600},
    {str(n): "x" * 150 for n in range(16)},
]


@pytest.mark.parametrize("metadata", BAD_METADATA)
def test_metadata_over_its_limits_is_refused(api: Api, metadata: object) -> None:
    assert errors_of(api.generate(metadata=metadata)) == {"metadata": METADATA}
    assert api.is_empty()


@pytest.mark.parametrize(
    "metadata", [{}, {str(n): "x" for n in range(16)}, {"a": "x" * 2_000}, {"a": "🐻" * 490}]
)
def test_metadata_within_its_limits_is_taken(api: Api, metadata: dict[str, str]) -> None:
    assert json_of(api.generate(metadata=metadata))["metadata"] == metadata


@pytest.mark.parametrize("field", ["promt", "Prompt", "width", "image", "mode", "creativity", "n"])
def test_an_unknown_field_is_refused_by_name(api: Api, field: str) -> None:
    errors = errors_of(api.generate(**{field: "fast"}))

    assert list(errors) == [field]
    assert errors[field].startswith(f"{field} is not taken by model core; it takes ")
    assert "negative_prompt" in errors[field]
    assert api.is_empty()


def test_a_name_from_outside_is_shortened_and_cleaned_before_it_is_told(api: Api) -> None:
    errors = errors_of(api.generate(**{"<b>\r\n" + "x" * 5_000: 1}))

    assert list(errors) == ["?b???" + "x" * 59]


EVERYTHING_WRONG: dict[str, Any] = {
    "prompt": " ",
    "negative_prompt": 1,
    "model": "dall-e",
    "aspect_ratio": "4:3",
    "style_preset": "sepia",
    "seed": -1,
    "output_format": "gif",
    "metadata": {"a": 1},
    "deadline_seconds": 0,
    "wait_seconds": "soon",
    "colour": "red",
}


def test_all_faults_are_told_at_once(api: Api) -> None:
    answer = api.generate(**EVERYTHING_WRONG)

    assert set(errors_of(answer)) == set(EVERYTHING_WRONG)
    assert len(json_of(answer)["errors"]) == len(EVERYTHING_WRONG)
    assert api.is_empty()


def test_each_fault_is_one_sentence_that_begins_with_its_field(api: Api) -> None:
    errors = errors_of(api.generate(**{**EVERYTHING_WRONG, "prompt": "a fox"}))

    assert all(text.startswith(f"{field} ") for field, text in errors.items())


def test_many_wrong_values_in_one_table_are_one_fault(api: Api) -> None:
    answer = api.generate(metadata={"a": 1, "b": 2, "c": 3})

    assert len(json_of(answer)["errors"]) == 1


@pytest.mark.parametrize("wait", ["soon", "", [], {}, -1])
def test_a_wrong_wait_is_told_beside_the_other_faults(api: Api, wait: object) -> None:
    errors = errors_of(api.generate(prompt="", wait_seconds=wait))

    assert set(errors) == {"prompt", "wait_seconds"}
    assert api.is_empty()


def test_a_wrong_wait_in_the_query_is_told_beside_the_other_faults(api: Api) -> None:
    errors = errors_of(api.generate("?wait=soon", prompt="", seed=-1))

    assert set(errors) == {"prompt", "seed", "wait"}
    assert api.is_empty()


OPTIONAL = ["negative_prompt", "model", "aspect_ratio", "style_preset", "seed", "output_format"]


@pytest.mark.parametrize("field", [*OPTIONAL, "metadata", "deadline_seconds", "wait_seconds"])
def test_null_means_absent(api: Api, field: str) -> None:
    with_null = json_of(api.generate(**{field: None}))
    without = json_of(api.generate())

    assert with_null["request"] == without["request"]
    assert with_null["metadata"] == without["metadata"] == {}


def test_a_null_under_an_unknown_name_is_absent_too(api: Api) -> None:
    assert api.generate(colour=None).status_code == 202
