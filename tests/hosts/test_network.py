"""A host whose cable is out hears nothing and is told nothing, and works again when it is back."""

import subprocess
import sys

import pytest

from tests.e2e.stack import ROOT
from tests.hosts.network import way_in


@pytest.mark.skipif(not way_in(), reason="no network namespaces can be made here")
def test_a_cable_that_is_out_is_silence_and_what_was_sent_is_known_to_be_on_its_way() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.hosts.smoke"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    told = done.stdout.splitlines()
    again = ["overdue: False", "cut: time-out", "overdue: True", "overdue: False"]
    assert told == ["well: answers", *again, "well: answers", "outside: no way"], done.stderr
