"""Alive, and able to work: what is missing is told by name."""

from dataclasses import replace

import pytest

from shared.folder_store import FolderStore
from shared.schema import SCHEMA_VERSION
from shared.version import VERSION
from tests.api.callers import Api, assert_fault, json_of
from tests.api.conftest import Start
from tests.folders import folder_of
from tests.redis_server import full


@pytest.fixture
def ready(api: Api) -> Api:
    """Give an API with a live worker."""
    api.store.heartbeat("w", 10, 60_000)
    return api


def test_alive_asks_nothing(without_redis: Api) -> None:
    answer = without_redis.get("/healthz")

    assert (answer.status_code, json_of(answer)) == (
        200,
        {"status": "ok", "version": VERSION},
    )
    assert answer.headers["Cache-Control"] == "no-store"


def test_ready_when_all_is_there(ready: Api) -> None:
    answer = ready.get("/readyz")

    assert answer.status_code == 200
    assert json_of(answer) == {
        "status": "ok",
        "checks": {"redis": "ok", "worker": "ok", "storage": "ok"},
        "provider": {"name": "sandbox", "state": "ok", "paused_seconds": 0},
    }
    assert answer.headers["Cache-Control"] == "no-store"


def missing(api: Api) -> dict[str, str]:
    """Return what is missing, with how it is told, of a service that is not ready."""
    answer = api.get("/readyz")
    assert_fault(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"
    body = json_of(answer)
    names = {name: text for name, text in body["checks"].items() if text != "ok"}
    assert body["error"] == f"Not ready: {', '.join(names)}"
    return names


def test_without_a_worker_it_is_not_ready(api: Api) -> None:
    assert missing(api) == {"worker": "no live worker"}


def test_a_worker_that_said_good_bye_does_not_count(ready: Api) -> None:
    ready.store.heartbeat("w", 0, 0)

    assert missing(ready) == {"worker": "no live worker"}


def test_a_worker_whose_heartbeat_ran_out_does_not_count(ready: Api) -> None:
    ready.redis.zadd("images:workers", {"w": 1})

    assert missing(ready) == {"worker": "no live worker"}


def test_workers_that_can_keep_no_image_are_told_whatever_the_api_can(ready: Api) -> None:
    ready.store.heartbeat("w", 0, 60_000)

    assert missing(ready) == {"worker": "no worker can keep images"}


def test_workers_that_do_not_reach_the_provider_are_ready_and_the_provider_is_told(
    ready: Api,
) -> None:
    ready.store.heartbeat("w", 0, 60_000, "provider_unavailable")

    answer = ready.get("/readyz")

    assert answer.status_code == 200
    assert answer.get_json()["provider"]["state"] == "provider_unavailable"


def test_without_redis_it_is_not_ready(without_redis: Api) -> None:
    assert missing(without_redis) == {"redis": "does not answer", "worker": "unknown"}


def test_a_redis_that_answers_and_takes_nothing_is_told(ready: Api) -> None:
    with full(ready.redis):
        assert missing(ready) == {"redis": "takes nothing: full, or a replica"}

    assert ready.get("/readyz").status_code == 200


def test_a_store_of_a_newer_release_is_told_and_takes_nothing(ready: Api) -> None:
    ready.redis.set("images:schema", SCHEMA_VERSION + 1)

    told = missing(ready)
    assert "A newer release has written" in told["redis"]
    answer = ready.generate(prompt="a fox")
    assert_fault(answer, 503, "unavailable")
    assert "A newer release has written" in json_of(answer)["error"]


def test_storage_that_takes_nothing_is_told(ready: Api) -> None:
    folder = folder_of(ready.services.images)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")

    assert missing(ready) == {"storage": "not writable"}


class FullStore(FolderStore):
    """Storage with less room than must be there."""

    def trouble(self) -> str:
        """Tell so."""
        return "almost full"


def test_storage_that_is_almost_full_is_told(ready: Api) -> None:
    full = FullStore(folder_of(ready.services.images))

    assert missing(Api(replace(ready.services, images=full), ready.redis)) == {
        "storage": "almost full"
    }


def test_asking_leaves_nothing_behind_in_storage(ready: Api) -> None:
    ready.get("/readyz")

    assert list(folder_of(ready.services.images).iterdir()) == []


def test_a_pause_of_the_provider_is_told_and_makes_nothing_unready(ready: Api) -> None:
    ready.store.pause(60_000)

    answer = ready.get("/readyz")

    assert answer.status_code == 200
    assert 55 <= json_of(answer)["provider"]["paused_seconds"] <= 60


def test_the_real_provider_is_told_by_name_and_its_key_never(start: Start) -> None:
    api = start(api_key="sk-very-secret")
    api.store.heartbeat("w", 10, 60_000)

    answer = api.get("/readyz")

    assert json_of(answer)["provider"]["name"] == "stability"
    assert b"secret" not in answer.get_data()
