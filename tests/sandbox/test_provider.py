import hashlib

import pytest

from sandbox.provider import Provider
from tests.sandbox.helpers import Caller, Clock

STRANGER = "not-a-key"


def test_the_rate_limit_locks_the_key_out(caller: Caller, clock: Clock) -> None:
    caller.set(rate="2/10s", lockout=60)

    statuses = [caller.generate().status_code for _ in range(4)]
    clock.sleep(60)
    after = caller.generate().status_code

    assert (statuses, after) == ([200, 200, 429, 429], 200)
    assert caller.status()["stats"]["rate_limited"] == 2
    assert caller.status()["stats"]["over_limit"] == 2


def test_an_ordered_429_is_told_apart_from_the_limit(caller: Caller) -> None:
    caller.fault("429")
    caller.generate()

    stats = caller.status()["stats"]
    assert (stats["rate_limited"], stats["over_limit"]) == (1, 0)


def test_a_429_has_its_own_body_and_says_when_to_retry_only_if_told(caller: Caller) -> None:
    caller.set(rate="1/10s")
    caller.get("/v2beta/results/x")

    plain = caller.generate()
    caller.set(retry_after_header=True)
    told = caller.generate()

    assert (plain.status_code, plain.json["id"]) == (429, "rate_limit_exceeded")
    assert "Retry-After" not in plain.headers
    assert told.headers["Retry-After"] == "60"


def test_polls_count_towards_the_rate_and_v1_does_not(caller: Caller) -> None:
    caller.set(rate="2/10s")

    v1 = [caller.get("/v1/user/balance").status_code for _ in range(5)]
    polls = [caller.get("/v2beta/results/x").status_code for _ in range(3)]

    assert v1 == [200] * 5
    assert polls == [404, 404, 429]


def test_the_body_of_a_429_is_not_even_looked_at(caller: Caller) -> None:
    caller.set(rate="1/10s")
    caller.generate()

    assert caller.post("generate/core", nonsense="x").status_code == 429


def test_credits_run_out(caller: Caller) -> None:
    caller.set(credits=4)

    statuses = [caller.generate().status_code for _ in range(2)]

    assert statuses == [200, 402]
    assert caller.status()["credits"] == 1.5


def test_a_charged_call_is_in_the_ledger(caller: Caller, photo: bytes) -> None:
    alice = {"stability-client-user-id": "alice"}
    answer = caller.post("upscale/fast", headers=alice, image=photo, output_format="webp")

    (entry,) = caller.ledger()
    assert entry.pop("arrived") <= (charged := entry.pop("time"))
    assert charged.endswith("+00:00")
    assert entry.pop("seed") > 0
    assert entry == {
        "id": 1,
        "path": "/v2beta/stable-image/upscale/fast",
        "operation": "upscale/fast",
        "model": "fast",
        "credits": 2.0,
        "fields": {"output_format": "webp"},
        "input_sha256": hashlib.sha256(photo).hexdigest(),
        "output_sha256": hashlib.sha256(answer.data).hexdigest(),
        "client_id": None,
        "client_user_id": "alice",
        "client_version": None,
        "fault": None,
        "delivered": True,
        "request_id": answer.headers["x-request-id"],
    }


def test_the_ledger_tells_which_fault_a_charged_call_met(caller: Caller, photo: bytes) -> None:
    caller.fault("filtered", count=2)
    caller.generate()
    caller.post("upscale/creative", image=photo, prompt="cat")
    caller.generate()

    assert [entry["fault"] for entry in caller.ledger()] == ["filtered", "filtered", None]


def test_what_is_refused_is_free(caller: Caller) -> None:
    caller.post("generate/core")
    caller.post("generate/core", key=STRANGER, prompt="x")

    assert caller.ledger() == []


