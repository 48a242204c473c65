"""Start the sandbox: `python -m sandbox --help` tells how."""

# gevent must change the standard library before anything else imports it.
from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import ipaddress  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from sandbox.errors import ControlError  # noqa: E402
from sandbox.serve import Run, serve  # noqa: E402
from sandbox.settings import Settings  # noqa: E402


def main() -> int:
    """Read the command line, then serve until told to stop; return the exit status."""
    parser = _parser()
    options = parser.parse_args()
    if not (options.allow_any_host or _is_loopback(options.host)):
        parser.error(f"--host {options.host} is not loopback; give --allow-any-host if you mean it")
    try:
        settings = Settings().changed(_changes(options))
    except ControlError as problem:
        parser.error(str(problem))
    runs = Run((options.host, options.port), options.ledger, options.log, options.until_stdin_ends)
    return serve(runs, settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    add("--port", type=int, default=8900, help="port to listen on, 0 for a free one (8900)")
    add("--allow-any-host", action="store_true", help="allow a --host that is not loopback")
    add("--latency", type=_latency, metavar="SECONDS", help=_LATENCY_HELP)
    add("--jitter", type=float, metavar="SECONDS", help="up to so much more, by chance (0.5)")
    add("--travel", type=float, metavar="SECONDS", help="up to so much before arrival (0)")
    add("--rate", metavar="CALLS/SECONDS", help="allowed calls of a key (150/10s)")
    add("--lockout", type=float, metavar="SECONDS", help="lock-out of a key that goes over (60)")
    add("--retry-after-header", action="store_true", help="send Retry-After on a 429")
    add("--credits", type=float, metavar="CREDITS", help="balance at the start (1000000)")
    add("--ledger", type=Path, metavar="FILE", help="keep the ledger in this file too")
    add("--until-stdin-ends", action="store_true", help="stop when standard input is closed")
    add("--log", action="store_true", help="write one line a call to stderr")
    return parser


_LATENCY_HELP = (
    "seconds until an answer, or by name with commas between:"
    " generate=2,upscale=1,creative_start=1,creative_cook=15 (these)"
)
_SETTINGS = ("latency", "jitter", "travel", "rate", "lockout", "retry_after_header", "credits")


def _latency(text: str) -> float | dict[str, float]:
    if "=" not in text:
        return float(text)
    return {name: float(value) for name, _, value in (p.partition("=") for p in text.split(","))}


def _changes(options: argparse.Namespace) -> dict[str, object]:
    given = {name: getattr(options, name) for name in _SETTINGS}
    return {name: value for name, value in given.items() if value is not None}


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    sys.exit(main())
