"""Start everything with one command: `make run`, or `python app.py`.

Each part is a process started by the same command that the README gives for running it alone; a
part that dies is started again, and one Ctrl-C ends them all.
"""

import fcntl
import gc
import os
import shlex
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import requests
from supervisor import events
from supervisor.medusa.asyncore_25 import ExitNow
from supervisor.options import ServerOptions
from supervisor.supervisord import Supervisor

from shared import embedded_redis, lifeline
from shared.settings import Settings, SettingsError, load_settings
from shared.version import VERSION
from shared.weaknesses import weaknesses

# The soft limit that thousands of waiting callers need; the children inherit it.
_OPEN_FILES = 16_384
_READY_SECONDS = 60
# A part that stops later than this after its own grace is killed.
_STOP_MARGIN_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Part:
    """One process: its name, its command, and the seconds it may take to stop."""

    name: str
    command: list[str]
    stop_seconds: int = 10


def main() -> int:
    """Run until Ctrl-C; return the exit code."""
    os.chdir(Path(__file__).parent)
    try:
        settings = load_settings()
        _check_ports(settings)
        lock = _lock(settings.data_dir)
        parts = _parts(settings)
    except (SettingsError, OSError) as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    lifeline.offer()
    if settings.log_format is None:  # the parts write to a pipe and can't know of our terminal
        os.environ["LOG_FORMAT"] = "text" if sys.stdout.isatty() else "json"
    with lock:
        threading.Thread(target=_announce, args=[settings], daemon=True).start()
        _supervise(parts, settings.data_dir)
    print("Stopped.", flush=True)
    return 0


def _check_ports(settings: Settings) -> None:
    if settings.port == settings.flower_port:
        raise SettingsError(f"PORT and FLOWER_PORT are both {settings.port}: they must differ")
    listeners = (
        ("PORT", settings.host, settings.port),
        ("FLOWER_PORT", settings.flower_host, settings.flower_port),
    )
    for name, host, port in listeners:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                reason = error.strerror or error
                raise SettingsError(
                    f"can't listen on {host}:{port} ({reason}); set {name} to another port"
                ) from None


def _lock(folder: Path) -> TextIO:
    if ";" in str(folder.absolute()):  # begins a comment in the supervisor's file
        raise SettingsError(f"DATA_DIR {folder.absolute()} must not contain a semicolon")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = (folder / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise SettingsError(
            f"{folder.absolute()} is in use by another run; set DATA_DIR to another folder"
        ) from None
    return lock


def _parts(settings: Settings) -> list[Part]:
    """Return the parts in the order they start; they stop in the reverse order."""
    python, grace = sys.executable, settings.shutdown_grace_seconds
    celery = [python, "-m", "celery", "-q", "-A", "worker.celery_app"]
    parts = []
    if settings.redis_url is None:
        embedded_redis.find_server()
        # by environment, since an argument is seen by every user of the machine
        os.environ["REDIS_URL"] = embedded_redis.prepare(settings.data_dir)
        parts.append(Part("redis", [python, "-m", "shared.embedded_redis"]))
    if settings.sandbox and settings.sandbox_url is None:
        port = embedded_redis.free_port()
        os.environ["SANDBOX_URL"] = f"http://127.0.0.1:{port}"
        ledger = str(settings.data_dir / "sandbox-ledger.jsonl")
        options = ["--port", str(port), "--ledger", ledger, "--until-stdin-ends"]
        parts.append(Part("sandbox", [python, "-m", "sandbox", *options]))
    # Flower reads this name by itself, and an empty value, which here means unset, would end it
    os.environ["FLOWER_PORT"] = str(settings.flower_port)
    flower = [*celery, "flower", "--conf=worker/flower_config.py"]
    return [
        *parts,
        Part("worker", [*celery, "worker", "--without-gossip"], grace + _STOP_MARGIN_SECONDS),
        Part("flower", flower),
        Part("api", [python, "-m", "api"], grace + _STOP_MARGIN_SECONDS),
    ]


def _supervise(parts: list[Part], folder: Path) -> None:
    config = folder / "supervisord.conf"
    config.write_text(_supervisor_config(parts, folder.absolute()), encoding="utf-8")
    options = ServerOptions()
    options.realize(["-c", str(config)])
    options.first = True
    options.test = False
    gc.freeze()  # what is loaded by now stays: each fork shares its pages, no collection goes through it
    try:
        House(options).main()
    except ExitNow:
        options.close_logger()


def _supervisor_config(parts: list[Part], folder: Path) -> str:
    home = str(folder).replace("%", "%%")
    lines = [
        "[supervisord]",
        "nodaemon=true",
        "silent=true",
        f"logfile={home}/supervisor.log",
        "logfile_maxbytes=1MB",
        "logfile_backups=1",
        f"pidfile={home}/supervisor.pid",
        f"minfds={_open_files()}",
    ]
    for priority, part in enumerate(parts):
        lines += [
            f"[program:{part.name}]",
            f"command={shlex.join(part.command).replace('%', '%%')}",
            f"priority={priority}",
            "autorestart=true",
            "startretries=1000000",
            "redirect_stderr=true",
            "stdout_logfile=NONE",
            "stdout_events_enabled=true",
            f"stopwaitsecs={part.stop_seconds}",
            "killasgroup=true",
        ]
    return "\n".join(lines) + "\n"


def _open_files() -> int:
    import resource  # noqa: PLC0415 - not on every platform that can import this file

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)


