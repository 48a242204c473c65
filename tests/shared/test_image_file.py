"""Whole pictures are told from broken ones, whatever the bytes are."""

import io
import random
import struct
import time
import zlib
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from shared.errors import BrokenImage
from shared.image_file import ImageInfo, inspect
from tests.pictures import chunk, png, png_header

WIDTH, HEIGHT = 61, 43


def made(form: str, mode: str = "RGB", **options: Any) -> bytes:
    """Return a noisy picture, so that every part of its file has some length."""
    noise = random.Random(7).randbytes(WIDTH * HEIGHT * len(mode))
    out = io.BytesIO()
    Image.frombytes(mode, (WIDTH, HEIGHT), noise).save(out, form, **options)
    return out.getvalue()


def exif() -> Image.Exif:
    """Return metadata that carries bytes of a whole JPEG, as a camera's thumbnail does."""
    tags = Image.Exif()
    tags[0x010E] = made("jpeg").decode("latin-1")
    return tags


def with_an_odd_chunk(webp: bytes) -> bytes:
    """Return an extended WebP with a chunk of an odd length, which is padded, before its pixels."""
    size = (WIDTH - 1).to_bytes(3, "little") + (HEIGHT - 1).to_bytes(3, "little")
    body = b"WEBPVP8X\x0a\0\0\0" + bytes(4) + size + b"odd!\x03\0\0\0abc\0" + webp[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


FRAMES = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "blue")]
PICTURES = {
    "png": made("png"),
    "png with alpha": made("png", "RGBA"),
    "baseline jpeg": made("jpeg"),
    "progressive jpeg": made("jpeg", progressive=True),
    "jpeg with restarts": made("jpeg", restart_marker_blocks=1),
    "jpeg with metadata": made("jpeg", exif=exif()),
    "grey jpeg": made("jpeg", "L"),
    "lossy webp": made("webp"),
    "lossless webp": made("webp", lossless=True),
    "webp with alpha": made("webp", "RGBA", exact=True),
    "lossless webp with alpha": made("webp", "RGBA", lossless=True),
    "webp with an odd chunk": with_an_odd_chunk(made("webp")),
    "animated webp": made("webp", save_all=True, append_images=FRAMES),
    "animated png": made("png", save_all=True, append_images=FRAMES),
}
TRUNCATIONS = sorted({*range(40), *range(40, 3000, 13)})


HEADER = png_header(1, 1)
PIXELS, END = chunk(b"IDAT", zlib.compress(bytes(4))), chunk(b"IEND", b"")


@pytest.mark.parametrize("name", PICTURES)
def test_a_whole_picture_is_known_by_format_and_size(name: str) -> None:
    form = next(form for form in ("png", "jpeg", "webp") if form in name)

    known = ImageInfo(form, WIDTH, HEIGHT, animated="animated" in name)
    assert inspect(PICTURES[name]) == known


@pytest.mark.parametrize("name", PICTURES)
def test_what_follows_the_end_of_a_picture_does_no_harm(name: str) -> None:
    info = inspect(PICTURES[name] + b"\0trailing\xff\xd9")

    assert (info.width, info.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_that_is_cut_short_anywhere_is_refused(name: str) -> None:
    whole = PICTURES[name]
    near_the_end = range(len(whole) - 40, len(whole))

    for length in {*near_the_end, *(n for n in TRUNCATIONS if n < len(whole))}:
        with pytest.raises(BrokenImage):
            inspect(whole[:length])


def test_a_flipped_byte_in_a_png_is_found() -> None:
    whole = PICTURES["png"]

    for at in range(len(whole)):
        with pytest.raises(BrokenImage):
            inspect(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!DOCTYPE html>",
        b"GIF89a" + bytes(40),
        b"BM" + bytes(60),
        b"RIFF\x10\0\0\0WAVEfmt " + bytes(20),
    ],
)
def test_anything_else_is_no_picture(data: bytes) -> None:
    with pytest.raises(BrokenImage, match="not a PNG, JPEG or WebP"):
        inspect(data)


