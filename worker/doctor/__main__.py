"""`make doctor`, or `python -m worker.doctor [--json]`: 0 when nothing is wrong, 1 when something is.

It works while the service runs and while it does not, changes nothing and buys nothing.
"""

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial

from pydantic import SecretStr

from shared import embedded_redis
from shared.services import build_services
from shared.settings import Settings, SettingsError, load_settings
from worker.doctor import embedded, machine, parts, provider, redis_server, storage
from worker.doctor.findings import Check, Finding, examine, wrong


def main(arguments: list[str]) -> int:
    """Examine, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    told = parser.parse_args(arguments)
    try:
        found = examine(_checks(load_settings()))
    except SettingsError as error:
        mend = "mend .env or the environment; nothing else can be looked at before"
        found = [wrong("settings", sentence, mend) for sentence in error.complaints]
    fine = all(finding.level != "wrong" for finding in found)
    if told.json:
        print(json.dumps({"ok": fine, "findings": [asdict(finding) for finding in found]}))
    else:
        _print(found)
    return 0 if fine else 1


def _checks(settings: Settings) -> dict[str, Check]:
    """Return all checks, in the order in which they are told."""
    url = _redis_url(settings)
    # for want of a server, the settings of one that nobody connects to
    known = settings.model_copy(update={"redis_url": SecretStr(url or "redis://127.0.0.1/0")})
    services = build_services(known)
    checks: dict[str, Check] = {
        "settings": partial(machine.check_settings, settings),
        "redis": partial(redis_server.check, redis_server.connect(known.required_redis_url)),
        "storage": partial(storage.check, services),
        "provider": partial(provider.check, settings),
        "api": partial(parts.check_api, settings),
        "flower": partial(parts.check_flower, settings),
        "machine": partial(machine.check, settings),
    }
    listens = url is not None and redis_server.listens(url)
    if listens:
        checks["workers"] = partial(parts.check_workers, services)
        checks["calls"] = partial(parts.check_calls, services)
    elif settings.redis_url is None:
        checks["redis"] = partial(embedded.check_stopped, settings.data_dir)
    return checks


def _redis_url(settings: Settings) -> str | None:
    """Return where Redis is: in the settings, or where `make run` has put one."""
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    return embedded_redis.url_of(settings.data_dir)


def _print(found: list[Finding]) -> None:
    print()
    for finding in found:
        print(finding)
    levels = [finding.level for finding in found]
    print(f"\n  {levels.count('wrong')} wrong, {levels.count('note')} to note.\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
