"""The Flask app, built from finished services."""

from flask import Flask

from api import (
    auth,
    batches,
    cors,
    docs,
    errors,
    files,
    guard,
    headers,
    health,
    images,
    jobs,
    operators,
    quotas,
    requests_log,
    studio,
)
from api.metrics import route as metrics
from api.openai import routes as openai
from api.waiting import Waiting
from shared.services import Services

# A body beside its file: the form's own lines and text fields.
_FORM_BYTES = 64 * 1024


def create_app(services: Services) -> Flask:
    """Build the app from finished services; reads no environment, opens no connection."""
    app = Flask(__name__)
    settings = services.settings
    # 4/3: a picture inside JSON is base64
    app.config["MAX_CONTENT_LENGTH"] = settings.max_upload_bytes * 4 // 3 + _FORM_BYTES
    # else `//` is answered with a redirect to what the Host header names
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    waiting = Waiting(services)
    services.tally.watch(waiting.held)
    requests_log.register(app, services.tally)
    headers.register(app)
    errors.register(app)
    cors.register(app, settings)
    auth.register(app, settings)
    door = guard.Door(settings)
    guard.register(app, settings, door)
    operators.register(app, settings, door)
    # behind the guard: what pages elsewhere send must not use up what the user of an open service may
    quotas.register(app, services)
    guard.register_options(app)
    app.register_blueprint(images.blueprint(services, waiting))
    app.register_blueprint(jobs.blueprint(services, waiting))
    app.register_blueprint(batches.blueprint(services, waiting))
    app.register_blueprint(files.blueprint(services, waiting))
    app.register_blueprint(openai.blueprint(services, waiting))
    app.register_blueprint(operators.blueprint(services))
    app.register_blueprint(metrics.blueprint(services))
    app.register_blueprint(health.blueprint(services))
    app.register_blueprint(docs.blueprint(services))
    app.register_blueprint(studio.blueprint(services))
    return app
