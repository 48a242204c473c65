"""Every caller sees its own and nothing else: no route tells whether it is another's or never was."""

import re
from typing import Any

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from api.auth import is_open
from shared.jobs import new_job_id
from tests.api.callers import Api, assert_fault, json_of
from tests.api.conftest import Start
from tests.pictures import picture
from tests.webhooks import SECRET

ALICE, BOB = {"X-API-Key": "alice-has-this-key"}, {"X-API-Key": "bob-has-that-key"}
KEYS = "alice:alice-has-this-key,bob:bob-has-that-key"
HOOK = "http://127.0.0.1:9/hook"


@pytest.fixture
def api(start: Start) -> Api:
    """Give a service with two keys, and webhooks."""
    return start(client_keys=KEYS, webhook_secret=SECRET, webhook_allow_private="true")


def order(api: Api, key: dict[str, str], **more: str) -> TestResponse:
    """Ask for an image with a key."""
    body = {"prompt": "a fox", "webhook_url": HOOK}
    return api.call("POST", "/generate_image", json=body, headers={**key, **more})


def batch(api: Api, key: dict[str, str]) -> str:
    """Return the id of a batch."""
    body = {"jobs": [{"prompt": "a fox"}, {"prompt": "a hare"}], "webhook_url": HOOK}
    return str(json_of(api.call("POST", "/batches", json=body, headers=key))["batch_id"])


# What names a thing that is the same for everybody.
OF_NOBODY = {"/v1/models/<model_id>"}


def without_ids(answer: TestResponse) -> Any:
    """Return all of an answer that a caller could compare, but for the ids of the request."""
    body = answer.get_json(silent=True)  # HEAD has none
    headers = {name: value for name, value in answer.headers if name != "X-Request-ID"}
    if isinstance(body, dict):
        body.pop("request_id", None)
    return answer.status_code, body, headers


def routes(api: Api) -> list[tuple[str, Rule]]:
    """Return every method of every rule that asks for a key."""
    return [
        (method, rule)
        for rule in api.app.url_map.iter_rules()
        if not is_open(rule.rule)
        for method in sorted((rule.methods or set()) - {"OPTIONS"})
    ]


def test_every_route_asks_for_a_key_and_does_nothing_without(api: Api) -> None:
    for method, rule in routes(api):
        path = re.sub(r"<[^>]+>", new_job_id(), rule.rule)
        for key in ({}, {"X-API-Key": "nobody-has-this"}):
            assert api.call(method, path, headers=key).status_code == 401, path

    assert api.is_empty()


def test_every_route_knows_anothers_as_little_as_what_never_was(api: Api) -> None:
    job_id, batch_id = json_of(order(api, ALICE))["job_id"], batch(api, ALICE)
    api.fail(job_id)
    own = {"job_id": job_id, "batch_id": batch_id}
    before = dict(api.redis.hgetall(f"images:job:{job_id}"))
    named = [(method, rule) for method, rule in routes(api) if rule.arguments]
    walked = [(method, rule) for method, rule in named if rule.rule not in OF_NOBODY]
    assert len(walked) > 20

    for method, rule in walked:
        assert rule.arguments <= own.keys(), f"say here what {rule} is to find"
        theirs = path_of(rule, own)
        unknown = path_of(rule, dict.fromkeys(own, new_job_id()))

        answers = [api.call(method, path, headers=BOB) for path in (theirs, unknown)]

        assert answers[0].status_code == 404, theirs
        assert without_ids(answers[0]) == without_ids(answers[1]), theirs

    assert api.redis.hgetall(f"images:job:{job_id}") == before
    assert json_of(api.get(f"/batches/{batch_id}", **ALICE))["status"] == "queued"
    assert api.call("DELETE", f"/batches/{batch_id}", headers=ALICE).status_code == 200
    for method, rule in walked:
        mine = api.call(method, path_of(rule, own), headers=ALICE)
        assert mine.status_code not in {401, 404}, rule


def path_of(rule: Rule, ids: dict[str, str]) -> str:
    """Return the path of a rule with these ids in it."""
    return re.sub(r"<(\w+)>", lambda found: ids[found[1]], rule.rule)


def test_a_list_holds_the_callers_own_jobs_and_no_other(api: Api) -> None:
    mine, theirs = json_of(order(api, ALICE))["job_id"], json_of(order(api, BOB))["job_id"]
    their_batch = batch(api, BOB)

    told = json_of(api.get("/jobs", **ALICE))
    first = json_of(api.get("/jobs?limit=1", **BOB))
    further = json_of(api.get(f"/jobs?cursor={first['next_cursor']}", **ALICE))
    of_batch = json_of(api.get(f"/jobs?batch_id={their_batch}", **ALICE))

    assert [job["job_id"] for job in told["jobs"]] == [mine]
    assert theirs not in str(further)
    assert of_batch == json_of(api.get(f"/jobs?batch_id={new_job_id()}", **ALICE))


def test_an_idempotency_key_is_its_callers_alone(api: Api) -> None:
    once = {"Idempotency-Key": "order-1"}
    mine, theirs = order(api, ALICE, **once), order(api, BOB, **once)
    again = order(api, ALICE, **once)

    assert json_of(mine)["job_id"] == json_of(again)["job_id"] != json_of(theirs)["job_id"]
    assert "Idempotent-Replayed" not in theirs.headers
    other = api.call("POST", "/generate_image", json={"prompt": "x"}, headers={**BOB, **once})
    assert_fault(other, 422, "idempotency_key_reused")


def test_a_retry_belongs_to_who_asked_for_it(api: Api) -> None:
    job_id = json_of(order(api, ALICE))["job_id"]
    api.fail(job_id)

    again = api.call("POST", f"/jobs/{job_id}/retry", headers=ALICE)

    assert (api.job(again).owner, api.job(again).retry_of) == ("alice", job_id)


def test_whoever_has_an_images_address_may_see_and_enlarge_it(api: Api) -> None:
    told = json_of(order(api, ALICE))
    job = api.services.store.get(told["job_id"])
    assert job
    api.services.images.put(job.image, picture(form="webp"))

    enlarged = api.call(
        "POST", "/upscale_image", json={"image_url": told["image_url"]}, headers=BOB
    )

    assert (enlarged.status_code, api.job(enlarged).owner) == (202, "bob")
    assert api.get(told["image_url"]).status_code == 200


def test_the_open_callers_jobs_are_hidden_while_there_are_keys_and_alices_without(
    start: Start,
) -> None:
    opened = start()
    old = json_of(opened.generate())["job_id"]

    keyed = start(client_keys=KEYS)
    mine = json_of(keyed.call("POST", "/generate_image", json={"prompt": "x"}, headers=ALICE))
    hidden = keyed.get(f"/jobs/{old}", **ALICE)

    assert_fault(hidden, 404, "not_found")
    assert [job["job_id"] for job in json_of(start().get("/jobs"))["jobs"]] == [old]
    assert_fault(start().get(f"/jobs/{mine['job_id']}"), 404, "not_found")
