"""The commands that pay: generate, upscale, batch."""

import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from client.cli import inputs, names
from client.cli.batches import BatchRun
from client.cli.context import Context
from client.cli.faults import DONE, FAILED, UsageFault, unsure
from client.cli.pictures import keep
from client.cli.planning import Rules
from client.cli.prices import prices_of, tell_price
from client.cli.state import SAVED, Entry, locked, read_state
from client.errors import ClientError, JobFailed
from client.fields import address_of
from client.models import Job
from client.orders import upscale_request

Missed = tuple[Entry, ClientError]
_STDOUT = "-"
# So often a place in the queue is asked for.
_PLACE_SECONDS = 2.0


def generate(context: Context) -> int:
    """Order an image, wait for it, save it."""
    fields = context.fields()
    if context.options.dry_run:
        return tell_price(context, context.client.price_of("/generate_image", json=fields))
    _check_stdout(context)
    names.fill(context.name or "", _facts(Job(job_id="0" * 32, status="queued")))

    def order(key: str) -> Job:
        return context.client.generate(**fields, idempotency_key=key)

    return _single(context, order, context.folder(), None)


def upscale(context: Context) -> int:
    """Order images to be enlarged; a single one as a job, several as a batch that can be resumed."""
    images, fields = context.options.images, context.fields()
    if len(images) == 1:
        return _upscale_one(context, images[0], fields)
    options = context.options
    if options.no_wait or options.timeout is not None or options.idempotency_key:
        raise UsageFault("--no-wait, --timeout and --idempotency-key are for a single image")
    paths = [Path(name) for name in images]
    usual = Path(os.path.commonpath([path.resolve().parent for path in paths]))
    return _many(context, inputs.read_images(paths, fields, context.name), usual)


def _upscale_one(context: Context, image: str, fields: Mapping[str, Any]) -> int:
    address = address_of(image)
    path = Path(urlsplit(address).path if address else image)
    if not address:
        inputs.digest_of(path)  # one that can't be read is told before anything else
    if context.options.dry_run:
        request = upscale_request(image, fields)
        return tell_price(context, context.client.price_of("/upscale_image", **request))
    _check_stdout(context)
    stem = inputs.enlarged(path, 1, fields, context.name)
    folder = context.folder(Path() if address else path.parent)

    def order(key: str) -> Job:
        return context.client.upscale(image, **fields, idempotency_key=key)

    return _single(context, order, folder, stem)


def batch(context: Context) -> int:
    """Order an image for each prompt of a file; run again, it goes on."""
    prompts = context.options.prompts
    if prompts == _STDOUT and not context.options.out:
        raise UsageFault("--out must be given for prompts from stdin")
    orders = inputs.read_prompts(prompts, context.fields(), context.name)
    return _many(context, orders, Path(f"{Path(prompts).with_suffix('')}-images"))


def save(context: Context, job: Job, folder: Path, stem: str | None) -> int:
    """Save the image of a job that has ended; raise JobFailed."""
    if context.options.out == _STDOUT:
        sys.stdout.buffer.write(context.client.image(job))
        sys.stdout.buffer.flush()
        return DONE
    if not job.succeeded:
        raise JobFailed(job)
    folder.mkdir(parents=True, exist_ok=True)
    usual = "{stem}-{seed}" if job.kind == "upscale" else "{slug}-{seed}"
    stem = stem or names.fill(context.name or usual, _facts(job))
    path = keep(context.client, job, folder, stem)
    context.screen.result(str(path), {**job.raw, "file": str(path)})
    return DONE


def _single(context: Context, order: Callable[[str], Job], folder: Path, stem: str | None) -> int:
    key = context.options.idempotency_key or secrets.token_hex(16)
    try:
        job = order(key)
    except KeyboardInterrupt:
        context.screen.say(unsure(key))
        raise
    if context.options.no_wait:
        context.screen.result(job.job_id, job.raw)
        return DONE
    try:
        with context.screen.progress("ordered") as tally:
            timeout = context.options.timeout
            for now in context.client.watch(job.job_id, timeout, every=_PLACE_SECONDS):
                job = now
                tally.job(job)
    except KeyboardInterrupt:
        _leave(context, job)
        raise
    code = save(context, job, folder, stem)
    context.screen.say(_summary(job))
    return code


