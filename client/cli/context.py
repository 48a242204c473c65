"""What every command needs: the client, the screen, and the options as they were given."""

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.cli.faults import UsageFault
from client.cli.screen import Screen
from client.client import Client

_URL, _KEY = "IMAGE_API_URL", "IMAGE_API_KEY"
_USUAL = "http://127.0.0.1:5000"
_FIELDS = (
    *(
        "model",
        "mode",
        "aspect_ratio",
        "style_preset",
        "prompt",
        "negative_prompt",
        "output_format",
    ),
    *("seed", "creativity", "deadline_seconds", "webhook_url"),
)
# Long enough for a service that restarts; a batch also sits out a full queue.
_PATIENCE_SECONDS = 60.0
_BATCH_PATIENCE_SECONDS = 900.0
# Who only looks would rather know that nothing is there.
_LOOK_SECONDS = 5.0
_LOOKS = {"jobs", "show", "options", "cancel"}


@dataclass(frozen=True, slots=True)
class Context:
    """One call of the command line."""

    options: argparse.Namespace
    client: Client
    hasty: Client
    screen: Screen

    @property
    def name(self) -> str | None:
        """Return the template of the files' names."""
        template: str | None = self.options.name
        return template

    def folder(self, usual: Path = Path()) -> Path:
        """Return the folder for what is fetched."""
        return Path(self.options.out) if self.options.out else usual

    def fields(self) -> dict[str, Any]:
        """Return the fields of a request that were given as options; raise UsageFault."""
        given = {name: getattr(self.options, name, None) for name in _FIELDS}
        fields = {name: value for name, value in given.items() if value is not None}
        if self.options.command == "generate":
            fields["prompt"] = self.options.prompt
        if self.options.metadata:
            pairs = [text.partition("=") for text in self.options.metadata]
            if not all(name and equals for name, equals, _ in pairs):
                raise UsageFault("--metadata must be given as NAME=TEXT")
            fields["metadata"] = {name: value for name, _, value in pairs}
        return fields


def build_context(options: argparse.Namespace, screen: Screen) -> Context:
    """Return what a command needs; raise UsageFault."""
    url = options.url or os.environ.get(_URL) or _USUAL
    key = _key(options.key_file, os.environ)
    try:
        client = Client(url, key, patience=_patience(options), on_trouble=screen.trouble)
        hasty = Client(url, key, patience=0)
    except ValueError as wrong:
        raise UsageFault(str(wrong)) from None
    if client.shows_key_in_the_clear:
        screen.say(f"Anybody between here and {url} can read the client key: use https.")
    return Context(options, client, hasty, screen)


def _patience(options: argparse.Namespace) -> float:
    if options.patience is not None:
        return float(options.patience)
    if options.command in _LOOKS:
        return _LOOK_SECONDS
    return _BATCH_PATIENCE_SECONDS if options.command == "batch" else _PATIENCE_SECONDS


def _key(file: str | None, environment: Mapping[str, str]) -> str | None:
    if file is None:
        return environment.get(_KEY) or None
    try:
        key = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UsageFault(f"The key file {file} can't be read") from None
    if not key:
        raise UsageFault(f"The key file {file} is empty")
    return key