def test_an_upscale_is_started_cooks_and_is_collected(
    caller: Caller, clock: Clock, photo: bytes
) -> None:
    start = caller.post("upscale/creative", image=photo, prompt="cat", output_format="jpeg")
    path = f"/v2beta/results/{start.json['id']}"
    cooking = caller.get(path)
    clock.sleep(15)
    done = caller.get(path)

    assert (start.status_code, len(start.json["id"])) == (200, 64)
    assert cooking.status_code == 202
    assert cooking.json == {"id": start.json["id"], "status": "in-progress"}
    assert (done.status_code, done.headers["content-type"]) == (200, "image/jpeg")
    assert done.headers["finish-reason"] == "SUCCESS"


def test_the_start_of_an_upscale_looks_at_no_accept(caller: Caller, photo: bytes) -> None:
    answer = caller.post("upscale/creative", accept="text/html", image=photo, prompt="cat")

    assert answer.status_code == 200


def test_an_upscale_is_charged_at_the_start_and_delivered_at_the_end(
    caller: Caller, clock: Clock, photo: bytes
) -> None:
    start = caller.post("upscale/creative", image=photo, prompt="cat", output_format="jpeg")
    (before,) = caller.ledger()
    clock.sleep(15)
    done = caller.get(f"/v2beta/results/{start.json['id']}")
    (after,) = caller.ledger()

    assert (before["credits"], before["output_sha256"], before["delivered"]) == (60, None, False)
    assert after["output_sha256"] == hashlib.sha256(done.data).hexdigest()
    assert after["delivered"]


@pytest.mark.parametrize("accept", ["*/*", "image/*", "application/json"])
def test_a_result_comes_in_the_form_that_is_asked_for(
    caller: Caller, photo: bytes, accept: str
) -> None:
    job_id = finished_job(caller, photo)

    answer = caller.get(f"/v2beta/results/{job_id}", accept=accept)

    as_json = answer.headers["content-type"] == "application/json; type=image/jpeg"
    assert as_json is (accept == "application/json")


def test_a_result_has_an_older_path_too(caller: Caller, photo: bytes) -> None:
    job_id = finished_job(caller, photo)

    older = caller.get(f"/v2beta/stable-image/upscale/creative/result/{job_id}")

    assert older.data == caller.get(f"/v2beta/results/{job_id}").data


def test_a_result_is_kept_for_a_day(caller: Caller, clock: Clock, photo: bytes) -> None:
    path = f"/v2beta/results/{finished_job(caller, photo)}"
    clock.sleep(24 * 3600 - 1)
    kept = caller.get(path)
    clock.sleep(1)
    gone = caller.get(path)

    assert kept.status_code == 200
    assert (gone.status_code, gone.json["name"]) == (404, "generation_not_found")


def test_only_the_key_that_started_may_collect(caller: Caller, photo: bytes) -> None:
    path = f"/v2beta/results/{finished_job(caller, photo)}"

    assert caller.get(path, key="sk-other").status_code == 404
    assert caller.get(path, key=STRANGER).status_code == 401
    assert caller.get(path, key=None).status_code == 401
    assert caller.get(path, accept="image/png").status_code == 400


def test_impatient_polls_are_counted_and_answered(
    caller: Caller, clock: Clock, photo: bytes
) -> None:
    path = f"/v2beta/results/{finished_job(caller, photo)}"
    for wait in (0, 9.9, 10):
        clock.sleep(wait)
        assert caller.get(path).status_code == 200

    assert caller.status()["stats"]["early_polls"] == 1


def test_answers_take_their_time(caller: Caller, clock: Clock, photo: bytes) -> None:
    caller.set(latency={"generate": 2, "upscale": 3, "creative_start": 4})

    caller.generate()
    caller.post("upscale/fast", image=photo)
    caller.post("upscale/creative", image=photo, prompt="x")

    assert clock.slept == [2, 3, 4]


def test_travel_passes_before_the_arrival_is_counted(
    caller: Caller, provider: Provider, clock: Clock
) -> None:
    caller.set(travel=5)

    caller.get("/v2beta/results/x")

    assert len(clock.slept) == 1
    assert 0 <= clock.slept[0] <= 5


def finished_job(caller: Caller, photo: bytes) -> str:
    caller.set(latency={"creative_cook": 0})
    start = caller.post("upscale/creative", image=photo, prompt="cat", output_format="jpeg")
    return str(start.json["id"])
