"""Every line of docs/api.md, run in order as printed; every answer is as the document says."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import ROOT, Stack

DOCUMENT = (ROOT / "docs" / "api.md").read_text()
_PRINTED = "http://127.0.0.1:5000"
_BLOCK = re.compile(
    r"```bash\n(?P<lines>.*?)```(?:\n\n```(?P<kind>json|text) (?P<status>\d+)\n(?P<answer>.*?)```)?",
    re.DOTALL,
)
BLOCKS = [match.groupdict() for match in _BLOCK.finditer(DOCUMENT)]
ANSWERED = [number for number, block in enumerate(BLOCKS) if block["status"]]
# a curl that tells the status behind the answer, for those lines whose answer is printed
_TELLING = "curl() { command curl -sS -w '\\n%{http_code}' \"$@\"; }"
_END = "=== the end of a block ==="

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give a service as the document's reader has it."""
    stack = Stack(tmp_path_factory.mktemp("stack"), WEBHOOK_SECRET=f"whsec_{'QUJD' * 8}")
    try:
        yield stack.start()
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def answers(service: Stack, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Give what each block prints, all run in one shell, one after the other."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "docs", folder / "docs")
    run = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", _script(service.base)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.split(f"{_END}\n")


def _script(base: str) -> str:
    steps = []
    for block in BLOCKS:
        lines = block["lines"].replace(_PRINTED, base)
        steps.append(f"({_TELLING}; {lines})" if block["status"] else lines)
        steps.append(f"echo; echo '{_END}'")
    return "\n".join(steps)


@pytest.mark.parametrize("number", ANSWERED, ids=lambda n: BLOCKS[n]["lines"].strip()[:60])
def test_the_answer_is_as_printed(answers: list[str], number: int) -> None:
    block = BLOCKS[number]
    body, _, status = answers[number].strip().rpartition("\n")

    assert status == block["status"], body
    if block["kind"] == "json":
        assert_like(json.loads(body), json.loads(block["answer"]))
    else:
        for line in block["answer"].splitlines():
            assert re.search(_pattern(line), body), f"{line!r} is not in {body[:500]!r}"


def assert_like(found: Any, printed: Any) -> None:
    """Check that what is printed is there; … stands for anything, and there may be more."""
    if printed == "…":
        return
    if isinstance(printed, dict):
        for name, value in printed.items():
            assert name in found
            assert_like(found[name], value)
    elif isinstance(printed, list):
        assert len(found) >= len(printed)
        for one, other in zip(found, printed, strict=False):
            assert_like(one, other)
    elif isinstance(printed, str):
        assert re.fullmatch(_pattern(printed), found, re.DOTALL), f"{found!r} is not {printed!r}"
    else:
        assert found == printed


def _pattern(text: str) -> str:
    return re.escape(text).replace("…", ".*")


def test_every_call_has_an_answer_that_is_right_and_one_that_is_wrong() -> None:
    sections = re.split(r"^##+ ", DOCUMENT, flags=re.MULTILINE)
    calls = [section for section in sections if re.match(r"`[A-Z]+ /", section)]

    assert len(calls) >= 11
    for section in calls:
        statuses = {int(status) // 100 for status in re.findall(r"```\w+ (\d+)\n", section)}
        assert statuses >= {2, 4}, section[:60]


def test_every_route_is_in_the_document(service: Stack) -> None:
    readme = (ROOT / "README.md").read_text()
    routes = set(re.findall(r"`((?:GET|POST|DELETE) /[^`]*)`", readme)) - {"GET /"}

    assert {route for route in routes if route.split(" ")[1] not in DOCUMENT} == set()


def test_what_is_printed_is_compared() -> None:
    with pytest.raises(AssertionError):
        assert_like({"a": [{"b": "no"}]}, {"a": [{"b": "yes…"}]})


def test_the_reader_needs_no_file_that_is_not_there() -> None:
    assert all((ROOT / Path(name)).exists() for name in re.findall(r"@(docs/\S+?)[\s\"]", DOCUMENT))
