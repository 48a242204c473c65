"""A container's health check tells a part that answers from one that does not."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from shared.alive import main


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    """Give the port of a server that is well at /healthz and nowhere else."""
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield str(server.server_port)
        server.shutdown()


def test_who_answers_is_alive_whatever_proxy_the_environment_names(
    port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    assert main([port, "/healthz"]) == 0


def test_a_fault_is_told_and_is_not_health(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([port, "/else"]) == 1
    assert capsys.readouterr().out == "503\n"


def test_nobody_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["1", "/healthz"]) == 1
    assert "refused" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["5000"], ["http", "/healthz"]])
def test_a_wrong_call_says_how(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage" in capsys.readouterr().err
