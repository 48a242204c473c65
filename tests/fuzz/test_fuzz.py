"""A short run of `make fuzz`: every operation is sent some requests made from its description."""

from pathlib import Path

from tests.fuzz.run import fuzz, plan


def test_the_service_answers_nothing_that_its_document_does_not_allow(tmp_path: Path) -> None:
    options = ("--phases", "examples,fuzzing", "--max-examples", "2", "--seed", "1")

    report = fuzz(tmp_path, *options, seconds=150)

    assert report.passed, report.printed
    assert report.cases > 40


def test_more_requests_get_more_cases_each_and_more_time() -> None:
    assert plan(20_000) == (1_100, 2_000)
    assert plan(50_000) == (2_750, 5_000)
    assert plan(1) == (1, 600)
