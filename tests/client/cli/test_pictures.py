"""The files that images are kept in."""

import pytest

from client.cli.pictures import suffix_of


@pytest.mark.parametrize(
    ("address", "suffix"),
    [
        ("/saved_images/a.png", ".png"),
        ("https://x.example/saved_images/a.jpg?download=1", ".jpg"),
        ("/saved_images/a", ".webp"),
        ("/saved_images/a.desktop", ".webp"),
        ("/saved_images/a." + "x" * 500, ".webp"),
    ],
)
def test_a_file_is_an_image_whatever_its_address_says(address: str, suffix: str) -> None:
    assert suffix_of(address) == suffix