EMPTY_HEADER = png_header(0, 9)
FRAME = b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x09\x00\x09\x01\x01\x11\x00"
VP8X = b"VP8X\x0a\0\0\0" + bytes(10)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (png(HEADER, END), "PNG has no pixels"),
        (png(EMPTY_HEADER, PIXELS, END), "no pixels"),
        (png(PIXELS, HEADER, END), "does not begin with its header"),
        (b"\xff\xd8\xff\xfe\x00\x02\xff\xd9", "JPEG has no frame"),
        (FRAME + b"\xff\xd9", "JPEG has no pixels"),
        (FRAME + b"\x00\xff\xd9", "JPEG is damaged"),
        (b"\xff\xd8\xff\xe0\x00\x00\xff\xd9", "JPEG is damaged"),
        (b"RIFF" + struct.pack("<I", 4 + len(VP8X)) + b"WEBP" + VP8X, "WebP has no pixels"),
        (b"RIFF\x04\0\0\0WEBP", "WebP has no pixels"),
    ],
)
def test_a_file_without_a_picture_in_it_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(BrokenImage, match=complaint):
        inspect(data)


def test_the_smallest_png_is_whole() -> None:
    assert inspect(png(HEADER, PIXELS, END)) == ImageInfo("png", 1, 1)


def test_a_size_beyond_all_measure_is_only_a_number() -> None:
    header = png_header(2**31 - 1, 2**31 - 1)

    assert inspect(png(header, PIXELS, END)).width == 2**31 - 1


@pytest.mark.parametrize(
    "data",
    [
        png(HEADER) + b"\xff\xff\xff\xffIDAT" + bytes(9),
        b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\xff" + bytes(9),
        b"RIFF\x16\0\0\0WEBPVP8 \xff\xff\xff\xff" + bytes(9),
        b"\xff\xd8\xff\xe0\xff\xff" + bytes(9),
    ],
)
def test_a_length_beyond_the_file_is_a_cut(data: bytes) -> None:
    with pytest.raises(BrokenImage, match="cut short"):
        inspect(data)


def inspected(data: bytes) -> None:
    """Fail by anything but an ImageInfo with pixels or a BrokenImage."""
    try:
        info = inspect(data)
    except BrokenImage:
        return
    assert min(info.width, info.height) > 0


STARTS = st.sampled_from(
    [b"", b"\x89PNG\r\n\x1a\n", png(HEADER), b"\xff\xd8\xff", FRAME, b"RIFF\x40\0\0\0WEBPVP8X"]
)


@settings(deadline=None)
@given(STARTS, st.binary(max_size=200))
@example(b"\xff\xd8\xff", b"\xff" * 200)
@example(FRAME, b"\xff\xda\x00\x02\xff")
def test_no_bytes_make_it_stumble(start: bytes, rest: bytes) -> None:
    inspected(start + rest)


@settings(deadline=None)
@given(
    st.sampled_from(list(PICTURES.values())),
    st.lists(st.tuples(st.integers(0), st.binary(max_size=8), st.integers(0, 8)), max_size=4),
)
def test_no_mutated_picture_makes_it_stumble(
    whole: bytes, cuts: list[tuple[int, bytes, int]]
) -> None:
    for at, put, lost in cuts:
        at = at % (len(whole) + 1)  # noqa: PLW2901 - offsets wrap, so that hypothesis can shrink them
        whole = whole[:at] + put + whole[at + lost :]

    inspected(whole)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff" + b"\xff" * 10_000_000,
        FRAME + b"\xff\xda\x00\x02" + b"\xff\x00" * 5_000_000,
        FRAME + b"\xff\xe0\x00\x02" * 2_500_000,
        png(HEADER, chunk(b"tEXt", b"") * 800_000),
        b"RIFF" + struct.pack("<I", 8_000_004) + b"WEBP" + b"XXXX\0\0\0\0" * 1_000_000,
    ],
    ids=["fill bytes", "stuffed bytes", "segments", "chunks", "riff chunks"],
)
def test_a_file_made_to_keep_us_busy_is_refused_in_no_time(data: bytes) -> None:
    begun = time.process_time()

    with pytest.raises(BrokenImage):
        inspect(data)

    assert time.process_time() - begun < 0.2
