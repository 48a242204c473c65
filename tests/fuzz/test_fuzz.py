"""A short run of `make fuzz`: every operation is sent some requests made from its description."""

from pathlib import Path

from tests.fuzz.run import fuzz


def test_the_service_answers_nothing_that_its_document_does_not_allow(tmp_path: Path) -> None:
    options = ("--phases", "examples,fuzzing", "--max-examples", "2", "--seed", "1")

    report = fuzz(tmp_path, *options, seconds=150)

    assert report.passed, report.printed
    assert report.cases > 40
