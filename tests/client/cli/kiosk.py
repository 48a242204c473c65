"""A client without a service: it accepts, keeps its books, and fails as a test says."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from client import Batch, BatchJob, Image, Job, NotFound


class Kiosk:
    """Takes batches under idempotency keys, as the service does, and counts what was paid."""

    base_url = "http://kiosk.test"

    def __init__(self) -> None:
        self.by_key: dict[str, tuple[list[Any], Batch]] = {}
        self.paid: list[str] = []
        self.faults: list[Exception] = []
        self.lost_answers = 0
        self.fails: set[str] = set()
        self.forgotten: set[str] = set()
        self.saved: list[str] = []
        self.twins: list[Twin] = []

    def batch(self, bodies: list[Mapping[str, Any]], *, idempotency_key: str) -> Batch:
        """Accept bodies once for each key."""
        if self.faults:
            raise self.faults.pop(0)
        if idempotency_key not in self.by_key:
            prompts = [str(body["prompt"]) for body in bodies]
            self.paid += prompts
            batch_id = f"b{len(self.by_key)}"
            jobs = tuple(self._job(f"{batch_id}-{n}", prompt) for n, prompt in enumerate(prompts))
            batch = Batch(batch_id=batch_id, status="partial", jobs=jobs)
            self.by_key[idempotency_key] = (list(bodies), batch)
        before, batch = self.by_key[idempotency_key]
        assert before == list(bodies), "the key was used for another request"
        if self.lost_answers:
            self.lost_answers -= 1
            raise KeyboardInterrupt
        return batch

    def twin(self) -> "Twin":
        """Return what another thread uses."""
        self.twins.append(Twin(self))
        return self.twins[-1]

    def _job(self, job_id: str, prompt: str) -> BatchJob:
        if prompt in self.fails:
            return BatchJob(job_id=job_id, status="failed", error="No.", error_code="no")
        return BatchJob(job_id=job_id, status="succeeded", image_url="/saved_images/x.webp")

    def watch(self, batch: Batch, *, every: float) -> Iterator[Batch]:
        """Tell the end."""
        if batch.batch_id in self.forgotten:
            raise NotFound("There is no batch of this id")
        yield next(known for _, known in self.by_key.values() if known.batch_id == batch.batch_id)

    def job(self, job_id: str) -> Job:
        """Tell of a job."""
        return Job(job_id=job_id, status="succeeded", image=Image(bytes=len(job_id)))

    def save(self, job: BatchJob, path: Path) -> Path:
        """Write a file that holds the job's id."""
        if self.faults:
            raise self.faults.pop(0)
        with path.open("x") as file:
            file.write(job.job_id)
        self.saved.append(job.job_id)
        return path


class Twin:
    """A client of the same kiosk, that remembers who used it and whether it was closed."""

    def __init__(self, kiosk: Kiosk) -> None:
        self.kiosk = kiosk
        self.threads = set[threading.Thread]()
        self.closed = False

    def save(self, job: BatchJob, path: Path) -> Path:
        """Write a file as the kiosk does."""
        self.threads.add(threading.current_thread())
        return self.kiosk.save(job, path)

    def job(self, job_id: str) -> Job:
        """Tell of a job."""
        return self.kiosk.job(job_id)

    def close(self) -> None:
        """Note that it is not to be used any more."""
        self.closed = True
