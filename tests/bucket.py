"""A stand-in for S3, by moto: its answers are those of the protocol, and it fails as it is told to.

It is no proof of how Amazon, Google or Azure behave, only of what is sent and what is done with answers.
"""

import secrets
import threading
import time
import urllib.parse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

NAME = "pictures"
KEYS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "not-to-be-told",
    "AWS_REGION": "us-east-1",
}


@dataclass
class Bucket:
    """One bucket on loopback; `status` makes it answer that alone, `delay` seconds late.

    `lose` makes it do what is asked and answer with that status, as if the answer was lost; `full` makes
    it refuse what it would have to store.
    """

    url: str = ""
    status: int = 0
    lose: int = 0
    full: bool = False
    delay: float = 0
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    prefix: str = ""

    @property
    def place(self) -> str:
        """Return the address of the prefix that a test has for itself."""
        return f"s3://{NAME}/{self.prefix}"

    @property
    def environment(self) -> dict[str, str]:
        """Return what a process needs to reach it."""
        return {**KEYS, "AWS_ENDPOINT_URL": self.url}

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """Answer as the stand-in does, or as it was told to."""
        path, span = environ["PATH_INFO"], environ.get("HTTP_RANGE", "")
        self.calls.append((environ["REQUEST_METHOD"], path, span))
        query = urllib.parse.unquote(environ["QUERY_STRING"])
        self.queries += [part for part in query.split("&") if part.startswith("prefix=")]
        time.sleep(self.delay)
        if self.status:
            start(f"{self.status} No", [("Content-Length", "0")])
            return []
        if self.full and environ["REQUEST_METHOD"] == "PUT" and not self._is_there(environ):
            start("507 Full", [("Content-Length", "0")])
            return []
        answer: Iterable[bytes] = _MOTO(environ, start)
        if self.lose:
            start(f"{self.lose} Lost", [("Content-Length", "0")])
            return []
        return answer

    def _is_there(self, environ: dict[str, Any]) -> bool:
        # what is to be written only when it is not there
        name = environ["PATH_INFO"].removeprefix(f"/{NAME}/{self.prefix}/")
        return "HTTP_IF_NONE_MATCH" in environ and name in self.names()

    def well(self) -> None:
        """Do nothing wrong any more, forget who called, and have a prefix of its own."""
        self.prefix = secrets.token_hex(4)
        self.status, self.lose, self.full, self.delay = 0, 0, False, 0
        self.calls.clear()
        self.queries.clear()

    def names(self) -> list[str]:
        """Return the names of the objects under the test's prefix."""
        query = f"list-type=2&prefix={self.prefix}/"
        answer = requests.get(f"{self.url}/{NAME}?{query}", timeout=10).text
        keys = [part.partition("</Key>")[0] for part in answer.split("<Key>")[1:]]
        return [key.removeprefix(f"{self.prefix}/") for key in keys]


_MOTO = DomainDispatcherApplication(create_backend_app)


class _Silent(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        pass


@contextmanager
def bucket_server(port: int = 0) -> Iterator[Bucket]:
    """Give a bucket, empty but for what another in this process was given."""
    bucket = Bucket()
    server: BaseWSGIServer = make_server(
        "127.0.0.1", port, bucket, threaded=True, request_handler=_Silent
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    bucket.url = f"http://127.0.0.1:{server.port}"
    try:
        requests.put(f"{bucket.url}/{NAME}", timeout=10)
        yield bucket
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
