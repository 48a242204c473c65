"""No secret and no prompt stands where it does not belong, whatever happens to the service."""

import base64
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from kombu import Connection, Exchange, Producer
from redis import Redis
from redis.exceptions import RedisError

from shared.embedded_redis import free_port
from shared.queue import QUEUE
from tests.e2e.stack import ROOT, Stack, eventually
from tests.pictures import picture

API_KEY = "sk-planted-stability-key"
PASSWORD = "planted-operator-password"
WEBHOOK_SECRET = base64.b64encode(b"planted-webhook-secret-0123456789").decode()
PROMPT = "planted prompt of a caller"
LOGIN = ("planted", PASSWORD)


class Watched:
    """A stack with secrets of its own, and everything that was answered and that Redis was told."""

    def __init__(self, folder: Path, provider: str) -> None:
        self.stack = Stack(
            folder,
            API_KEY=API_KEY,
            STABILITY_API_HOST=provider,
            OPERATOR_AUTH=":".join(LOGIN),
            WEBHOOK_SECRET=f"whsec_{WEBHOOK_SECRET}",
            LOG_LEVEL="DEBUG",
        )
        self.answered: list[str] = []
        self.shown: list[str] = []
        self.commands: list[str] = []

    @property
    def redis_url(self) -> str:
        """Return the address of its server, with the password."""
        conf = (self.stack.folder / "data" / "redis.conf").read_text()
        port, password = (conf.split(f"{name} ")[1].split()[0] for name in ("port", "requirepass"))
        return f"redis://:{password}@127.0.0.1:{port}/0"

    def secrets(self) -> list[str]:
        """Return what nobody may see, also as it is written in a header."""
        password = self.redis_url.split("@")[0].rsplit(":", 1)[1]
        basic = base64.b64encode(":".join(LOGIN).encode()).decode()
        return [API_KEY, PASSWORD, WEBHOOK_SECRET, "planted-webhook-secret", password, basic]

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        """Call the API, and keep what it answers."""
        answer = requests.request(method, self.stack.base + path, timeout=60, **more)
        told = f"{method} {path} {answer.status_code} {dict(answer.headers)}"
        self.answered.append(f"{told} {'' if 'image/' in told else answer.text}")
        return answer

    def flower(self, path: str, **more: Any) -> requests.Response:
        """Call Flower, and keep what it shows."""
        answer = requests.get(self.stack.flower + path, timeout=30, **more)
        self.shown.append(f"{path} {dict(answer.headers)} {answer.text}")
        return answer

    def _monitor(self) -> Any:
        client: Any = Redis.from_url(self.redis_url)  # this part of it has no types
        return client.monitor()

    def listen(self) -> None:
        """Keep every command that Redis gets, until it goes away."""
        with suppress(RedisError), self._monitor() as monitor:
            for command in monitor.listen():
                self.commands.append(str(command["command"]))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Give a stack to which nearly everything has happened."""
    folder, port = tmp_path_factory.mktemp("secrets"), free_port()
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "--port",
        str(port),
        "--latency",
        "0.05",
        "--jitter",
        "0",
    ]
    sandbox = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    watched = Watched(folder, f"http://127.0.0.1:{port}")
    stack = watched.stack
    try:
        stack.launch()
        eventually(lambda: "is ready." in stack.output(), 120, "the start")
        threading.Thread(target=watched.listen, daemon=True).start()
        all_goes_well(watched)
        much_goes_wrong(watched, f"http://127.0.0.1:{port}")
        somebody_sends_a_pickle(watched, folder)
        the_operator_looks(watched)
        redis_goes_away(watched)
        yield watched
    finally:
        if stack.process:
            stack.stop()
        sandbox.terminate()
        sandbox.wait(timeout=20)


def order(**fields: Any) -> dict[str, Any]:
    """Return a body whose prompt can be found again."""
    return {"prompt": PROMPT, "output_format": "jpeg", **fields}


def all_goes_well(watched: Watched) -> None:
    """Make images in every way."""
    hook = "http://receiver.invalid/hook"
    job = watched.call("POST", "/generate_image?wait=30", json=order(webhook_url=hook))
    assert job.json()["status"] == "succeeded", job.text
    watched.call("GET", job.json()["image_url"])
    watched.call("GET", job.json()["status_url"])
    form = {"mode": "conservative", "prompt": PROMPT}
    files = {"image": ("a.png", picture(), "image/png")}
    watched.call("POST", "/upscale_image?wait=30", data=form, files=files)
    batch = watched.call("POST", "/batches?wait=30", json={"jobs": [order(), order()]}).json()
    watched.call("GET", batch["status_url"])
    deliveries = f"{job.json()['status_url']}/deliveries"
    eventually(lambda: watched.call("GET", deliveries).json()["tries"], 20, "a try of the webhook")
    for path in ("/", "/docs", "/openapi.json", "/jobs", "/healthz", "/readyz"):
        watched.call("GET", path)


def much_goes_wrong(watched: Watched, sandbox: str) -> None:
    """Send what can't be read, and have the provider refuse, break off, and refuse the key."""
    watched.call("POST", "/generate_image", json=order(seed=-1, colour="red"))
    watched.call("POST", "/generate_image", data=b'{"prompt": "' + PROMPT.encode())
    watched.call("GET", "/jobs", headers={"Host": "evil.example"})
    watched.call("PUT", "/jobs")
    watched.call("POST", "/operator/pause", auth=("planted", "wrong"))
    for kind in ("moderated", "not_image", "cut", "unauthorized"):
        requests.post(f"{sandbox}/_sandbox/faults", json={"kind": kind}, timeout=10)
        assert watched.call("POST", "/generate_image?wait=30", json=order()).status_code >= 200
    watched.call("GET", "/readyz")


