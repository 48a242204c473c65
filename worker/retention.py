"""What is kept comes to its end: pictures, records, and files that nobody needs any more.

Any number of workers may do it at once: each step is safe to be done twice.
"""

import logging
from collections.abc import Iterable
from functools import partial

from shared.jobs import Job, job_of_input
from shared.retirement import Page
from shared.services import Services

_log = logging.getLogger(__name__)
# Of a hundred each: more than the provider's limit lets be made meanwhile.
_EXPIRE_PAGES = 10
_TIDY_MS = 3_600_000
# No request and no write takes so long, so what lies there since then is not on its way.
_LEFT_SECONDS = 3_600.0
_LOOK_MOST = 100
# Those of three owners: of each list a hundred entries are looked at, and 2,000 at once.
_LISTS_AT_ONCE = 18


def expire(services: Services) -> None:
    """Remove the images that are past their time; their records tell that they were there."""
    for _ in range(_EXPIRE_PAGES):
        # those that can't be removed are named again: a page of nothing else is no reason to go on
        if not sum(_end_image(job_id, services) for job_id in services.store.expired()):
            return


def _end_image(job_id: str, services: Services) -> bool:
    """Remove an image and say so; return False when it can't be removed."""
    store, images = services.store, services.images
    image = job.image if (job := store.get(job_id)) else None
    try:
        if image:
            images.delete(image)
        store.forget_image(job_id, "expired")
        if image:
            # a second attempt at the job may have put its own there in between; from now on it would not
            images.delete(image)
    except OSError as error:  # its words have the image's name, which opens the image
        _log.warning("could not remove an image", extra={"reason": error.strerror})
        return False
    return True


class Retiring:
    """Remove records `JOB_TTL_DAYS` after the end of their jobs, a page of some lists in turn."""

    def __init__(self, services: Services) -> None:
        self._services = services
        # how many of a list's oldest were looked at and stay: made long ago, they ended lately
        self._skipped: dict[str, int] = {}
        self._turns: list[str] = []

    def step(self) -> None:
        """Look at the next page of the next lists; from its last page on, at its first again."""
        ttl_ms = self._services.settings.job_ttl_ms
        if not ttl_ms:
            return
        for name, page in self._services.retirement.pages(ttl_ms, self._next()).items():
            stay = page.stay + self._end(page)
            self._skipped[name] = 0 if page.last else self._skipped[name] + stay

    def _next(self) -> dict[str, int]:
        """Return the lists whose turn it is, and how many of their oldest are known to stay."""
        if not self._turns:
            self._turns = self._services.retirement.lists()
            self._skipped = {name: self._skipped.get(name, 0) for name in self._turns}
        names, self._turns = self._turns[:_LISTS_AT_ONCE], self._turns[_LISTS_AT_ONCE:]
        return {name: self._skipped[name] for name in names}

    def _end(self, page: Page) -> int:
        """Remove what is over; return how many entries stay because they can't be removed."""
        gone = {subject: self._retire(subject) for subject in dict.fromkeys(page.over)}
        return sum(not gone[subject] for subject in page.over)

    def _retire(self, subject: str) -> bool:
        """Remove the files of a job or of a batch's jobs, then their records: what is named is found."""
        services = self._services
        kind, _, thing_id = subject.partition(":")
        thing = services.index.batch(thing_id) if kind == "batch" else services.store.get(thing_id)
        if thing is None:
            return True  # another worker was here
        jobs = [thing] if isinstance(thing, Job) else services.index.jobs(thing.jobs)
        try:
            _remove_files(jobs, services)
        except OSError as error:
            _log.warning("could not remove a job's file", extra={"reason": error.strerror})
            return False
        return services.retirement.retire(thing)


def _remove_files(jobs: Iterable[Job], services: Services) -> None:
    for job in jobs:
        if job.input:
            services.images.delete_input(job.input)
        if job.status != "succeeded":
            # a worker may have died between its writing and the news that the job was canceled
            services.images.delete(job.image)


def tidy(services: Services) -> None:
    """Remove, once an hour over all workers, the inputs and half-written files that nobody needs.

    An API process that is killed before its job is accepted leaves an input behind, a worker that is
    killed just after its success too.
    """
    if not services.retirement.first_in(_TIDY_MS, "tidy"):
        return
    try:
        inputs = sum(map(partial(_drop_unneeded, services=services), _old_inputs(services)))
        half = services.images.drop_leavings(_LEFT_SECONDS)
    except OSError as error:
        _log.warning("could not tidy up the storage", extra={"reason": error.strerror})
        return
    if inputs or half:
        _log.info("removed what was left behind", extra={"inputs": inputs, "half_written": half})


def _old_inputs(services: Services) -> Iterable[dict[str, str]]:
    """Yield pages of {id of the job: name of its input}; those that do not tell their job are left."""
    page: dict[str, str] = {}
    for name in services.images.inputs_older_than(_LEFT_SECONDS):
        if job_id := job_of_input(name):
            page[job_id] = name
        if len(page) == _LOOK_MOST:
            yield page
            page = {}
    yield page


def _drop_unneeded(page: dict[str, str], services: Services) -> int:
    # raises when the store does not answer, before anything is removed
    jobs = services.index.jobs(page)
    needed = {job.id for job in jobs if job.status != "succeeded"}
    unneeded = page.keys() - needed
    for job_id in unneeded:
        services.images.delete_input(page[job_id])
    return len(unneeded)
