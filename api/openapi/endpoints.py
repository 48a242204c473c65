"""Every address with what it takes and answers; one more address is one more entry."""

from collections.abc import Mapping
from dataclasses import dataclass, field

IMAGES, JOBS, BATCHES = "Images", "Jobs", "Batches"
DELIVERIES, SERVICE, OPERATOR, OPENAI = "Deliveries", "Service", "Operator", "OpenAI"

TAGS = {
    IMAGES: "Make an image, enlarge one, fetch it.",
    JOBS: "How a job stands; waiting for it, watching it, ending it.",
    BATCHES: "Many jobs as one.",
    DELIVERIES: "What became of a webhook; sending it again.",
    OPENAI: "For programs that speak the OpenAI Images API; faults are told in its shape.",
    SERVICE: "What runs, and these documents.",
    OPERATOR: "What only the operator may do, by `OPERATOR_AUTH`.",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one address, as Flask knows it.

    `answers` and `faults` go by status; what every such request may meet is added (see `faults_of`).
    `waits` tells that the answer may be a job that failed; `alone`, that no Redis is asked; `open`, that
    no client key is.
    """

    method: str
    rule: str
    name: str
    tag: str
    summary: str
    what: str = ""
    takes: tuple[str, ...] = ()
    body: str = ""
    answers: Mapping[int, str] = field(default_factory=dict)
    faults: tuple[int, ...] = ()
    waits: bool = False
    alone: bool = False
    open: bool = False


_OPTIONS = frozenset({"wait", "dry_run"})
_SUBMIT = (*sorted(_OPTIONS, reverse=True), "prefer", "idempotency_key")
_ONCE = ("idempotency_key",)
_REDELIVER = (404, 409, 422)
_JOB = {202: "JobAccepted", 200: "JobEnded"}
_WATCHED = {200: "Events", 204: "EventsOver"}
# That API has one shape of its own for every fault.
_OPENAI_FAULTS = dict.fromkeys(
    (400, 401, 403, 404, 408, 409, 410, 413, 415, 422, 429, 500, 502, 503, 504), "OpenAIFault"
)
_OPENAI_READS = {status: _OPENAI_FAULTS[status] for status in (401, 403, 404, 429, 500)}

ENDPOINTS = (
    Endpoint(
        "POST", "/generate_image", "generateImage", IMAGES, "Make an image from a prompt",
        "202 with the job at once; or, when it is waited for, 200 with the finished job. The job's"
        " `image_url` is good from the first answer on: a GET on it waits for the image.",
        takes=_SUBMIT, body="Generate", answers=_JOB, faults=(402, 422, 429), waits=True,
    ),
    Endpoint(
        "POST", "/upscale_image", "upscaleImage", IMAGES, "Enlarge an image",
        "Answered as the making of an image. `fast` takes no prompt; the other modes need one.",
        takes=_SUBMIT, body="Upscale", answers=_JOB, faults=(402, 422, 429), waits=True,
    ),
    Endpoint(
        "GET", "/saved_images/<name>", "getImage", IMAGES, "Fetch an image",
        "Waits for an image that is still to be made, and then answers 503 with `Retry-After`.",
        takes=("download", "range", "if_none_match"),
        answers={200: "Image", 206: "ImagePart", 302: "Elsewhere", 304: "NotModified"},
        faults=(404, 410, 416), open=True,
    ),
    Endpoint(
        "GET", "/jobs", "listJobs", JOBS, "List jobs, newest first",
        takes=("status", "kind", "of_batch", "limit", "cursor"),
        answers={200: "JobsPage"}, faults=(400,),
    ),
    Endpoint(
        "GET", "/jobs/<job_id>", "getJob", JOBS, "See how a job stands",
        "Always 200 for a job that is known, also for one that failed. With `wait` the answer is held"
        " until the job has ended or the time is up.",
        takes=("wait", "prefer", "if_none_match"),
        answers={200: "JobFound", 304: "NotModified"}, faults=(400, 404),
    ),
    Endpoint(
        "GET", "/jobs/<job_id>/events", "watchJob", JOBS, "Watch a job",
        takes=("last_event_id",), answers=_WATCHED, faults=(404, 429),
    ),
    Endpoint(
        "DELETE", "/jobs/<job_id>", "cancelJob", JOBS, "Cancel a job",
        "What a call that is under way still brings is dropped; what it cost is told afterwards.",
        answers={200: "JobFound", 304: "NotModified", 409: "JobRefused"}, faults=(404,),
    ),
    Endpoint(
        "POST", "/jobs/<job_id>/retry", "retryJob", JOBS, "Do a failed or canceled job again",
        "As a new job, with `retry_of`.",
        takes=_SUBMIT, body="Retry", answers=_JOB, faults=(402, 404, 409, 422, 429), waits=True,
    ),
    Endpoint(
        "DELETE", "/jobs/<job_id>/image", "deleteImage", JOBS, "Remove a job's image",
        "And its input. The job stays, and its `image_url` answers 410 from then on.",
        answers={200: "JobFound", 304: "NotModified", 409: "JobRefused"}, faults=(404,),
    ),
    Endpoint(
        "POST", "/batches", "submitBatch", BATCHES, "Submit many jobs as one",
        "All or nothing: if any of them is wrong, none is queued.",
        takes=_SUBMIT, body="Batch", answers={202: "BatchAccepted", 200: "BatchEnded"},
        faults=(402, 422, 429),
    ),
    Endpoint(
        "GET", "/batches/<batch_id>", "getBatch", BATCHES, "See how a batch stands",
        takes=("wait", "prefer", "if_none_match"),
        answers={200: "BatchFound", 304: "NotModified"}, faults=(400, 404),
    ),
    Endpoint(
        "GET", "/batches/<batch_id>/events", "watchBatch", BATCHES, "Watch a batch",
        takes=("last_event_id",), answers=_WATCHED, faults=(404, 429),
    ),
    Endpoint(
        "GET", "/batches/<batch_id>/archive", "getArchive", BATCHES, "Fetch a batch's images",
        "As one zip, with what is finished now.", answers={200: "Archive"}, faults=(404,),
    ),
    Endpoint(
        "DELETE", "/batches/<batch_id>", "cancelBatch", BATCHES, "Cancel what is left of a batch",
        answers={200: "BatchFound", 304: "NotModified", 409: "BatchRefused"}, faults=(404,),
    ),
    Endpoint(
        "GET", "/jobs/<job_id>/deliveries", "getJobDeliveries", DELIVERIES,
        "See what became of a job's webhook",
        answers={200: "JobDeliveries"}, faults=(404,),
    ),
    Endpoint(
        "POST", "/jobs/<job_id>/redeliver", "redeliverJob", DELIVERIES, "Send a job's webhook again",
        takes=_ONCE, body="Redeliver", answers={202: "JobRedelivered"}, faults=_REDELIVER,
    ),
    Endpoint(
        "POST", "/jobs/<job_id>/deliveries/redeliver", "redeliverJobToo", DELIVERIES,
        "The same by another address",
        takes=_ONCE, body="Redeliver", answers={202: "JobRedelivered"}, faults=_REDELIVER,
    ),
    Endpoint(
        "GET", "/batches/<batch_id>/deliveries", "getBatchDeliveries", DELIVERIES,
        "See what became of a batch's webhook",
        answers={200: "BatchDeliveries"}, faults=(404,),
    ),
    Endpoint(
        "POST", "/batches/<batch_id>/redeliver", "redeliverBatch", DELIVERIES,
        "Send a batch's webhook again",
        takes=_ONCE, body="Redeliver", answers={202: "BatchRedelivered"}, faults=_REDELIVER,
    ),
    Endpoint(
        "POST", "/batches/<batch_id>/deliveries/redeliver", "redeliverBatchToo", DELIVERIES,
        "The same by another address",
        takes=_ONCE, body="Redeliver", answers={202: "BatchRedelivered"}, faults=_REDELIVER,
    ),
    Endpoint(
        "POST", "/v1/images/generations", "createImages", OPENAI, "Make images as by the OpenAI API",
        "Answers when all are made. Not made within `MAX_WAIT_SECONDS`: 503, and the same request,"
        " when its client tells that it comes again, is answered with the same images, paid once.",
        takes=_ONCE, body="Images", answers={**_OPENAI_FAULTS, 200: "Pictures"},
    ),
    Endpoint(
        "GET", "/v1/models", "listModels", OPENAI, "List the models that make images",
        answers={**_OPENAI_READS, 200: "Models"}, alone=True,
    ),
    Endpoint(
        "GET", "/v1/models/<model_id>", "getModel", OPENAI, "See one of these models",
        answers={**_OPENAI_READS, 200: "Model"}, alone=True,
    ),
    Endpoint(
        "GET", "/operator/jobs", "listAllJobs", OPERATOR, "List everybody's jobs, newest first",
        takes=("of_owner", "status", "kind", "of_batch", "limit", "cursor"),
        answers={200: "JobsPage"}, faults=(400,),
    ),
    Endpoint(
        "GET", "/operator/jobs/<job_id>", "getAnyJob", OPERATOR, "See how anybody's job stands",
        takes=("if_none_match",),
        answers={200: "JobFound", 304: "NotModified"}, faults=(404,),
    ),
    Endpoint(
        "DELETE", "/operator/jobs/<job_id>", "cancelAnyJob", OPERATOR, "Cancel anybody's job",
        answers={200: "JobFound", 304: "NotModified", 409: "JobRefused"}, faults=(404,),
    ),
    Endpoint(
        "POST", "/operator/jobs/<job_id>/erase", "eraseJob", OPERATOR, "Keep nothing of a job",
        "Of one that has ended: its record with prompt and metadata, its picture, its input, its"
        " webhook and its place in its batch. What it cost stays counted. Asked again, it is not found.",
        answers={200: "JobErased", 409: "JobRefused"}, faults=(404,),
    ),
    Endpoint(
        "POST", "/operator/pause", "pauseCalls", OPERATOR, "Start no more calls to the provider",
        "Jobs are accepted and wait, and their `message` says why, with the `reason`. Calls that are"
        " under way finish, and what cooks at the provider is still asked for. Holds until resumed,"
        " also over restarts.",
        body="Pause", answers={200: "Paused"},
    ),
    Endpoint(
        "POST", "/operator/resume", "resumeCalls", OPERATOR, "Call the provider again",
        body="Resume", answers={200: "Paused"},
    ),
    Endpoint(
        "GET", "/metrics", "getMetrics", OPERATOR, "Everything counted, for Prometheus",
        "The whole system as the job store knows it, whichever process answers.",
        answers={200: "Metrics"},
    ),
    Endpoint(
        "GET", "/healthz", "isAlive", SERVICE, "Is the service alive?",
        answers={200: "Alive"}, alone=True, open=True,
    ),
    Endpoint(
        "GET", "/readyz", "isReady", SERVICE, "Is the service able to work?",
        answers={200: "Ready", 503: "Unready"}, alone=True, open=True,
    ),
    Endpoint(
        "GET", "/openapi.json", "getDocument", SERVICE, "This document",
        takes=("if_none_match",), answers={200: "Document", 304: "NotModified"}, alone=True, open=True,
    ),
    Endpoint(
        "GET", "/openapi-actions.json", "getActionsDocument", SERVICE,
        "The short form that a Custom GPT imports",
        takes=("if_none_match",), answers={200: "Document", 304: "NotModified"}, alone=True, open=True,
    ),
    Endpoint(
        "GET", "/docs", "readDocs", SERVICE, "Read and try the API in a browser",
        answers={200: "Page"}, alone=True, open=True,
    ),
    Endpoint(
        "GET", "/", "openPage", SERVICE, "The studio: a page to order and see pictures",
        answers={200: "Page"}, alone=True, open=True,
    ),
)  # fmt: skip
# What asks for no client key.
OPEN_RULES = frozenset(each.rule for each in ENDPOINTS if each.open)
# What may come again by its idempotency key.
REPLAYABLE = frozenset(
    (each.method, each.rule) for each in ENDPOINTS if "idempotency_key" in each.takes
)
_OPTIONS_OF = {(each.method, each.rule): _OPTIONS.intersection(each.takes) for each in ENDPOINTS}


# Asked by those who look after containers, under any name and through anything; they tell no secret.
UNGUARDED = frozenset({"/healthz", "/readyz"})


def is_operators(rule: str) -> bool:
    """Tell whether an address is the operator's alone, whose credential is another."""
    return rule.startswith("/operator/") or rule == "/metrics"


def needs_key(rule: str) -> bool:
    """Tell whether a client key is asked for at an address; also at one that is none of these."""
    return rule not in OPEN_RULES and not is_operators(rule)


def options_of(method: str, rule: str) -> frozenset[str]:
    """Return the options that a query may carry where something is submitted or ended."""
    return _OPTIONS_OF.get((method, rule), frozenset())


def faults_of(endpoint: Endpoint) -> list[int]:
    """Return the faults of an endpoint: its own, and what every such request may meet."""
    faults = {*endpoint.faults, 500}
    if needs_key(endpoint.rule):
        faults |= {401, 429}
    if not endpoint.alone:
        faults.add(503)
    if endpoint.rule not in UNGUARDED:
        faults.add(403)
    if is_operators(endpoint.rule):
        faults.add(401)
    if endpoint.method != "GET":
        faults.add(400)
    if endpoint.method == "POST":
        faults |= {408, 413, 415}
    return sorted(faults)
