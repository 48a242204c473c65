"""The least that a submission can be with this queue: a route that sends a task and stores nothing."""

import os
from uuid import uuid4

from flask import Flask, request

from shared.queue import MAKE_IMAGE, make_celery
from shared.settings import load_settings

app = Flask("bare")
queue = make_celery(load_settings(None, redis_url=os.environ["REDIS_URL"]))


@app.post("/generate_image")
def generate_image() -> tuple[dict[str, str], int]:
    """Send a task; what was asked for is read and then forgotten."""
    job_id = str(uuid4())
    request.get_json()
    queue.send_task(MAKE_IMAGE, args=[job_id], task_id=job_id)
    return {"job_id": job_id}, 202
