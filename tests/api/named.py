"""Images that a request names instead of sending them."""

import base64
from typing import Any

from werkzeug.test import TestResponse

from tests.api.callers import Api
from tests.builders import accepted
from tests.pictures import picture

PICTURE = picture()


def upscale(api: Api, query: str = "", /, **fields: Any) -> TestResponse:
    """Ask to enlarge a picture by JSON."""
    return api.call("POST", f"/upscale_image{query}", json=fields)


def data_url(image: bytes, kind: str = "image/png") -> str:
    """Return a picture as a URL."""
    return f"data:{kind};base64,{base64.b64encode(image).decode()}"


def ref(link: str, file_id: str = "file-1") -> dict[str, str]:
    """Return a file as a Custom GPT's action sends it."""
    return {"name": "a.png", "id": file_id, "mime_type": "image/png", "download_link": link}


def kept(api: Api, answer: TestResponse) -> bytes:
    """Return the image that a job was accepted with."""
    assert answer.status_code == 202, answer.get_data()
    return api.services.images.read_input(api.job(answer).input)


def saved(api: Api, image: bytes = PICTURE) -> str:
    """Return the address of an image that this service has made."""
    job = accepted(api.store)
    api.services.images.put(job.image, image)
    assert api.store.succeed(job.id)
    return f"/saved_images/{job.image}"
