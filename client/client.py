"""The client: submit, read, wait, fetch; every call has a time-out, and none is ever paid twice."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self, Unpack, overload
from urllib.parse import quote

from client.answers import read_bytes, read_object, value_of
from client.errors import ClientError, Conflict, JobFailed
from client.fetching import picture, writer
from client.fields import GenerateFields, Source, UpscaleFields
from client.models import Batch, BatchJob, Job, Page, Price
from client.orders import images_form, prompts_body, upscale_request
from client.transport import OnTrouble, Transport
from client.watching import Watch

# However a service is set, a submission is answered at once; what follows is waited for on its own.
_AT_ONCE = {"Prefer": "respond-async"}
OnChange = Callable[[Any], object]


class Client:
    """A service at `base_url`; `patience` (s) is how long trouble that may pass is sat out.

    Trouble is what cost nothing or can be asked again under the same idempotency key: no connection, a
    broken one, 429 and 503, whose `Retry-After` is kept; `on_trouble` is told of each, with the seconds
    until the next try. `host` (`name:port`) is sent as `Host`, where the name in `base_url` leads to the
    service and is none that it answers to. May be used as a context manager.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:5000",
        api_key: str | None = None,
        *,
        patience: float = 120.0,
        on_trouble: OnTrouble | None = None,
        host: str | None = None,
    ) -> None:
        self._transport = Transport(base_url, api_key, patience, on_trouble, host)
        self._again = partial(
            Client, base_url, api_key, patience=patience, on_trouble=on_trouble, host=host
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def twin(self) -> "Client":
        """Return a client of the same service with connections of its own, for another thread."""
        return self._again()

    def close(self) -> None:
        """Close the connections; what another thread still asks for ends at its next step."""
        self._transport.close()

    @property
    def base_url(self) -> str:
        """Return the service's address."""
        return self._transport.base_url

    @property
    def has_key(self) -> bool:
        """Tell whether this client shows a client key."""
        return self._transport.has_key

    @property
    def shows_key_in_the_clear(self) -> bool:
        """Tell whether the client key travels to another machine for anybody between to read."""
        return self._transport.shows_key_in_the_clear

    # Submitting.

    def generate(
        self,
        /,
        prompt: str,
        *,
        idempotency_key: str | None = None,
        **fields: Unpack[GenerateFields],
    ) -> Job:
        """Order an image; return its job at once."""
        body = {"prompt": prompt, **fields}
        return value_of(Job.of, self._submit("/generate_image", idempotency_key, json=body))

    def upscale(
        self,
        /,
        image: Source,
        *,
        idempotency_key: str | None = None,
        **fields: Unpack[UpscaleFields],
    ) -> Job:
        """Order an image to be enlarged: bytes, an open file, a path, or an address as text."""
        request = upscale_request(image, fields)
        return value_of(Job.of, self._submit("/upscale_image", idempotency_key, **request))

    def batch(
        self,
        jobs: Iterable[str | Mapping[str, Any]],
        *,
        idempotency_key: str | None = None,
        metadata: Mapping[str, str] | None = None,
        webhook_url: str | None = None,
        **defaults: Any,
    ) -> Batch:
        """Order several images, all of them or none: prompts, or bodies laid over `defaults`."""
        body = prompts_body(jobs, defaults, metadata, webhook_url)
        return value_of(Batch.of, self._submit("/batches", idempotency_key, json=body))

    def upscale_batch(
        self,
        images: Sequence[Source],
        *,
        idempotency_key: str | None = None,
        **fields: Unpack[UpscaleFields],
    ) -> Batch:
        """Order several images to be enlarged in the same way, all of them or none."""
        return value_of(
            Batch.of, self._submit("/batches", idempotency_key, **images_form(images, fields))
        )

    def retry(self, job: Job | str, *, idempotency_key: str | None = None) -> Job:
        """Order a failed or canceled job again, as a new one; raise Conflict for any other."""
        return value_of(Job.of, self._submit(f"{_job_path(job)}/retry", idempotency_key))

    def price(self, prompt: str, **fields: Unpack[GenerateFields]) -> Price:
        """Return what an image would cost; nothing is queued or charged."""
        return self.price_of("/generate_image", json={"prompt": prompt, **fields})

    def price_of(self, path: str, **request: Any) -> Price:
        """Return what any submission would cost, given as `requests` takes it."""
        body = self._transport.call(
            "POST", path, read_object, params={"dry_run": "true"}, headers=_AT_ONCE, **request
        )
        return value_of(Price.of, body)

    def describe(self) -> dict[str, Any]:
        """Return the service's OpenAPI document, which tells what every field may hold."""
        return self._get("/openapi.json")

    # Reading and waiting.

    def job(self, job_id: str) -> Job:
        """Return a job as it is now."""
        return value_of(Job.of, self._get(_job_path(job_id)))

    def get_batch(self, batch_id: str) -> Batch:
        """Return a batch as it is now."""
        return value_of(Batch.of, self._get(_batch_path(batch_id)))

    def jobs(
        self, *, status: str | None = None, kind: str | None = None, batch_id: str | None = None
    ) -> Iterator[Job]:
        """Yield jobs, newest first, page by page; what is given chooses."""
        choice = {"status": status, "kind": kind, "batch_id": batch_id}
        cursor: str | None = None
        while True:
            page = self.jobs_page(choice, cursor)
            yield from page.jobs
            cursor = page.next_cursor
            if not cursor:
                return

    def jobs_page(
        self, choice: Mapping[str, str | None], cursor: str | None = None, limit: int = 100
    ) -> Page:
        """Return one page of jobs, at most 100."""
        given = {**choice, "limit": str(limit), "cursor": cursor}
        params = {name: value for name, value in given.items() if value}
        body = self._get("/jobs", params=params)
        return value_of(Page.of, body)

    @overload
    def watch(
        self, thing: Job | str, timeout: float | None = None, *, every: float | None = None
    ) -> Iterator[Job]: ...
    @overload
    def watch(
        self, thing: Batch, timeout: float | None = None, *, every: float | None = None
    ) -> Iterator[Batch]: ...
    def watch(
        self, thing: Job | Batch | str, timeout: float | None = None, *, every: float | None = None
    ) -> Iterator[Job] | Iterator[Batch]:
        """Yield a job (or its id) or a batch as it is and at each change, until it has ended.

        With `every` it is told anew so often (s) while it is queued, for its place. Raises WaitTimeout
        when it has not ended in `timeout` seconds.
        """
        if isinstance(thing, Batch):
            batches = Watch(self._transport, _batch_path(thing.batch_id), Batch.of)
            return batches.changes(timeout, every)
        jobs = Watch(self._transport, _job_path(thing), Job.of)
        return jobs.changes(timeout, every)

    @overload
    def wait(
        self, thing: Job | str, timeout: float | None = None, on_change: OnChange | None = None
    ) -> Job: ...
    @overload
    def wait(
        self, thing: Batch, timeout: float | None = None, on_change: OnChange | None = None
    ) -> Batch: ...
    def wait(
        self,
        thing: Job | Batch | str,
        timeout: float | None = None,
        on_change: OnChange | None = None,
    ) -> Job | Batch:
        """Return a job (or its id) or a batch when it has ended, well or not; raise WaitTimeout."""
        for now in self.watch(thing, timeout):
            if on_change:
                on_change(now)
            if now.terminal:
                return now
        raise AssertionError("a watch goes on to the end")

    def cancel(self, thing: Job | Batch | str) -> Job | Batch:
        """Cancel a job (or its id) or a batch; raise Conflict when it had ended already."""
        path = _batch_path(thing.batch_id) if isinstance(thing, Batch) else _job_path(thing)
        read: Callable[[dict[str, Any]], Job | Batch] = (
            Batch.of if isinstance(thing, Batch) else Job.of
        )
        try:
            body = self._transport.call("DELETE", path, read_object)
        except Conflict as conflict:
            body = dict(conflict.details.body or {})
            if (
                body.get("status") != "canceled"
            ):  # else this very call did it, and its answer was lost
                raise
        return value_of(read, body)

    # Fetching.

    def image(self, job: Job | BatchJob | str) -> bytes:
        """Return the image of a job that has succeeded; raise JobFailed when there is none."""
        return picture(self._transport, self._image_url(job), read_bytes)

    def save(self, job: Job | BatchJob | str, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the image of a job to a file, whole or not at all; raise FileExistsError."""
        write = writer(Path(path), overwrite=overwrite)
        return picture(self._transport, self._image_url(job), write)

    def archive(self, batch: Batch | str, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the images of a batch that are finished now to a zip, with a manifest."""
        batch_id = batch.batch_id if isinstance(batch, Batch) else batch
        write = writer(Path(path), overwrite=overwrite, most=None)
        return self._transport.call("GET", f"{_batch_path(batch_id)}/archive", write)

    def _image_url(self, job: Job | BatchJob | str) -> str:
        """Return the address of a job's image; raise JobFailed."""
        if isinstance(job, str) or not job.terminal or not job.image_url:
            job = self.job(job if isinstance(job, str) else job.job_id)
        if job.status == "succeeded" and job.image_url:
            return job.image_url
        raise JobFailed(job if isinstance(job, Job) else self.job(job.job_id))

    def _get(self, path: str, **options: Any) -> dict[str, Any]:
        return self._transport.call("GET", path, read_object, **options)

    def _submit(self, path: str, key: str | None, **request: Any) -> dict[str, Any]:
        key = key or secrets.token_hex(16)
        headers = {**_AT_ONCE, "Idempotency-Key": key}
        try:
            return self._transport.call("POST", path, read_object, headers=headers, **request)
        except ClientError as error:
            error.idempotency_key = key
            raise


def _job_path(job: Job | str) -> str:
    return f"/jobs/{quote(job.job_id if isinstance(job, Job) else job, safe='')}"


def _batch_path(batch_id: str) -> str:
    return f"/batches/{quote(batch_id, safe='')}"
