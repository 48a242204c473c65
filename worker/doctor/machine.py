"""This machine: open files, the disk under DATA_DIR, the clock; and which settings are weak."""

import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress

from shared.settings import Settings
from shared.weaknesses import weaknesses
from worker.doctor.findings import Finding, note, ok, wrong

# Beside its callers or calls a process holds connections to Redis, files, its log.
_BESIDE = 300
_LEAST_FREE = 1024**3
_SECONDS = 3


def check(settings: Settings) -> Iterator[Finding]:
    """Look at this machine."""
    yield _files(settings)
    if settings.redis_url is None:
        yield _disk(settings)
    yield from _ntp()


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Tell that the settings are valid, and which of them are weak."""
    weak = weaknesses(settings)
    yield ok("settings", "all are valid" if weak else "all are valid, and none is weak")
    for weakness in weak:
        yield note("settings", weakness)


def _files(settings: Settings) -> Finding:
    needed = max(settings.max_waiters, settings.worker_concurrency) + _BESIDE
    # make run raises the soft limit by itself, as far as the hard one lets it
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if limit != resource.RLIM_INFINITY and limit < needed:
        told = f"at most {limit} open files, and MAX_WAITERS or WORKER_CONCURRENCY need {needed}"
        return note("machine", told, "raise the hard limit (ulimit -Hn), or set them lower")
    return ok("machine", f"open files are enough for {needed - _BESIDE} callers in one process")


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir.absolute()
    place = next(each for each in (folder, *folder.parents) if each.is_dir())
    free = shutil.disk_usage(place).free
    told = f"{free / 1024**3:,.1f} GiB free for the job store in {folder}"
    if free < _LEAST_FREE:
        return wrong("machine", told, "make room: Redis takes no writes on a full disk")
    return ok("machine", told)


def _ntp() -> Iterator[Finding]:
    command = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        if done.stdout.strip() == "no":
            yield note("clock", "is not kept by NTP", "timedatectl set-ntp true")
        elif done.stdout.strip() == "yes":
            yield ok("clock", "kept by NTP")
