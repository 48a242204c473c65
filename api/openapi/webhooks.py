"""What the service sends by itself: a signed POST when a job or a batch has ended."""

from api.openapi.answers import JSON
from api.openapi.models import Schema, ref

_EVENTS = {
    "job.succeeded": ("Job", "A job has ended well"),
    "job.failed": ("Job", "A job has failed"),
    "job.canceled": ("Job", "A job was canceled"),
    "batch.finished": ("Batch", "All jobs of a batch have ended"),
}
_HEADERS = {
    "webhook-id": "The event's id, the same at each try: who has seen it may ignore it.",
    "webhook-timestamp": "The time of this try, in seconds since 1970; refuse what is old.",
    "webhook-signature": "`v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body`, keyed with"
    " the bytes that the secret's base64 stands for. Several stand side by side, parted by blanks.",
}
_WHAT = (
    "Signed as [Standard Webhooks](https://www.standardwebhooks.com) says, so that its libraries"
    " verify it; each client key has a secret of its own. Any 2xx within 10 seconds is taken as"
    " received; else it is sent again, after about 5 s, 30 s, 5 min, 30 min, 2 h, 5 h and 10 h."
)


def webhooks() -> dict[str, Schema]:
    """Return the webhooks by their type."""
    return {name: {"post": _event(name, *told)} for name, told in _EVENTS.items()}


def _event(name: str, about: str, summary: str) -> Schema:
    return {
        "operationId": name.replace(".", "_"),
        "summary": summary,
        "description": _WHAT,
        "parameters": [_header(header, what) for header, what in _HEADERS.items()],
        "requestBody": {"required": True, "content": {JSON: {"schema": _body(name, about)}}},
        "responses": {"2XX": {"description": "Received."}},
    }


def _header(name: str, what: str) -> Schema:
    schema = {"type": "string"}
    return {"name": name, "in": "header", "required": True, "description": what, "schema": schema}


def _body(name: str, about: str) -> Schema:
    return {"allOf": [ref("Event"), {"properties": {"type": {"const": name}, "data": ref(about)}}]}
