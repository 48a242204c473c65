"""One line an event: constant messages, facts as fields, the request's id on every line."""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from shared.settings import Settings

request_id: ContextVar[str] = ContextVar("request_id", default="")
job_id: ContextVar[str] = ContextVar("job_id", default="")


@contextmanager
def about(job: str, request: str) -> Iterator[None]:
    """Put the ids of a job and of the request that brought it on every line of the block."""
    tokens = job_id.set(job), request_id.set(request)
    try:
        yield
    finally:
        job_id.reset(tokens[0])
        request_id.reset(tokens[1])


_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_to_json = json.JSONEncoder(default=str, ensure_ascii=False).encode
# Children of one command write to one terminal: each says who it is.
_PART = {"text": "{time} {level:<7} {part:<6} {message}{facts}"}
_URL_PASSWORD = re.compile(r'(://[^/\s:@"]*:)[^/\s"]+@')
# What ends a line for some reader, or orders a terminal about: others choose what stands in a fact.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class _Facts(logging.Formatter):
    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part

    def facts(self, record: logging.LogRecord) -> dict[str, object]:
        given = {k: v for k, v in vars(record).items() if k not in _STANDARD and k != "data"}
        ids = {"request_id": request_id.get(), "job_id": job_id.get()}
        return {k: v for k, v in {**ids, **given}.items() if v not in ("", None)}

    def trace(self, record: logging.LogRecord) -> str:
        return "\n" + self.formatException(record.exc_info) if record.exc_info else ""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line without the password of any URL in it."""
        return _URL_PASSWORD.sub(r"\1***@", self.line(record))

    def line(self, record: logging.LogRecord) -> str:
        raise NotImplementedError


class TextFormatter(_Facts):
    """Lines for a person at a terminal."""

    def line(self, record: logging.LogRecord) -> str:
        """Return time, level, part, message and facts as name=value; then a trace, if there is one."""
        facts = "".join(f" {name}={_plain(value)}" for name, value in self.facts(record).items())
        trace = "\n".join(_plain(line) for line in self.trace(record).split("\n"))
        return _PART["text"].format(
            time=datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S"),
            level=record.levelname.lower(),
            part=self.part,
            message=_plain(record.getMessage()),
            facts=facts + trace,
        )


class JsonFormatter(_Facts):
    """Lines for a log collector."""

    def line(self, record: logging.LogRecord) -> str:
        """Return one JSON object."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": self.part,
            "logger": record.name,
            "message": record.getMessage() + self.trace(record),
            **self.facts(record),
        }
        return _plain(_to_json(line))


def _plain(value: object) -> str:
    """Return a text in one line, with every control character written out."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", str(value))


def set_up_logs(settings: Settings, part: str) -> None:
    """Send this process's log to standard error, in the format and from the level that is set."""
    form = settings.log_format or ("text" if sys.stderr.isatty() else "json")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextFormatter(part) if form == "text" else JsonFormatter(part))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for chatty in ("celery", "kombu", "amqp", "PIL", "tornado.access", "flower"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    # its warnings hold whole URLs, and some of those that callers name open what they lead to
    logging.getLogger("urllib3").setLevel(logging.ERROR)
