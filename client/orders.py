"""From what a caller gives to a request's body, as `requests` takes it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from client.fields import Source, address_of, bytes_of


def upscale_request(image: Source, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return JSON when the image is named by an address, else a form with its bytes."""
    address = address_of(image)
    if address is not None:
        return {"json": {"image_url": address, **fields}}
    return images_form([image], fields)


def images_form(images: Sequence[Source], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form with one file for each image, and the fields that are those of each."""
    files = [("image", (f"image-{number}", bytes_of(image))) for number, image in enumerate(images)]
    return {"files": files, "data": {name: _text(value) for name, value in fields.items()}}


def prompts_body(
    jobs: Iterable[str | Mapping[str, Any]],
    defaults: Mapping[str, Any],
    metadata: Mapping[str, str] | None,
    webhook_url: str | None,
) -> dict[str, Any]:
    """Return the body of a batch of prompts."""
    entries = [{"prompt": job} if isinstance(job, str) else dict(job) for job in jobs]
    given = {"defaults": dict(defaults), "metadata": metadata, "webhook_url": webhook_url}
    return {"jobs": entries, **{name: value for name, value in given.items() if value}}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
