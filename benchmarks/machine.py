"""What a figure depends on: the machine, its load, and the versions of what was measured."""

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from shared.embedded_redis import find_server
from shared.version import VERSION

_PACKAGES = (
    "celery",
    "redis",
    "flask",
    "gunicorn",
    "gevent",
    "requests",
    "rq",
    "dramatiq",
    "huey",
)


def machine() -> str:
    """Return the machine in one line: cores, processor, memory, kernel."""
    told = _told(Path("/proc/cpuinfo"), r"model name\s*: (.+)") or platform.processor()
    memory = _told(Path("/proc/meminfo"), r"MemTotal:\s+(\d+)")
    held = f", {int(memory) / 1024**2:.0f} GiB" if memory else ""
    kernel = f"{platform.system()} {platform.release()}"
    return f"{os.cpu_count()} cores ({told or platform.machine()}){held}, {kernel}"


def versions() -> str:
    """Return the versions in one line: ours, Python, the server of Redis's protocol, the packages."""
    found = [f"this service {VERSION}", f"Python {platform.python_version()}", _server()]
    return ", ".join([*found, *(told for name in _PACKAGES if (told := _package(name)))])


def load() -> float:
    """Return how many processes wanted to run at once, as a mean of the last minute."""
    return os.getloadavg()[0]


def _server() -> str:
    command = [find_server(), "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"(\w+) server v=(\S+)", told.stdout)
    return f"{found[1]} {found[2]}" if found else told.stdout.strip()


def _package(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return ""


def _told(path: Path, pattern: str) -> str:
    found = re.search(pattern, path.read_text()) if path.exists() else None
    return found[1] if found else ""
