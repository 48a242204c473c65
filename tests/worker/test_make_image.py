"""A job's whole life in a worker, on the real store, with a provider that does as it is told."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageOps
from redis import Redis

from shared.errors import StorageError, StoreUnavailable
from shared.job_store import JobStore
from shared.moves import Pace, Release
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import LEASE_MS, a_job, accepted, at_once, dump, known, places
from tests.fakes import ScriptedProvider
from tests.folders import folder_of
from tests.pictures import damaged, laden, opened, picture, turned
from tests.worker.bench import IMAGE, PICTURE, after_a_run, pixels_sent, upscale, workshop
from worker.make_image import make_image
from worker.sweep import sweep
from worker.wire import ProviderImage


def test_a_job_ends_with_its_picture(services: Services, redis_client: "Redis") -> None:
    job = accepted(services.store)

    done = after_a_run(services, job, ScriptedProvider(IMAGE))

    path = services.images.find(job.image)
    assert path is not None
    assert path.read_bytes() == PICTURE
    assert done.status == "succeeded"
    assert done.result == {
        "format": "png", "width": 64, "height": 64, "bytes": len(PICTURE), "seed": 7,
    }  # fmt: skip
    assert (done.credits, done.attempts, done.provider_request_id) == (3_000, 1, "q1")
    assert done.provider_ms is not None
    assert places(redis_client, job.id) == []


def test_what_goes_out_is_what_was_asked_for(services: Services) -> None:
    provider = ScriptedProvider(IMAGE)

    after_a_run(services, accepted(services.store), provider)

    (outgoing,) = provider.calls
    assert outgoing.path == "/v2beta/stable-image/generate/core"
    assert outgoing.parts["prompt"] == (None, "a fox")
    assert outgoing.headers["Authorization"] == "Bearer sk-sandbox"


def test_a_picture_to_enlarge_is_sent_and_then_forgotten(services: Services) -> None:
    job, provider = (
        upscale(services),
        ScriptedProvider(ProviderImage(picture(256, 256), None, None)),
    )

    done = after_a_run(services, job, provider)

    assert done.status == "succeeded"
    assert pixels_sent(provider) == opened(PICTURE).tobytes()
    with pytest.raises(FileNotFoundError):
        services.images.read_input(job.input)


def test_an_input_that_is_gone_fails_the_job_without_a_call(services: Services) -> None:
    job, provider = upscale(services), ScriptedProvider()
    services.images.delete_input(job.input)

    done = after_a_run(services, job, provider)

    assert (done.status, done.error_code, done.credits) == ("failed", "internal", 0)
    assert provider.calls == []


def test_a_job_that_fails_keeps_its_input_for_a_retry(services: Services) -> None:
    job = upscale(services)

    after_a_run(services, job, ScriptedProvider(StorageError("no")))

    assert services.images.read_input(job.input) == PICTURE


def test_another_format_is_converted_to_the_one_that_was_asked_for(services: Services) -> None:
    job = accepted(services.store)

    done = after_a_run(services, job, ScriptedProvider(ProviderImage(picture(form="webp"), 1, "q")))

    assert done.result is not None
    assert done.result["format"] == "png"


def test_a_second_message_does_nothing(services: Services, redis_client: "Redis") -> None:
    job, provider = accepted(services.store), ScriptedProvider(IMAGE)
    after_a_run(services, job, provider)
    before = dump(redis_client)

    after_a_run(services, job, provider)

    assert len(provider.calls) == 1
    assert dump(redis_client) == before


def test_a_message_for_a_job_that_nobody_knows_does_nothing(
    services: Services, redis_client: "Redis"
) -> None:
    make_image(a_job().id, workshop(services, ScriptedProvider()))

    assert dump(redis_client) == {}


def test_twenty_messages_at_once_make_one_call(services: Services) -> None:
    job, provider = accepted(services.store), ScriptedProvider(*[IMAGE] * 20)
    shop = workshop(services, provider)

    at_once(lambda _: make_image(job.id, shop), range(20))

    assert len(provider.calls) == 1
    assert known(services.store, job.id).status == "succeeded"


def test_an_image_that_is_there_finishes_the_job_without_a_call(services: Services) -> None:
    job, provider = accepted(services.store), ScriptedProvider()
    services.images.put(job.image, PICTURE)

    done = after_a_run(services, job, provider)

    assert (done.status, done.credits, done.attempts) == ("succeeded", 3_000, 0)
    assert done.result is not None
    assert (done.result["width"], done.result["seed"]) == (64, None)


def test_a_broken_file_in_the_images_place_finishes_nothing(services: Services) -> None:
    job, provider = accepted(services.store), ScriptedProvider(IMAGE)
    services.images.put(job.image, PICTURE[:-1])

    after_a_run(services, job, provider)

    assert len(provider.calls) == 1
    assert (folder_of(services.images) / job.image).read_bytes() == PICTURE


def test_a_defect_of_ours_ends_the_job(services: Services) -> None:
    done = after_a_run(services, accepted(services.store), ScriptedProvider(KeyError("x")))

    assert (done.status, done.error_code) == ("failed", "internal")
    assert "KeyError" not in str(done.error)


def test_an_image_that_comes_after_the_job_was_given_to_another_still_finishes_it(
    services: Services,
) -> None:
    job = accepted(services.store)

    def late() -> ProviderImage:
        store = services.store
        assert store.release(job.id, known(store, job.id).claim, Release(counter="unknown"))
        store.claim(job.id, "another", LEASE_MS)
        return IMAGE

    done = after_a_run(services, job, ScriptedProvider(late))

    assert (done.status, done.credits) == ("succeeded", 3_000)


def test_a_store_that_goes_away_after_the_call_costs_no_second_call(
    services: Services, redis_client: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.leases._AGAIN_SECONDS", 0)

    class Away(JobStore):
        def succeed(self, job_id: str, ttl_ms: int = 0, **fields: Any) -> bool:
            raise StoreUnavailable("away")

    provider, job = ScriptedProvider(IMAGE), accepted(services.store)
    with monkeypatch.context() as soon:
        soon.setattr("worker.leases._REMEMBER_SECONDS", 0.1)
        after_a_run(services, job, provider, store=Away(redis_client, Pace(1)))
    assert known(services.store, job.id).status == "running"

    redis_client.zadd(f"{PREFIX}running", {job.id: 1})
    sweep(services)

    assert known(services.store, job.id).status == "succeeded"
    assert len(provider.calls) == 1


def test_an_enlarged_picture_has_the_shape_that_a_viewer_saw(services: Services) -> None:
    sent = turned("jpeg", 6)
    job, provider = (
        upscale(services, sent),
        ScriptedProvider(ProviderImage(picture(96, 128), None, None)),
    )

    done = after_a_run(services, job, provider)

    assert done.status == "succeeded"
    assert pixels_sent(provider) == ImageOps.exif_transpose(opened(sent)).tobytes()


def test_a_picture_with_damaged_pixels_ends_its_job_before_anything_is_paid(
    services: Services,
) -> None:
    job, provider = upscale(services, damaged("png")), ScriptedProvider()

    done = after_a_run(services, job, provider)

    assert (done.status, done.error_code, done.credits) == ("failed", "provider_rejected", 0)
    assert done.error == "The image's pixels are damaged; nothing was charged, send another file"
    assert provider.calls == []
    assert services.images.read_input(job.input) == damaged("png")


def test_no_file_is_written_while_a_picture_is_prepared(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))

    for number, data in enumerate((turned("jpeg", 6), laden("webp"), damaged("png"))):
        job = upscale(services, data, input=f"{number:032x}.png")
        after_a_run(services, job, ScriptedProvider(StorageError("no")))

    files = [path for path in folder_of(services.images).rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} == {"inputs"}
    assert len(files) == 3
