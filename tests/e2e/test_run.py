"""The one command: how it starts, what it survives, and that it leaves nothing behind."""

import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.e2e.stack import Stack, alive, descendants, eventually


def test_the_start_ends_with_one_block_that_tells_what_runs(stack: Stack) -> None:
    block = stack.output().split("is ready.", 1)[1]

    assert stack.base in block
    assert stack.flower in block
    assert "sandbox" in block
    assert "curl -X POST" in block


def test_the_page_says_that_the_sandbox_draws(stack: Stack) -> None:
    page = stack.get("/")

    assert "Sandbox" in page.text
    assert stack.base in page.text


def test_everything_is_ready(stack: Stack) -> None:
    ready = stack.get("/readyz")

    assert ready.status_code == 200
    assert ready.json()["checks"] == {"redis": "ok", "worker": "ok", "storage": "ok"}
    assert stack.get("/healthz").status_code == 200


def test_flower_shows_the_worker_and_the_task_by_the_jobs_id(stack: Stack) -> None:
    job = stack.generate("seen by the operator").json()

    task = eventually(
        lambda: _page(f"{stack.flower}/task/{job['job_id']}"), what="the task in Flower"
    )
    workers = eventually(lambda: _page(f"{stack.flower}/workers"), what="the workers in Flower")

    assert "images.make" in task
    assert "seen by the operator" not in task
    assert "celery@" in workers


def test_no_secret_stands_in_an_argument(stack: Stack) -> None:
    assert stack.process
    conf = (stack.folder / "data" / "redis.conf").read_text()
    password = conf.split("requirepass ")[1].split()[0]

    listing = subprocess.run(
        ["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True
    )

    assert password not in listing.stdout
    assert (stack.folder / "data" / "redis.conf").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("part", ["worker", "api", "redis", "sandbox", "flower"])
def test_a_killed_part_comes_back(stack: Stack, part: str) -> None:
    killed = stack.kill(part)

    eventually(lambda: stack.pid(part) not in {0, killed}, what=f"another {part} process")
    eventually(lambda: _works(stack), 30, "a picture after that")
    assert f"The {part} process ended; it is started again." in stack.output()


@pytest.fixture(scope="module")
def _mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("mortal"), SHUTDOWN_GRACE_SECONDS="5")
    yield stack
    if stack.process:
        stack.stop()


@pytest.fixture
def mortal(_mortal: Stack) -> Stack:
    """Give a running stack that a test may end; the next test starts it only if it does not run."""
    if _mortal.process is None or _mortal.process.poll() is not None:
        _mortal.start()
    _mortal.sandbox_settings(latency=0.05)
    return _mortal


def test_two_stacks_run_side_by_side(stack: Stack, mortal: Stack) -> None:
    mine = stack.generate("in the first").json()
    theirs = mortal.generate("in the second").json()

    assert stack.get(f"/jobs/{theirs['job_id']}").status_code == 404
    assert mortal.get(f"/jobs/{mine['job_id']}").status_code == 404
    assert (mortal.images / theirs["image_url"].rsplit("/", 1)[1]).is_file()


def test_ctrl_c_ends_every_process_and_queued_jobs_go_on_at_the_next_start(
    mortal: Stack,
) -> None:
    stack = mortal
    stack.sandbox_settings(latency=1)
    jobs = [stack.generate(f"queued {n}", wait=0).json()["job_id"] for n in range(60)]
    assert stack.process
    started = descendants(stack.process.pid)

    code = stack.stop()

    assert code == 0
    assert not [pid for pid in started if alive(pid)]
    stack.start()
    ended = [stack.ended(job_id) for job_id in jobs]
    assert {job["status"] for job in ended} == {"succeeded"}
    assert all(len(stack.charged(f"queued {n}")) == 1 for n in range(60))


def test_a_killed_run_leaves_no_process_and_can_start_again_at_once(mortal: Stack) -> None:
    stack = mortal
    assert stack.process
    started = descendants(stack.process.pid)

    stack.stop(signal.SIGKILL)

    eventually(lambda: not [pid for pid in started if alive(pid)], 30, "the end of all parts")
    stack.start()
    assert stack.generate("after the kill").status_code == 200


def test_a_stop_answers_those_who_wait_and_those_who_watch(mortal: Stack) -> None:
    stack = mortal
    stack.sandbox_settings(latency=30)
    job = stack.generate("still cooking", wait=0).json()
    eventually(lambda: stack.job(job["job_id"])["attempts"] == 1, what="the call")

    with ThreadPoolExecutor(2) as pool:
        url = f"{stack.base}/jobs/{job['job_id']}"
        waiting = pool.submit(requests.get, f"{url}?wait=100", timeout=120)
        watching = pool.submit(requests.get, f"{url}/events", timeout=120)
        stack.job(job["job_id"], wait=0.5)  # asked later and answered: the others wait by now
        assert stack.process
        stack.process.send_signal(signal.SIGINT)
        answer, events = waiting.result(timeout=20), watching.result(timeout=20)

    assert (answer.status_code, answer.json()["status"]) == (200, "running")
    assert events.status_code == 200
    assert '"running"' in events.text
    assert stack.stop(seconds=30) == 0


def test_a_taken_port_is_said_in_one_sentence(stack: Stack, own_stack: Stack) -> None:
    own_stack.environment["PORT"] = str(stack.port)

    assert _refusal(own_stack) == (
        f"app.py: can't listen on 127.0.0.1:{stack.port} (Address already in use);"
        " set PORT to another port"
    )


def test_a_folder_in_use_is_said_in_one_sentence(stack: Stack, own_stack: Stack) -> None:
    own_stack.environment["DATA_DIR"] = str(stack.folder / "data")

    assert "is in use by another run; set DATA_DIR to another folder" in _refusal(own_stack)


def test_all_wrong_settings_are_said_at_once(own_stack: Stack) -> None:
    own_stack.environment |= {"PORT": "http", "PROVIDER_RATE": "fast", "HOST": "0.0.0.0"}  # noqa: S104

    complaint = _refusal(own_stack)

    assert "PORT" in complaint
    assert "PROVIDER_RATE must be calls/seconds, as 150/10s" in complaint


def test_an_open_address_is_refused(own_stack: Stack) -> None:
    own_stack.environment["HOST"] = "0.0.0.0"  # noqa: S104

    assert "ALLOW_ANONYMOUS=true" in _refusal(own_stack)


def _refusal(stack: Stack) -> str:
    stack.launch()
    assert stack.process
    assert stack.process.wait(timeout=20) == 2
    (line,) = stack.output().splitlines()
    return line


def _page(url: str) -> str:
    answer = requests.get(url, timeout=10)
    return answer.text if answer.status_code == 200 else ""


def _works(stack: Stack) -> bool:
    try:
        return stack.generate("after the kill", wait=10).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/jobs?cursor=" + "x" * 5_000, {}, 414),
        ("/jobs", {"X-Large": "x" * 20_000}, 431),
        ("/jobs", {"Content-Length": "x"}, 400),
    ],
    ids=["an address", "headers", "no HTTP"],
)
def test_what_cannot_be_read_is_answered_as_every_fault(
    stack: Stack, path: str, headers: dict[str, str], status: int
) -> None:
    answer = stack.get(path, headers=headers)

    body = answer.json()
    assert (answer.status_code, body["error_code"]) == (status, "invalid_request")
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert "x" * 100 not in answer.text + stack.output()
