"""`python -m tests.fuzz.run`: does the running service ever answer what its document does not allow?"""

import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.stack import ROOT, Stack

_HERE = Path(__file__).parent
# Waits must end soon, and nobody must wait long for a place in the queue.
_ENVIRONMENT = {
    "MAX_WAIT_SECONDS": "0.1",
    "IMAGE_WAIT_SECONDS": "0.1",
    "QUEUE_MAX_JOBS": "200",
    "WEBHOOK_SECRET": "whsec_" + base64.b64encode(bytes(32)).decode(),
    "WEBHOOK_ALLOW_PRIVATE": "true",
    "OPERATOR_AUTH": "operator:schemathesis",
    "PROVIDER_RATE": "10000/10s",
    "PROVIDER_RATE_GUARD_MS": "0",
}
# Most prompts are refused, which takes no time; the others are drawn.
_SANDBOX = {
    "latency": 0,
    "rate": "100000/10s",
    "fail_rate": 0.97,
    "fail_kinds": ["moderated"],
}


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it: how many requests were sent, whether all was well, and what was printed."""

    cases: int
    passed: bool
    printed: str


def fuzz(folder: Path, *options: str, seconds: float) -> Report:
    """Send requests made from the document of a service of its own; takes so many seconds at most."""
    stack = Stack(folder, **_ENVIRONMENT)
    try:
        stack.start(**_SANDBOX)
        return _send(stack, folder, options, seconds)
    finally:
        stack.stop()


def _send(stack: Stack, folder: Path, options: tuple[str, ...], seconds: float) -> Report:
    told = folder / "report.json"
    command = [
        *(
            sys.executable,
            "-m",
            "schemathesis.cli",
            "--config-file",
            str(_HERE / "schemathesis.toml"),
        ),
        *("run", f"{stack.base}/openapi.json", "--no-color"),
        *("--report", "json", "--report-json-path", str(told)),
        *options,
    ]
    run = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    report: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {}
    cases = report.get("test_cases", {}).get("generated", 0)
    return Report(cases, run.returncode == 0, run.stdout + run.stderr)


def plan(requests: int) -> tuple[int, float]:
    """Return how many cases each operation gets so that there are enough in all, and seconds at most.

    1,100 cases each were 25,397 in all, in 867 s of two cores.
    """
    return max(1, requests * 1_100 // 20_000), max(600.0, requests * 0.1)


def main() -> int:
    """Run until enough cases were sent; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000, help="requests in all, at least")
    asked = parser.parse_args()
    each, seconds = plan(asked.requests)
    with tempfile.TemporaryDirectory() as folder:
        report = fuzz(Path(folder), "--max-examples", str(each), seconds=seconds)
    print(report.printed)
    print(f"{report.cases:,} requests were sent.")
    if report.cases < asked.requests:
        print("These are too few.")
    return 0 if report.passed and report.cases >= asked.requests else 1


if __name__ == "__main__":
    sys.exit(main())
