"""Every line of docs/client.md that can be run, in order, in one folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import client
from client.cli.parser import build_parser
from tests.e2e.stack import ROOT, Stack

DOCUMENT = (ROOT / "docs" / "client.md").read_text()
SHELL = re.findall(r"```bash\n(.*?)```", DOCUMENT, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
_PRINTED = "http://127.0.0.1:5000"


def _run(command: list[str], folder: Path, base: str) -> str:
    shutil.copytree(ROOT / "docs", folder / "docs", dirs_exist_ok=True)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    run = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "IMAGE_API_URL": base},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_lines_for_a_shell_work_as_printed(stack: Stack, tmp_path: Path) -> None:
    output = _run(["bash", "-e", "-o", "pipefail", "-c", "".join(SHELL)], tmp_path, stack.base)

    made = {path.name for path in (tmp_path / "animals").iterdir()}
    assert {"001-a-fox.webp", "003-an-owl-at-night.webp", "004-a-badger.webp"} <= made
    assert (tmp_path / "pictures" / "example-4x.webp").exists()
    assert (tmp_path / "fox.png").read_bytes().startswith(b"\x89PNG")
    assert output.count("animals/001-a-fox.webp") == 1
    assert "8 credits for 1 image" in output


def test_the_lines_of_python_work_as_printed(stack: Stack, tmp_path: Path) -> None:
    program = "\n".join(PYTHON).replace(_PRINTED, stack.base)
    program = program.replace("with Client() as", f"with Client({stack.base!r}) as")

    output = _run([sys.executable, "-c", program], tmp_path, stack.base)

    assert output.startswith("succeeded 3 ")
    assert "seed must be an integer" in output
    assert (tmp_path / "animals.zip").exists()


def test_every_command_and_option_is_in_the_document() -> None:
    commands = build_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr] # noqa: SLF001
    told = set(re.findall(r"--[a-z-]+", DOCUMENT))

    for name, command in commands.items():  # type: ignore[union-attr]
        assert re.search(rf"\b{name}\b", DOCUMENT), name
        taken = {option for action in command._actions for option in action.option_strings}  # noqa: SLF001
        assert {option for option in taken if option.startswith("--")} - told - _PLAIN == set()


# What needs no word beside `--help`: filters, and fields that stand in docs/api.md.
_PLAIN = {"--status", "--kind", "--prompt", "--mode", "--creativity"}


def test_what_the_library_offers_is_in_the_document() -> None:
    calls = {name for name in vars(client.Client) if not name.startswith("_")}
    inner = {"close", "base_url", "shows_key_in_the_clear", "jobs_page", "price_of", "describe"}
    inner.add("has_key")

    assert {name for name in calls - inner if f"`{name}(" not in DOCUMENT} == set()
