"""From a job or a fault to what an assistant is answered."""

import base64
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urljoin

from mcp_types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent

from client.errors import ClientError, LimitReached, Refused
from client.mcp.schemas import shown
from client.models import Job

_MODERATED = {"input_moderated", "output_moderated"}
_REFUSED = (
    "Do not send this prompt again: the content rules refuse it each time. Tell the user, and ask for"
    " other words."
)


def job_answer(
    job: Job, links_url: str, *, picture: bytes | None, link: bool, notes: Iterable[str] = ()
) -> CallToolResult:
    """Return how a job stands, with its image or a link to it; a failed job is a tool's error."""
    told = _absolute(shown(job.raw), links_url)
    content: list[ContentBlock] = [_text(" ".join([*_sentences(job), *notes])), _text(_json(told))]
    if job.succeeded and job.image:
        kind = f"image/{job.image.format}"
        if picture:
            data = base64.b64encode(picture).decode()
            content.append(ImageContent(data=data, mime_type=kind))
        if link and told.get("image_url"):
            content.append(
                ResourceLink(
                    uri=told["image_url"],
                    name=told["image_url"].rpartition("/")[2],
                    mime_type=kind,
                    size=job.image.bytes,
                )
            )
    return CallToolResult(content=content, structured_content=told, is_error=job.status == "failed")


def jobs_answer(jobs: Iterable[Job], links_url: str) -> CallToolResult:
    """Return a list of jobs."""
    told = {"jobs": [_absolute(shown(job.raw, in_a_list=True), links_url) for job in jobs]}
    return CallToolResult(content=[_text(_json(told))], structured_content=told)


def refused(sentence: str) -> CallToolResult:
    """Return a tool's error."""
    return CallToolResult(content=[_text(sentence)], is_error=True)


def fault_answer(error: ClientError, key: str | None = None) -> CallToolResult:
    """Return what the service said of a fault; `key`: that of an order whose end is not known."""
    said = [each.get("error") for each in error.errors if each.get("error") != error.message]
    sentences = [error.message, *map(str, filter(None, said))]
    if isinstance(error, LimitReached) and error.retry_after:
        sentences.append(f"Try again in {error.retry_after:.0f} seconds, not before")
    if key and not isinstance(error, Refused):
        sentences.append(unsure(key).rstrip("."))
    code = f" ({error.error_code})" if error.error_code else ""
    return refused(". ".join(each.rstrip(".") for each in sentences) + f".{code}")


def unsure(key: str) -> str:
    """Return what to do about an order of which nobody knows whether it was taken."""
    return (
        "Whether the order was taken is not known. To repeat it without paying twice, call the tool"
        f' again with the same fields and idempotency_key "{key}".'
    )


def _sentences(job: Job) -> list[str]:
    said = [job.message or f"The job is {job.status}."]
    if job.error_code in _MODERATED:
        said.append(_REFUSED)
    if not job.terminal:
        said.append(f'It is no failure: call get_job with job_id "{job.job_id}" to go on waiting.')
    return said


def _absolute(told: dict[str, Any], links_url: str) -> dict[str, Any]:
    """Return what is told of a job with an address that leads there from anywhere."""
    url = told.get("image_url")
    return {**told, "image_url": urljoin(f"{links_url}/", url)} if url else told


def _text(text: str) -> TextContent:
    return TextContent(text=text)


def _json(told: object) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
