"""Run the real program: what only a socket can show."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.sandbox.helpers import CORE, ROOT, Process, head, opened

Start = Callable[..., Process]


def generate(process: Process, prompt: str = "cat", **more: float) -> requests.Response:
    return requests.post(
        process.url + CORE,
        headers=head("sk-a"),
        files={"prompt": (None, prompt), "output_format": (None, "jpeg")},
        timeout=more.get("timeout", 20),
    )


def control(process: Process, method: str, path: str, order: object = None) -> Any:
    answer = requests.request(method, f"{process.url}/_sandbox/{path}", json=order, timeout=5)
    assert answer.ok, answer.text
    return answer.json()


def refusal(*flags: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    return done.returncode, done.stderr


def test_serves_pictures_on_a_free_port_and_ends_at_once_when_told(start: Start) -> None:
    process = start()

    answer = generate(process)

    assert process.line.startswith("listening on http://127.0.0.1:")
    assert opened(answer.content).size == (1536, 1536)
    assert process.end() == 0


def test_ends_at_once_with_calls_in_flight(start: Start) -> None:
    process = start("--latency", "60")
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(generate, process)
        wait_for_calls(process, 1)
        process.popen.send_signal(signal.SIGINT)

        assert process.popen.wait(5) == 0
        assert isinstance(call.exception(5), requests.ConnectionError)


def test_a_cut_body_is_shorter_than_announced(start: Start) -> None:
    process = start()
    control(process, "POST", "faults", {"kind": "cut"})

    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        generate(process)

    assert ledger(process) == [("cat", False)]


@pytest.mark.parametrize(("charged", "entries"), [(True, [("cat", False)]), (False, [])])
def test_a_reset_connection_gives_no_answer(
    start: Start, charged: bool, entries: list[tuple[str, bool]]
) -> None:
    process = start()
    control(process, "POST", "faults", {"kind": "reset", "charged": charged})

    with pytest.raises(requests.ConnectionError):
        generate(process)

    assert ledger(process) == entries


def test_a_client_that_hung_up_has_not_had_its_picture(start: Start) -> None:
    process = start()
    control(process, "POST", "faults", {"kind": "slow", "seconds": 0.5})

    with pytest.raises(requests.ReadTimeout):
        generate(process, timeout=0.2)
    wait_for_calls(process, 0)

    assert ledger(process) == [("cat", False)]


def test_holds_three_hundred_calls_at_once(start: Start) -> None:
    process = start("--rate", "1000/10s", "--latency", "60")
    sockets = [open_call(process) for _ in range(300)]

    assert wait_for_calls(process, 300) == 300
    for held in sockets:
        held.close()


def test_the_ledger_and_the_spent_credits_survive_a_restart(start: Start, tmp_path: Path) -> None:
    flags = ("--credits", "100", "--ledger", str(tmp_path / "ledger.jsonl"))
    first = start(*flags)
    generate(first, "a cat")
    first.end()

    second = start(*flags)
    generate(second, "a dog")

    assert ledger(second) == [("a cat", True), ("a dog", True)]
    assert control(second, "GET", "")["credits"] == 94


def test_a_taken_port_is_one_sentence(start: Start) -> None:
    port = start().url.rpartition(":")[2]

    status, complaint = refusal("--port", port)

    assert status == 1
    assert complaint == f"sandbox: port {port} on 127.0.0.1 is already in use\n"


def test_a_ledger_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text("nonsense\n")

    status, complaint = refusal("--port", "0", "--ledger", str(path))

    assert (status, complaint) == (1, f"sandbox: line 1 of {path} is no entry of a ledger\n")


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (("--host", "0.0.0.0"), "--host 0.0.0.0 is not loopback"),  # noqa: S104
        (("--rate", "fast"), "rate: must look like 150/10s"),
        (("--latency", "draw=3"), "latency: unknown draw; allowed: generate"),
        (("--jitter", "-1"), "jitter: must be a number not below 0"),
    ],
)
def test_wrong_flags_are_refused(flags: tuple[str, ...], complaint: str) -> None:
    status, said = refusal(*flags)

    assert status == 2
    assert complaint in said


def ledger(process: Process) -> list[tuple[str, bool]]:
    entries = control(process, "GET", "ledger")["entries"]
    return [(entry["fields"]["prompt"], entry["delivered"]) for entry in entries]


def open_call(process: Process) -> socket.socket:
    """Send a whole request and leave the answer unread."""
    host, _, port = process.url.removeprefix("http://").partition(":")
    request = requests.Request(
        "POST", process.url + CORE, headers=head("sk-a"), files={"prompt": (None, "cat")}
    ).prepare()
    lines = [f"POST {CORE} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    connection = socket.create_connection((host, int(port)), timeout=10)
    assert isinstance(request.body, bytes)
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + request.body)
    return connection


def wait_for_calls(process: Process, count: int) -> int:
    """Ask until so many calls are in flight; return how many there were in the end."""
    pause = threading.Event()
    for _ in range(100):
        in_flight: int = control(process, "GET", "")["stats"]["in_flight"]
        if in_flight == count:
            break
        pause.wait(0.05)
    return in_flight
