"""A batch that is run again, whatever ended the run before: nothing is paid or fetched twice."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from client import (
    Client,
    ClientError,
    Gone,
    InvalidRequest,
    LimitReached,
    NotFound,
    ServiceFault,
    Unauthorized,
    Unreachable,
)
from client.cli.batches import BatchRun
from client.cli.faults import Stopped
from client.cli.inputs import read_images
from client.cli.planning import Rules, plan
from client.cli.screen import Screen, Tally
from client.cli.state import FILE, read_state
from client.errors import Details
from tests.client.cli.folder import Folder


def _refusal(kind: type[ClientError]) -> ClientError:
    return kind("No", Details(status=400, error_code="no"))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Give an empty folder, and a service of its own."""
    return Folder(tmp_path)


def test_a_second_run_orders_and_fetches_nothing(folder: Folder) -> None:
    folder.run("A fox", "A hare")
    folder.run("A fox", "A hare")

    assert folder.kiosk.paid == ["A fox", "A hare"]
    assert len(folder.kiosk.saved) == 2
    assert folder.files() == ["001-a-fox.webp", "002-a-hare.webp"]


def test_only_new_prompts_are_ordered(folder: Folder) -> None:
    folder.run("A fox", "A hare")
    folder.run("A fox", "An owl", "A hare", "A fox")

    assert folder.kiosk.paid == ["A fox", "A hare", "An owl", "A fox"]
    assert folder.files() == [
        "001-a-fox.webp",
        "002-a-hare.webp",
        "002-an-owl.webp",
        "004-a-fox.webp",
    ]


def test_an_answer_that_was_lost_is_asked_for_under_the_same_key(folder: Folder) -> None:
    folder.kiosk.lost_answers = 1
    with pytest.raises(KeyboardInterrupt):
        folder.run("A fox", "A hare")

    folder.run("A fox", "A hare", "An owl")

    assert folder.kiosk.paid == ["A fox", "A hare", "An owl"]
    assert len(folder.files()) == 3


def test_what_the_service_may_have_forgotten_is_not_paid_blindly(folder: Folder) -> None:
    folder.kiosk.lost_answers = 1
    with pytest.raises(KeyboardInterrupt):
        folder.run("A fox")
    folder.age(hours=23.5)

    with pytest.raises(Stopped, match="--order-again"):
        folder.run("A fox")

    assert folder.kiosk.paid == ["A fox"]
    assert folder.run("A fox", order_again=True)[0].status == "saved"
    assert folder.kiosk.paid == ["A fox", "A fox"]


def test_a_batch_that_is_not_what_was_ordered_is_told(folder: Folder) -> None:
    folder.run("A fox")
    key = json.loads((folder.out / FILE).read_text())["groups"][0]["key"]
    bodies, batch = folder.kiosk.by_key[key]
    folder.kiosk.by_key[key] = bodies, replace(batch, jobs=batch.jobs * 2)
    (folder.out / "001-a-fox.webp").unlink()

    with pytest.raises(ServiceFault, match="not what was ordered"):
        folder.run("A fox")


def test_what_was_answered_is_fetched_however_old(folder: Folder) -> None:
    folder.kiosk.faults = []
    folder.run("A fox")
    folder.age(hours=500)
    (folder.out / "001-a-fox.webp").unlink()

    folder.run("A fox")

    assert folder.kiosk.paid == ["A fox"]
    assert folder.files() == ["001-a-fox.webp"]


def test_a_batch_that_is_no_longer_known_is_lost_until_it_is_ordered_again(folder: Folder) -> None:
    folder.run("A fox")
    (folder.out / "001-a-fox.webp").unlink()
    folder.kiosk.forgotten = {"b0"}

    assert folder.run("A fox")[0].status == "lost"
    assert folder.run("A fox", retry_failed=True)[0].status == "lost"
    assert folder.run("A fox", order_again=True)[0].status == "saved"


def test_what_failed_is_ordered_again_only_when_asked(folder: Folder) -> None:
    folder.kiosk.fails = {"A hare"}
    first = folder.run("A fox", "A hare")
    again = folder.run("A fox", "A hare")
    folder.kiosk.fails = set()
    retried = folder.run("A fox", "A hare", retry_failed=True)

    assert [entry.status for entry in (*first, *again)] == ["saved", "failed"] * 2
    assert [entry.status for entry in retried] == ["saved", "saved"]
    assert folder.kiosk.paid == ["A fox", "A hare", "A hare"]
    assert folder.files() == ["001-a-fox.webp", "002-a-hare.webp"]


