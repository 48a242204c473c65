"""Is the worker of this container well? `python -m worker.heartbeat FILE` exits with 0 if so.

The file is the worker's `HEARTBEAT_FILE`. Celery's own loop touches it, each time that Redis has
counted the worker's heartbeat: so it grows old when Redis is out of reach, when the loop hangs, and
when the worker stops. Imports next to nothing, for it runs every few seconds beside each worker.
"""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

# By then Redis counts the worker as gone too.
FRESH_SECONDS = 10.0


def begin(file: Path) -> None:
    """Note that there was no heartbeat yet, whatever a worker before has left; may raise OSError."""
    file.touch()
    os.utime(file, (0, 0))


def touch(file: Path) -> None:
    """Note a heartbeat; when that fails, the file grows old, which is what a check then sees."""
    with suppress(OSError):
        file.touch()


def age(file: Path) -> float | None:
    """Return the seconds since the last heartbeat, None when there was none."""
    try:
        beaten = file.stat().st_mtime
    except OSError:
        return None
    return time.time() - beaten if beaten else None


def main(arguments: list[str]) -> int:
    """Say how the worker is; return the exit code."""
    if len(arguments) != 1:
        print("usage: python -m worker.heartbeat FILE", file=sys.stderr)
        return 2
    seconds = age(Path(arguments[0]))
    if seconds is None:
        print("no heartbeat yet")
        return 1
    print(f"the last heartbeat was {seconds:.1f} s ago")
    # one that lies ahead was touched before the clock went back
    return int(abs(seconds) > FRESH_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
