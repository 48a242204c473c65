"""The command line in one process, against a scripted service: what is printed, and how it ends."""

import json
from pathlib import Path

import pytest

from client.cli.main import main
from tests.client.scripted import Answer, Script, says, streams, told

DONE = told(
    "succeeded",
    3,
    kind="generate",
    image_url="/saved_images/a.webp",
    image={"format": "webp", "width": 8, "height": 8, "bytes": 4, "seed": 7},
    request={"prompt": "A fox"},
    credits=3,
)
MADE = (says(202, DONE), says(200, DONE), says(200, b"RIFF"))


@pytest.fixture(autouse=True)
def _in_a_folder(service: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMAGE_API_URL", service.base)
    monkeypatch.setenv("IMAGE_API_KEY", "s3cret")


def test_stdout_has_the_path_alone(
    service: Script, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    service.will(*MADE)

    code = main(["generate", "A fox", "--out", "new/folder"])

    told = capsys.readouterr()
    assert code == 0
    assert told.out == f"{Path('new/folder/a-fox-7.webp')}\n"
    assert told.err == "8 x 8, 3 credits\n"
    assert (tmp_path / "new/folder/a-fox-7.webp").read_bytes() == b"RIFF"


def test_quiet_leaves_nothing_on_stderr(
    service: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    service.will(*MADE)

    assert main(["generate", "A fox", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_json_is_one_document_with_the_file(
    service: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    service.will(*MADE)

    assert main(["generate", "A fox", "--json", "--name", "{date}x{id}"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["job_id"], told["file"]) == ("j1", "xj1.webp")


def test_options_become_fields(service: Script) -> None:
    service.will(*MADE)
    options = "--model ultra --aspect-ratio 16:9 --style anime --negative red --format png --seed 7"

    main(["generate", "A fox", *options.split(), "--metadata", "a=b=c", "--deadline", "60"])

    assert json.loads(service.seen[0].body) == {
        "prompt": "A fox",
        "model": "ultra",
        "aspect_ratio": "16:9",
        "style_preset": "anime",
        "negative_prompt": "red",
        "output_format": "png",
        "seed": 7,
        "metadata": {"a": "b=c"},
        "deadline_seconds": 60,
    }


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (says(401, {"error": "A client key is needed", "request_id": "r1"}), 4),
        (says(402, {"error": "The day's credits", "request_id": "r1"}), 4),
        (says(429, {"error": "The queue is full", "request_id": "r1"}, Retry_After="9"), 4),
        (says(400, {"error": "No such model", "request_id": "r1"}), 2),
        (says(503, {"error": "Redis is away", "request_id": "r1"}, Retry_After="9"), 3),
        (says(500, {"error": "A defect", "request_id": "r1"}), 3),
    ],
)
def test_a_refusal_is_a_sentence_an_id_and_a_code(
    service: Script, capsys: pytest.CaptureFixture[str], answer: Answer, code: int
) -> None:
    service.will(answer)

    assert main(["generate", "A fox", "--patience", "0"]) == code

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert told.err.endswith("request r1\n")
    assert "s3cret" not in told.err


def test_every_fault_of_a_batch_is_told_with_its_number(
    service: Script, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    errors = [{"index": 3, "field": "seed", "error": "seed must be an integer"}]
    service.will(says(400, {"error": "1 of 4 jobs are invalid", "errors": errors}))
    (tmp_path / "p.jsonl").write_text('{"prompt": "A fox"}\n' * 4)

    assert main(["batch", "p.jsonl"]) == 2
    assert "4: seed: seed must be an integer" in capsys.readouterr().err


def test_a_failed_job_is_told_whole(service: Script, capsys: pytest.CaptureFixture[str]) -> None:
    service.will(says(202, told("queued")), says(200, told("failed", 2, error="Refused")))

    assert main(["generate", "A fox", "--json"]) == 1

    out, err = capsys.readouterr()
    assert json.loads(out)["status"] == "failed"
    assert "error: Refused" in err
    assert "job j1" in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["generate", "A fox", "--metadata", "a"], "NAME=TEXT"),
        (["generate", "A fox", "--name", "{colour}"], "it takes {slug}"),
        (["generate", "A fox", "--out", "-", "--json"], "no --json"),
        (["generate", "A fox", "--url", "nonsense"], "must be like http"),
        (["generate", "A fox", "--key-file", "none"], "key file none can't be read"),
        (["upscale", "none.png"], "none.png can't be read"),
        (["upscale", "a.png", "b.png", "--no-wait"], "for a single image"),
        (["batch", "-"], "--out must be given"),
    ],
)
def test_what_can_t_be_done_as_asked_is_told_before_anything_is_ordered(
    service: Script, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    assert main(arguments) == 2
    assert why in capsys.readouterr().err
    assert service.seen == []


def test_the_key_may_stand_in_a_file(service: Script, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    service.will(says(200, DONE))

    assert main(["show", "j1", "--key-file", "key"]) == 0
    assert service.seen[0].headers["authorization"] == "Bearer from-a-file"


def test_jobs_are_parted_by_tabs_for_programs(
    service: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    job = {
        **DONE,
        "created_at": "2026-11-26T10:00:00.000Z",
        "request": {"prompt": "A\tfox\x1b[31m"},
    }
    service.will(says(200, {"jobs": [job, job], "next_cursor": None}))

    assert main(["jobs", "--limit", "1", "--status", "succeeded"]) == 0
    line = "j1\tsucceeded\tgenerate\t2026-11-26 10:00\tA fox [31m\n"
    assert capsys.readouterr().out == line
    assert "status=succeeded" in service.seen[0].path


def test_of_several_ids_each_is_tried(service: Script, capsys: pytest.CaptureFixture[str]) -> None:
    late = says(409, {**DONE, "error": "The job has ended already"})
    service.will(late, says(200, told("canceled")))

    assert main(["cancel", "j0", "j1"]) == 1

    out, err = capsys.readouterr()
    assert out == "j1\tcanceled\n"
    assert "j0: The job has ended already" in err


def test_a_wait_tells_how_it_ended(service: Script, capsys: pytest.CaptureFixture[str]) -> None:
    service.will(says(200, told("running")), streams(told("running"), told("canceled", 2)))

    assert main(["wait", "j1"]) == 1
    assert capsys.readouterr().out.startswith("j1\tcanceled")


def test_the_price_is_told_and_nothing_is_ordered(
    service: Script, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    service.will(says(200, {"credits_estimate": 7.5, "total": 3}))
    (tmp_path / "p.txt").write_text("A fox\nA hare\nAn owl\n")

    assert main(["batch", "p.txt", "--dry-run"]) == 0
    assert capsys.readouterr().out == "7.5 credits for 3 images; nothing was ordered\n"
    assert [seen.path for seen in service.seen] == ["/batches?dry_run=true"]
    assert [path.name for path in tmp_path.iterdir()] == ["p.txt"]


def test_the_price_is_of_what_a_run_would_order(
    service: Script, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    batch = {"batch_id": "b1", "status": "failed", "revision": 1}
    batch["jobs"] = [{"job_id": "j1", "status": "failed", "error": "No."}]
    service.will(says(202, batch), says(200, batch), says(200, {"credits_estimate": 3, "total": 1}))
    (tmp_path / "p.txt").write_text("A fox\n")
    assert main(["batch", "p.txt"]) == 1
    capsys.readouterr()

    assert main(["batch", "p.txt", "--dry-run"]) == 0
    assert capsys.readouterr().out == "0 credits for 0 images; nothing was ordered\n"
    assert main(["batch", "p.txt", "--dry-run", "--retry-failed"]) == 0
    assert capsys.readouterr().out == "3 credits for 1 image; nothing was ordered\n"


def test_an_address_is_enlarged_into_this_folder(
    service: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    service.will(*MADE)

    assert main(["upscale", "https://example.com/pictures/cat.png?x=1"]) == 0
    assert capsys.readouterr().out == "cat-4x.webp\n"


def test_an_order_of_which_nobody_knows_can_be_repeated_and_is_paid_once(
    service: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    service.will(says(503, {"error": "away"}, Retry_After="9"), says(400, {"error": "No"}), *MADE)

    assert main(["generate", "A fox", "--patience", "0"]) == 3
    key = service.seen[0].headers["idempotency-key"]
    assert f"pay once, give the same command with --idempotency-key {key}\n" in (
        capsys.readouterr().err
    )
    assert main(["generate", "A fox"]) == 2
    assert "may have been ordered" not in capsys.readouterr().err
    assert main(["generate", "A fox", "--idempotency-key", key]) == 0
    assert service.seen[2].headers["idempotency-key"] == key


def test_json_steers_no_terminal_and_loses_nothing(
    service: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = "A fox \x9b31m \u202e \x1b] ö \U000e0041"
    service.will(says(200, {**DONE, "request": {"prompt": prompt}}))

    assert main(["show", "j1", "--json"]) == 0

    line = capsys.readouterr().out
    assert line.removesuffix("\n").isprintable()
    assert "ö" in line
    assert json.loads(line)["request"]["prompt"] == prompt


def test_a_batch_s_zip_stays_in_its_folder(service: Script, tmp_path: Path) -> None:
    (tmp_path / "in/batch-..").mkdir(parents=True)
    batch = {"batch_id": "../../../out", "status": "succeeded", "jobs": []}
    service.will(says(200, batch), says(200, b"PK"))

    assert main(["download", "--batch", "b1", "--out", "in"]) == 0

    assert [path.name for path in tmp_path.rglob("*.zip")] == ["batch-..-..-..-out.zip"]
    assert not list(tmp_path.glob("*.zip"))


def test_a_key_in_the_clear_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMAGE_API_URL", "http://images.invalid")

    main(["show", "j1", "--patience", "0"])

    assert "can read the client key" in capsys.readouterr().err
