"""What an earlier release left is taken over: all its jobs end, none is bought twice."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from api.app import create_app
from shared.outbound import Outbound
from shared.queue import dispatch
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import dump
from tests.fakes import RememberingQueue, ScriptedProvider
from tests.folders import folder_of
from tests.pictures import picture
from tests.upgrade.record import record
from tests.upgrade.requests import BATCH, KEYS, PROMPTED, UPSCALES
from tests.upgrade.restore import moved_here, restore
from tests.webhooks import members, pauses_end, verified, with_webhooks
from tests.worker.bench import workshop
from tests.worker.provider_server import ProviderServer, provider, says
from worker.make_image import make_image
from worker.retention import Retiring
from worker.sweep import sweep
from worker.webhooks import deliver
from worker.wire import Outgoing, ProviderImage

# Recorded at 8ab01f1, when nothing had an owner and webhooks waited by host and port.
RECORDED = Path(__file__).parent / "data" / "before_owners.json"
THIS_RELEASE = "this release"


class Obliging(ScriptedProvider):
    """A provider that makes whatever it is asked for."""

    def call(self, outgoing: Outgoing, check: Any) -> ProviderImage:
        """Return an image, four times as large when one is enlarged."""
        self.calls.append(outgoing)
        side = 256 if "upscale" in outgoing.path else 64
        return ProviderImage(picture(side, side), 7, "q1")

    def result(self, outgoing: Outgoing, check: Any) -> ProviderImage:
        """Return what has cooked."""
        self.polls.append(outgoing)
        return ProviderImage(picture(256, 256), 7, "q1")

    @property
    def bought(self) -> Counter[str]:
        """Return how often each prompt was paid for; an upscale without one counts as its path."""
        named = [call.parts.get("prompt", (None, call.path))[1] for call in self.calls]
        return Counter(str(name) for name in named)


@dataclass
class House:
    """The present release on what was left, with a provider that makes everything."""

    services: Services
    redis: "Redis"
    told: dict[str, Any]
    provider: Obliging
    client: FlaskClient

    def job(self, name: str) -> dict[str, Any]:
        """Return a job as the API tells of it, by what had become of it."""
        return self.get(f"/jobs/{self.told['jobs'][name]}")

    def batch(self) -> dict[str, Any]:
        """Return the batch."""
        return self.get(f"/batches/{self.told['batch']['id']}")

    def get(self, path: str) -> dict[str, Any]:
        """Return what the API answers."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.get_json()
        return body

    def work(self) -> None:
        """Do what workers do until nothing is open, with every pause and lease over."""
        store, queue = self.services.store, self.services.queue
        assert isinstance(queue, RememberingQueue)
        for _ in range(5):
            for place in ("running", "delayed", "parked", "dispatched"):
                if waiting := members(self.redis, f"{PREFIX}{place}"):
                    self.redis.zadd(f"{PREFIX}{place}", dict.fromkeys(waiting, 1))
            sweep(self.services)
            store.heartbeat("new", 100, 60_000)
            dispatch(store, queue)
            while queue.sent:
                make_image(queue.sent.pop(), workshop(self.services, self.provider))


