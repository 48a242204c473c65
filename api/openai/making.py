"""The way of a request for images: bought once, however often it comes, and waited for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from flask import Response, request

from api.auth import caller
from api.bodies import read_body
from api.idempotency import Key, read_key, replay_of
from api.openai.answers import images
from api.openai.orders import read_images
from api.peers import has_gone
from api.quotas import counted
from api.submission import Submission, accept, accepted_before
from api.waiting import Waiting
from shared.batches import Batch
from shared.errors import InvalidRequest, NotFound, NotReady, StoreUnavailable
from shared.jobs import Job
from shared.moves import Accepted, AcceptedBatch, Replay
from shared.services import Services

# What OpenAI's own clients tell with each request: how often they have sent it already.
REPEATS = "X-Stainless-Retry-Count"
_COUNT = re.compile(r"[0-9]{1,6}")


def make_images(services: Services, waiting: Waiting) -> Response:
    """Make what the current request asks for; answer once all of it has ended.

    Raises NotReady when that takes longer than `MAX_WAIT_SECONDS`.
    """
    owner = caller().owner
    with attempt(owner, services) as attempted:
        with counted(services) as free:
            body = read_body(request)
            key = read_key(request, body)
            if key.faults:
                raise InvalidRequest([*key.faults])
            wanted = read_images(body, services.settings)
            replay = attempted.replay(key, wanted.submission)
            before = accepted_before(wanted.submission, services, replay, owner)
            if before:
                free()
        accepted = before or accept(wanted.submission, services, replay, owner)
        jobs = _ended(accepted, services, waiting)
        attempted.answered = True
    response = images(jobs, services, inline=wanted.inline)
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


class Attempt:
    """One try of a request, whose client may have tried before and may try again."""

    def __init__(self, owner: str, services: Services) -> None:
        self._owner, self._tries = owner, services.tries
        self._named: tuple[str, str] | None = None
        self.answered = False

    def replay(self, key: Key, submission: Submission) -> Replay | None:
        """Return by what the store knows the request: its key; else, for clients that repeat, a name."""
        count = request.headers.get(REPEATS, "")
        if key.value is None and _COUNT.fullmatch(count):
            asked = replay_of(Key(""), self._owner, request.path, submission)
            fingerprint = asked.fingerprint if asked else ""
            name = self._tries.begin(self._owner, fingerprint, again=int(count) > 0)
            self._named = fingerprint, name
            key = Key(f"try:{name}")
        return replay_of(key, self._owner, request.path, submission)

    def end(self) -> None:
        """Let the next try know what became of this one."""
        if self._named:
            self._tries.end(self._owner, *self._named, answered=self.answered)


@contextmanager
def attempt(owner: str, services: Services) -> Iterator[Attempt]:
    """Give the current try of a request; it ends with this."""
    attempted = Attempt(owner, services)
    try:
        yield attempted
    finally:
        with suppress(StoreUnavailable):  # the next try is then taken for one that is still served
            attempted.end()


def _ended(accepted: Accepted | AcceptedBatch, services: Services, waiting: Waiting) -> list[Job]:
    """Return the jobs once all have ended, in the order of the request; raise NotReady."""
    thing: Job | Batch = accepted.thing
    with suppress(StoreUnavailable, NotFound):  # it was accepted, and is not told as failed
        patience = services.settings.max_wait_seconds
        thing = waiting.for_end(thing, patience, has_gone(request.environ))
    if not thing.terminal:
        place = "batches" if isinstance(thing, Batch) else "jobs"
        raise NotReady(
            f"Not made yet; it goes on, and GET /{place}/{thing.id} tells how it stands. The same"
            " request, when it tells that it comes again, is answered with it and paid once"
        )
    return [thing] if isinstance(thing, Job) else services.index.whole(thing)[1]
