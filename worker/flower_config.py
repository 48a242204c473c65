"""Flower's settings, from ours: `celery -A worker.celery_app flower --conf=worker/flower_config.py`.

A file of settings, so that the password comes by environment and never stands in an argument.
"""

from shared import lifeline
from shared.settings import load_settings

lifeline.hold()
_settings = load_settings()

address = _settings.flower_host
port = _settings.flower_port
read_only = True
logging = "error"  # until the first worker is up, it warns of every question it asks
if _settings.operator_auth is not None:
    basic_auth = [_settings.operator_auth.get_secret_value()]
