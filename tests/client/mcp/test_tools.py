"""The list of tools: what it says comes from the service's own document."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp_types import Tool

from api.openapi.document import build
from client.mcp.tools import build_tools
from shared.operations import BY_VARIANT
from shared.settings import load_settings
from tests.client.mcp.conftest import Assistant
from tests.client.scripted import Script, breaks, says

DOCUMENT = build(load_settings(None))


def tools(*, local_files: bool = False, document: Any = DOCUMENT) -> dict[str, Tool]:
    """Return the tools by name."""
    return {tool.name: tool for tool in build_tools(document, 50, local_files=local_files)}


def fields(name: str, **more: Any) -> dict[str, Any]:
    """Return the fields of a tool."""
    found: dict[str, Any] = tools(**more)[name].input_schema["properties"]
    return found


def test_models_modes_and_formats_are_those_of_the_table_of_operations() -> None:
    generate, upscale = fields("generate_image"), fields("upscale_image")

    assert {*generate["model"]["enum"], *upscale["mode"]["enum"]} == set(BY_VARIANT)
    assert generate["output_format"]["enum"] == ["webp", "png", "jpeg"]
    assert generate["output_format"]["default"] == "webp"
    assert len(generate["style_preset"]["enum"]) == 17


def test_fields_for_programs_are_left_out() -> None:
    for name in ("generate_image", "upscale_image"):
        assert not {"webhook_url", "metadata", "deadline_seconds"} & fields(name).keys()
    assert "openaiFileIdRefs" not in fields("upscale_image")


def test_schemas_are_plain_enough_for_every_client() -> None:
    for tool in tools(local_files=True).values():
        Draft202012Validator.check_schema(tool.input_schema)
        assert tool.input_schema["additionalProperties"] is False
        for field in tool.input_schema["properties"].values():
            assert isinstance(field["type"], str)
            assert field["description"]
            assert None not in field.get("enum", [])
            assert not {"anyOf", "oneOf", "allOf", "$ref"} & field.keys()


def test_answers_are_described_whole() -> None:
    for tool in tools().values():
        assert tool.output_schema
        Draft202012Validator.check_schema(tool.output_schema)
        assert "$ref" not in str(tool.output_schema)
    assert tools()["get_job"].output_schema["properties"]["status"]["enum"][0] == "queued"  # type: ignore[index]


def test_local_files_are_taken_only_where_the_server_is_the_users_own() -> None:
    assert "image_path" not in fields("upscale_image")
    assert "image_path" in fields("upscale_image", local_files=True)


@pytest.mark.parametrize(
    ("name", "reads", "destroys"),
    [
        ("generate_image", False, False),
        ("upscale_image", False, False),
        ("get_job", True, None),
        ("list_jobs", True, None),
        ("cancel_job", False, True),
    ],
)
def test_each_tool_tells_what_it_may_do(name: str, reads: bool, destroys: bool | None) -> None:
    hints = tools()[name].annotations

    assert hints
    assert (hints.read_only_hint, hints.destructive_hint) == (reads, destroys)
    assert hints.idempotent_hint is (None if reads else name == "cancel_job")


def test_jobs_are_chosen_by_the_values_that_the_service_takes() -> None:
    listing = fields("list_jobs")

    assert "succeeded" in listing["status"]["enum"]
    assert listing["kind"]["enum"] == ["generate", "upscale"]


def test_a_service_that_is_away_leaves_the_tools_in_their_bare_form(
    service: Script, assistant: Assistant
) -> None:
    service.standing["/openapi.json"] = breaks()

    listed = {tool.name: tool for tool in assistant.tools().tools}

    assert len(listed) == 5
    bare = listed["generate_image"].input_schema
    assert bare["required"] == ["prompt"]
    assert "additionalProperties" not in bare


def test_the_list_is_what_the_service_tells(service: Script, assistant: Assistant) -> None:
    service.standing["/openapi.json"] = says(200, DOCUMENT)

    listed = {tool.name: tool for tool in assistant.tools().tools}

    assert "ultra" in listed["generate_image"].input_schema["properties"]["model"]["enum"]
    assert listed["get_job"].input_schema["properties"]["wait_seconds"]["maximum"] == 3
