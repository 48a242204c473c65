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


def main() -> int:
    """Run until enough cases were sent; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=1_100, help="cases for each operation, at most")
    parser.add_argument("--least", type=int, default=20_000, help="cases in all, at least")
    parser.add_argument("--seconds", type=float, default=1_800, help="time in all, at most")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = fuzz(Path(folder), "--max-examples", str(asked.each), seconds=asked.seconds)
    print(report.printed)
    if report.cases < asked.least:
        print(f"Only {report.cases} cases were sent; raise --each.")
    return 0 if report.passed and report.cases >= asked.least else 1


if __name__ == "__main__":
    sys.exit(main())
