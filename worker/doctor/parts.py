"""The parts that should run: the API, Flower, the workers; and what else holds their ports."""

import re
import socket
from collections.abc import Iterator

import requests

from shared.services import Services
from shared.settings import Settings
from worker.doctor.findings import Finding, note, ok, wrong

_SECONDS = 3.0
# What keeps a worker from taking jobs, and what to do about it.
_TROUBLES = {
    "storage_error": ("can keep no images", "look at the storage, as that worker sees it"),
    "provider_unavailable": (
        "alone does not reach the provider",
        "look at that host's way out; it asks again every 5 s and goes on by itself",
    ),
}


def check_api(settings: Settings) -> Iterator[Finding]:
    """Look who answers at the API's port."""
    at = _At("api", settings.host, settings.port, "PORT")
    alive = at.asked("/healthz")
    if isinstance(alive, Finding):
        yield alive
    elif alive.status_code != 200 or '"ok"' not in alive.text:
        yield at.stranger()
    else:
        yield _readiness(at)


def _readiness(at: "_At") -> Finding:
    ready = at.asked("/readyz")
    if isinstance(ready, Finding):
        return wrong("api", f"{at.base} does not say whether it is ready", "look at its log")
    if ready.status_code == 200:
        return ok("api", f"runs at {at.base}, and is ready")
    told = re.search(r'"error": *"([^"]*)"', ready.text)
    why = told[1] if told else "not ready"
    return wrong("api", f"{at.base}: {why}", "mend what is named there")


def check_flower(settings: Settings) -> Iterator[Finding]:
    """Look who answers at Flower's port."""
    at = _At("flower", settings.flower_host, settings.flower_port, "FLOWER_PORT")
    alive = at.asked("/healthcheck")
    if isinstance(alive, Finding):
        yield alive
    elif alive.status_code == 200 and alive.text == "OK":
        yield ok("flower", f"runs at {at.base}")
    else:
        yield at.stranger()


def check_workers(services: Services) -> Iterator[Finding]:
    """Look at the workers whose heartbeat counts."""
    workers = services.index.workers()
    if not workers:
        yield note("workers", "none is alive: accepted jobs wait", "make run starts one")
        return
    told = f"{len(workers)} alive, room for {sum(workers.values())} calls"
    if idle := [name for name, slots in workers.items() if not slots]:
        why, mend = _TROUBLES[services.index.worker_troubles().get(idle[0], "storage_error")]
        yield wrong("workers", f"{told}; {idle[0]} {why}", mend)
    else:
        yield ok("workers", told)
    hosts = {name.partition("@")[2].rpartition(":")[0] for name in workers}
    if len(hosts) > 1 and "://" not in services.settings.storage_url:
        seen = ", ".join(sorted(hosts))
        mend = f"{services.settings.storage_url} must be one folder that all of them share"
        yield note("workers", f"on {len(hosts)} hosts: {seen}", mend)


def check_calls(services: Services) -> Iterator[Finding]:
    """Look whether jobs are started, as all workers see it."""
    halted, breaker = services.halt.state(), services.breaker.state()
    if halted:
        told = f"paused by the operator{': ' + halted.reason if halted.reason else ''}"
        yield note("calls", told, "POST /operator/resume goes on")
    if breaker.why:
        mend = "jobs wait and go on by themselves when a free probe says that it is over"
        yield wrong("calls", f"no job is started: {breaker.why}", mend)
    if not halted and not breaker.why:
        depth = services.index.depth()
        yield ok("calls", f"go out; {depth.waiting} jobs wait, {depth.running} are under way")


class _At:
    """Where a part should answer, and by which setting another place is chosen."""

    def __init__(self, part: str, host: str, port: int, setting: str) -> None:
        self._part, self._setting = part, setting
        self._address = ("127.0.0.1" if host in {"0.0.0.0", "::"} else host, port)  # noqa: S104
        named = f"[{host}]" if ":" in self._address[0] else self._address[0]
        self.base = f"http://{named}:{port}"

    def asked(self, path: str) -> requests.Response | Finding:
        """Return the answer at a path, or what there is to say of none."""
        try:
            socket.create_connection(self._address, _SECONDS).close()
        except OSError:
            told = f"does not run: nobody listens at {self.base}"
            return note(self._part, told, "make run starts it")
        try:
            with requests.Session() as session:
                session.trust_env = False  # a company's proxy knows nothing of our loopback
                return session.get(self.base + path, timeout=_SECONDS, allow_redirects=False)
        except requests.RequestException:
            return self.stranger()

    def stranger(self) -> Finding:
        """Return that somebody else, or one of ours that hangs, has the port."""
        mend = f"end it, or set {self._setting} to another port"
        return wrong(self._part, f"something else answers at {self.base}, or it hangs", mend)
