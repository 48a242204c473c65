"""What a folder knows of its batch, and when that can't be relied on."""

import time
from pathlib import Path

import pytest

from client.cli.faults import Stopped
from client.cli.state import FILE, Group, State, locked, read_state

SERVICE = "http://kiosk.test"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"version": 1', "is damaged"),
        ("[]", "is damaged"),
        ('{"version": 2}', "another version"),
        ('{"version": 1, "service": "http://other.test", "groups": []}', "http://other.test"),
    ],
)
def test_a_state_that_can_t_be_trusted_stops_the_run(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / FILE).write_text(text)

    with pytest.raises(Stopped, match=why):
        read_state(tmp_path, SERVICE)


@pytest.mark.parametrize(
    ("hours", "kept"), [(0, True), (22.9, True), (23.1, False), (-1, False), (-30, False)]
)
def test_a_key_is_kept_for_a_day_and_not_by_a_clock_that_was_set_back(
    hours: float, kept: bool
) -> None:
    assert Group("key", sent=time.time() - hours * 3600).key_is_kept() is kept
    assert Group("key").key_is_kept()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    state = State(tmp_path, SERVICE, [Group("key", sent=1.5, batch_id="b")])

    state.write()

    assert read_state(tmp_path, SERVICE).groups == state.groups


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(Stopped, match="Another run"), locked(tmp_path):
        pass
