"""A webhook is asked for by its address, which is refused at once when it can't be called."""

import io
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from api.bodies import Body
from api.receivers import look_at_receivers
from api.submission import Submission, read_generate
from api.validation import Envelope
from shared import outbound
from shared.errors import InvalidRequest
from shared.services import Services
from tests.api.callers import Api, assert_fault, errors_of, json_of
from tests.api.conftest import Start
from tests.builders import known
from tests.pictures import picture
from tests.shared.outside import PUBLIC, Names
from tests.webhooks import SECRET

# an address and no name, so that nothing is looked up
URL = f"https://{PUBLIC}/done?order=17"
PRIVATE = "webhook_url can't be called: address is private"


@pytest.fixture
def api(start: Start) -> Api:
    """Give an API with a secret to sign by."""
    return start(webhook_secret=SECRET)


def batch(api: Api, **fields: Any) -> TestResponse:
    """Submit a batch as JSON."""
    return api.call("POST", "/batches", json=fields)


@pytest.mark.parametrize("way", ["json", "form", "upscale"])
def test_an_address_is_kept_with_its_job(api: Api, way: str) -> None:
    asks: dict[str, Callable[[], TestResponse]] = {
        "json": lambda: api.generate(webhook_url=URL),
        "form": lambda: api.generate_form(webhook_url=URL),
        "upscale": lambda: api.upscale(webhook_url=URL),
    }

    answer = asks[way]()

    assert answer.status_code == 202
    assert api.job(answer).webhook == URL


def test_without_an_address_nobody_is_called(api: Api) -> None:
    assert api.job(api.generate()).webhook == ""
    assert api.job(api.generate(webhook_url=None)).webhook == ""
    assert api.job(api.generate_form(webhook_url="")).webhook == ""


def test_a_batch_and_its_jobs_have_addresses_of_their_own(api: Api) -> None:
    answer = batch(
        api,
        webhook_url=URL,
        jobs=[{"prompt": "a"}, {"prompt": "b", "webhook_url": f"{URL}&job=b"}],
    )

    found = api.services.index.batch(json_of(answer)["batch_id"])
    assert found
    assert found.webhook == URL
    jobs = api.services.index.jobs(found.jobs)
    assert sorted(job.webhook for job in jobs) == ["", f"{URL}&job=b"]


def test_an_address_among_the_defaults_is_that_of_each_job(api: Api) -> None:
    answer = batch(api, defaults={"webhook_url": URL}, jobs=[{"prompt": "a"}, {"prompt": "b"}])

    found = api.services.index.batch(json_of(answer)["batch_id"])
    assert found
    assert found.webhook == ""
    assert {job.webhook for job in api.services.index.jobs(found.jobs)} == {URL}


