"""What is answered, by name: status, content, headers, and where one may go from there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from api.errors import RETRY_AFTER_SECONDS, STATUS
from api.openapi.models import Schema, ref
from api.openapi.samples import answer_samples, fault_sample
from api.openapi.words import CODES
from shared.errors import JobFault
from shared.image_file import CONTENT_TYPES
from shared.settings import Settings

JSON = "application/json"
HTML = "text/html"
REQUEST_ID = "X-Request-ID"
# Where a key may send only so many requests a minute, every answer to it tells what is left.
_OF_A_KEY = ("RateLimit", "RateLimit-Policy")
_BYTES: Schema = {"type": "string", "format": "binary"}
_TEXT: Schema = {"type": "string"}
_JOB_LINKS = ("getJob", "cancelJob", "retryJob", "deleteImage", "watchJob")
_BATCH_LINKS = ("getBatch", "cancelBatch", "watchBatch", "getArchive")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its content by media type, the headers that it always and that it may have."""

    what: str
    content: Mapping[str, Schema] = field(default_factory=dict)
    always: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


def _json(*names: str) -> Mapping[str, Schema]:
    schemas = [ref(name) for name in names]
    return {JSON: schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}


_SUBMITTED = ("Preference-Applied", "Idempotent-Replayed")
_ENDED = ("Location", "Cache-Control", *_SUBMITTED)
_IMAGE = dict.fromkeys(CONTENT_TYPES.values(), _BYTES)
_KEPT = ("ETag", "Cache-Control")

ANSWERS: dict[str, Answer] = {
    "JobAccepted": Answer(
        "The job goes on.", _json("Job"), ("Location",), ("Retry-After", *_SUBMITTED), _JOB_LINKS
    ),
    "JobEnded": Answer(
        "It was waited for and has ended; or, with `dry_run`, its price.",
        _json("Job", "DryRun"),
        perhaps=_ENDED,
        links=_JOB_LINKS,
    ),
    "JobFound": Answer(
        "The job as it stands.", _json("Job"), _KEPT, ("Retry-After",), links=_JOB_LINKS
    ),
    "JobsPage": Answer("A page of jobs.", _json("JobsPage"), ("Cache-Control",)),
    "JobRefused": Answer("Can't be done with this job as it stands.", _json("JobFault")),
    "BatchAccepted": Answer(
        "The batch goes on.",
        _json("Batch"),
        ("Location",),
        ("Retry-After", *_SUBMITTED),
        _BATCH_LINKS,
    ),
    "BatchEnded": Answer(
        "It was waited for and has ended; or, with `dry_run`, its price.",
        _json("Batch", "DryRun"),
        perhaps=_ENDED,
        links=_BATCH_LINKS,
    ),
    "BatchFound": Answer(
        "The batch as it stands.", _json("Batch"), _KEPT, ("Retry-After",), links=_BATCH_LINKS
    ),
    "BatchRefused": Answer("Can't be done with this batch as it stands.", _json("BatchFault")),
    "JobDeliveries": Answer("What became of it.", _json("JobDeliveries"), ("Cache-Control",)),
    "BatchDeliveries": Answer("What became of it.", _json("BatchDeliveries"), ("Cache-Control",)),
    "JobRedelivered": Answer(
        "It is sent now.",
        _json("JobDeliveries"),
        ("Location", "Cache-Control"),
        ("Idempotent-Replayed",),
    ),
    "BatchRedelivered": Answer(
        "It is sent now.",
        _json("BatchDeliveries"),
        ("Location", "Cache-Control"),
        ("Idempotent-Replayed",),
    ),
    "Events": Answer(
        "Server-Sent Events: one `status` event at once and one for each change, with the revision as"
        " `id` and the job or batch as JSON in `data`; a comment as heartbeat every 15 seconds. The"
        " stream ends after the last change.",
        {"text/event-stream": {}},
        ("Cache-Control",),
    ),
    "EventsOver": Answer("The end was seen already; do not come back."),
    "Archive": Answer(
        "The images that are finished now, with a `manifest.json`.",
        {"application/zip": _BYTES},
        ("Content-Disposition", "Cache-Control"),
    ),
    "Image": Answer("The image.", _IMAGE, _KEPT, ("Accept-Ranges", "Content-Disposition")),
    "ImagePart": Answer(
        "The range that was asked for.",
        _IMAGE,
        (*_KEPT, "Content-Range", "Accept-Ranges"),
        ("Content-Disposition",),
    ),
    "Elsewhere": Answer(
        "The image lies in a bucket, at this address for the next minutes (`SIGNED_REDIRECT`).",
        always=("Location", "Cache-Control"),
    ),
    "NotModified": Answer(
        "What is known already still holds.",
        perhaps=(*_KEPT, "Accept-Ranges", "Content-Disposition"),
    ),
    "JobErased": Answer("Nothing is kept of it any more.", _json("Erased"), ("Cache-Control",)),
    "Pictures": Answer(
        "The images; fewer than were asked for when some failed, and then with `errors`.",
        _json("Pictures"),
        ("Cache-Control",),
        ("Idempotent-Replayed",),
    ),
    "Models": Answer("The models.", _json("Models")),
    "Model": Answer("The model.", _json("Model")),
    "OpenAIFault": Answer(
        "What went wrong, in the shape and with the statuses of the OpenAI API.",
        _json("OpenAIFault"),
        perhaps=(
            *("Retry-After", "WWW-Authenticate", "X-Should-Retry", "Cache-Control"),
            "Idempotent-Replayed",
        ),
    ),
    "Paused": Answer("How it stands now.", _json("Paused"), ("Cache-Control",)),
    "Metrics": Answer(
        "The metrics, in Prometheus's text format.", {"text/plain": _TEXT}, ("Cache-Control",)
    ),
    "Alive": Answer("The service answers.", _json("Alive"), ("Cache-Control",)),
    "Ready": Answer("The service is able to work.", _json("Ready"), ("Cache-Control",)),
    "Unready": Answer(
        "Something is missing, by name.", _json("Unready"), ("Retry-After", "Cache-Control")
    ),
    "Document": Answer("The document.", {JSON: {"type": "object"}}, _KEPT),
    "Page": Answer("A page for people.", {HTML: _TEXT}, perhaps=("Cache-Control",)),
}

