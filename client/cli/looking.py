"""The commands that look at jobs, end them, and fetch what is there."""

import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from client.cli import names
from client.cli.context import Context
from client.cli.faults import DONE, FAILED, UsageFault
from client.cli.ordering import save
from client.cli.screen import Tally
from client.errors import Conflict, JobFailed, NotFound
from client.files import unused
from client.models import Batch, Job

_LIST = "{0:32}  {1:9}  {2:8}  {3:16}  {4}"
# What is shorter leaves room for the prompt.
_SHORT, _SHORT_WIDTH = "{0:32}  {1:9}  {4}", 100
_KINDS = {"GenerateRequest": "generate", "UpscaleRequest": "upscale"}


def jobs(context: Context) -> int:
    """List jobs: columns of fixed width on a terminal, parted by tabs for programs."""
    options = context.options
    found = context.client.jobs(status=options.status, kind=options.kind, batch_id=options.batch)
    width = context.screen.width if sys.stdout.isatty() else None
    for job in islice(found, options.limit):
        prompt = str(job.request.get("prompt") or job.request.get("mode") or "")
        when = (job.created_at or "")[:16].replace("T", " ")
        cells = (job.job_id, job.status, job.kind, when, prompt.replace("\t", " "))
        line = _line(cells, width) if width else "\t".join(cells)
        context.screen.result(line, job.raw)
    return DONE


def _line(cells: Sequence[str], width: int) -> str:
    return (_SHORT if width < _SHORT_WIDTH else _LIST).format(*cells)[:width]


def show(context: Context) -> int:
    """Tell everything about a job."""
    job = context.client.job(context.options.job)
    lines = [f"{name:20} {_short(value)}" for name, value in job.raw.items() if value is not None]
    context.screen.results(lines, job.raw)
    return DONE


def wait(context: Context) -> int:
    """Wait until jobs or batches have ended; fail when one of them did not end well."""
    code = DONE
    with context.screen.progress("waiting") as tally:
        for thing in _things(context):
            code = max(code, _wait_for(context, thing, tally))
    return code


def _wait_for(context: Context, thing: Job | Batch, tally: Tally) -> int:
    def show(now: Job | Batch) -> None:
        if isinstance(now, Job):
            tally.job(now)
        else:
            tally.batch(now)

    ended = context.client.wait(thing, context.options.timeout, show)
    name = ended.job_id if isinstance(ended, Job) else ended.batch_id
    context.screen.result(f"{name}\t{ended.status}\t{ended.message}", ended.raw)
    return DONE if ended.status == "succeeded" else FAILED


def download(context: Context) -> int:
    """Fetch the images of jobs, or batches as zip files; all that can be fetched are."""
    if context.options.out == "-" and (len(context.options.ids) > 1 or context.options.batch):
        raise UsageFault("--out - takes the image of one job")
    code = DONE
    for name in context.options.ids:
        try:
            _fetch(context, name)
        except (JobFailed, NotFound) as fault:
            context.screen.fault(f"{name}: {fault.message}")
            code = FAILED
    return code


def _fetch(context: Context, name: str) -> None:
    folder = context.folder()
    if not context.options.batch:
        job = context.client.job(name)
        if not job.terminal:
            with context.screen.progress("waiting") as tally:
                job = context.client.wait(job, None, tally.job)
        save(context, job, folder, None)
        return
    folder.mkdir(parents=True, exist_ok=True)
    batch = context.client.get_batch(name)
    path = unused(folder / f"{names.safe(f'batch-{batch.batch_id}')}.zip")
    context.client.archive(batch, path)
    context.screen.result(str(path), {**batch.raw, "file": str(path)})


def cancel(context: Context) -> int:
    """Cancel jobs or batches; fail when one of them had ended already."""
    code = DONE
    for name in context.options.ids:
        try:
            thing: Job | Batch | str = (
                context.client.get_batch(name) if context.options.batch else name
            )
            ended = context.client.cancel(thing)
            context.screen.result(f"{name}\t{ended.status}", ended.raw)
        except (Conflict, NotFound) as fault:
            context.screen.fault(f"{name}: {fault.message}")
            code = FAILED
    return code


def retry(context: Context) -> int:
    """Order failed or canceled jobs again; tell the ids of the new ones."""
    code = DONE
    for name in context.options.ids:
        try:
            job = context.client.retry(name)
            context.screen.result(job.job_id, job.raw)
        except (Conflict, NotFound) as fault:
            context.screen.fault(f"{name}: {fault.message}")
            code = FAILED
    return code


def options(context: Context) -> int:
    """Tell what the service takes, from its own document."""
    schemas = context.client.describe()["components"]["schemas"]
    told = {kind: _choices(schemas[name]) for name, kind in _KINDS.items() if name in schemas}
    lines = [
        f"{kind} {name}: {', '.join(map(str, choices))}"
        for kind, fields in told.items()
        for name, choices in fields.items()
    ]
    context.screen.results(lines, told)
    return DONE


def _choices(schema: Mapping[str, Any]) -> dict[str, list[Any]]:
    fields = schema.get("properties", {})
    return {
        name: [value for value in field["enum"] if value is not None]
        for name, field in fields.items()
        if "enum" in field
    }


def _things(context: Context) -> list[Job | Batch]:
    read = context.client.get_batch if context.options.batch else context.client.job
    return [read(name) for name in context.options.ids]


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {part}" for name, part in value.items() if part is not None)
    return str(value)
