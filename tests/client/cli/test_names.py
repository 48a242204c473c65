"""Names of files: readable, safe on every system, never outside their folder."""

from pathlib import PurePosixPath, PureWindowsPath

import pytest

from client.cli.faults import UsageFault
from client.cli.names import fill, safe, slug


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A red fox, in the snow!", "a-red-fox-in-the-snow"),
        ("  \n", "image"),
        ("???", "image"),
        ("Füchse im Schnee", "füchse-im-schnee"),
        ("여우 한 마리", "여우-한-마리"),
        ("word " * 40, "word-word-word-word-word-word-word-word-word"),
        ("x" * 300, "x" * 48),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_a_prompt_becomes_a_name(text: str, name: str) -> None:
    assert slug(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("fox.webp", "fox"),
        ("fox.PNG", "fox"),
        ("v1.2 fox", "v1.2 fox"),
        ("../../etc/passwd", "etc-passwd"),
        ("C:\\temp\\fox", "C--temp-fox"),
        ("a:b*c?d", "a-b-c-d"),
        ("con", "image-con"),
        ("LPT1.txt", "image-LPT1.txt"),
        (".hidden", "hidden"),
        ("fox. ", "fox"),
        ("fox\n\x1b[31m", "fox--[31m"),
        ("...", "image"),
        ("", "image"),
    ],
)
def test_a_name_is_one_file_on_every_system(text: str, name: str) -> None:
    found = safe(text)

    assert found == name
    assert PureWindowsPath(found).name == PurePosixPath(found).name == found
    assert not PureWindowsPath(found).is_reserved()


def test_a_long_name_fits_whatever_its_letters_take() -> None:
    assert len(f"{safe('여' * 500)}-123.webp".encode()) <= 255


def test_a_template_takes_what_is_known() -> None:
    assert fill("{number}_{slug}.webp", {"number": "007", "slug": "fox"}) == "007_fox"


@pytest.mark.parametrize("template", ["{colour}", "{", "{0}", "{slug.upper.x}"])
def test_a_template_that_can_t_be_filled_says_what_can(template: str) -> None:
    with pytest.raises(UsageFault, match=r"--name .* takes \{slug\}"):
        fill(template, {"slug": "fox"})
