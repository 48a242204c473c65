"""One picture as all the alternatives make it: call, check of its structure, synced write."""

import os
from functools import cache
from pathlib import Path

import requests

from shared.folder_store import FolderStore
from shared.image_file import inspect
from shared.jobs import new_image_name

_CONNECT_SECONDS, _ANSWER_SECONDS = 5, 180


def make_picture(prompt: str) -> str:
    """Have a picture made and return the name under which it is kept.

    `PROVIDER_URL` and `PICTURES`, a folder, are of the environment.
    """
    answer = requests.post(
        f"{os.environ['PROVIDER_URL']}/v2beta/stable-image/generate/core",
        files={"prompt": (None, prompt), "output_format": (None, "webp")},
        headers={"Authorization": "Bearer sandbox", "Accept": "image/*"},
        timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS),
    )
    answer.raise_for_status()
    name = new_image_name(inspect(answer.content).format)
    _pictures().put(name, answer.content)
    return name


@cache
def _pictures() -> FolderStore:
    return FolderStore(Path(os.environ["PICTURES"]))
