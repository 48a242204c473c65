"""GET /jobs: the jobs, newest first, in pages that stay as they are while jobs come and go."""

import base64

import pytest

from shared.batches import STATUSES
from tests.api.callers import Api, errors_of, json_of
from tests.builders import accepted, accepted_batch, in_state, running


def page(api: Api, query: str = "") -> tuple[list[str], str | None]:
    """Return the ids of a page and the cursor of the next."""
    answer = api.get(f"/jobs{query}")
    body = json_of(answer)
    assert answer.status_code == 200, body
    assert list(body) == ["jobs", "next_cursor"]
    return [job["job_id"] for job in body["jobs"]], body["next_cursor"]


def pages(api: Api, query: str) -> list[list[str]]:
    """Return the ids of all pages."""
    ids, cursor = page(api, query)
    found = [ids]
    while cursor:
        assert len(found) < 50, "the pages do not end"
        ids, cursor = page(api, f"{query}&cursor={cursor}")
        found.append(ids)
    return found


def newest_first(api: Api, ids: list[str]) -> list[str]:
    """Return ids in the order of a list."""
    return sorted(ids, key=lambda i: (api.store.get(i).created, i), reverse=True)  # type: ignore[union-attr]


def test_the_list_of_nothing_is_empty(api: Api) -> None:
    assert page(api) == ([], None)


def test_the_newest_job_comes_first_and_is_told_as_elsewhere(api: Api) -> None:
    ids = [*[accepted(api.store).id for _ in range(3)], running(api.store).id]

    answer = api.get("/jobs")

    assert page(api) == (newest_first(api, ids), None)
    jobs = {job["job_id"]: job for job in json_of(answer)["jobs"]}
    assert jobs[ids[3]] == json_of(api.get(f"/jobs/{ids[3]}"))
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("status", STATUSES)
def test_a_list_may_be_of_one_status(api: Api, status: str) -> None:
    made = {state: in_state(api.store, state) for state in STATUSES}

    assert page(api, f"?status={status}") == ([made[status]], None)


def test_what_is_about_to_run_or_pauses_is_queued(api: Api) -> None:
    ids = [in_state(api.store, state) for state in ("delayed", "dispatched")]

    assert sorted(page(api, "?status=queued")[0]) == sorted(ids)


def test_a_list_may_be_of_one_kind(api: Api) -> None:
    generated, upscaled = accepted(api.store), accepted(api.store, kind="upscale")

    assert page(api, "?kind=generate") == ([generated.id], None)
    assert page(api, "?kind=upscale") == ([upscaled.id], None)


def test_a_list_may_be_of_one_batch(api: Api) -> None:
    accepted(api.store)
    batch = accepted_batch(api.store, 5)
    accepted_batch(api.store, 2)

    assert page(api, f"?batch_id={batch.id}") == ([*reversed(batch.jobs)], None)
    assert page(api, "?batch_id=unknown") == ([], None)


def test_what_is_asked_for_must_all_be_so(api: Api) -> None:
    batch = accepted_batch(api.store, 5)
    running(api.store)
    api.store.cancel(batch.jobs[1:3])
    running(api.store, kind="upscale")

    assert page(api, f"?batch_id={batch.id}&status=canceled")[0] == [*reversed(batch.jobs[1:3])]
    assert page(api, f"?batch_id={batch.id}&kind=upscale") == ([], None)
    assert page(api, "?kind=upscale&status=queued") == ([], None)


def test_an_option_that_is_left_empty_is_none(api: Api) -> None:
    job = accepted(api.store)

    assert page(api, "?status=&kind=&batch_id=&cursor=") == ([job.id], None)


@pytest.mark.parametrize("number", [1, 3, 100])
def test_a_page_is_as_long_as_asked_for_and_fifty_otherwise(api: Api, number: int) -> None:
    for _ in range(102):
        accepted(api.store)

    assert len(page(api, f"?limit={number}")[0]) == number
    assert len(page(api)[0]) == 50


@pytest.mark.parametrize("query", ["?limit=2", "?limit=2&status=queued", "?limit=2&batch_id={}"])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_the_pages_are_the_list_and_the_last_one_has_no_cursor(
    api: Api, query: str, number: int
) -> None:
    batch = accepted_batch(api.store, number)  # all of one moment

    found = pages(api, query.format(batch.id))

    assert [job_id for ids in found for job_id in ids] == [*reversed(batch.jobs)]
    assert [len(ids) for ids in found] == [2] * (number // 2) + [1] * (number % 2)


@pytest.mark.parametrize("query", ["?limit=2", "?limit=2&batch_id={}"])
def test_pages_stay_as_they_are_while_jobs_come_and_end(api: Api, query: str) -> None:
    batch = accepted_batch(api.store, 5)
    query = query.format(batch.id)
    first, cursor = page(api, query)
    api.store.cancel(batch.jobs[3:])
    api.store.claim(batch.jobs[0], "c", 1_000)
    accepted(api.store)

    second, after = page(api, f"{query}&cursor={cursor}")
    third, last = page(api, f"{query}&cursor={after}")

    assert first + second + third == [*reversed(batch.jobs)]
    assert last is None


def test_a_cursor_is_good_though_its_job_is_of_another_status_by_now(api: Api) -> None:
    batch = accepted_batch(api.store, 4)
    _, cursor = page(api, "?status=queued&limit=2")
    api.store.cancel(batch.jobs)

    assert page(api, f"?status=canceled&limit=9&cursor={cursor}")[0] == [*reversed(batch.jobs[:2])]


def written(text: str) -> str:
    """Return a cursor of any text."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    ["x", "!", "🦊", written("5"), written(".a"), written("5."), written("-5.a"), written("5.a b"),
     written("9" * 16 + ".a"), written("٣.a"), written("inf.a"), written("5.a'--")],
)  # fmt: skip
def test_a_cursor_that_this_service_did_not_give_is_refused(api: Api, cursor: str) -> None:
    assert list(errors_of(api.get(f"/jobs?cursor={cursor}"))) == ["cursor"]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "ten", "", "+5", "٣", "9" * 400])
def test_a_limit_that_is_none_is_refused(api: Api, limit: str) -> None:
    assert errors_of(api.get(f"/jobs?limit={limit}")) == {
        "limit": "limit must be an integer from 1 to 100"
    }


def test_everything_wrong_is_told_at_once_with_what_is_allowed(api: Api) -> None:
    errors = errors_of(api.get("/jobs?status=done&kind=video&limit=0&cursor=x&order=up"))

    assert errors == {
        "order": "order is not one of status, kind, batch_id, limit, cursor",
        "kind": "kind must be one of generate, upscale",
        "status": f"status must be one of {', '.join(STATUSES)}",
        "limit": "limit must be an integer from 1 to 100",
        "cursor": "cursor must be a next_cursor that this service gave",
    }


def test_an_option_that_is_given_twice_is_refused_and_not_dropped(api: Api) -> None:
    errors = errors_of(api.get("/jobs?status=queued&status=running"))

    assert errors == {"status": "status must be given once"}
