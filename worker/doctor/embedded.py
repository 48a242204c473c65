"""The server that `make run` brings along, while it does not run: what it has left on disk."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which

from shared import embedded_redis
from worker.doctor.findings import Finding, note, ok, wrong

_AOF = "appendonlydir"
_CHECKERS = ("valkey-check-aof", "redis-check-aof")
_SECONDS = 5


def check_stopped(folder: Path) -> Iterator[Finding]:
    """Look at the data of a server that does not run now."""
    try:
        embedded_redis.find_server()
    except Exception as error:  # noqa: BLE001 - one that must not end the others
        yield wrong("redis", str(error), "set REDIS_URL, or install valkey-server")
    if not (folder / _AOF).is_dir():
        yield note("redis", f"make run does not run, and has left no data in {folder.absolute()}")
        return
    size = sum(file.stat().st_size for file in (folder / _AOF).iterdir())
    told = f"make run does not run; its data is in {folder.absolute()} ({size / 1024:,.0f} KiB)"
    yield note("redis", told, "queued jobs go on at the next make run")
    yield from _files(folder / _AOF)


def _files(folder: Path) -> Iterator[Finding]:
    """Compare the append-only files with their list, and look into them if a program for it is here."""
    for manifest in folder.glob("*.manifest"):
        lines = [line.split() for line in manifest.read_text().splitlines()]
        names = [words[words.index("file") + 1].strip('"') for words in lines if "file" in words]
        if missing := [name for name in names if not (folder / name).is_file()]:
            yield wrong("redis", f"{missing[0]} is missing", "restore the folder from a backup")
            return
        yield _looked_into(manifest)
        return
    yield wrong("redis", f"{folder} has no manifest", "restore the folder from a backup")


def _looked_into(manifest: Path) -> Finding:
    program = next((path for name in _CHECKERS if (path := which(name))), None)
    if program is None:
        return ok(
            "redis", "its append-only files are all there (no valkey-check-aof to look inside)"
        )
    command = [program, str(manifest)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return note("redis", f"its files are too large for {Path(program).name} in {_SECONDS} s")
    if done.returncode:
        mend = f"copy {manifest.parent}, then run {Path(program).name} --fix {manifest}"
        return wrong("redis", "its append-only file is damaged", mend)
    return ok("redis", f"its append-only files are whole, says {Path(program).name}")
