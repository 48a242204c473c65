"""Every curl line of the README, run as printed against the running service."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.stack import ROOT, Stack

README = (ROOT / "README.md").read_text()
BLOCKS = [block for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL) if "curl" in block]
_PRINTED = "http://127.0.0.1:5000"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_lines_of_the_readme_work_as_printed(stack: Stack, tmp_path: Path, block: str) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")

    run = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", block.replace(_PRINTED, stack.base)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    for line in run.stdout.splitlines():
        if line.startswith("{"):
            assert ('"error":null' in line) == ('"job_id"' in line), line


def test_there_are_lines_for_good_and_bad_bodies() -> None:
    assert len(BLOCKS) >= 7
    assert any("aspect_ratio" in block and "4:3" in block for block in BLOCKS)
