"""What things mean, in sentences for people; their types come from the models."""

ABOUT = """\
Send a prompt or a small image, get one URL back: the URL waits for its image.

**Now, or when it is done.** A request that makes something is answered 202 with a job at once.
`?wait=30`, `Prefer: wait=30` or `wait_seconds` hold the answer until the job has ended: 200, or the
failure's own status with the job as its body. Not done in time is no error: 202, and the job goes on.

**Sent again, paid once.** The same `Idempotency-Key` with the same request within 24 hours gives the
same job.

**Who calls.** A service that has client keys asks for one with every call, as
`Authorization: Bearer <key>` or `X-API-Key: <key>`; each key sees its own jobs. Pictures need none:
their addresses can't be guessed.

**When something is wrong,** the answer is JSON with `error` (a sentence), `error_code` (for programs)
and `request_id`.
"""

REQUEST = {
    "prompt": "What the picture is to show. Blanks around it are dropped.",
    "negative_prompt": "What the picture is not to show.",
    "model": "Which model makes the picture.",
    "mode": "How the picture is enlarged.",
    "aspect_ratio": "Width to height.",
    "style_preset": "A style to lean towards.",
    "seed": "The same seed and prompt give the same picture. 0 or absent: random.",
    "output_format": "The picture's file format.",
    "creativity": "How freely details are added.",
    "metadata": "Yours: given back with the job, never interpreted. At most 2,048 bytes as JSON.",
    "webhook_url": "Where a signed POST goes when the work has ended: see the webhooks. No address of"
    " a private network.",
    "deadline_seconds": "Not bought any more when it has not started by then: it ends as"
    " `deadline_passed`, uncharged. Default: the most there is.",
    "wait_seconds": "The twin of `?wait=`, for callers that set no query.",
    "idempotency_key": "The twin of the header `Idempotency-Key`, for callers that set no headers.",
    "image": "PNG, JPEG or WebP, told by its content; one picture, without motion.",
    "jobs": "The jobs, each a body of `/generate_image` laid over `defaults`.",
    "reason": "Why, in one line: callers are told.",
    "defaults": "What every job has unless it says otherwise.",
}

