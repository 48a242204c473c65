"""Back up a running service, put a backup back, and forget in the file what is gone in the store.

`python -m shared.backup save FOLDER`, `… restore FOLDER`, `… compact`; also as `make backup TO=FOLDER`,
`make restore FROM=FOLDER`, `make compact`.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from redis import Redis, RedisError

from shared import embedded_redis
from shared.errors import StoreUnavailable
from shared.halt import Halt
from shared.image_store import INPUTS, ImageStore
from shared.settings import Settings, SettingsError, load_settings
from shared.store_copy import copy_store

_STORE = "store.rdb"
_PICTURES = "pictures"
_SECONDS = 600.0
_AOF = "appendonlydir"
_BASE = "appendonly.aof.1.base.rdb"
_REASON = "Restored from a backup: what ended since then waits here again"
_USAGE = "usage: python -m shared.backup save FOLDER | restore FOLDER | compact"


class BackupError(Exception):
    """A backup that can't be made or put back; the message says why."""


class _NotStarted(Exception):
    """The server of a folder has ended at once."""


def save(settings: Settings, folder: Path) -> str:
    """Write the store as it is at one moment, then the pictures, into a new folder; tell what was done.

    In this order every picture that the store knows of is there, unless it was removed meanwhile; one
    that is newer than the store finishes its job after a restore without a call.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty: each backup needs a folder of its own")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    half = folder / f".writing-{_STORE}"
    size = copy_store(_url(settings), half)
    source = _pictures(settings)
    files = _copy_missing(source, folder / _PICTURES) if source else 0
    os.sync()
    # last: a folder without it is no backup
    half.rename(folder / _STORE)
    if source is None:
        return f"The store ({size:,} bytes) is in {folder}; copy the pictures of STORAGE_URL now"
    return f"The store ({size:,} bytes) and {files} files are in {folder}"


def restore(settings: Settings, folder: Path) -> str:
    """Put a backup into `DATA_DIR`, which has no store, and the pictures that are missing; pause.

    The next start finds the operator's pause, so that nothing is bought before somebody has looked.
    Until all is there, `DATA_DIR` has no store.
    """
    if settings.redis_url:
        raise BackupError("With REDIS_URL, put store.rdb back by the means of that server")
    if not _is_store(folder / _STORE):
        raise BackupError(f"There is no {_STORE} in {folder}, or a broken one: no whole backup")
    data = settings.data_dir.absolute()
    if (data / _AOF).exists():
        raise BackupError(
            f"{data / _AOF} is a store already: stop the service and move it away first"
        )
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with TemporaryDirectory(prefix=".restoring-", dir=data) as name:
        records = _load(folder / _STORE, Path(name))
        target, files = _pictures(settings), 0
        if target and (folder / _PICTURES).is_dir():
            files = _copy_missing(folder / _PICTURES, target)
        os.sync()
        # last, and all at once: a server that finds half a store begins an empty one
        (Path(name) / _AOF).rename(data / _AOF)
    return f"{records} jobs and {files} missing files are back, and the service is paused"


def _is_store(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(6).startswith((b"REDIS", b"VALKEY"))
    except FileNotFoundError:
        return False


def _load(copy: Path, folder: Path) -> int:
    """Make a server's folder of a copy, with the pause in it; return how many jobs there are."""
    store = folder / _AOF
    store.mkdir(mode=0o700)
    shutil.copyfile(copy, store / _BASE)
    (store / "appendonly.aof.manifest").write_text(f"file {_BASE} seq 1 type b\n")
    try:
        with _server(folder) as redis:
            Halt(redis).begin(_REASON)
            return sum(1 for _ in redis.scan_iter("images:job:*", count=1_000))
    except _NotStarted:
        why = "it is damaged, or of a newer server"
        raise BackupError(f"The server does not start with {copy}: {why}") from None


def compact(settings: Settings) -> str:
    """Have the server write its append-only file anew, without what was removed; wait for that."""
    with Redis.from_url(_url(settings), decode_responses=True, socket_timeout=30) as redis:

        def busy() -> bool:
            told = redis.info("persistence")
            return bool(told["aof_rewrite_in_progress"] or told["aof_rewrite_scheduled"])

        # one that runs already may have written what was removed since
        _wait(lambda: not busy())
        redis.bgrewriteaof()
        _wait(lambda: not busy())
        told = redis.info("persistence")
    if told["aof_last_bgrewrite_status"] != "ok":
        raise BackupError("The server could not write its file anew; its log says why")
    return "The append-only file is written anew"


def _url(settings: Settings) -> str:
    if settings.redis_url:
        return settings.required_redis_url
    url = embedded_redis.url_of(settings.data_dir)
    if url is None:
        raise BackupError(f"No service was ever started in {settings.data_dir}")
    return url


def _pictures(settings: Settings) -> Path | None:
    """Return the folder of the pictures, or None when they are in a bucket."""
    return None if settings.bucket else Path(settings.storage_url).absolute()


def _copy_missing(source: Path, target: Path) -> int:
    """Copy the files that are not there yet, a name never shows half of one; return how many."""
    copied = 0
    for name in _kept(source):
        copy = target / name
        if copy.exists():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        half = copy.with_name(f".writing-{copy.name}")
        with suppress(FileNotFoundError):  # it was removed since it was listed
            shutil.copy2(source / name, half)
            half.rename(copy)
            copied += 1
    return copied


def _kept(folder: Path) -> Iterator[Path]:
    """Yield the pictures and uploads of a folder by their paths in it, and nothing else."""
    for place, is_ours in ((Path(), ImageStore.is_name), (Path(INPUTS), ImageStore.is_input)):
        if (folder / place).is_dir():
            with os.scandir(folder / place) as entries:
                for entry in entries:
                    if is_ours(entry.name) and entry.is_file(follow_symlinks=False):
                        yield place / entry.name


@contextmanager
def _server(folder: Path) -> Iterator["Redis"]:
    """Run the server of a folder for as long as the block lasts."""
    url = embedded_redis.prepare(folder)
    command = [sys.executable, "-m", "shared.embedded_redis"]
    process = subprocess.Popen(  # noqa: S603 - a program of our own
        command, env={**os.environ, "DATA_DIR": str(folder)}, stdin=subprocess.DEVNULL
    )
    try:
        with Redis.from_url(url, decode_responses=True, socket_timeout=30) as redis:
            _wait(lambda: process.poll() is not None or _answers(redis))
            if process.poll() is not None:
                raise _NotStarted
            yield redis
    finally:
        process.terminate()
        process.wait(timeout=_SECONDS)


def _answers(redis: "Redis") -> bool:
    try:
        return bool(redis.ping())
    except RedisError:
        return False


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > end:
            raise BackupError(f"It did not end within {_SECONDS:.0f} s")
        time.sleep(0.05)


def _do(settings: Settings, arguments: list[str]) -> str:
    match arguments:
        case ["save", folder] if folder:
            return save(settings, Path(folder))
        case ["restore", folder] if folder:
            return restore(settings, Path(folder))
        case ["compact"]:
            return compact(settings)
    raise BackupError(_USAGE)


def main(arguments: list[str]) -> int:
    """Do what the arguments say; return the exit code."""
    try:
        print(_do(load_settings(), arguments))
    except (BackupError, SettingsError, StoreUnavailable, RedisError, OSError) as error:
        print(f"backup: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
