"""How a batch ends: what of it is told, and that Ctrl-C ends it whoever reads."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import client
from client.cli.main import main
from tests.client.scripted import Script, says
from tests.e2e.stack import eventually


@pytest.fixture(autouse=True)
def _in_a_folder(service: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMAGE_API_URL", service.base)
    monkeypatch.setenv("IMAGE_API_KEY", "s3cret")


def test_of_a_batch_with_an_image_in_trouble_all_others_are_told(
    service: Script, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    jobs = [
        {"job_id": f"j{number}", "status": "succeeded", "image_url": f"/saved_images/{number}.webp"}
        for number in (1, 2, 3)
    ]
    batch = {"batch_id": "b1", "status": "succeeded", "revision": 1, "jobs": jobs}
    fault = {"error": "A defect", "error_code": "internal_error"}
    service.will(says(202, batch), says(200, batch))
    service.standing = {
        "/saved_images/1.webp": says(200, b"RIFF"),
        "/saved_images/2.webp": says(500, fault),
        "/saved_images/3.webp": says(500, fault),
    }
    (tmp_path / "p.txt").write_text("A fox\nA hare\nAn owl\n")

    assert main(["batch", "p.txt", "--json"]) == 3

    out, err = capsys.readouterr()
    *told, end = map(json.loads, out.splitlines())
    assert [each["status"] for each in told] == ["succeeded", "ordered", "ordered"]
    assert [each["error"] for each in told] == [None, "A defect", "A defect"]
    assert end["exit_code"] == 3
    assert "not fetched: 003-an-owl: A defect" in err
    assert "1 of 3 images are in p-images, 2 could not be fetched." in err
    service.standing = {
        path: says(200, b"RIFF") for path in ("/saved_images/2.webp", "/saved_images/3.webp")
    }
    assert main(["batch", "p.txt", "--json"]) == 0


def test_ctrl_c_ends_it_though_nobody_reads_what_it_prints(service: Script, tmp_path: Path) -> None:
    job = {"job_id": "j1", "status": "succeeded", "image_url": "/saved_images/1.webp"}
    jobs = [job, {"job_id": "j2", "status": "running"}]
    batch = {"batch_id": "b1", "status": "running", "revision": 1, "jobs": jobs}
    service.will(says(202, batch), says(200, batch))
    service.standing["/saved_images/1.webp"] = says(200, b"RIFF")
    (tmp_path / "p.txt").write_text("A fox\nA hare\n")
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 512)
    os.set_blocking(writing, True)

    command = [sys.executable, "-m", "client", "batch", "p.txt"]
    running = subprocess.Popen(
        command,
        stdout=writing,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(client.__file__).parent.parent)},
    )
    try:
        eventually(lambda: list(tmp_path.glob("p-images/001-*")), 20, "the first image")
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=5)
    finally:
        running.kill()
        running.wait()
        os.close(reading)
        os.close(writing)

    assert running.returncode == 130
    assert b"Run the same command again" in told
