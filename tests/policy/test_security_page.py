"""What the security page claims is shown by tests that exist."""

import ast
import re
from functools import cache

import pytest

from tests.policy.test_documents import README, ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
ROWS = [line for line in PAGE.splitlines() if line.startswith("| API")]


@cache
def functions_of(path: str) -> set[str]:
    """Return the names of the functions of a file."""
    body = ast.parse((ROOT / path).read_text()).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_every_test_that_the_page_names_is_there(path: str, name: str) -> None:
    assert name in functions_of(path)


def test_the_page_has_a_row_for_each_of_the_ten_risks_and_a_test_in_each() -> None:
    assert [row.split()[1] for row in ROWS] == [f"API{number}" for number in range(1, 11)]
    for row in ROWS:
        assert "`tests/" in row
        assert len(row.split(" | ")) == 4
    assert PAGE.count("tests/") == len(re.findall(r"`tests/[\w/]+\.py::\w+`", PAGE))


def test_whoever_looks_for_it_finds_it() -> None:
    assert "(SECURITY.md)" in README
    assert "docs/security.md" in (ROOT / "SECURITY.md").read_text()
    assert "@" not in (ROOT / "SECURITY.md").read_text()
