"""What became of a webhook, and sending it again."""

from collections.abc import Callable

from flask import Request, Response, jsonify

from api.bodies import KEY_FIELD, read_body
from api.complaints import complaint
from api.idempotency import Key, read_key, replay_of_call
from api.quotas import counted
from shared.batches import Batch
from shared.delivery_views import deliveries_view
from shared.errors import InvalidRequest
from shared.jobs import Job
from shared.services import Services


def deliveries(thing: Job | Batch, services: Services) -> Response:
    """Answer what became of a job's or a batch's webhook so far."""
    response: Response = jsonify(deliveries_view(thing, services.outbox.deliveries(thing)))
    response.headers["Cache-Control"] = "no-store"
    return response


def redeliver(find: Callable[[], Job | Batch], request: Request, services: Services) -> Response:
    """Have a webhook sent again, at once and whatever became of it: 202; raise Conflict."""
    with counted(services) as free:
        thing = find()
        key = _only_key(request)
        kind = "batches" if isinstance(thing, Batch) else "jobs"
        # it has two addresses, and a key is good for both
        replay = replay_of_call(key, thing.owner, f"/{kind}/{thing.id}/redeliver")
        if replay and services.store.find_replay(replay):
            free()
    queued = services.outbox.again(thing, replay)
    response = deliveries(thing, services)
    response.status_code = 202
    base = services.settings.public_base_url or ""
    response.headers["Location"] = f"{base}/{kind}/{thing.id}/deliveries"
    if not queued:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _only_key(request: Request) -> Key:
    """Return the key of a request that takes nothing else; raise InvalidRequest."""
    body = read_body(request)
    unknown = set(body.fields) - {KEY_FIELD} | set(body.files)
    key = read_key(request, body)
    found = [complaint(name, f"is not taken; only {KEY_FIELD} is") for name in sorted(unknown)]
    if found or key.faults:
        raise InvalidRequest([*found, *key.faults])
    return key
