import json
from pathlib import Path

import pytest

from sandbox.ledger import Ledger

ENTRY = {"credits": 6.5, "fields": {"prompt": "cat"}, "delivered": False}


def test_numbers_its_entries_from_one() -> None:
    ledger = Ledger()

    assert [ledger.add(ENTRY), ledger.add(ENTRY)] == [1, 2]


def test_sums_in_thousandths_of_a_credit() -> None:
    ledger = Ledger()
    ledger.add(ENTRY)
    ledger.add({**ENTRY, "credits": 3.0})

    assert ledger.spent() == 9500


def test_finds_the_entries_of_a_prompt() -> None:
    ledger = Ledger()
    ledger.add(ENTRY)
    ledger.add({**ENTRY, "fields": {"prompt": "dog"}})
    ledger.add({**ENTRY, "fields": {}})

    assert [entry["id"] for entry in ledger.entries("dog")] == [2]


def test_is_read_back_with_what_became_known_later(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    first = Ledger(path)
    first.add(ENTRY)
    first.amend(1, delivered=True)

    second = Ledger(path)

    assert second.entries() == [{"id": 1, **ENTRY, "delivered": True}]
    assert second.add(ENTRY) == 2


def test_writes_nothing_when_nothing_new_is_known(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.add(ENTRY)
    ledger.amend(1, delivered=True)
    ledger.amend(1, delivered=True)

    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == [1, 1]


def test_clearing_empties_the_file_too(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.add(ENTRY)

    ledger.clear()
    ledger.amend(1, delivered=True)

    assert (ledger.entries(), path.read_text()) == ([], "")


def test_says_which_line_of_the_file_it_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"id": 1, "credits": 3}\nnonsense\n')

    with pytest.raises(ValueError, match="line 2 of"):
        Ledger(path)
