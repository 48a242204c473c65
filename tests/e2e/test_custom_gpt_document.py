"""docs/custom-gpt.md: its lines work, and what is to be pasted fits what the service serves."""

import json
import os
import re
import subprocess

from shared.limits import KeyLimit
from shared.settings import Settings
from tests.e2e.stack import ROOT, Stack

DOCUMENT = (ROOT / "docs" / "custom-gpt.md").read_text()
_PRINTED = "https://images.example.org"


def test_the_lines_for_a_shell_work_as_printed(stack: Stack) -> None:
    lines = re.findall(r"```bash\n(.*?)```", DOCUMENT, re.DOTALL)

    servers, job = (_run(line.replace(_PRINTED, stack.base)) for line in lines)

    assert servers.strip() == stack.base
    assert json.loads(job)["status"] == "succeeded"


def test_the_instructions_name_what_the_actions_have(stack: Stack) -> None:
    text = re.findall(r"```text\n(.*?)```", DOCUMENT, re.DOTALL)[0]
    actions = stack.get("/openapi-actions.json").json()
    names = {each["operationId"] for path in actions["paths"].values() for each in path.values()}

    assert len(text) < 8000
    assert all(name in text and f"`{name}`" in DOCUMENT for name in names)
    assert set(re.findall(r"\b[a-z]+[A-Z]\w+\b", text)) == names
    assert set(re.findall(r"\b[a-z]+_[a-z_]+\b", text)) <= {
        *re.findall(r"\w+", json.dumps(actions)),
        *("input_moderated", "output_moderated"),
    }


def test_the_settings_are_settings() -> None:
    lines = re.findall(r"^([A-Z_]+)=(.*)$", DOCUMENT, re.MULTILINE)

    assert {name.lower() for name, _ in lines} <= Settings.model_fields.keys()
    limits = json.loads(dict(lines)["KEY_LIMITS"])
    assert limits["my-gpt"].keys() <= KeyLimit.model_fields.keys()


def _run(line: str) -> str:
    run = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", line],
        env={**os.environ, "KEY": "anything"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout
