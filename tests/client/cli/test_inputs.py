"""What is read from files of prompts."""

from pathlib import Path

import pytest

from client.cli.faults import UsageFault
from client.cli.inputs import Order, read_images, read_prompts


def _read(folder: Path, name: str, text: str) -> list[Order]:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return read_prompts(str(path), {"model": "ultra"}, None)


def test_lines_are_prompts(tmp_path: Path) -> None:
    orders = _read(tmp_path, "p.txt", "\ufeffA fox\r\n\r\n# not this\r\n  A hare  \r\nA fox")

    assert [order.request["prompt"] for order in orders] == ["A fox", "A hare", "A fox"]
    assert [order.stem for order in orders] == ["001-a-fox", "002-a-hare", "003-a-fox"]
    assert all(order.request["model"] == "ultra" for order in orders)


def test_the_same_prompt_twice_is_two_images(tmp_path: Path) -> None:
    one, other = _read(tmp_path, "p.txt", "A fox\nA fox\n")

    assert one.mark != other.mark


def test_a_mark_stays_when_lines_move(tmp_path: Path) -> None:
    before = {order.mark for order in _read(tmp_path, "p.txt", "A fox\nA hare\n")}
    after = {order.mark for order in _read(tmp_path, "q.txt", "A hare\nAn owl\nA fox\n")}

    assert before < after


def test_json_lines_are_bodies(tmp_path: Path) -> None:
    text = (
        '{"prompt": "A fox", "seed": 7, "model": "core", "name": "My Fox"}\n\n{"prompt": "A hare"}'
    )

    first, second = _read(tmp_path, "p.jsonl", text)

    assert first.request == {"prompt": "A fox", "seed": 7, "model": "core"}
    assert first.stem == "001-my-fox"
    assert second.request == {"prompt": "A hare", "model": "ultra"}


def test_a_table_has_fields_for_columns(tmp_path: Path) -> None:
    text = 'prompt,seed,negative_prompt,metadata.order\n"A fox, red",7,42,A-1\n1984,,,\n,,,\n'

    first, second = _read(tmp_path, "p.csv", text)

    assert first.request == {
        "prompt": "A fox, red",
        "seed": 7,
        "negative_prompt": "42",
        "metadata": {"order": "A-1"},
        "model": "ultra",
    }
    assert second.request == {"prompt": "1984", "model": "ultra"}


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("p.txt", "# nothing\n", "holds no prompt"),
        ("p.jsonl", '{"prompt": "A fox"}\nA hare\n', "Line 2 must be a JSON object"),
        ("p.csv", "text,seed\nA fox,7\n", "one must be prompt"),
        ("p.csv", "prompt,seed\nA fox, red,7\n", "Line 2 has more cells"),
    ],
)
def test_what_can_t_be_read_is_told(tmp_path: Path, name: str, text: str, why: str) -> None:
    with pytest.raises(UsageFault, match=why):
        _read(tmp_path, name, text)


def test_a_file_that_is_missing_or_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_bytes(b"\xff\xfe")

    for path, why in (("none.txt", "can't be read"), ("p.txt", "must be text in UTF-8")):
        with pytest.raises(UsageFault, match=why):
            read_prompts(str(tmp_path / path), {}, None)


def test_images_are_told_apart_by_what_is_in_them(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.png", "b.png")]
    for path in paths:
        path.write_bytes(b"the same")

    one, other = read_images(paths, {"mode": "creative"}, None)
    paths[0].write_bytes(b"another")
    changed, _ = read_images(paths, {"mode": "creative"}, None)

    assert (one.stem, other.stem) == ("a-creative", "b-creative")
    assert len({one.mark, other.mark, changed.mark}) == 3
