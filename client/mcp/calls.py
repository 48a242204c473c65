"""What each tool does, as plain Python that waits; knows nothing of the protocol's wire."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

from mcp_types import CallToolResult

from client.client import Client
from client.errors import ClientError, NotFound, WaitTimeout
from client.fields import address_of
from client.mcp.answers import fault_answer, job_answer, jobs_answer, refused
from client.mcp.files import picture_of
from client.mcp.settings import Settings
from client.models import Job

# How often (s) a job that waits is asked for its place.
_EVERY_SECONDS = 2.0
_LONGEST_KEY = 255


class ArgumentFault(Exception):
    """An argument is wrong; the message names it and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a tool: `tell` is given the job at each change, and may raise to end the call."""

    client: Client
    settings: Settings
    arguments: dict[str, Any]
    tell: Callable[[Job], object]
    local_files: bool = False
    links: bool = True
    begun: float = field(default_factory=time.monotonic)
    # Known before anything is sent, so that a call that breaks off can be repeated and is paid once.
    key: str = field(default_factory=lambda: secrets.token_hex(16))

    def answer(self, job: Job, *notes: str) -> CallToolResult:
        """Return how a job stands, with its image as far as it was asked for."""
        picture, more = self._picture(job)
        return job_answer(
            job,
            self.settings.links,
            picture=picture,
            link=self.links,
            notes=[*notes, *more],
        )

    def _picture(self, job: Job) -> tuple[bytes | None, list[str]]:
        if self.arguments.get("return", "image") == "link" or not (job.succeeded and job.image_url):
            return None, []
        if not job.image or job.image.bytes > self.settings.inline_bytes:
            return None, ["The image is too large for this answer: give the user image_url."]
        try:
            return self.client.image(job), []
        except ClientError as error:
            return None, [f"The image could not be fetched now: {error.message}."]


def generate_image(call: Call) -> CallToolResult:
    """Order an image and wait for it."""
    fields = _fields(call)
    return _followed(call, call.client.generate(fields.pop("prompt", None), **fields))


def upscale_image(call: Call) -> CallToolResult:
    """Order an image to be enlarged, and wait for it."""
    fields = _fields(call)
    url, path = fields.pop("image_url", None), fields.pop("image_path", None)
    if "image" in fields:
        raise ArgumentFault("There is no argument image; give image_url")
    if path is not None and not call.local_files:
        raise ArgumentFault("image_path is for a server on your own machine; give image_url")
    if (url is None) == (path is None):
        both = "either image_url or image_path" if call.local_files else "image_url"
        raise ArgumentFault(f"Give {both}")
    source = _address(call, url) if path is None else picture_of(path)
    return _followed(call, call.client.upscale(source, **fields))


def get_job(call: Call) -> CallToolResult:
    """Wait for a job and return it."""
    return _followed(call, call.client.job(_job_id(call)))


def list_jobs(call: Call) -> CallToolResult:
    """Return the latest jobs."""
    limit = call.arguments.get("limit", 10)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= 50:
        raise ArgumentFault("limit must be a whole number from 1 to 50")
    chosen = {name: _text(call.arguments, name) for name in ("status", "kind")}
    page = call.client.jobs_page(chosen, limit=limit)
    return jobs_answer(islice(page.jobs, limit), call.settings.links)


def cancel_job(call: Call) -> CallToolResult:
    """End a job."""
    ended = cast("Job", call.client.cancel(_job_id(call)))
    return job_answer(ended, call.settings.links, picture=None, link=False)


TOOLS: dict[str, Callable[[Call], CallToolResult]] = {
    each.__name__: each for each in (generate_image, upscale_image, get_job, list_jobs, cancel_job)
}


def run(name: str, call: Call) -> CallToolResult:
    """Run a tool; whatever has a name is answered as a tool's error, in one sentence."""
    try:
        _check(call)
        return TOOLS[name](call)
    except ArgumentFault as wrong:
        return refused(f"{wrong}.")
    except OSError as problem:
        return refused(f"image_path: {problem.strerror or problem}.")
    except NotFound as error:
        return refused(f"{error.message.rstrip('.')}. list_jobs tells which jobs there are.")
    except ClientError as error:
        return fault_answer(error, error.idempotency_key)


def _followed(call: Call, job: Job) -> CallToolResult:
    """Follow a job for as long as the call may wait; from here on nothing is lost any more."""
    wait = call.arguments.get("wait_seconds", call.settings.wait_seconds)
    left = call.begun + wait - time.monotonic()
    if job.terminal or left <= 0:
        return call.answer(job)
    try:
        for now in call.client.watch(job, left, every=_EVERY_SECONDS):
            job = now
            call.tell(job)
    except WaitTimeout:
        return call.answer(job)
    except ClientError as error:
        return call.answer(job, f"The service could not be asked any more: {error.message}.")
    return call.answer(job)


def _address(call: Call, url: object) -> str:
    """Return where an image lies: what was given out here as the service's own, which it need not fetch.

    The client library reads what is no address as a file of this machine, so nothing else may come out.
    """
    own = url.removeprefix(call.settings.links) if isinstance(url, str) else ""
    address = own if own.startswith("/saved_images/") and ".." not in own else url
    if not (isinstance(address, str) and address_of(address)):
        raise ArgumentFault(
            "image_url must be an http(s) address, a data: URL, or the image_url of a job"
        )
    return address


def _fields(call: Call) -> dict[str, Any]:
    """Return the fields that are the service's; it validates them."""
    own = {"return", "wait_seconds"}
    fields = {name: value for name, value in call.arguments.items() if name not in own}
    fields["idempotency_key"] = fields.get("idempotency_key") or call.key
    return fields


def _check(call: Call) -> None:
    """Look at what is no matter of the service; raise ArgumentFault."""
    wait, most = call.arguments.get("wait_seconds", 0), call.settings.wait_seconds
    if not isinstance(wait, int | float) or isinstance(wait, bool) or not 0 <= wait <= most:
        raise ArgumentFault(f"wait_seconds must be a number from 0 to {most:g}")
    if call.arguments.get("return", "image") not in ("image", "link"):
        raise ArgumentFault("return must be image or link")
    key = call.arguments.get("idempotency_key") or "-"
    if (
        not (isinstance(key, str) and key.isascii() and key.isprintable())
        or len(key) > _LONGEST_KEY
    ):
        raise ArgumentFault(f"idempotency_key must be at most {_LONGEST_KEY} plain characters")


def _job_id(call: Call) -> str:
    job_id = call.arguments.get("job_id")
    if not (isinstance(job_id, str) and job_id.isascii() and job_id.isalnum()):
        raise ArgumentFault("job_id must be the job_id of an answer, as it stands there")
    return job_id


def _text(arguments: dict[str, Any], name: str) -> str | None:
    value = arguments.get(name)
    if value is not None and not isinstance(value, str):
        raise ArgumentFault(f"{name} must be text")
    return value
