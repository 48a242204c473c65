import pytest

from tests.sandbox.helpers import KEY, Caller


def test_status_shows_settings_stats_and_faults(caller: Caller) -> None:
    caller.fault("cut", count=None, operation="upscale")
    caller.generate()
    caller.post("generate/sd3")

    status = caller.status()

    assert status["settings"]["rate"] == "150/10s"
    assert status["stats"]["calls"] == {"generate/sd3": {"200": 1, "400": 1}}
    assert (status["stats"]["in_flight"], status["stats"]["peak_in_flight"]) == (0, 1)
    assert status["faults"][0]["kind"] == "cut"
    assert status["credits"] == 999_997.5


def test_the_control_endpoint_is_no_provider_call(caller: Caller) -> None:
    caller.status()

    assert caller.status()["stats"]["calls"] == {}


@pytest.mark.parametrize(
    ("method", "path", "order", "problem"),
    [
        ("PUT", "settings", {"speed": 1}, "unknown setting 'speed'; allowed: latency"),
        ("PUT", "settings", [1], "settings are given as a JSON object"),
        ("POST", "faults", {"kind": "explode"}, "a fault is an object with a kind; kinds:"),
    ],
)
def test_a_wrong_order_is_answered_with_what_is_allowed(
    caller: Caller, method: str, path: str, order: object, problem: str
) -> None:
    answer = caller.send(method, f"/_sandbox/{path}", json=order)

    assert answer.status_code == 400
    assert answer.json["error"].startswith(problem)


def test_an_order_that_is_no_json_is_refused(caller: Caller) -> None:
    answer = caller.send("PUT", "/_sandbox/settings", data="down=1")

    assert (answer.status_code, "application/json" in answer.json["error"]) == (400, True)


def test_a_provider_that_is_down_answers_with_a_gateways_page(caller: Caller) -> None:
    caller.set(down=True)
    answers = [caller.post("generate/core"), caller.get("/v1/user/balance")]
    caller.set(down=False)

    assert [(a.status_code, a.headers["content-type"]) for a in answers] == [
        (503, "text/html; charset=utf-8")
    ] * 2
    assert caller.get("/v1/user/balance").status_code == 200


def test_valid_keys_can_be_listed(caller: Caller) -> None:
    caller.set(valid_keys=["sk-other"])
    listed = [caller.get("/v1/user/balance", key=key).status_code for key in (KEY, "sk-other")]
    caller.set(valid_keys=None)

    assert listed == [401, 200]
    assert caller.get("/v1/user/balance").status_code == 200


def test_a_share_of_calls_fails_by_chance(caller: Caller) -> None:
    caller.set(fail_rate=1, fail_kinds=["moderated"])
    assert caller.generate().status_code == 403

    caller.set(fail_rate=0)
    assert caller.generate().status_code == 200


def test_faults_can_be_cleared(caller: Caller) -> None:
    caller.fault("moderated", count=None)

    caller.send("DELETE", "/_sandbox/faults")

    assert caller.generate().status_code == 200


def test_the_ledger_can_be_asked_for_a_prompt_and_cleared(caller: Caller) -> None:
    caller.generate("a cat")
    caller.generate("a dog")

    found = caller.send("GET", "/_sandbox/ledger?prompt=a+dog").json["entries"]
    caller.send("DELETE", "/_sandbox/ledger")

    assert [entry["id"] for entry in found] == [2]
    assert caller.ledger() == []
    assert caller.status()["credits"] == 999_995


def test_reset_goes_back_to_the_start(caller: Caller, photo: bytes) -> None:
    start = caller.status()
    caller.set(rate="1/10s", down=False, credits=500)
    caller.fault("cut", operation="results")
    job = caller.post("upscale/creative", image=photo, prompt="x").json["id"]
    assert caller.generate().status_code == 429

    caller.send("POST", "/_sandbox/reset")

    assert caller.status() == start
    assert caller.ledger() == []
    assert caller.get(f"/v2beta/results/{job}").status_code == 404
