"""A host whose cable is out hears nothing and is told nothing, and works again when it is back."""

import subprocess
import sys

import pytest

from tests.e2e.stack import ROOT
from tests.hosts.network import way_in


@pytest.mark.skipif(not way_in(), reason="no network namespaces can be made here")
def test_a_cable_that_is_out_is_silence_and_nothing_is_left_behind() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.hosts.smoke"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    told = done.stdout.splitlines()
    assert told == ["well: answers", "cut: time-out", "well: answers", "outside: no way"], (
        done.stderr
    )
