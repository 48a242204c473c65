"""The tools as an assistant is told of them."""

from collections.abc import Mapping
from typing import Any

from mcp_types import Tool, ToolAnnotations

from client.mcp.schemas import Schema, choices, job_schema, jobs_schema, order_fields

INSTRUCTIONS = (
    "Makes images from prompts and enlarges small ones. Each generate_image or upscale_image is one"
    " image, and is paid for: call again only when the user wants another one. An answer whose status"
    " is queued or running is no failure: call get_job with its job_id. Show the user the image, or"
    " its image_url."
)
_PAYS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)
_LOOKS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_ENDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)
_JOB_ID: Schema = {"type": "string", "minLength": 1, "description": "The job's id."}
_PATH: Schema = {
    "type": "string",
    "description": "Instead of image_url: an image file of this machine (PNG, JPEG or WebP), by its"
    " absolute path. Only a file that the user has named.",
}
_RETURN: Schema = {
    "type": "string",
    "enum": ["image", "link"],
    "default": "image",
    "description": "Whether the answer holds the image itself (when it is not too large) or only its"
    " address, which takes less room.",
}


def build_tools(
    document: Mapping[str, Any], wait_seconds: float, *, local_files: bool
) -> list[Tool]:
    """Return the tools of a service, by its own document; an empty one gives their bare form.

    `local_files`: whether the tools may be given files of the machine that they run on.
    """
    shared = {"return": _RETURN, "wait_seconds": _wait(wait_seconds)}
    job = job_schema(document)
    return [
        *_ordering(document, shared, job, local_files=local_files),
        _tool(
            ("get_job", "See an image job"),
            "See how a job stands, wait for it, and get its image. Call it again while the status is"
            " queued or running.",
            ({"job_id": _JOB_ID, **shared}, ["job_id"]),
            job,
            _LOOKS,
        ),
        _tool(
            ("list_jobs", "List image jobs"),
            "List the latest jobs, newest first. Look here before repeating a call that broke off.",
            (_list_fields(document), []),
            jobs_schema(document),
            _LOOKS,
        ),
        _tool(
            ("cancel_job", "Cancel an image job"),
            "End a job that has not ended. Only when the user asks for it: what is already being made"
            " is paid for and thrown away.",
            ({"job_id": _JOB_ID}, ["job_id"]),
            job,
            _ENDS,
        ),
    ]


def _ordering(
    document: Mapping[str, Any], shared: Schema, job: Schema, *, local_files: bool
) -> list[Tool]:
    bare: Schema = {"prompt": {"type": "string", "description": "What the picture is to show."}}
    generate = order_fields(document, "GenerateRequest") or bare
    upscale = order_fields(document, "UpscaleRequest") or {"image_url": {"type": "string"}}
    own = {"image_path": _PATH} if local_files else {}
    # without the service's document nobody knows what else it takes; it says so itself when asked
    loose = not document
    return [
        _tool(
            ("generate_image", "Make an image"),
            "Make a new image from a prompt. Each call makes one image and is paid for.",
            ({**generate, **shared}, ["prompt"]),
            job,
            _PAYS,
            loose=loose,
        ),
        _tool(
            ("upscale_image", "Enlarge an image"),
            "Make a small image larger: of an earlier job by its image_url, or of the web. Mode fast"
            " keeps it as it is and takes no prompt; the others draw it anew and need one. Each call"
            " is paid for.",
            ({**upscale, **own, **shared}, [] if local_files else ["image_url"]),
            job,
            _PAYS,
            loose=loose,
        ),
    ]


def _list_fields(document: Mapping[str, Any]) -> Schema:
    limit: Schema = {"type": "integer", "minimum": 1, "maximum": 50, "default": 10}
    chosen = {"status": "Only jobs that stand so.", "kind": "Only jobs of this kind."}
    fields: Schema = {"limit": {**limit, "description": "How many at most."}}
    for name, words in chosen.items():
        values = choices(document, name)
        fields[name] = {
            "type": "string",
            "description": words,
            **({"enum": values} if values else {}),
        }
    return fields


def _wait(seconds: float) -> Schema:
    return {
        "type": "number",
        "minimum": 0,
        "maximum": seconds,
        "default": seconds,
        "description": "How long (s) to wait for the image; 0 answers at once with the job.",
    }


def _tool(
    names: tuple[str, str],
    description: str,
    takes: tuple[Schema, list[str]],
    gives: Schema,
    hints: ToolAnnotations,
    *,
    loose: bool = False,
) -> Tool:
    fields, required = takes
    schema = {"type": "object", "properties": fields, "required": required}
    return Tool(
        name=names[0],
        title=names[1],
        description=description,
        input_schema=schema if loose else {**schema, "additionalProperties": False},
        output_schema=gives,
        annotations=hints,
    )
