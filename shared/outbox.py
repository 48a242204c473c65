"""The webhooks that are to be sent, in Redis: each change is one atomic script (see `shared/lua`)."""

import json
from typing import Any, cast

from redis import Redis

from shared.acceptance import KEY_LIVES_MS
from shared.batches import Batch
from shared.deliveries import Deliveries, Parcel, Try, subject_of
from shared.errors import Conflict, KeyReused, NotFound
from shared.jobs import Job
from shared.moves import Replay
from shared.scripts import Scripts

# Six times all tries of one delivery; what is asked for again and again must not fill the store.
KEPT_TRIES = 48


class Outbox:
    """What is due to whom; an end that is to be told gets here by the script that ends it.

    Every method may raise StoreUnavailable.
    """

    def __init__(self, redis: "Redis") -> None:
        self._run = Scripts(redis).run

    def take(self, claim: str, lease_ms: int, most_to_one: int) -> Parcel | None:
        """Take a webhook that is due, in fair turn; when the lease is over, another may have it.

        No receiver has more than `most_to_one` on their way to it, over all workers.
        """
        found = self._run("take_webhook", claim, lease_ms, most_to_one)
        if not found:
            return None
        kind, _, thing_id = str(found[0]).partition(":")
        return Parcel("batch" if kind == "batch" else "job", thing_id, claim, int(found[1]))

    def record(self, parcel: Parcel, done: Try, pause_ms: int | None) -> bool:
        """Note a try; after one that failed the next is due after the pause, or (None) there is none.

        Returns False when the claim no longer holds, so that somebody else's try decides.
        """
        told = json.dumps(done.record, ensure_ascii=False)
        follows = "failed" if pause_ms is None else pause_ms
        if done.delivered:
            follows = "delivered"
        return bool(
            self._run("record_try", parcel.subject, parcel.claim, told, KEPT_TRIES, follows)
        )

    def again(self, thing: Job | Batch, replay: Replay | None) -> bool:
        """Send the webhook of what has ended once more; return False when this was asked before.

        Raises Conflict when there is nothing to send, NotFound when there is no record any more, and
        KeyReused as `JobStore.accept` does.
        """
        key, fingerprint = (replay.key, replay.fingerprint) if replay else ("", "")
        word = self._run("redeliver", subject_of(thing), key, fingerprint, KEY_LIVES_MS)
        if word == "other":
            raise KeyReused("This idempotency key was used for another request")
        if word == "gone":
            raise _no_more(thing)
        if word == "refused":
            why = "has not ended" if thing.webhook else "was submitted without a webhook_url"
            raise Conflict(f"There is nothing to deliver: this {_named(thing)} {why}")
        return bool(word == "ok")

    def deliveries(self, thing: Job | Batch) -> Deliveries:
        """Return what became of a webhook so far; raise NotFound when there is no record any more."""
        if not thing.webhook:
            return Deliveries()
        found = self._run("deliveries", subject_of(thing))
        if not found:
            raise _no_more(thing)
        ended, due, tries = found
        return Deliveries(
            ended or "waiting",
            int(float(due)) if due else None,
            tuple(_read(told) for told in reversed(cast("list[str]", tries))),
        )


def _no_more(thing: Job | Batch) -> NotFound:
    return NotFound(f"There is no {_named(thing)} of this id any more")


def _named(thing: Job | Batch) -> str:
    return "batch" if isinstance(thing, Batch) else "job"


def _read(told: str) -> Try:
    record: dict[str, Any] = json.loads(told)
    return Try(**record)