class House(Supervisor):  # type: ignore[misc]  # supervisor has no types
    """A supervisor that passes on what its children print, and says when one comes or goes."""

    def runforever(self) -> None:
        """Listen to the children's events and run."""
        # a closed terminal ends everything, as Ctrl-C does; supervisor itself would start all over
        stop = self.options.signal_receiver.receive
        signal.signal(signal.SIGHUP, lambda _, frame: stop(signal.SIGTERM, frame))
        events.subscribe(events.ProcessLogEvent, _pass_on)
        events.subscribe(events.ProcessStateExitedEvent, self._tell_of_death)
        events.subscribe(events.ProcessStateBackoffEvent, self._tell_of_pause)
        events.subscribe(events.SupervisorStoppingEvent, lambda _: _say("Stopping; one moment."))
        super().runforever()

    def _tell_of_death(self, event: Any) -> None:
        if not self.stopping:
            _say(f"The {event.process.config.name} process ended; it is started again.")

    def _tell_of_pause(self, event: Any) -> None:
        name, pause = event.process.config.name, event.process.backoff
        _say(f"The {name} process does not stay up; next try in {pause} s.")


def _pass_on(event: Any) -> None:
    data = event.data if isinstance(event.data, bytes) else str(event.data).encode()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _say(sentence: str) -> None:
    print(f"app.py: {sentence}", flush=True)


def _announce(settings: Settings) -> None:
    """Print the closing block once everything answers, or what is missing when it takes too long."""
    api = _url(settings.host, settings.port)
    flower = _url(settings.flower_host, settings.flower_port)
    end = time.monotonic() + _READY_SECONDS
    missing = "the API"
    while missing and time.monotonic() < end:
        time.sleep(0.2)
        missing = _missing(api, flower)
    if missing:
        _say(f"Not ready after {_READY_SECONDS} s: {missing}. See {api}/readyz")
        return
    print(_block(settings, api, flower), flush=True)


def _url(host: str, port: int) -> str:
    host = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _missing(api: str, flower: str) -> str:
    try:
        with requests.Session() as session:
            session.trust_env = False  # a company's proxy knows nothing of our loopback
            answer = session.get(f"{api}/readyz", timeout=5)
            if answer.status_code != 200:
                return str(answer.json().get("error", "not ready"))
            session.get(flower, timeout=5)
    except (requests.RequestException, ValueError) as error:
        return "Flower" if flower in str(error) else "the API"
    return ""


def _block(settings: Settings, api: str, flower: str) -> str:
    provider = (
        "the sandbox: pictures are drawn here and cost nothing (set API_KEY for Stability AI)"
        if settings.sandbox
        else f"Stability AI at {settings.stability_api_host}: pictures cost credits"
    )
    curl = (
        "curl -X POST -H 'Content-Type: application/json' "
        f"""-d '{{"prompt": "A magical forest"}}' '{api}/generate_image?wait=true'"""
    )
    cares = "".join(f"\n    Take care {weakness}" for weakness in weaknesses(settings))
    if not settings.open_mode:
        curl = curl.replace("-d ", "-H 'X-API-Key: <a client key>' -d ")
    return f"""
  Stability AI Image API {VERSION} is ready.

    API       {api}
    Flower    {flower}
    Provider  {provider}
    Images    {settings.storage_url if settings.bucket else Path(settings.storage_url).absolute()}

    Try       {curl}
{cares}
    Ctrl-C stops everything; queued jobs go on at the next start.
"""


if __name__ == "__main__":
    sys.exit(main())