def test_the_address_in_a_batchs_form_is_the_batchs_alone(api: Api) -> None:
    files = [(io.BytesIO(picture()), f"{number}.png") for number in range(2)]

    answer = api.call("POST", "/batches", data={"webhook_url": URL, "image": files})

    found = api.services.index.batch(json_of(answer)["batch_id"])
    assert found
    assert found.webhook == URL
    assert {job.webhook for job in api.services.index.jobs(found.jobs)} == {""}


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://hooks.invalid/", "can't be called: not a valid http or https URL"),
        ("hooks.invalid", "can't be called: not a valid http or https URL"),
        ("https://me:pass@hooks.invalid/",
         "can't be called: a user name or password in the URL"),
        ("http://127.0.0.1:5000/", "can't be called: address is private"),
        ("http://10.1.2.3/", "can't be called: address is private"),
        ("http://169.254.169.254/latest", "can't be called: address is private"),
        ("http://[::1]/", "can't be called: address is private"),
        ("http://2130706433/", "can't be called: address is private"),
        ("http://localhost:5000/", "can't be called: address is private"),
        ("https://hooks.invalid/" + "a" * 2_027, "must be a string of 1 to 2048 characters"),
        ("", "must be a string of 1 to 2048 characters"),
        (17, "must be a string of 1 to 2048 characters"),
        (["https://hooks.invalid/"], "must be a string of 1 to 2048 characters"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_an_address_that_cannot_be_called_is_refused(
    api: Api, url: object, problem: str, query: str
) -> None:
    answer = api.generate(query, webhook_url=url)

    assert errors_of(answer) == {"webhook_url": f"webhook_url {problem}"}
    assert api.is_empty()


def test_the_longest_address_is_taken(api: Api) -> None:
    url = f"https://{PUBLIC}/".ljust(2_048, "a")

    assert api.job(api.generate(webhook_url=url)).webhook == url


def test_without_a_secret_an_address_is_refused(start: Start) -> None:
    api = start()
    expected = {
        "webhook_url": "webhook_url can't be called: WEBHOOK_SECRET is not set on this service"
    }

    assert errors_of(api.generate(webhook_url=URL)) == expected
    assert errors_of(batch(api, webhook_url=URL, jobs=[{"prompt": "a"}])) == expected
    assert api.is_empty()


def test_all_faults_are_told_with_that_of_the_address(api: Api) -> None:
    faults = errors_of(api.generate(prompt=" ", webhook_url="http://10.0.0.1/"))

    assert faults == {"prompt": "Prompt is required", "webhook_url": PRIVATE}


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://localhost:9/", "http://10.0.0.1/"])
def test_an_operator_may_allow_private_addresses(start: Start, url: str) -> None:
    api = start(webhook_secret=SECRET, webhook_allow_private=True)

    assert api.generate(webhook_url=url).status_code == 202


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://localhost/"])
def test_a_batchs_faults_name_the_job_whose_address_it_is(api: Api, url: str) -> None:
    jobs = [{"prompt": "a"}, {"prompt": "b", "webhook_url": url}, {"prompt": "c"}]

    answer = batch(api, webhook_url=url, jobs=jobs)

    body = json_of(answer)
    assert body["error"] == "1 of 3 jobs is invalid"
    assert body["errors"] == [
        {"index": 1, "field": "webhook_url", "error": PRIVATE},
        {"field": "webhook_url", "error": PRIVATE},
    ]
    assert api.is_empty()


def test_the_address_of_a_batch_itself_is_refused_without_a_jobs_number(api: Api) -> None:
    answer = batch(api, webhook_url="http://localhost/", jobs=[{"prompt": "a"}])

    assert errors_of(answer) == {"webhook_url": PRIVATE}


def test_hosts_are_looked_up_at_the_same_time_and_each_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    # so that only its company ends a look
    monkeypatch.setattr(outbound, "LOOK_UP_SECONDS", 60.0)
    slow = Hanging(8)
    urls = [f"http://r{number % 8}.test/{number}" for number in range(40)]
    submission = batch_to(api, urls)

    look_at_receivers(submission, api.services.settings, slow)

    assert slow.met
    assert sorted(slow.asked) == [f"r{number}.test" for number in range(8)]


def test_many_hosts_take_no_longer_than_one(start: Start) -> None:
    api = start(webhook_secret=SECRET, batch_max_jobs=400)
    slow = Hanging(401)
    submission = batch_to(api, [f"http://r{number}.test/" for number in range(400)])
    begun = time.monotonic()

    look_at_receivers(submission, api.services.settings, slow)
    slow.over.set()

    assert time.monotonic() - begun < 7  # by 128 at a time they would take 8 s


@pytest.mark.parametrize("addresses", [["10.0.0.1"], [PUBLIC, "192.168.0.1"]])
def test_a_name_that_leads_to_a_private_address_is_refused(api: Api, addresses: list[str]) -> None:
    submission = replace(batch_to(api, ["https://hooks.test/"]), batch=None)

    with pytest.raises(InvalidRequest, match=f"^{PRIVATE}$"):
        look_at_receivers(submission, api.services.settings, Names(addresses))


def test_a_name_that_nobody_knows_is_taken(api: Api) -> None:
    assert api.generate(webhook_url="https://hooks.invalid/").status_code == 202


class Hanging:
    """A name server that answers nobody before so many ask at the same time."""

    def __init__(self, most: int) -> None:
        self.asked: list[str] = []
        self.met = True
        self._most, self.over = most, threading.Event()

    def __call__(self, host: str) -> list[str]:
        """Hang, and know nothing."""
        self.asked.append(host)
        if len(self.asked) == self._most:
            self.over.set()
        if not self.over.wait(30):
            self.met = False
        return []


def batch_to(api: Api, urls: list[str]) -> Submission:
    """Return a valid batch with a job for each address, and the first for itself."""
    bodies = [Body({"prompt": "a", "webhook_url": url}, {}, typed=True) for url in urls]
    read = [read_generate(body, api.services.settings, ()) for body in bodies]
    return Submission(tuple(each.pieces[0] for each in read), Envelope(webhook_url=urls[0]))


KEY = {"Idempotency-Key": "k-1"}


def test_another_address_is_another_request(api: Api) -> None:
    def ask(url: str) -> TestResponse:
        return api.call(
            "POST", "/generate_image", json={"prompt": "a", "webhook_url": url}, headers=KEY
        )

    first, again, other = ask(URL), ask(URL), ask(f"{URL}8")

    assert json_of(first)["job_id"] == json_of(again)["job_id"]
    assert_fault(other, 422, "idempotency_key_reused")


def test_a_replay_looks_nothing_up(start: Start) -> None:
    lenient = start(webhook_secret=SECRET, webhook_allow_private=True)
    strict = start(webhook_secret=SECRET)
    body = {"prompt": "a", "webhook_url": "http://localhost:8009/"}

    first = lenient.call("POST", "/generate_image", json=body, headers=KEY)
    again = strict.call("POST", "/generate_image", json=body, headers=KEY)

    assert (first.status_code, again.status_code) == (202, 202)
    assert json_of(first)["job_id"] == json_of(again)["job_id"]
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_retry_tells_the_same_receiver(start: Start) -> None:
    lenient = start(webhook_secret=SECRET, webhook_allow_private=True)
    url = "http://localhost:9/"
    job_id = json_of(lenient.generate(webhook_url=url))["job_id"]
    lenient.fail(job_id)

    answer = start().call("POST", f"/jobs/{job_id}/retry")

    assert answer.status_code == 202
    assert lenient.job(answer).webhook == url


def test_neither_secret_nor_address_is_logged(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    api.fail(json_of(api.generate(webhook_url=URL))["job_id"])
    api.generate(webhook_url="http://10.0.0.1/?order=17")

    lines = [str(vars(record)) for record in caplog.records]
    assert lines
    assert not [line for line in lines if "order=17" in line or SECRET[6:] in line]


def test_a_job_tells_nothing_of_its_address(api: Api, services: Services) -> None:
    answer = api.generate(webhook_url=URL)

    assert PUBLIC not in answer.get_data(as_text=True)
    assert known(services.store, json_of(answer)["job_id"]).webhook == URL
