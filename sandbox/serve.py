"""Run the sandbox in one gevent process that holds thousands of calls."""

import errno
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import gevent
from gevent.event import Event
from gevent.pywsgi import WSGIHandler, WSGIServer
from gevent.select import select
from gevent.threadpool import ThreadPool

from sandbox.ledger import Ledger
from sandbox.provider import Host, Provider
from sandbox.server import create_app
from sandbox.settings import Settings

T = TypeVar("T")

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
            readable = select([self.socket], [], [], 0)[0]
            return bool(readable) and self.socket.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True


def serve(
    address: tuple[str, int], settings: Settings, ledger_path: Path | None, *, log: bool
) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    _raise_file_limit()
    try:
        provider = Provider(settings, _host(), Ledger(ledger_path))
        server = _listen(address, provider, log=log)
    except (OSError, ValueError) as problem:
        print(f"sandbox: {problem}", file=sys.stderr)
        return 1
    print(f"listening on http://{_authority(server)}", flush=True)
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stopped.set)
    stopped.wait()
    server.stop(timeout=0)
    return 0


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