def _leave(context: Context, job: Job) -> None:
    if context.options.cancel_on_interrupt:
        context.hasty.cancel(job)
        context.screen.say(f"Job {job.job_id} is canceled.")
        return
    context.screen.say(
        f"The service goes on with job {job.job_id}. To fetch it: python -m client download"
        f" {job.job_id}; to end it: python -m client cancel {job.job_id}"
    )


def _many(context: Context, orders: Sequence[inputs.Order], usual: Path) -> int:
    options, screen = context.options, context.screen
    if options.out == _STDOUT:
        raise UsageFault("--out must be a folder: several images can't go to stdout")
    folder = context.folder(usual)
    rules = Rules(options.batch_size, options.retry_failed, options.order_again)
    if options.dry_run:
        state = read_state(folder, context.client.base_url)
        groups = BatchRun(context.client, context.hasty, state, rules).planned(orders)
        return tell_price(context, *prices_of(context.client, groups))
    with locked(folder):
        state = read_state(folder, context.client.base_url)
        run = BatchRun(context.client, context.hasty, state, rules)
        try:
            with screen.progress("ordering", len(orders)) as tally:
                entries = run.run(orders, tally)
        except KeyboardInterrupt:
            _leave_batches(context, run.open_batches())
            raise
    code = _report(context, entries, folder, run.missed)
    if run.missed:
        raise run.missed[0][1]
    return code


def _leave_batches(context: Context, batch_ids: Sequence[str]) -> None:
    if context.options.cancel_on_interrupt:
        for batch_id in batch_ids:
            context.hasty.cancel(context.hasty.get_batch(batch_id))
        context.screen.say("What was not made yet is canceled.")
        return
    context.screen.say(
        "The service goes on. Run the same command again to fetch the rest: nothing is paid twice."
    )
    if batch_ids:
        context.screen.say(f"To end it: python -m client cancel --batch {' '.join(batch_ids)}")


def _report(
    context: Context, entries: Sequence[Entry], folder: Path, missed: Sequence[Missed]
) -> int:
    """Tell how it ended; what was fetched was told when it was."""
    here = sum(entry.status == SAVED for entry in entries)
    faults = {entry.mark: fault for entry, fault in missed}
    if context.screen.machine:
        for entry in entries:
            context.screen.result("", _told(entry, folder, faults.get(entry.mark)))
    for entry, fault in missed:
        context.screen.say(f"not fetched: {entry.stem}: {fault.message}")
    failed = len(entries) - here - len(missed)
    end = f", {failed} failed (--retry-failed orders them again)" if failed else ""
    left = f", {len(missed)} could not be fetched" if missed else ""
    context.screen.say(f"{here} of {len(entries)} images are in {folder}{end}{left}.")
    return FAILED if failed else DONE


def _told(entry: Entry, folder: Path, fault: ClientError | None) -> dict[str, Any]:
    return {
        "number": entry.number,
        "status": "succeeded" if entry.status == SAVED else entry.status,
        "job_id": entry.job_id,
        "file": str(folder / entry.file) if entry.file else None,
        "request": entry.request,
        "error": fault.message if fault else entry.error,
        "error_code": fault.error_code if fault else entry.error_code,
    }


def _check_stdout(context: Context) -> None:
    if context.options.out != _STDOUT:
        return
    if context.options.json or context.options.no_wait:
        raise UsageFault("--out - writes the image alone to stdout: no --json, no --no-wait")
    if sys.stdout.isatty():
        raise UsageFault("--out - would write an image to this terminal; lead it to a file with >")


def _facts(job: Job) -> Mapping[str, Any]:
    return {
        "slug": names.slug(str(job.request.get("prompt", job.kind))),
        "stem": job.kind,
        "seed": (job.image and job.image.seed) or job.job_id[:8],
        "id": job.job_id,
        "model": job.request.get("model") or job.request.get("mode") or job.kind,
        "date": (job.created_at or "")[:10],
    }


def _summary(job: Job) -> str:
    image = job.image
    size = f"{image.width} x {image.height}, " if image else ""
    total = job.timings.get("total_ms")
    seconds = f", {total / 1000:.1f} s" if total else ""
    return f"{size}{job.credits or 0:g} credits{seconds}"
