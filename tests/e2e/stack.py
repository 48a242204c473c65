"""The whole service as a user starts it (`python app.py`), in folders and on ports of its own."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import requests

from shared.embedded_redis import free_port

ROOT = Path(__file__).parent.parent.parent
T = TypeVar("T")
_START_SECONDS = 120


def eventually(get: Callable[[], T], seconds: float = 20, what: str = "it") -> T:
    """Return the first true value of `get`; fail after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = get()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)


class Stack:
    """A running service; `start` and `stop` may be called in turn, the folders stay."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port, self.flower_port = free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.flower = f"http://127.0.0.1:{self.flower_port}"
        self.images = folder / "saved_images"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in _CLEARED},
            "API_KEY": "",
            "PORT": str(self.port),
            "FLOWER_PORT": str(self.flower_port),
            "DATA_DIR": str(folder / "data"),
            "STORAGE_URL": str(self.images),
            "LOG_FORMAT": "text",
            **environment,
        }
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.http = requests.Session()

    def launch(self) -> None:
        """Start the process without waiting for it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "app.py")],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=tempfile.gettempdir(),
                start_new_session=True,
            )

    def start(self, **sandbox: Any) -> "Stack":
        """Start and wait until it is ready; the sandbox is quick unless told otherwise."""
        before = self.output().count("is ready.")
        self.launch()
        eventually(
            lambda: self.output().count("is ready.") > before or self._ended(),
            _START_SECONDS,
            "the start",
        )
        assert not self._ended(), self.output()
        self.sandbox_settings(**{"latency": 0.05, "jitter": 0, **sandbox})
        return self

    def stop(self, with_signal: signal.Signals = signal.SIGINT, seconds: float = 60) -> int:
        """Stop as Ctrl-C does; return the exit code."""
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.process.wait(timeout=seconds)

    def output(self) -> str:
        """Return everything that was printed so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    # What callers do.

    def generate(self, prompt: str, wait: object = 30, **fields: Any) -> requests.Response:
        """Ask for an image."""
        return self.http.post(
            f"{self.base}/generate_image",
            params={"wait": str(wait)},
            json={"prompt": prompt, "output_format": "jpeg", **fields},
            timeout=150,
        )

    def job(self, job_id: str, wait: float = 0) -> dict[str, Any]:
        """Return a job."""
        answer = self.http.get(f"{self.base}/jobs/{job_id}", params={"wait": wait}, timeout=150)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def ended(self, job_id: str, seconds: float = 60) -> dict[str, Any]:
        """Return a job once it has ended."""
        eventually(lambda: self.job(job_id, wait=5)["finished_at"], seconds, f"the end of {job_id}")
        return self.job(job_id)

    def get(self, path: str, **more: Any) -> requests.Response:
        """Fetch a path of the API."""
        return self.http.get(self.base + path, timeout=150, **more)

    # The other side of the provider's wire.

    @property
    def sandbox(self) -> str:
        """Return the sandbox's address, as the latest start printed it."""
        return str(re.findall(r"listening on (http://\S+)", self.output())[-1])

    def sandbox_settings(self, **changes: Any) -> None:
        """Change how the sandbox behaves."""
        answer = requests.put(f"{self.sandbox}/_sandbox/settings", json=changes, timeout=10)
        assert answer.status_code == 200, answer.text

    def fault(self, kind: str, **options: Any) -> None:
        """Make the sandbox do something wrong, once unless `count` says otherwise."""
        answer = requests.post(
            f"{self.sandbox}/_sandbox/faults", json={"kind": kind, **options}, timeout=10
        )
        assert answer.status_code < 300, answer.text

    def charged(self, prompt: str) -> list[dict[str, Any]]:
        """Return the calls for a prompt that the sandbox charged."""
        ledger = requests.get(f"{self.sandbox}/_sandbox/ledger", timeout=10).json()
        entries = ledger["entries"] if isinstance(ledger, dict) else ledger
        return [entry for entry in entries if entry["fields"].get("prompt") == prompt]

    def stats(self) -> dict[str, Any]:
        """Return what the sandbox counted."""
        status = requests.get(f"{self.sandbox}/_sandbox/", timeout=10).json()
        stats: dict[str, Any] = status["stats"]
        return stats

    # Its processes.

    @property
    def redis_url(self) -> str:
        """Return the address of its embedded server, with the password."""
        conf = (self.folder / "data" / "redis.conf").read_text()
        facts = dict(line.split(" ", 1) for line in conf.splitlines())
        return f"redis://:{facts['requirepass']}@127.0.0.1:{facts['port']}/0"

    def launch_worker(self, log: IO[bytes], **more: Any) -> "subprocess.Popen[bytes]":
        """Start a worker beside its own, by the command that the README gives."""
        celery = [sys.executable, "-m", "celery", "-A", "worker.celery_app"]
        urls = {"REDIS_URL": self.redis_url, "SANDBOX_URL": self.sandbox}
        return subprocess.Popen(
            [*celery, "worker", "--without-gossip", "-n", "w2@%h"],
            cwd=ROOT,
            env={**self.environment, **urls, **more.pop("env", {})},
            stdout=log,
            stderr=log,
            **more,
        )

    @contextmanager
    def another_worker(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a second worker, for as long as the block lasts."""
        with (self.folder / "second.log").open("ab") as log:
            worker = self.launch_worker(log)
        try:
            yield worker
        finally:
            worker.terminate()
            worker.wait(timeout=30)

    def pid(self, part: str) -> int:
        """Return the process id of a part: redis, sandbox, worker, flower or api."""
        assert self.process
        for pid, command in children(self.process.pid):
            if _COMMANDS[part] in command:
                return pid
        return 0

    def kill(self, part: str, with_signal: signal.Signals = signal.SIGKILL) -> int:
        """Send a part a signal; return its process id."""
        pid = eventually(lambda: self.pid(part), what=f"a {part} process")
        os.kill(pid, with_signal)
        return pid


_CLEARED = {
    "STABILITY_API_KEY",
    "REDIS_URL",
    "SANDBOX_URL",
    "OPERATOR_AUTH",
    "ALLOW_ANONYMOUS",
    "ALLOWED_HOSTS",
    "CORS_ORIGINS",
    "PUBLIC_BASE_URL",
    "WEBHOOK_SECRET",
    "CLIENT_KEYS",
    "KEY_LIMITS",
}
_COMMANDS = {
    "redis": "valkey-server",
    "sandbox": "-m sandbox",
    "worker": "worker.celery_app worker",
    "flower": "worker.celery_app flower",
    "api": "-m api",
}


def children(parent: int) -> list[tuple[int, str]]:
    """Return the process ids and commands of a process's children."""
    listing = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listing.stdout.splitlines()]
    return [(int(row[0]), row[2]) for row in rows if len(row) == 3 and int(row[1]) == parent]


def descendants(parent: int) -> list[int]:
    """Return the process ids of all that a process has started, directly or not."""
    found = [pid for pid, _ in children(parent)]
    return found + [pid for child in found for pid in descendants(child)]


def alive(pid: int) -> bool:
    """Tell whether a process still runs (one that is dead and not yet reaped does not)."""
    listing = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return bool(listing.stdout.strip()) and not listing.stdout.strip().startswith("Z")