_OF_A_STATUS: Mapping[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    402: ("RateLimit", "RateLimit-Policy", "Retry-After"),
    405: ("Allow",),
    416: ("Content-Range",),
    429: ("RateLimit", "RateLimit-Policy", "Retry-After"),
}

HEADERS = {
    REQUEST_ID: "The caller's own id of the request if it is sane, else a new one.",
    "Location": "Where to ask how it stands; of an image, where it lies.",
    "RateLimit": "What is left of the requests a minute, and of a limit that was met, and in how many"
    " seconds there is more.",
    "RateLimit-Policy": "How much these limits allow, and in how many seconds.",
    "Retry-After": "Seconds to let pass before asking again.",
    "X-Should-Retry": "`false`: the same request would be told the same. OpenAI's clients heed it.",
    "ETag": "Changes with the content.",
    "Cache-Control": "How long the answer may be kept.",
    "Preference-Applied": "Which preference was heard: `wait=N` or `respond-async`.",
    "Idempotent-Replayed": "`true`: the request came before, and this is its work.",
    "WWW-Authenticate": "How to tell who calls.",
    "Allow": "The methods that are taken.",
    "Accept-Ranges": "`bytes`.",
    "Content-Range": "Which part it is, or how long the whole is.",
    "Content-Disposition": "The name for a file to save.",
}


def responses(settings: Settings) -> dict[str, Schema]:
    """Return every response by name.

    `Fault502` is a fault of the request; `Failed502` may as well be a job that was waited for.
    """
    samples = answer_samples(settings)
    told = {name: _response(answer, samples.get(name)) for name, answer in ANSWERS.items()}
    for status in sorted(set(STATUS.values())):
        own, of_jobs = _codes(status)
        if own:
            told[f"Fault{status}"] = _response(_fault(status, own), fault_sample(own[0]))
        if status in failing_statuses():
            codes = [*own, *of_jobs]
            told[f"Failed{status}"] = _response(_failed(status, codes), fault_sample(codes[0]))
    return told


def failing_statuses() -> frozenset[int]:
    """Return the statuses that a caller may get who waited for a job that failed."""
    return frozenset(STATUS[code] for code in _job_codes())


def link(name: str) -> Schema:
    """Return where an id in an answer may lead: the operation of this name."""
    field = "batch_id" if "Batch" in name or name == "getArchive" else "job_id"
    return {"operationId": name, "parameters": {field: f"$response.body#/{field}"}}


def _codes(status: int) -> tuple[list[str], list[str]]:
    """Return the codes of a status: those of requests, those that only a job ends with."""
    codes = [code for code, given in STATUS.items() if given == status]
    of_jobs = _job_codes() - {"internal"}
    return [c for c in codes if c not in of_jobs], [c for c in codes if c in of_jobs]


@cache
def _job_codes() -> frozenset[str]:
    return frozenset({"internal", *(fault.error_code for fault in _below(JobFault))})


def _below(fault: type[JobFault]) -> Iterator[type[JobFault]]:
    for child in fault.__subclasses__():
        yield child
        yield from _below(child)


def _fault(status: int, codes: list[str]) -> Answer:
    always = _OF_A_STATUS.get(status, ())
    if RETRY_AFTER_SECONDS.keys() >= set(codes):
        always = (*always, "Retry-After")
    return Answer(_listed(codes), _json("Fault"), always, ("Cache-Control",))


def _failed(status: int, codes: list[str]) -> Answer:
    perhaps = (*_ENDED, "Retry-After")
    return Answer(_listed(codes), _json("JobFault", "Fault"), _OF_A_STATUS.get(status, ()), perhaps)


def _listed(codes: list[str]) -> str:
    return "\n".join(f"- `{code}`: {CODES[code]}" for code in codes)


def _response(answer: Answer, sample: object = None) -> Schema:
    headers = {name: _header(name) for name in (*answer.perhaps, *_OF_A_KEY)}
    headers |= {name: {"required": True, **_header(name)} for name in (REQUEST_ID, *answer.always)}
    told: Schema = {"description": answer.what, "headers": headers}
    if answer.content:
        told["content"] = {
            kind: {"schema": schema} if schema else {} for kind, schema in answer.content.items()
        }
    if sample:
        told["content"][JSON]["example"] = sample
    if answer.links:
        told["links"] = {name: link(name) for name in answer.links}
    return told


def _header(name: str) -> Schema:
    kind = "integer" if name == "Retry-After" else "string"
    return {"description": HEADERS[name], "schema": {"type": kind}}
