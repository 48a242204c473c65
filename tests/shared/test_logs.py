"""One line an event, with its ids and without secrets."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from shared.logs import JsonFormatter, TextFormatter, job_id, request_id, set_up_logs
from shared.settings import load_settings

BOTH = pytest.mark.parametrize("formatter", [TextFormatter("worker"), JsonFormatter("worker")])


@pytest.fixture(autouse=True)
def _ids() -> Iterator[None]:
    """Give this test a request and a job."""
    tokens = request_id.set("r1"), job_id.set("")
    yield
    request_id.reset(tokens[0])
    job_id.reset(tokens[1])


@pytest.fixture
def _root() -> Iterator[None]:
    """Put the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def line(message: str, *args: object, **facts: object) -> logging.LogRecord:
    """Return a record as a logger makes it."""
    record = logging.makeLogRecord({"msg": message, "args": args, "levelname": "INFO", **facts})
    record.name = "shared.x"
    record.created = 0.0
    return record


def raised(message: str) -> object:
    """Return what a logger is given about an error."""
    with pytest.raises(ValueError, match="invalid") as caught:
        int(message)
    return caught.type, caught.value, caught.tb


def test_a_line_for_a_person_ends_in_its_facts() -> None:
    job_id.set("j1")

    text = TextFormatter("worker").format(line("made an image", provider_ms=7, nothing=None))

    expected = "00:00:00 info    worker made an image request_id=r1 job_id=j1 provider_ms=7"
    assert text == expected


def test_a_line_for_a_collector_is_one_json_object() -> None:
    text = JsonFormatter("api").format(line("sent %s", "füchse", reason="a\nb"))

    assert "\n" not in text
    assert json.loads(text) == {
        "time": "1970-01-01T00:00:00.000+00:00",
        "level": "info",
        "part": "api",
        "logger": "shared.x",
        "message": "sent füchse",
        "request_id": "r1",
        "reason": "a\nb",
    }


def test_a_fact_that_json_does_not_know_is_written_as_text() -> None:
    text = JsonFormatter("api").format(line("x", where=ValueError("here")))

    assert json.loads(text)["where"] == "here"


@BOTH
def test_the_id_of_a_fact_is_shown_once_and_beats_the_context(formatter: logging.Formatter) -> None:
    text = formatter.format(line("x", job_id="j2"))

    assert text.count("job_id") == 1
    assert "j2" in text


@BOTH
def test_an_exception_is_told_in_the_same_line_event(formatter: logging.Formatter) -> None:
    text = formatter.format(line("a defect", exc_info=raised("why")))

    assert "a defect" in text
    assert "ValueError: invalid literal" in text


@BOTH
@pytest.mark.parametrize("odd", ["\n", "\r", "\x1b[2J", "\x9b", "\x85", "\u2028"])
def test_whoever_chooses_a_fact_writes_no_line_and_no_terminal(
    formatter: logging.Formatter, odd: str
) -> None:
    forged = f"gone{odd}12:00:00 info    api    accepted a job"

    for record in (line("x", reason=forged), line("sent %s", forged)):
        text = formatter.format(record)

        assert odd not in text
        assert f"gone\\u{ord(odd[0]):04x}" in text or "gone\\n" in text or "gone\\r" in text


@BOTH
@pytest.mark.parametrize(
    "url",
    [
        "redis://:hidden@127.0.0.1:6379/0",
        "redis://user:hidden@127.0.0.1",
        "https://user:hid:den@example.com/a",
        "rediss://:hid@den@127.0.0.1/0",
    ],
)
def test_no_password_of_a_url_is_ever_written(formatter: logging.Formatter, url: str) -> None:
    failed = formatter.format(line("x", exc_info=raised(url)))
    said = formatter.format(line("connected to %s", url))
    fact = formatter.format(line("connected", url=url))

    assert not [text for text in (failed, said, fact) if "hid" in text or "den" in text]


@pytest.mark.parametrize(("form", "kind"), [("text", TextFormatter), ("json", JsonFormatter)])
@pytest.mark.usefixtures("_root")
def test_the_log_goes_to_standard_error_in_the_format_that_is_set(form: str, kind: type) -> None:
    set_up_logs(load_settings(None, log_format=form, log_level="WARNING"), "api")

    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    assert handler.stream is sys.stderr
    assert isinstance(handler.formatter, kind)
    assert logging.getLogger().level == logging.WARNING


@pytest.mark.usefixtures("_root")
def test_without_a_terminal_the_log_is_json() -> None:
    set_up_logs(load_settings(None, log_format=None), "api")

    (handler,) = logging.getLogger().handlers
    assert isinstance(handler.formatter, JsonFormatter)


@pytest.mark.usefixtures("_root")
def test_what_libraries_chatter_is_left_out() -> None:
    set_up_logs(load_settings(None, log_level="DEBUG"), "api")

    assert not logging.getLogger("kombu").isEnabledFor(logging.INFO)
    assert not logging.getLogger("urllib3").isEnabledFor(logging.WARNING)
    assert logging.getLogger("shared").isEnabledFor(logging.DEBUG)
