"""Call the sandbox from tests, in this process and over a socket."""

import io
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from PIL import Image
from werkzeug.datastructures import Headers

ROOT = Path(__file__).parents[2]
KEY = "sk-test"
CORE = "/v2beta/stable-image/generate/core"


class Clock:
    """Stand still until somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@dataclass(frozen=True)
class Answer:
    """Hold a whole answer; `json` is None where the body is something else."""

    status_code: int
    headers: Headers
    data: bytes
    json: Any


class Caller:
    """Speak to a sandbox in this process as a client would."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def send(self, method: str, path: str, **request: Any) -> Answer:
        """Send a request and read its answer to the end."""
        answer = self.client.open(path, method=method, buffered=True, **request)
        data = answer.get_json(silent=True)
        return Answer(answer.status_code, answer.headers, answer.data, data)

    def post(
        self,
        operation: str,
        *,
        key: str | None = KEY,
        accept: str = "image/*",
        headers: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> Answer:
        """Post fields, of which bytes go as files."""
        data = {
            name: (io.BytesIO(value), "file") if isinstance(value, bytes) else value
            for name, value in fields.items()
        }
        return self.send(
            "POST",
            f"/v2beta/stable-image/{operation}",
            data=data,
            content_type="multipart/form-data",
            headers={**head(key, accept), **(headers or {})},
        )

    def generate(self, prompt: str = "cat", **more: Any) -> Answer:
        """Generate by what is quickest to draw, for 2.5 credits."""
        quick = {"prompt": prompt, "model": "sd3.5-flash", "output_format": "jpeg"}
        return self.post("generate/sd3", **{**quick, **more})

    def get(self, path: str, *, key: str | None = KEY, accept: str = "*/*") -> Answer:
        return self.send("GET", path, headers=head(key, accept))

    def errors(self, operation: str, **fields: Any) -> list[str]:
        """Post what must be refused with 400 and return what was wrong."""
        answer = self.post(operation, **fields)
        assert (answer.status_code, answer.json["name"]) == (400, "bad_request")
        errors: list[str] = answer.json["errors"]
        return errors

    def fault(self, kind: str, **options: Any) -> None:
        self.order("POST", "faults", {"kind": kind, **options})

    def set(self, **settings: Any) -> None:
        self.order("PUT", "settings", settings)

    def status(self) -> Any:
        return self.order("GET", "")

    def ledger(self) -> list[Any]:
        entries: list[Any] = self.order("GET", "ledger")["entries"]
        return entries

    def order(self, method: str, path: str, order: object = None) -> Any:
        """Give the sandbox itself an order that must be right."""
        answer = self.send(method, f"/_sandbox/{path}", json=order)
        assert answer.status_code == 200, answer.json
        return answer.json


class Process:
    """Run a sandbox of its own on a free port."""

    def __init__(self, *flags: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "sandbox", *flags],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.popen.stdout
        self.line = self.popen.stdout.readline().strip()
        self.url = self.line.removeprefix("listening on ")

    def end(self) -> int:
        """Ask it to end and return its exit status."""
        self.popen.terminate()
        self.popen.communicate(timeout=10)
        return self.popen.returncode


def head(key: str | None, accept: str = "image/*") -> dict[str, str]:
    return {"Accept": accept, **({"Authorization": f"Bearer {key}"} if key else {})}


def picture(size: tuple[int, int], picture_format: str = "png", mode: str = "RGB") -> bytes:
    """Encode a plain gradient."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(out, picture_format)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