@pytest.fixture(scope="module")
def recorded_here(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give what this release leaves."""
    return json.dumps(record(tmp_path_factory.mktemp("recorded")))


@pytest.fixture
def receiver() -> Iterator[ProviderServer]:
    """Give the receiver of the webhooks."""
    with provider(says(204, b"")) as server:
        yield server


@pytest.fixture(params=[RECORDED.stem, THIS_RELEASE])
def house(
    request: pytest.FixtureRequest,
    recorded_here: str,
    services: Services,
    redis_client: "Redis",
    receiver: ProviderServer,
) -> House:
    """Give the present release where an earlier one, or this, was stopped."""
    text = recorded_here if request.param == THIS_RELEASE else RECORDED.read_text()
    told = moved_here(text, receiver.url.removeprefix("http://"))
    services = with_webhooks(services)
    restore(told, redis_client, folder_of(services.images))
    return House(services, redis_client, told, Obliging(), create_app(services).test_client())


def test_every_job_ends_and_none_is_bought_twice(house: House) -> None:
    house.work()

    ends = {name: house.job(name)["status"] for name in (*PROMPTED, *UPSCALES)}
    left = {"failed": "failed", "canceled": "canceled"}
    assert ends == {name: left.get(name, "succeeded") for name in ends}
    once = ("queued", "lost", "sent", "delayed")
    expected = {str(PROMPTED[name]["prompt"]): 1 for name in once}
    enlarged = "/v2beta/stable-image/upscale/fast"
    assert house.provider.bought == {**expected, "batch fox 2": 1, enlarged: 1}
    assert len(house.provider.polls) == 1


def test_what_was_under_way_is_told_as_it_was_paid(house: House) -> None:
    house.work()

    assert [house.job(name)["attempts"] for name in ("lost", "sent", "written")] == [1, 2, 1]
    assert house.services.index.counts()["calls_repeated_unknown_outcome"] == 1


def test_every_picture_can_be_fetched(house: House) -> None:
    house.work()

    for name in (*PROMPTED, *UPSCALES):
        job = house.job(name)
        if job["status"] == "succeeded":
            with house.client.get(job["image_url"]) as answer:
                assert answer.data.startswith(b"\x89PNG")
    assert not list((folder_of(house.services.images) / "inputs").iterdir())


def test_a_batch_goes_on_where_it_was(house: House) -> None:
    before = house.batch()
    house.work()
    after = house.batch()

    assert before["counts"] == {
        "queued": 1,
        "running": 0,
        "succeeded": 1,
        "failed": 1,
        "canceled": 0,
    }
    assert after["counts"] == {
        "queued": 0,
        "running": 0,
        "succeeded": 2,
        "failed": 1,
        "canceled": 0,
    }
    assert (before["status"], after["status"], after["progress"]) == ("running", "partial", 1)


def test_a_request_that_comes_again_is_known_again(house: House) -> None:
    before = house.services.index.depth()

    for name in ("queued", "finished"):
        answer = house.client.post("/generate_image", json=PROMPTED[name], headers=KEYS[name])
        assert answer.get_json()["job_id"] == house.told["jobs"][name]
        assert answer.headers["Idempotent-Replayed"] == "true"
    answer = house.client.post("/batches", json=BATCH, headers=KEYS["batch"])
    assert answer.get_json()["batch_id"] == house.told["batch"]["id"]

    other = house.client.post("/generate_image", json=PROMPTED["lost"], headers=KEYS["queued"])
    assert (other.status_code, house.services.index.depth()) == (422, before)


def test_webhooks_are_sent_to_who_waited_for_them(house: House, receiver: ProviderServer) -> None:
    house.work()
    pauses_end(house.redis)
    while parcel := house.services.outbox.take("c", 30_000, 2):
        deliver(parcel, house.services, Outbound(allow_private=True))
        pauses_end(house.redis)

    told = [verified(each)["data"] for each in receiver.received]
    subjects = Counter(each.get("job_id") or each["batch_id"] for each in told)
    waited = (
        house.told["jobs"]["queued"],
        house.told["jobs"]["finished"],
        house.told["batch"]["id"],
    )
    assert subjects == dict.fromkeys(waited, 1)


def test_lists_and_the_days_credits_know_what_was_there(house: House) -> None:
    listed = house.get("/jobs?limit=100")["jobs"]

    ids = {*house.told["jobs"].values(), *house.told["batch"]["jobs"]}
    assert {job["job_id"] for job in listed} == ids
    assert house.get("/jobs?status=failed")["jobs"]


def test_all_of_it_is_removed_in_its_time(house: House) -> None:
    house.work()
    short = house.services.settings.model_copy(update={"job_ttl_days": 1e-8})
    retiring = Retiring(replace(house.services, settings=short))

    for _ in range(4):
        retiring.step()

    kinds = {name.removeprefix(PREFIX).split(":")[0] for name in dump(house.redis)}
    assert not kinds & {"job", "batch", "image", "list", "delivery", "tries", "owners", "ring"}


def test_what_waits_has_its_turn_at_once(house: House) -> None:
    house.services.store.heartbeat("new", 100, 60_000)

    picked = house.services.store.dispatch()

    # the queued job is on its way already
    assert set(picked) == {house.told["jobs"]["enlarged"], house.told["batch"]["jobs"][2]}