@pytest.mark.parametrize("fault", [NotFound, Gone])
def test_an_image_that_is_not_there_loses_no_other(
    folder: Folder, fault: type[ClientError]
) -> None:
    real = folder.kiosk.save

    def save(job: Any, path: Path) -> Path:
        if path.stem == "001-a-fox":
            raise fault("There is no image of this name")
        return real(job, path)

    folder.kiosk.save = save  # type: ignore[method-assign]

    entries = folder.run("A fox", "A hare")

    assert [entry.status for entry in entries] == ["gone", "saved"]


def test_a_retry_that_is_refused_is_not_forgotten(folder: Folder) -> None:
    folder.kiosk.fails = {"A hare"}
    folder.run("A hare")
    folder.kiosk.fails, folder.kiosk.faults = set(), [_refusal(InvalidRequest)]
    with pytest.raises(InvalidRequest):
        folder.run("A hare", retry_failed=True)

    assert folder.run("A hare")[0].status == "saved"


def test_what_was_refused_can_be_mended(folder: Folder) -> None:
    folder.kiosk.faults = [_refusal(InvalidRequest)]
    with pytest.raises(InvalidRequest):
        folder.run("A fox", "A hare that is too long")

    folder.run("A fox", "A hare")

    assert folder.kiosk.paid == ["A fox", "A hare"]


def test_what_found_no_room_a_day_ago_is_no_riddle(folder: Folder) -> None:
    folder.kiosk.faults = [_refusal(LimitReached)]
    with pytest.raises(LimitReached):
        folder.run("A fox")
    folder.age(hours=30)

    assert folder.run("A fox")[0].status == "saved"


@pytest.mark.parametrize(
    "fault",
    [
        _refusal(Unauthorized),
        InvalidRequest("413, says a proxy"),
        LimitReached("429, says a proxy"),
    ],
    ids=["no key", "a proxy", "a proxy's limit"],
)
def test_a_refusal_that_says_nothing_of_the_order_keeps_its_key(
    folder: Folder, fault: ClientError
) -> None:
    folder.kiosk.lost_answers = 1
    with pytest.raises(KeyboardInterrupt):
        folder.run("A fox")
    folder.kiosk.faults = [fault]
    with pytest.raises(ClientError):
        folder.run("A fox")

    folder.run("A fox")

    assert folder.kiosk.paid == ["A fox"]


def test_many_prompts_are_several_batches(folder: Folder) -> None:
    folder.run(*(f"Fox {n}" for n in range(5)), batch_size=2)

    assert [len(bodies) for bodies, _ in folder.kiosk.by_key.values()] == [2, 2, 1]
    assert len(folder.files()) == 5


def test_while_the_queue_is_full_what_is_done_is_fetched(folder: Folder) -> None:
    real = folder.kiosk.batch
    tries: list[int] = []

    def batch(bodies: list[Any], *, idempotency_key: str) -> Any:
        tries.append(len(folder.kiosk.saved))
        if len(tries) == 2:
            raise LimitReached("The queue is full")
        return real(bodies, idempotency_key=idempotency_key)

    folder.kiosk.batch = batch  # type: ignore[method-assign]

    folder.run("A fox", "A hare", batch_size=1)

    assert tries == [0, 0, 1]  # the second came again when the first was here
    assert folder.kiosk.paid == ["A fox", "A hare"]


def test_a_crash_between_two_images_fetches_the_rest(folder: Folder) -> None:
    real = folder.kiosk.save

    def save(job: Any, path: Path) -> Path:
        real(job, path)
        raise Unreachable("cut")  # the image is here, and nobody could write that down

    folder.kiosk.save = save  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        folder.run("A fox", "A hare")
    folder.kiosk.save = real  # type: ignore[method-assign]

    folder.run("A fox", "A hare")

    assert sorted(folder.kiosk.saved) == ["b0-0", "b0-1"]
    assert folder.files() == ["001-a-fox.webp", "002-a-hare.webp"]


def test_a_file_of_somebody_else_is_never_replaced(folder: Folder) -> None:
    (folder.out / "001-a-fox.webp").write_text("mine")

    folder.run("A fox")

    assert (folder.out / "001-a-fox.webp").read_text() == "mine"
    assert folder.files() == ["001-a-fox-2.webp", "001-a-fox.webp"]


def test_an_image_that_was_changed_after_it_may_have_been_ordered_is_told(folder: Folder) -> None:
    picture = folder.path / "a.png"
    picture.write_bytes(b"before")
    state = read_state(folder.out, folder.kiosk.base_url)
    client = cast("Client", folder.kiosk)
    folder.kiosk.upscale_batch = folder.kiosk.batch  # type: ignore[attr-defined]
    orders = read_images([picture], {}, None)
    run = BatchRun(client, client, state, Rules())
    plan(state, orders, Rules())  # as a run that was killed while it sent
    state.about_to_send(state.groups[0])
    picture.write_bytes(b"after")

    with pytest.raises(Stopped, match="was changed since it was ordered"):
        run.run(orders, Tally(Screen(quiet=True), 1))
