"""One shape for every fault: ours, the framework's, and the defect nobody expected."""

import logging

import pytest

from api.errors import STATUS
from shared import errors
from tests.api.callers import Api, assert_fault, json_of
from tests.api.conftest import Start
from tests.api.test_waiting import FAILURES
from tests.fakes import RememberingQueue


class DefectiveQueue(RememberingQueue):
    """A queue with a defect that knows a secret."""

    def send(self, job_id: str) -> None:
        """Raise what nobody expects."""
        raise RuntimeError("hunter2 at redis://:hunter2@host")


def vocabulary(base: type[errors.Fault] = errors.Fault) -> set[type[errors.Fault]]:
    """Return every class of fault there is."""
    return {base}.union(*(vocabulary(each) for each in base.__subclasses__()))


def test_a_failed_jobs_code_has_the_status_of_the_contract() -> None:
    assert {code: STATUS[code] for code in FAILURES} == FAILURES


def test_every_fault_that_a_job_can_end_with_is_in_the_contract() -> None:
    codes = {each.error_code for each in vocabulary(errors.JobFault)}

    assert codes <= set(FAILURES)


def test_every_fault_that_a_caller_can_meet_has_a_status() -> None:
    # told as faults of a field
    inside = {errors.BrokenImage.error_code, errors.OutboundFault.error_code}

    assert {each.error_code for each in vocabulary()} - inside <= set(STATUS)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/nowhere", "/jobs/", "/generate_image/", "/jobs/a/b/c", "/operator//x"]
)
def test_an_unknown_address_is_404(api: Api, method: str, path: str) -> None:
    answer = api.call(method, path)

    assert_fault(answer, 404, "not_found")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/generate_image", "POST"),
        ("PUT", "/generate_image", "POST"),
        ("GET", "/upscale_image", "POST"),
        ("DELETE", "/upscale_image", "POST"),
        ("POST", "/jobs/x", "GET"),
        ("POST", "/saved_images/x", "GET"),
        ("PUT", "/healthz", "GET"),
        ("POST", "/readyz", "GET"),
        ("POST", "/", "GET"),
    ],
)
def test_a_wrong_method_is_405_and_tells_the_right_one(
    api: Api, method: str, path: str, allowed: str
) -> None:
    answer = api.call(method, path)

    assert_fault(answer, 405, "method_not_allowed")
    told = answer.headers["Allow"].split(", ")
    assert allowed in told
    assert method not in told


@pytest.mark.parametrize(("path", "allowed"), [("/generate_image", "POST"), ("/jobs/x", "GET")])
def test_options_tells_what_may_be_done(api: Api, path: str, allowed: str) -> None:
    answer = api.call("OPTIONS", path)

    assert answer.status_code == 200
    assert allowed in answer.headers["Allow"]


def test_a_defect_is_500_and_tells_nothing_of_itself(start: Start) -> None:
    api = start(queue=DefectiveQueue())
    api.store.heartbeat("w", 10, 60_000)

    answer = api.generate()

    assert_fault(answer, 500, "internal")
    text = answer.get_data(as_text=True)
    assert not any(word in text for word in ("Traceback", "hunter2", "RuntimeError", ".py"))


def test_a_defect_is_logged_whole(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    api = start(queue=DefectiveQueue())
    api.store.heartbeat("w", 10, 60_000)

    api.generate()

    defects = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [str(record.exc_info[1])[:7] for record in defects if record.exc_info] == ["hunter2"]


def test_a_fault_is_json_whatever_the_caller_would_like(api: Api) -> None:
    answer = api.call("GET", "/nowhere", headers={"Accept": "text/html"})

    assert_fault(answer, 404, "not_found")


def test_a_fault_has_an_id_of_its_own(api: Api) -> None:
    first, second = (json_of(api.get("/nowhere"))["request_id"] for _ in range(2))

    assert first
    assert first != second