def somebody_sends_a_pickle(watched: Watched, folder: Path) -> None:
    """Send a message that would run as code, and wait until the worker has refused it."""
    harm = pickle.dumps(Harm(str(folder / "harm")))
    with Connection(
        watched.redis_url, transport_options={"global_keyprefix": "celery:"}
    ) as connection:
        producer = Producer(connection, Exchange(QUEUE, type="direct"), routing_key=QUEUE)
        producer.publish(
            harm,
            content_type="application/x-python-serialize",
            content_encoding="binary",
            headers={"task": "images.make", "id": "planted-pickle"},
        )
    eventually(lambda: "application/x-python-serialize" in watched.stack.output(), 20, "a refusal")


class Harm:
    """What writes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (Path(self.path),)


def the_operator_looks(watched: Watched) -> None:
    """Look at all of Flower, with the password and without; pause and go on."""
    job_id = watched.call("GET", "/jobs?limit=1").json()["jobs"][0]["job_id"]
    workers = watched.flower("/api/workers?refresh=1", auth=LOGIN)
    pages = ["/", "/workers", "/tasks", "/broker", "/api/tasks", "/api/queues/length", "/metrics"]
    pages += [f"/task/{job_id}", *(f"/worker/{name}" for name in workers.json())]
    for page in pages:
        assert watched.flower(page).status_code == 401
        assert watched.flower(page, auth=LOGIN).status_code == 200, page
    for (
        name
    ) in workers.json():  # a page elsewhere could have a browser send this, with the password
        end = f"{watched.stack.flower}/api/worker/shutdown/{name}"
        assert requests.post(end, auth=LOGIN, timeout=30).status_code == 403
    for path in ("/operator/pause", "/operator/resume"):
        assert watched.call("POST", path, auth=LOGIN).status_code == 200
    for path in ("/operator/jobs", "/metrics"):
        assert watched.call("GET", path).status_code == 401
        assert watched.call("GET", path, auth=LOGIN).status_code == 200


def redis_goes_away(watched: Watched) -> None:
    """Kill the server under everybody, while the operator has paused, and ask for an image."""
    watched.call("POST", "/operator/pause", auth=LOGIN)
    killed = watched.stack.kill("redis")
    watched.call("POST", "/generate_image", json=order())
    eventually(lambda: watched.stack.pid("redis") not in {0, killed}, what="another server")
    eventually(lambda: watched.call("GET", "/readyz").status_code == 200, 30, "ready again")
    assert watched.call("GET", "/readyz").json()["provider"]["state"] == "paused"


def found(words: list[str], texts: list[str]) -> list[tuple[str, str]]:
    """Return each word with the text in which it stands."""
    return [(word, text[:500]) for text in texts for word in words if word in text]


def test_no_answer_has_a_secret(watched: Watched) -> None:
    assert len(watched.answered) > 20
    assert found(["image_api_provider_held_up"], watched.answered)
    assert found(watched.secrets(), watched.answered) == []


def test_nothing_that_is_printed_has_a_secret_or_a_prompt(watched: Watched) -> None:
    printed = watched.stack.output()
    printed += (watched.stack.folder / "data" / "supervisor.log").read_text()

    assert "made an image" in printed
    assert found([*watched.secrets(), PROMPT], printed.splitlines()) == []


def test_flower_shows_no_secret_and_no_prompt(watched: Watched) -> None:
    assert any("images.make" in told for told in watched.shown)
    assert found([*watched.secrets(), PROMPT], watched.shown) == []


def test_celery_carries_no_more_than_ids(watched: Watched) -> None:
    messages = [command for command in watched.commands if "celery" in command]

    assert found([PROMPT], watched.commands)
    assert found(["images.make"], messages)
    assert found([*watched.secrets(), PROMPT], messages) == []


def test_no_secret_is_written_into_the_store(watched: Watched) -> None:
    assert found(["images:job:"], watched.commands)
    assert found([API_KEY, PASSWORD, WEBHOOK_SECRET], watched.commands) == []


def test_a_message_that_would_run_as_code_is_not_read(watched: Watched) -> None:
    assert not (watched.stack.folder / "harm").exists()
    assert watched.call("POST", "/generate_image?dry_run=true", json=order()).status_code == 200


def test_what_is_weak_is_told_at_the_start(watched: Watched) -> None:
    printed = watched.stack.output()

    assert "Take care CREDITS_PER_DAY is not set" in printed
    assert "take care reason=CREDITS_PER_DAY is not set" in printed
