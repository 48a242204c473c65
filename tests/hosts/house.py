"""The service on eight hosts, each part started by its public command, and again when it ends."""

import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import obstore
import requests
from obstore.store import from_url
from redis.exceptions import RedisError

from shared import embedded_redis
from shared.image_store import ImageStore
from shared.services import connect
from tests.chaos.house import PROVIDER_TIMEOUT
from tests.chaos.processes import Guard
from tests.e2e.stack import ROOT, eventually
from tests.hosts.network import Host

APIS, WORKERS = ("api 1", "api 2"), ("worker 1", "worker 2", "worker 3")
KEY, OPERATOR = "a-key-of-the-callers", ("operator", "a-password-of-the-operators")
_PLACES: dict[str, Sequence[str]] = {
    "redis": ("back",),
    "bucket": ("back",),
    "sandbox": ("out",),
    **dict.fromkeys(APIS, ("front", "back")),
    **dict.fromkeys(WORKERS, ("back", "out")),
}
BUCKET = "pictures"
# Less than the callers use at times, so that calls are then as close as the limit lets them be.
RATE = "30/10s"
_AGAIN_SECONDS, _START_SECONDS = 1.0, 90
_HTTP_SECONDS = 3.0


class House:
    """Start everything on entering, and leave no process behind, however the block ends."""

    def __init__(self, folder: Path, rate: str) -> None:
        self.folder = folder
        self._rate = rate
        self.ledger = folder / "ledger.jsonl"
        self._guard = Guard()
        self._closing = threading.Event()
        self.hosts = {
            name: Host(number, networks, self._guard)
            for number, (name, networks) in enumerate(_PLACES.items(), start=11)
        }
        self.bases = {name: f"http://{self.hosts[name].address('front')}:5000" for name in APIS}
        self.sandbox = f"http://{self.hosts['sandbox'].address('out')}:8900"
        self.bucket = f"http://{self.hosts['bucket'].address('back')}:5001"
        self.redis_url = ""

    def __enter__(self) -> "House":
        try:
            self._start_outer_parts()
            for name in WORKERS:
                command = ["celery", "-A", "worker.celery_app", "worker", "--without-gossip"]
                self._keep(name, ["-m", *command, "-n", f"{name.replace(' ', '')}@%h"])
            for name in APIS:
                self._keep(name, ["-m", "api"], HOST=self.hosts[name].address("front"))
            eventually(self.ready, _START_SECONDS, "the start")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def ready(self) -> bool:
        """Tell whether each API finds Redis, the storage and every worker."""
        return all(self.works(name) and self.counted(name) == len(WORKERS) for name in APIS)

    def works(self, api: str) -> bool:
        """Tell whether an API says that it is able to work."""
        with suppress(requests.RequestException):
            return requests.get(f"{self.bases[api]}/readyz", timeout=_HTTP_SECONDS).ok
        return False

    def counted(self, api: str) -> int:
        """Return how many workers an API knows of, by its metrics; 0 when it can't tell."""
        with suppress(requests.RequestException):
            address = f"{self.bases[api]}/metrics"
            lines = requests.get(address, auth=OPERATOR, timeout=_HTTP_SECONDS).text.splitlines()
            found = [line.split()[1] for line in lines if line.startswith("image_api_workers ")]
            return int(float(found[0])) if found else 0
        return 0

    def pictures(self) -> Iterator[tuple[str, bytes]]:
        """Yield the pictures that the bucket holds: name and content."""
        store = from_url(
            f"s3://{BUCKET}",
            config=self._aws(),  # type: ignore[call-overload]  # by the names of the environment
            client_options={"allow_http": True},
        )
        for page in obstore.list(store):
            for name in (meta["path"] for meta in page):
                if ImageStore.is_name(name):
                    yield name, bytes(obstore.get(store, name).bytes())

    def log(self, name: str) -> str:
        """Return all that a part has said so far."""
        path = self._log(name)
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self) -> None:
        """Stop everything; the folders stay. Does nothing the second time."""
        if not self._closing.is_set():
            self._closing.set()
            self._guard.close()

    def _start_outer_parts(self) -> None:
        address = self.hosts["redis"].address("back")
        data = self.folder / "redis"
        url = embedded_redis.prepare(data)
        conf = data / "redis.conf"
        conf.write_text(conf.read_text().replace("bind 127.0.0.1", f"bind {address}"))
        self.redis_url = url.replace("@127.0.0.1:", f"@{address}:")
        self._keep("redis", ["-m", "shared.embedded_redis"], DATA_DIR=str(data))
        place = ["-H", self.hosts["bucket"].address("back"), "-p", "5001"]
        self._keep("bucket", ["-m", "moto.server", *place])
        host = self.hosts["sandbox"].address("out")
        place = ["--host", host, "--allow-any-host", "--port", "8900", "--ledger", str(self.ledger)]
        self._keep("sandbox", ["-m", "sandbox", *place])
        eventually(self._redis_answers, _START_SECONDS, "the start of Redis")
        eventually(self._bucket_made, _START_SECONDS, "the start of the bucket")

    def _redis_answers(self) -> bool:
        with suppress(RedisError):
            return bool(connect(self.redis_url).ping())
        return False

    def _bucket_made(self) -> bool:
        with suppress(requests.RequestException):
            return requests.put(f"{self.bucket}/{BUCKET}", timeout=_HTTP_SECONDS).ok
        return False

    def _aws(self) -> dict[str, str]:
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
        return {**keys, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": self.bucket}

    def _keep(self, name: str, arguments: Sequence[str], **more: str) -> None:
        """Run a part of the product on its host, and again whenever it ends, as a supervisor would."""
        environment = {**self._environment(), **more}
        call = (name, [sys.executable, *arguments], environment)
        threading.Thread(target=self._run, args=call, daemon=True).start()

    def _run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        with self._log(name).open("ab") as log:
            while not self._closing.is_set():
                process = self.hosts[name].launch(
                    command, cwd=ROOT, env=environment, stdout=log, stderr=log
                )
                process.wait()
                self._closing.wait(_AGAIN_SECONDS)

    def _environment(self) -> dict[str, str]:
        usual = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **usual,
            "API_KEY": "",
            "CLIENT_KEYS": f"callers:{KEY}",
            "OPERATOR_AUTH": ":".join(OPERATOR),
            "REDIS_URL": self.redis_url,
            "SANDBOX_URL": self.sandbox,
            "STORAGE_URL": f"s3://{BUCKET}",
            **self._aws(),
            "PROVIDER_RATE": self._rate,
            "PROVIDER_TIMEOUT_SECONDS": str(PROVIDER_TIMEOUT),
            "SHUTDOWN_GRACE_SECONDS": "5",
            "WORKER_CONCURRENCY": "50",
            "WEB_PROCESSES": "1",
            "LOG_FORMAT": "text",
        }

    def _log(self, name: str) -> Path:
        return self.folder / f"{name.replace(' ', '-')}.log"
