"""Contract of what runs the benchmarks one after the other."""

import importlib.util
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as runner
from benchmarks import report
from benchmarks.__main__ import OTHERS, PROGRAMS, Ran, main


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # beneath the root, which the last line names them by
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    (tmp_path / "results").mkdir()
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").touch()
    return tmp_path


def a_program(folder: Path, name: str, text: str) -> None:
    (folder / "benchmarks" / f"{name}.py").write_text(text)


@pytest.mark.parametrize("name", [*PROGRAMS, *OTHERS])
def test_each_is_a_program(name: str) -> None:
    assert importlib.util.find_spec(f"benchmarks.{name}")


def test_all_take_less_than_twenty_minutes() -> None:
    assert sum(PROGRAMS.values()) < 20 * 60


@pytest.mark.parametrize(("name", "seconds"), {**PROGRAMS, **OTHERS}.items())
def test_the_readme_tells_how_long_each_takes(name: str, seconds: int) -> None:
    told = (Path(runner.__file__).parent / "README.md").read_text(encoding="utf-8")

    (line,) = [
        row for row in told.splitlines() if row.startswith(f"| `python -m benchmarks.{name}")
    ]
    assert line.rpartition(" | ")[2] == f"{seconds} |"


def test_one_that_fails_leaves_the_others_alone_and_is_told(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_program(results, "start", "raise SystemExit(3)")
    a_program(results, "growth", "open('results/growth.md', 'w').write('In short: it grows.')")

    code = main(["start", "growth"])

    told = capsys.readouterr().out
    assert code == 1
    assert "FAILED: exit code 3 |" in told
    assert "| it grows. |" in told
    assert "\n| all | " in told


@pytest.mark.parametrize(
    "heeds", [signal.default_int_handler, signal.SIG_IGN], ids=["in front", "behind"]
)
def test_one_that_stands_still_is_stopped(results: Path, heeds: Any) -> None:
    a_program(results, "start", "import time\ntime.sleep(60)")
    before = signal.signal(
        signal.SIGINT, heeds
    )  # as a shell has it for what runs in the background

    try:
        ran = runner.run("start", 0.2)
    finally:
        signal.signal(signal.SIGINT, before)

    assert (ran.code, ran.short) == (None, "FAILED: it took too long")
    assert ran.seconds < 30


def test_what_had_to_be_killed_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_STOP_SECONDS", 0.1)
    child = "import time; print('runs', flush=True); time.sleep(20)"
    started = "subprocess.Popen([sys.executable, '-c', sys.argv[1]], start_new_session=True).wait()"
    command = [sys.executable, "-c", f"import subprocess, sys; {started}", child]
    begun = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
        assert program.stdout
        assert program.stdout.readline() == b"runs\n"

        runner.see_it_end(program)

        # both have its other end
        assert program.stdout.read() == b""
    assert time.monotonic() - begun < 15


def test_what_is_no_benchmark_is_named_with_those_that_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["overhead", "speed"]) == 2
    assert "No benchmark: speed. There are: overhead, " in capsys.readouterr().err


def test_a_program_without_a_line_of_its_own_says_nothing(results: Path) -> None:
    (results / "results" / "start.md").write_text("| start |\n")

    assert Ran("start", 0, 1.0).short == ""
