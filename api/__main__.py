"""`python -m api`: the app under gunicorn with gevent workers, which hold thousands of callers."""

# Before anything imports ssl, socket or redis: what is imported first would block all callers.
from gevent import monkey

from shared import lifeline

lifeline.hold()  # a real thread: after the patch it would be one that blocks the others
monkey.patch_all()

# ruff: noqa: E402
import gc
import logging
import sys
from contextlib import suppress
from typing import Any

import gevent
from flask import Flask
from gunicorn.app.base import BaseApplication

from api.app import create_app
from api.aside import Aside
from api.unreadable import Worker
from shared.errors import StoreUnavailable
from shared.logs import set_up_logs
from shared.redis_kind import look_at_redis
from shared.services import Services, build_services
from shared.settings import Settings, SettingsError, load_settings
from shared.storage import open_images
from shared.tally import REPORT_SECONDS
from shared.version import VERSION
from shared.weaknesses import weaknesses

_log = logging.getLogger(__name__)
# Room for callers that do not wait, above those that do.
_SPARE_CONNECTIONS = 1_000
# Who sends a head byte by byte is cut off by then.
HEAD_SECONDS = 15
_NOTICE_STOP_SECONDS = 0.2


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn, set from our settings; each worker process builds its own services."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.services: Services | None = None
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn every setting that is not its default."""
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        options: dict[str, Any] = {
            "bind": f"{host}:{self.settings.port}",
            "worker_class": Worker,
            "workers": self.settings.web_processes,
            "worker_connections": self.settings.max_waiters + _SPARE_CONNECTIONS,
            "graceful_timeout": self.settings.shutdown_grace_seconds,
            "proc_name": "stability-ai-image-api",
            # for the next request as for its whole head: gunicorn has one timer for both
            "keepalive": HEAD_SECONDS,
            # no header of a caller may change what this process takes a request for
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "loglevel": "warning",
            "post_worker_init": self.watch_for_stop,
            "worker_exit": self.say_good_bye,
            # a second way to steer the server, which nobody here uses
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Build the app inside a worker process, after the fork."""
        self.services = build_services(self.settings, aside=Aside())
        return create_app(self.services)

    def watch_for_stop(self, worker: Worker) -> None:
        """Answer those who wait as soon as this process is told to stop, and keep no connection."""

        def watch() -> None:
            while worker.alive:
                gevent.sleep(_NOTICE_STOP_SECONDS)
            if self.services:
                self.services.events.close()
            while True:  # some are only now taken on
                worker.hang_up()
                gevent.sleep(_NOTICE_STOP_SECONDS)

        gevent.spawn(watch)
        gevent.spawn(self._report)

    def say_good_bye(self, _arbiter: object, _worker: Worker) -> None:
        """Hand in what this process has counted last."""
        if self.services:
            with suppress(StoreUnavailable):
                self.services.tally.hand_in(last=True)

    def _report(self) -> None:
        while self.services:
            with suppress(StoreUnavailable):
                self.services.tally.hand_in()
            gevent.sleep(REPORT_SECONDS)


def main() -> int:
    """Run until told to stop; return the exit code."""
    try:
        settings = load_settings()
        # complain now and not in every worker
        open_images(settings)
        server_weaknesses = look_at_redis(settings.required_redis_url)
    except SettingsError as error:
        print(f"api: {error}", file=sys.stderr)
        return 2
    set_up_logs(settings, "api")
    _log.info("starting", extra={"version": VERSION})
    for weakness in (*weaknesses(settings), *server_weaknesses):
        _log.warning("take care", extra={"reason": weakness})
    # what is loaded by now stays: web processes share its pages, and no collection goes through it
    gc.freeze()
    Server(settings).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
