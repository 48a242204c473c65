"""What was asked of every release that was recorded; a request that comes again must be known again."""

from typing import Any

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# Where the receiver of webhooks listened; the test puts its own in the place.
RECEIVER = "127.0.0.1:8099"
HOOK = f"http://{RECEIVER}/done"
_PNG = {"output_format": "png"}

# By what becomes of each until the service is stopped.
PROMPTED: dict[str, dict[str, Any]] = {
    "queued": {"prompt": "a queued fox", "webhook_url": HOOK, "metadata": {"order": "17"}, **_PNG},
    "lost": {"prompt": "a lost fox", **_PNG},
    "sent": {"prompt": "a sent fox", **_PNG},
    "written": {"prompt": "a written fox", **_PNG},
    "delayed": {"prompt": "a delayed fox", **_PNG},
    "finished": {"prompt": "a finished fox", "webhook_url": HOOK, **_PNG},
    "failed": {"prompt": "a failed fox", **_PNG},
    "canceled": {"prompt": "a canceled fox", **_PNG},
}
UPSCALES: dict[str, dict[str, str]] = {
    "enlarged": {"mode": "fast", "output_format": "png"},
    "cooking": {"mode": "creative", "prompt": "a cooking fox", "output_format": "png"},
}
BATCH: dict[str, Any] = {
    "jobs": [{"prompt": f"batch fox {number}"} for number in range(3)],
    "defaults": {"output_format": "png"},
    "metadata": {"page": "12"},
    "webhook_url": HOOK,
}
KEYS = {name: {"Idempotency-Key": f"order-{name}"} for name in ("queued", "finished", "batch")}
