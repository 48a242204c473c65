"""Order many images and fetch each as it is done; run again, it goes on where it was."""

from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from client.cli.faults import Stopped
from client.cli.fetcher import STOP_SECONDS, Fetcher
from client.cli.inputs import Order, digest_of, mark_of
from client.cli.pictures import keep
from client.cli.planning import Rules, plan
from client.cli.screen import Tally
from client.cli.state import LOST, ORDERED, PLANNED, SAVED, Entry, Group, State
from client.client import Client
from client.errors import (
    BudgetExceeded,
    ClientError,
    Closed,
    Forbidden,
    Gone,
    InvalidRequest,
    JobFailed,
    LimitReached,
    NotFound,
    ServiceFault,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from client.files import drop_parts
from client.models import Batch, BatchJob

# So often a place in the queue is asked for.
_PLACE_SECONDS = 3.0


class BatchRun:
    """One run over a folder; the state on disk is ahead of everything that costs."""

    def __init__(self, client: Client, hasty: Client, state: State, rules: Rules) -> None:
        self._client, self._hasty = client, hasty
        self._state, self._rules = state, rules
        self._asked_for = set[str]()
        # What is not here although it was made; the next run fetches it.
        self.missed: list[tuple[Entry, ClientError]] = []

    def open_batches(self) -> list[str]:
        """Return the batches whose images are not all here."""
        return [
            group.batch_id
            for group in self._state.groups
            if group.batch_id and any(entry.status == ORDERED for entry in group.entries)
        ]

    def planned(self, orders: Sequence[Order]) -> list[Group]:
        """Return what a run would order now; nothing is sent or written. Raises Stopped."""
        plan(self._state, orders, self._rules)
        return [group for group in self._state.groups if group.sent is None]

    def run(self, orders: Sequence[Order], tally: Tally) -> list[Entry]:
        """Order what is new, wait, and fetch; return what became of each order, in its order."""
        plan(self._state, orders, self._rules)
        marks = {order.mark for order in orders}
        groups = [g for g in self._state.groups if any(e.mark in marks for e in g.entries)]
        mine = self._state.latest()
        tally.begin([mine[order.mark][1] for order in orders], self._state.folder)
        try:
            with Fetcher(self._client) as fetcher:
                self._work_off(groups, tally, fetcher)
        finally:
            drop_parts(self._state.folder)
            # what is lost by not writing it is found again by its name and size
            self._state.write(STOP_SECONDS)
        return [mine[order.mark][1] for order in orders]

    def _work_off(self, groups: Sequence[Group], tally: Tally, fetcher: Fetcher) -> None:
        unsent = deque(group for group in groups if group.batch_id is None)
        opened = deque(group for group in groups if group.batch_id and _is_open(group))
        while unsent or opened:
            if unsent and self._sent(unsent[0], hasty=bool(opened)):
                opened.append(unsent.popleft())
            else:
                self._follow(opened.popleft(), tally, fetcher)

    def _sent(self, group: Group, *, hasty: bool) -> bool:
        """Send a group; False when there is no room for it now and others are there to be fetched."""
        if not group.key_is_kept():
            _lose(group, "It may have been ordered; the answer never came", None)
            return True
        self._state.about_to_send(group)
        try:
            batch = self._order(self._hasty if hasty else self._client, group)
        except (InvalidRequest, BudgetExceeded, LimitReached, Unavailable, Unreachable) as fault:
            if _is_refusal(fault):
                group.sent = None
            if hasty and fault.temporary:
                return False
            if _is_refusal(fault):
                self._state.drop(group)
            raise
        pairs = _pairs(group, batch)
        group.batch_id = batch.batch_id
        for entry, job in pairs:
            entry.job_id = job.job_id
            entry.status = ORDERED if entry.status == PLANNED else entry.status
        self._state.write()
        return True

    def _order(self, client: Client, group: Group) -> Batch:
        if group.entries[0].kind == "generate":
            bodies = [entry.request for entry in group.entries]
            return client.batch(bodies, idempotency_key=group.key)
        sources = [_unchanged(entry) for entry in group.entries]
        request = group.entries[0].request
        return client.upscale_batch(sources, idempotency_key=group.key, **request)

    def _follow(self, group: Group, tally: Tally, fetcher: Fetcher) -> None:
        """Fetch a group's images as they are done, until all of it has ended."""
        if not group.batch_id:
            return
        batch = Batch(batch_id=group.batch_id, status="queued")
        try:
            for now in self._client.watch(batch, every=_PLACE_SECONDS):
                self._take(group, now, tally, fetcher)
            fetcher.settle()
        except NotFound:
            fetcher.settle()
            _lose(group, "The service no longer knows it; --order-again orders it anew", tally)
        self._state.write()

    def _take(self, group: Group, batch: Batch, tally: Tally, fetcher: Fetcher) -> None:
        place = (
            self._client.job(group.entries[0].job_id or "") if batch.status == "queued" else None
        )
        tally.stands(batch, place)
        for entry, job in _pairs(group, batch):
            if entry.status != ORDERED or not job.terminal or entry.mark in self._asked_for:
                continue
            if job.status == "succeeded":
                self._asked_for.add(entry.mark)
                fetcher.take(partial(self._fetch, entry, job, tally, fetcher))
            else:
                with self._state.lock:
                    entry.status = job.status
                    entry.error, entry.error_code = job.error, job.error_code
                self._ended(entry, tally)

    def _fetch(
        self, entry: Entry, job: BatchJob, tally: Tally, fetcher: Fetcher, client: Client
    ) -> None:
        """Save an image; in a thread of its own, whose news nobody wants after an interruption."""
        file: str | None = None
        gone: str | None = None
        try:
            file = keep(client, job, self._state.folder, entry.stem).name
        # the batch is there: it is this image alone that is not
        except (JobFailed, Gone, NotFound) as fault:
            gone = fault.message
        except ClientError as fault:
            if concerns_all(fault):
                raise
            self.missed.append((entry, fault))
            return
        with self._state.lock:
            if fetcher.stopped:
                return
            entry.status, entry.file, entry.error = SAVED if file else "gone", file, gone
        self._ended(entry, tally)

    def _ended(self, entry: Entry, tally: Tally) -> None:
        self._state.write_late()
        tally.ended(entry)


def concerns_all(fault: ClientError) -> bool:
    """Tell whether the next image would meet the same: no service, or none for this client key."""
    return fault.temporary or isinstance(fault, Unauthorized | Forbidden | Closed)


def _pairs(group: Group, batch: Batch) -> list[tuple[Entry, BatchJob]]:
    """Return each image with its job; they come in the order in which they were sent."""
    if len(batch.jobs) != len(group.entries):
        raise ServiceFault(f"Batch {batch.batch_id} is not what was ordered")
    return list(zip(group.entries, batch.jobs, strict=True))


def _is_refusal(fault: ClientError) -> bool:
    """Tell whether the service itself said no: a refusal uses up no key, and replays come before it.

    So nothing of this order was ever accepted. A proxy that says no knows nothing of that.
    """
    kinds = (InvalidRequest, BudgetExceeded, LimitReached)
    return isinstance(fault, kinds) and fault.error_code is not None


def _lose(group: Group, why: str, tally: Tally | None) -> None:
    for entry in group.entries:
        if entry.status in {PLANNED, ORDERED}:
            entry.status, entry.error = LOST, why
            if tally:
                tally.ended(entry)


def _is_open(group: Group) -> bool:
    return any(entry.status == ORDERED for entry in group.entries)


def _unchanged(entry: Entry) -> Path:
    """Return an entry's image; raise Stopped when it is no longer what was meant."""
    path = Path(entry.source or "")
    mark = mark_of("upscale", {**entry.request, "image": digest_of(path)})
    if mark != entry.mark.rpartition("-")[0]:
        raise Stopped(f"{path} was changed since it was ordered; put it back, and run this again")
    return path
