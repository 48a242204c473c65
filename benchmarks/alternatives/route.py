"""The Flask route that all the alternatives stand behind."""

import os
from collections.abc import Callable
from typing import Any

from flask import Flask, request

LONGEST_SECONDS = 60


def waiting_address() -> str:
    """Return where Redis is, for who waits there: by itself the client gives up after 5 seconds."""
    return f"{os.environ['REDIS_URL']}?socket_timeout={LONGEST_SECONDS + 5}"


def create_app(make: Callable[[str], str]) -> Flask:
    """Return an app whose one route has a picture made, waits for it, and tells its address."""
    app = Flask("alternative")

    @app.post("/generate_image")
    def generate_image() -> tuple[dict[str, Any], int]:
        prompt = (request.get_json(silent=True) or {}).get("prompt")
        if not prompt or not isinstance(prompt, str):
            return {"error": "Prompt is required"}, 400
        return {"image_url": f"/saved_images/{make(prompt)}"}, 200

    return app
