"""The short form that a Custom GPT imports."""

from api.openapi.models import Schema
from shared.settings import Settings


def build_actions(settings: Settings) -> Schema:
    """."""
    return {"openapi": "3.1.0", "servers": [{"url": settings.own_url}]}
