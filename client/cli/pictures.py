"""Fetch images into files."""

from pathlib import Path
from urllib.parse import urlsplit

from client.cli.names import SUFFIXES
from client.client import Client
from client.errors import JobFailed
from client.files import unused
from client.models import BatchJob, Job


def keep(client: Client, job: Job | BatchJob, folder: Path, stem: str) -> Path:
    """Save a job's image under a name of which no part is yet taken; return where it is.

    A file of this name and size was fetched by a run that could not write that down any more.
    """
    if not job.image_url:
        raise JobFailed(job if isinstance(job, Job) else client.job(job.job_id))
    path = folder / f"{stem}{suffix_of(job.image_url)}"
    if path.exists() and isinstance(job, BatchJob):
        whole = client.job(job.job_id)
        if whole.image and path.stat().st_size == whole.image.bytes:
            return path
    while True:
        path = unused(path)
        try:
            return client.save(job, path)
        except FileExistsError:
            continue  # somebody was quicker


def suffix_of(image_url: str) -> str:
    """Return the suffix of an image's address, .webp when there is none that can be one."""
    suffix = Path(urlsplit(image_url).path).suffix
    return suffix if suffix in SUFFIXES else ".webp"
