"""Run the sandbox in one gevent process that holds thousands of calls."""

import errno
import gc
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import gevent
from gevent.event import Event
from gevent.monkey import get_original
from gevent.os import tp_read
from gevent.pywsgi import WSGIHandler, WSGIServer
from gevent.threadpool import ThreadPool

from sandbox.host import Host
from sandbox.ledger import Ledger
from sandbox.provider import Provider
from sandbox.server import create_app
from sandbox.settings import Settings

T = TypeVar("T")

# The system's own poll: it does not wait here, and select() ends at 1,024 sockets.
_poll = get_original("select", "poll")
# Drawing must not keep the event loop from stamping arrivals, and more threads than cores only
# make every picture later.
_DRAWING_THREADS = 2
_BACKLOG = 2048
_FILES = 16_384


class Handler(WSGIHandler):  # type: ignore[misc]  # gevent has no types here
    """Let the application ask whether its client has hung up."""

    def get_environ(self) -> dict[str, Any]:
        """Add the question to what gevent gives."""
        environ: dict[str, Any] = super().get_environ()
        environ["sandbox.hung_up"] = self._hung_up
        return environ

    def _hung_up(self) -> bool:
        try:
            poll = _poll()
            poll.register(self.socket, select.POLLIN)
            return bool(poll.poll(0)) and self.socket.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True


@dataclass(frozen=True, slots=True)
class Run:
    """How one process serves: where, with which ledger file, how loud, and until when."""

    address: tuple[str, int]
    ledger: Path | None
    log: bool
    until_stdin_ends: bool


def serve(run: Run, settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    _raise_file_limit()
    try:
        provider = Provider(settings, _host(), Ledger(run.ledger))
        server = _listen(run.address, provider, log=run.log)
    except (OSError, ValueError) as problem:
        print(f"sandbox: {problem}", file=sys.stderr)
        return 1
    print(f"listening on http://{_authority(server)}", flush=True)
    # what is loaded by now stays: no collection, nor the end of the process, need go through it
    gc.freeze()
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stopped.set)
    if run.until_stdin_ends:
        gevent.spawn(_stop_when_stdin_ends, stopped)
    stopped.wait()
    server.stop(timeout=0)
    return 0


def _stop_when_stdin_ends(stopped: Event) -> None:
    while tp_read(0, 4096):
        pass
    stopped.set()


def _host() -> Host:
    pool = ThreadPool(_DRAWING_THREADS)

    def compute(work: Callable[[], T], /) -> T:
        result: T = pool.apply(work)
        return result

    return Host(time.monotonic, gevent.sleep, compute)


def _listen(address: tuple[str, int], provider: Provider, *, log: bool) -> WSGIServer:
    server = WSGIServer(
        address,
        create_app(provider),
        backlog=_BACKLOG,
        handler_class=Handler,
        log="default" if log else None,
    )
    try:
        server.start()
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise OSError(f"port {address[1]} on {address[0]} is already in use") from None
        raise
    return server


def _authority(server: WSGIServer) -> str:
    host, port = server.address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _raise_file_limit() -> None:
    """Allow one socket for each of thousands of calls; many systems begin with 1,024 files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