ANSWER = {
    "job_id": "The job's id.",
    "batch_id": "The batch's id; null for a job that was submitted alone.",
    "kind": "What is done: an image made, or one enlarged.",
    "status": "Where it stands. `succeeded`, `failed`, `canceled` and `partial` are final.",
    "Alive.status": "It answers.",
    "Erased.message": "What became of it.",
    "version": "The release that runs.",
    "Ready.status": "Nothing is missing.",
    "JobDeliveries.status": "`none`: there is no `webhook_url`; `waiting`: for the end of the job, or"
    " for the next try; `failed`: given up.",
    "BatchDeliveries.status": "`none`: there is no `webhook_url`; `waiting`: for the end of the batch,"
    " or for the next try; `failed`: given up.",
    "revision": "Goes up with each change.",
    "message": "One sentence on where it stands and what to do next, fit for a person or a model.",
    "status_url": "Where to ask how it stands.",
    "events_url": "Where to watch it: Server-Sent Events.",
    "archive_url": "The finished images as a zip.",
    "image_url": "Where the image is or will be: a GET waits for it. Null when it will never come.",
    "expires_at": "When the image will be removed; null: it is kept.",
    "image": "What is known of the finished image.",
    "request": "The request as it was understood, with its defaults.",
    "requests": "The requests as they were understood, with their defaults.",
    "attempts": "Provider calls that were made for it.",
    "queue_position": "Its place in the queue, from 1; null when unknown.",
    "eta_seconds": "When its image is expected, by recent jobs; null when unknown.",
    "poll_after_seconds": "Ask again after so many seconds; null when it has ended.",
    "credits": "What was charged; null as long as that is not known.",
    "credits_estimate": "What it is expected to cost.",
    "created_at": "When it was accepted.",
    "started_at": "When work on it began.",
    "finished_at": "When it ended.",
    "timings": "How long it took, in ms.",
    "queued_ms": "Waiting for its turn.",
    "provider_ms": "The provider's call.",
    "total_ms": "From its acceptance to its end.",
    "retry_of": "The id of the job that this one does again.",
    "metadata": "What the caller gave.",
    "error": "What went wrong, in one sentence that a person can act on.",
    "error_code": "What went wrong, for programs; these codes are stable.",
    "provider_request_id": "The provider's own id of the call.",
    "format": "The file format.",
    "width": "Pixels.",
    "height": "Pixels.",
    "bytes": "The file's size.",
    "seed": "The seed that was used; null when the provider did not tell it.",
    "counts": "How many jobs are in each status.",
    "total": "How many jobs there are.",
    "progress": "The share of jobs that have ended, from 0 to 1.",
    "jobs": "The jobs.",
    "next_cursor": "Give it as `?cursor=` for the next page; null on the last one.",
    "request_id": "This request's id; also in `X-Request-ID` and in the service's log.",
    "errors": "Everything that is wrong, at once.",
    "field": "The field's name.",
    "index": "Which of the batch's jobs it is, from 0.",
    "dry_run": "Nothing was queued or charged.",
    "queue": "The queue as it is now.",
    "waiting": "Jobs that wait.",
    "running": "Jobs that run.",
    "checks": "Each part by name: `ok`, or what is wrong with it.",
    "provider": "Who makes the pictures. It makes nothing unready: jobs wait for it.",
    "name": "Stability AI, or the sandbox, whose pictures are free.",
    "webhook_url": "Where it is sent.",
    "webhook_id": "The `webhook-id` of every try.",
    "next_try_at": "When it is sent next.",
    "tries": "The calls so far, the oldest first.",
    "at": "When the call began.",
    "status_code": "What the receiver answered; null when it did not.",
    "Try.error": "Why the receiver did not take it; null when it did.",
    "duration_ms": "How long the call took.",
    "type": "What has happened.",
    "timestamp": "When it happened.",
    "data": "The job or the batch as it is now.",
    "paused": "Whether the operator lets no call to the provider begin.",
    "paused_since": "Since when; null when it is not paused.",
    "reason": "What callers are told of it; null when it is not paused.",
    "state": "`ok`, or what keeps all jobs from being started: `paused` by the operator, `rate_limited`,"
    " `provider_unavailable`, `provider_credits`, `provider_auth`; `unknown` without Redis.",
    "paused_seconds": "For how long nobody calls the provider; 0 when calls go out.",
}

CODES = {
    "invalid_request": "A field is missing or wrong: `errors` says which, and what is allowed.",
    "provider_rejected": "The provider found the request invalid, or the image's pixels are damaged.",
    "budget_exceeded": "It would cost more than this client key or this service may still spend today.",
    "unauthorized": "Who calls is not known, or not by this key: `WWW-Authenticate` says how to tell.",
    "forbidden": "Who calls may not do this: a page of another site, or under a name that is not known.",
    "not_found": "There is no such thing, or it is somebody else's.",
    "method_not_allowed": "This address does not take this method.",
    "request_timeout": "The request took too long to arrive.",
    "conflict": "It can't be done as things stand.",
    "gone": "The image will never be there again; `error` says why.",
    "payload_too_large": "The file or the whole body is larger than this service takes.",
    "unsupported_media_type": "The body is of a type that is not taken here.",
    "range_not_satisfiable": "The image has no such range.",
    "idempotency_key_reused": "The key was used for another request.",
    "input_moderated": "Prompt or image was refused by content moderation; free of charge.",
    "output_moderated": "The picture was refused by content moderation; it was charged.",
    "queue_full": "As many jobs wait as this service takes.",
    "key_queue_full": "As many jobs of this client key wait as it may have.",
    "too_many_requests": "This client key has sent as many requests within a minute as it may.",
    "too_many_streams": "This service holds as many streams as it can.",
    "internal": "A defect of this service; it has been logged.",
    "provider_auth": "The provider refused this service's key.",
    "provider_credits": "This service's account at the provider has too few credits.",
    "provider_error": "The provider failed.",
    "provider_bad_image": "The provider answered something that is no whole image; it was charged.",
    "storage_error": "The image was made and could not be stored; it was charged.",
    "outcome_unknown": "The provider's call may have been charged and is not repeated any more.",
    "unavailable": "A part of this service is away.",
    "not_ready": "The image is still being made.",
    "provider_unavailable": "The provider was away until the job's deadline.",
    "provider_timeout": "The provider took too long; the call may have been charged.",
    "deadline_passed": "The job had not started by its deadline; free of charge.",
}
