import pytest
from PIL import Image

from sandbox.captions import caption, drawable, load_font, sign, wrap


def test_a_short_text_stays_on_one_line() -> None:
    assert wrap("a cat", load_font(20), 500, 2) == ["a cat"]


def test_lines_break_between_words() -> None:
    lines = wrap("one two three four five six", load_font(20), 100, 9)

    assert " ".join(lines) == "one two three four five six"
    assert all(load_font(20).getlength(line) <= 100 for line in lines)


def test_a_long_text_ends_with_an_ellipsis_within_its_width() -> None:
    lines = wrap("word " * 100, load_font(20), 200, 2)

    assert len(lines) == 2
    assert lines[1].endswith("\u2026")
    assert all(load_font(20).getlength(line) <= 200 for line in lines)


def test_a_word_longer_than_the_line_is_broken() -> None:
    assert "".join(wrap("x" * 60, load_font(20), 100, 99)) == "x" * 60


def test_an_empty_text_has_no_lines() -> None:
    assert wrap("", load_font(20), 100, 2) == []


@pytest.mark.parametrize(
    ("letter", "drawn"),
    [("a", "a"), ("\u2019", "'"), ("\u014d", "o"), ("\u732b", "\u00b7"), ("\x07", "\u00b7")],
)
def test_what_the_font_lacks_is_replaced(letter: str, drawn: str) -> None:
    assert drawable(letter) == drawn


@pytest.mark.parametrize("size", [(128, 128), (128, 6144), (6144, 128)])
def test_writes_on_pictures_of_any_shape(size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size, "white")

    sign(picture, "fast")
    caption(picture, "a cat " * 50)

    assert picture.size == size
