"""The document of the capacity says what the code and the measurements give."""

import re
from pathlib import Path

import pytest

from benchmarks import sums
from benchmarks.sums import Needs, calls_a_second
from shared.operations import BY_VARIANT

DOCUMENT = (Path(__file__).parent.parent.parent / "docs" / "capacity.md").read_text()


def test_the_table_of_the_document_is_what_the_program_prints() -> None:
    assert sums.sums() in DOCUMENT


def test_the_rate_of_a_key_stands_in_the_document() -> None:
    assert f"{calls_a_second():.2f} calls a second" in DOCUMENT
    assert f"{calls_a_second() * 86_400 / 1e6:.2f} million a day" in DOCUMENT


def test_a_key_carries_what_its_limit_allows_and_no_more() -> None:
    a_day = int(calls_a_second() * 86_400)

    assert Needs(a_day).keys_for_the_mean == 1
    assert Needs(a_day + 2).keys_for_the_mean == 2
    assert Needs(a_day // 2).keys == 1


@pytest.mark.parametrize("variant", sorted(BY_VARIANT))
def test_what_a_million_images_cost_stands_in_the_document(variant: str) -> None:
    credits = BY_VARIANT[variant].variants[variant] / 1000

    assert re.search(rf"`{re.escape(variant)}` {credits:g} million\b", DOCUMENT)
