"""`make key`: what it prints is what the service takes."""

import re
import subprocess
from pathlib import Path

import pytest

from shared.client_keys import find_owner, webhook_secret_of
from shared.make_key import main, told
from shared.settings import load_settings

ROOT = Path(__file__).parent.parent.parent
SECRET = "whsec_" + "c2Vj" * 10


def line(printed: str, start: str) -> str:
    """Return the line behind one that starts so."""
    lines = printed.splitlines()
    return lines[next(n for n, each in enumerate(lines) if each.startswith(start)) + 1].strip()


def test_the_key_that_is_printed_opens_with_the_line_that_is_printed() -> None:
    printed = told("alice", load_settings(None))

    name, _, keys = line(printed, "In .env").partition("=")
    settings = load_settings(None, client_keys=keys)
    assert name == "CLIENT_KEYS"
    assert find_owner(line(printed, "The key"), settings.client_keys) == "alice"
    assert "webhooks" not in printed


def test_a_further_key_is_put_behind_those_that_are_there() -> None:
    printed = told("bob", load_settings(None, client_keys="alice:alice-has-this-key"))

    keys = "alice:alice-has-this-key" + line(printed, "In .env, behind")
    settings = load_settings(None, client_keys=keys)
    assert find_owner(line(printed, "The key"), settings.client_keys) == "bob"


def test_a_new_key_of_a_known_name_takes_the_place_of_the_old() -> None:
    printed = told("alice", load_settings(None, client_keys="alice:alice-has-this-key"))

    assert line(printed, "In .env, in place of alice's entry").startswith("alice:sha256:")


def test_the_secret_of_its_webhooks_is_printed_when_there_is_one() -> None:
    printed = told("alice", load_settings(None, webhook_secret=SECRET))

    assert line(printed, "The secret") == webhook_secret_of("alice", SECRET)


@pytest.mark.parametrize("names", [[], [""], ["a b"], ["alice", "bob"], ["*"]], ids=str)
def test_what_is_no_name_is_refused(names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(names) == 2
    assert "as `make key NAME=alice`" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["key", "alice"], ["key", "NAME=alice"]])
def test_make_takes_the_name_in_either_way(words: list[str]) -> None:
    run = subprocess.run(
        ["make", "--dry-run", *words],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip

    assert re.search(r"python -m shared\.make_key 'alice'$", run.stdout, re.MULTILINE)
