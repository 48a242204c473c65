"""A compose project of its own, from a copy of the source, and what tests ask and do to it."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import requests

from shared.embedded_redis import free_port
from tests.e2e.stack import eventually

ROOT = Path(__file__).parent.parent.parent
OURS = ("api", "worker", "flower", "sandbox")
SERVICES = (*OURS, "redis")
_PINS = ("requirements.txt", "requirements-mcp.txt")
_SOURCE = ("Dockerfile", "docker-compose.yml", ".dockerignore", *_PINS)
_ROOMS = ("api", "client", "sandbox", "shared", "worker")
# What stands in `.env`, and must not stand in any image.
SECRET = "whsec_" + "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0"
_KEPT = ("PATH", "HOME", "http_proxy", "https_proxy", "no_proxy")
# The sandbox is not published: it is asked from inside.
_ASK = """
import http.client, sys
method, path, body = sys.argv[1:]
connection = http.client.HTTPConnection("127.0.0.1", 8900, timeout=30)
connection.request(method, path, body, {"Content-Type": "application/json"})
print(connection.getresponse().read().decode())
"""


def missing() -> str:
    """Return why nothing can be run here, or nothing."""
    if not shutil.which("docker"):
        return "there is no Docker here"
    try:
        if _run("docker", "version", timeout=5).returncode:
            return "no Docker engine answers here"
    except subprocess.TimeoutExpired:
        return "the Docker engine does not answer in 5 s"
    return "" if compose_command() else "there is neither `docker compose` nor docker-compose here"


@cache
def compose_command() -> tuple[str, ...]:
    """Return how compose is called here; empty when it is not there."""
    found = (("docker", "compose"), ("docker-compose",))
    for words in found:
        if shutil.which(words[0]) and not _run(*words, "version").returncode:
            return words
    return ()


def _run(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


class House:
    """A project under a name and on ports of its own; `remove` leaves nothing of it but caches."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = f"image-api-test-{os.getpid()}"
        self.port, self.flower_port, self.mcp_port = free_port(), free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.http = requests.Session()
        self._images = set[str]()
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        docker = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
        self._environment = {**kept, **docker}
        self.set(PORT=str(self.port), FLOWER_PORT=str(self.flower_port))
        self.set(MCP_PORT=str(self.mcp_port))
        for name in _SOURCE:
            shutil.copy(ROOT / name, folder / name)
        for name in _ROOMS:
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        (folder / ".env").write_text(f"WEBHOOK_SECRET={SECRET}\n")
        (folder / ".git").mkdir()
        (folder / ".git" / "config").write_text(SECRET)

    def set(self, **settings: str) -> None:
        """Give settings to what is started from now on."""
        self._environment |= settings

    def compose(self, *words: str, check: bool = True) -> str:
        """Call compose as a user would, in the folder; return what it prints."""
        command = [*compose_command(), "-p", self.project, *words]
        done = _run(*command, cwd=self.folder, env=self._environment, timeout=900)
        assert not check or not done.returncode, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def paste(self, text: str) -> None:
        """Run lines of a document, as a user would who pastes them into a shell in the folder."""
        line = text.replace("docker compose", " ".join(compose_command()))
        environment = {**self._environment, "COMPOSE_PROJECT_NAME": self.project}
        done = _run("bash", "-c", line, cwd=self.folder, env=environment)
        assert not done.returncode, f"{line}: {done.stdout}{done.stderr}"

    def up(self, *words: str, workers: int = 1) -> None:
        """Start all or some of it, and wait until all is well."""
        self.compose("up", "-d", "--scale", f"worker={workers}", *words)
        self.wait(workers)

    def wait(self, workers: int) -> None:
        """Wait until each container is healthy and there are as many workers as asked for."""

        def well() -> bool:
            states = [self.inspect(each)["State"] for each in self.containers()]
            return len(states) == len(SERVICES) - 1 + workers and all(
                state["Running"] and state["Health"]["Status"] == "healthy" for state in states
            )

        eventually(well, 180, "health")
        self._images |= {self.inspect(each)["Image"] for name in OURS for each in self.of(name)}

    def containers(self, *filters: str) -> list[str]:
        """Return the ids of the containers, also of those that do not run."""
        chosen = [f"--filter=label=com.docker.compose.project={self.project}", *filters]
        return self.docker("ps", "-a", "-q", "--no-trunc", *chosen).split()

    def of(self, service: str) -> list[str]:
        """Return the ids of a service's containers."""
        return self.containers(f"--filter=label=com.docker.compose.service={service}")

    def docker(self, *words: str) -> str:
        """Call docker; return what it prints."""
        done = _run("docker", *words, timeout=300)
        assert not done.returncode, f"docker {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def inspect(self, container: str) -> dict[str, Any]:
        """Return what Docker knows of a container."""
        told: dict[str, Any] = json.loads(self.docker("inspect", container))[0]
        return told

    def inside(self, container: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a container."""
        return _run("docker", "exec", container, *command, timeout=60)

    def kill_inside(self, container: str) -> None:
        """Kill what the init of a container runs, as a crash would.

        What `docker kill` ends, Docker takes for stopped on purpose, and does not start again.
        """
        before = self.inspect(container)["RestartCount"]
        self.inside(container, "sh", "-c", "kill -9 $(cat /proc/1/task/1/children)")
        eventually(lambda: self.inspect(container)["RestartCount"] > before, 30, "the restart")

    def sandbox(self, method: str, path: str, body: object = None) -> Any:
        """Give an order to the sandbox; return its answer."""
        text = "" if body is None else json.dumps(body)
        done = self.inside(
            self.of("sandbox")[0], "python", "-c", _ASK, method, f"/_sandbox/{path}", text
        )
        assert not done.returncode, done.stderr
        return json.loads(done.stdout)

    def charged(self, prompt: str) -> int:
        """Return how often the sandbox charged a prompt."""
        ledger = self.sandbox("GET", "ledger")["entries"]
        return sum(entry["fields"].get("prompt") == prompt for entry in ledger)

    def submit(self, prompts: list[str]) -> list[str]:
        """Order pictures at once; return the jobs' ids, in the same order."""
        orders = {"jobs": [{"prompt": prompt} for prompt in prompts]}
        answer = self.http.post(f"{self.base}/batches", json=orders, timeout=30)
        assert answer.status_code == 202, answer.text
        return [str(job["job_id"]) for job in answer.json()["jobs"]]

    def begun(self, jobs: list[str]) -> None:
        """Wait until some of the jobs have begun."""
        eventually(lambda: self.job(jobs[0]).get("started_at"), 30, "the first of them")

    def job(self, job_id: str) -> dict[str, Any]:
        """Return a job as the API tells it; empty while the API is away."""
        try:
            answer = self.http.get(f"{self.base}/jobs/{job_id}", timeout=10)
        except requests.RequestException:
            return {}
        told: dict[str, Any] = answer.json() if answer.ok else {}
        return told

    def ended(self, job_ids: list[str], seconds: float = 120) -> list[dict[str, Any]]:
        """Wait for the ends of jobs; return them."""
        return [
            eventually(self._end_of(job_id), seconds, f"the end of {job_id}") for job_id in job_ids
        ]

    def _end_of(self, job_id: str) -> Callable[[], dict[str, Any]]:
        def end() -> dict[str, Any]:
            job = self.job(job_id)
            return job if job.get("finished_at") else {}

        return end

    def page(self, url: str) -> str:
        """Return a page, empty while whatever shows it is away or does not have it."""
        try:
            answer = self.http.get(url, timeout=10)
        except requests.RequestException:
            return ""
        return answer.text if answer.ok else ""

    def remove(self) -> None:
        """Remove containers, volumes, network and images, but none that has another's name too."""
        away = ("down", "-v", "--rmi", "local", "--remove-orphans", "--timeout", "5")
        self.compose("--profile", "mcp", *away, check=False)
        for image in self._images:  # what an upgrade has replaced has no name any more
            named = _run("docker", "image", "inspect", "-f", "{{.RepoTags}}", image)
            if named.stdout.strip() == "[]":
                _run("docker", "rmi", image)


def workers(house: House) -> int:
    """Return how many workers' heartbeats count."""
    found = re.search(
        r"^image_api_workers (\d+)", house.page(f"{house.base}/metrics"), re.MULTILINE
    )
    return int(found[1]) if found else 0
