"""The command line on a terminal, against a real service: progress, Ctrl-C, exit codes, resuming."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from client import Client
from tests.e2e.stack import ROOT, Stack, eventually
from tests.e2e.studio import ALICE, POOR, keyed_door

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """The command line in a folder, on a terminal of its own that a test reads."""

    def __init__(self, folder: Path, base: str, *arguments: str, **environment: str) -> None:
        self.output = ""
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "client", *arguments],
            cwd=folder,
            env=_environment(base, TERM="xterm-256color", **environment),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def read(self) -> str:
        """Return all that was shown so far, without colours."""
        while self._ours >= 0 and select.select([self._ours], [], [], 0)[0]:
            try:
                self.output += os.read(self._ours, 65_536).decode(errors="replace")
            except OSError:  # the other end is closed
                break
        return _CODES.sub("", self.output)

    def shows(self, text: str) -> None:
        """Wait until a text is shown."""
        eventually(lambda: text in self.read(), 30, repr(text))

    def ends(self) -> int:
        """Return the exit code; what was shown by then can still be read."""
        eventually(lambda: (self.read(), self.process.poll())[1] is not None, 60, "the end")
        self.read()
        os.close(self._ours)
        self._ours = -1
        return self.process.returncode


def _environment(base: str, **more: str) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS"}
    }
    return {**kept, "PYTHONPATH": str(ROOT), "IMAGE_API_URL": base, "IMAGE_API_KEY": "", **more}


def _run(
    folder: Path, base: str, *arguments: str, **more: str
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "client", *arguments],
        cwd=folder,
        env=_environment(base, **more),
        capture_output=True,
        timeout=60,
        check=False,
    )


def _charged(stack: Stack, prompts: list[str]) -> Counter[str]:
    return Counter({prompt: number for prompt in prompts if (number := len(stack.charged(prompt)))})


def test_a_terminal_sees_how_it_goes(stack: Stack, tmp_path: Path) -> None:
    # what was still queued at the first look is looked at again after two seconds
    stack.sandbox_settings(latency=4)

    terminal = Terminal(tmp_path, stack.base, "generate", "A heron", "--seed", "7")

    terminal.shows("A heron  being made")
    terminal.shows("a-heron-7.webp")
    assert terminal.ends() == 0
    assert "1536 x 1536, 3 credits" in terminal.read()
    assert (tmp_path / "a-heron-7.webp").read_bytes()[8:12] == b"WEBP"


def test_without_colours_or_room_it_still_shows(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("A narrow heron\n")

    terminal = Terminal(
        tmp_path, stack.base, "batch", "p.txt", NO_COLOR="1", COLUMNS="40", PYTHONIOENCODING="ascii"
    )

    assert terminal.ends() == 0
    assert "p-images/001-a-narrow-heron.webp" in terminal.read()
    assert terminal.output.isascii()
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", terminal.output)


def test_a_batch_goes_on_after_ctrl_c_and_after_sigkill(stack: Stack, tmp_path: Path) -> None:
    prompts = [f"Heron number {number}" for number in range(8)]
    (tmp_path / "p.txt").write_text("\n".join(prompts))
    stack.sandbox_settings(latency=4)  # a queued batch is looked at again after three seconds

    killed = Terminal(tmp_path, stack.base, "batch", "p.txt", "--batch-size", "4")
    killed.shows("being made")
    killed.process.send_signal(signal.SIGKILL)
    killed.ends()
    stopped = Terminal(tmp_path, stack.base, "batch", "p.txt", "--batch-size", "4")
    stopped.shows("001-heron-number-0.webp")
    stopped.process.send_signal(signal.SIGINT)
    assert stopped.ends() == 130
    assert "Run the same command again" in stopped.read()
    rest = _run(tmp_path, stack.base, "batch", "p.txt", "--batch-size", "4", "--json")

    told = [json.loads(line) for line in rest.stdout.splitlines()]
    assert rest.returncode == 0, rest.stderr
    assert [each["status"] for each in told] == ["succeeded"] * 8
    assert all((tmp_path / each["file"]).stat().st_size > 1000 for each in told)
    assert _charged(stack, prompts) == Counter(prompts)


def test_ctrl_c_cancels_when_asked_to(stack: Stack, tmp_path: Path) -> None:
    stack.sandbox_settings(latency=5)

    terminal = Terminal(tmp_path, stack.base, "generate", "A late heron", "--cancel-on-interrupt")
    terminal.shows("being made")
    terminal.process.send_signal(signal.SIGINT)

    assert terminal.ends() == 130
    found = re.search(r"Job (\w{32}) is canceled", terminal.read())
    assert found
    assert stack.job(found[1])["status"] == "canceled"


def test_each_ending_has_its_exit_code(stack: Stack, tmp_path: Path) -> None:
    moderated = _run(tmp_path, stack.base, "generate", "x [sandbox:moderated]")
    wrong = _run(tmp_path, stack.base, "generate", "x", "--format", "gif", "--json")
    nobody = _run(tmp_path, "http://127.0.0.1:9", "jobs", "--patience", "0")
    unknown = _run(tmp_path, stack.base, "show", "nobody-knows-this")
    usage = _run(tmp_path, stack.base, "generate")

    codes = [run.returncode for run in (moderated, wrong, nobody, unknown, usage)]
    assert codes == [1, 2, 3, 1, 2]
    assert b"Nothing answers at http://127.0.0.1:9" in nobody.stderr
    assert json.loads(wrong.stdout)["errors"][0]["field"] == "output_format"
    for run in (moderated, wrong, nobody, unknown, usage):
        assert b"Traceback" not in run.stderr


def test_an_image_goes_through_a_pipe(stack: Stack, tmp_path: Path) -> None:
    run = _run(tmp_path, stack.base, "generate", "A heron", "--format", "png", "--out", "-")

    assert run.stdout.startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_has_gone_is_no_fault(stack: Stack, tmp_path: Path) -> None:
    command = f"{sys.executable} -m client jobs --limit 5 | true; echo ${{PIPESTATUS[0]}}"

    run = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env=_environment(stack.base),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.stdout.strip() in {"0", "141"}
    assert run.stderr == ""


def test_several_images_are_enlarged_as_a_batch(stack: Stack, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes((ROOT / "docs" / "example.png").read_bytes())

    run = _run(tmp_path, stack.base, "upscale", "a.png", "b.png", "--format", "jpeg")

    assert run.returncode == 0, run.stderr
    assert (tmp_path / "a-4x.jpg").exists()
    assert (tmp_path / "b-4x.jpg").exists()


def test_the_library_waits_through_a_restart_of_the_api(stack: Stack) -> None:
    stack.sandbox_settings(latency=3)
    with Client(stack.base) as client:
        job = client.generate("A patient heron")
        killed = stack.kill("api")
        ended = client.wait(job, timeout=60)

    assert ended.succeeded
    assert stack.pid("api") != killed
    assert len(stack.charged("A patient heron")) == 1


def test_a_client_key_opens_its_own_jobs_and_no_others(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "bob.key").write_text(f"{POOR}\n")
    with keyed_door(stack) as (door, log):
        door.open(log)

        def run(*arguments: str, key: str = "") -> "subprocess.CompletedProcess[bytes]":
            return _run(tmp_path, door.base, *arguments, IMAGE_API_KEY=key)

        made = run("generate", "A keyed heron", "--seed", "7", "--json", key=ALICE)
        job_id = json.loads(made.stdout)["job_id"]
        hers, his = run("jobs", "--json", key=ALICE), run("jobs", "--json", "--key-file", "bob.key")
        foreign = run("show", job_id, "--key-file", "bob.key")
        too_much = run("generate", "A heron for Bob", "--key-file", "bob.key")
        wrong, missing = run("jobs", key="not-a-key"), run("generate", "A heron for nobody")
        without = run("jobs", "--json")

    assert (tmp_path / "a-keyed-heron-7.webp").stat().st_size > 1000
    assert job_id in hers.stdout.decode()
    assert his.stdout.strip() in {b"", b"[]"}
    endings = (made, hers, his, foreign, too_much, wrong, missing, without)
    assert [run.returncode for run in endings] == [0, 0, 0, 1, 4, 4, 4, 4]
    assert b"does not know the client key that was given" in wrong.stderr
    assert b"put yours into IMAGE_API_KEY, or into a file for --key-file" in missing.stderr
    assert json.loads(without.stdout)["exit_code"] == 4
    told = b"".join(run.stdout + run.stderr for run in endings)
    assert ALICE.encode() not in told
    assert POOR.encode() not in told
    assert _charged(stack, ["A keyed heron", "A heron for Bob", "A heron for nobody"]) == {
        "A keyed heron": 1
    }
