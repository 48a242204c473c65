"""What two programs could read differently is no picture; how one is turned, and whether it moves."""

import struct
import zlib
from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import jpeg_file, png_file
from shared.errors import BrokenImage
from shared.exif import orientation
from shared.image_file import ImageInfo, inspect
from tests.pictures import (
    SECRET,
    animated,
    chunk,
    exif,
    laden,
    opened,
    picture,
    png,
    png_header,
    riff,
    several_in_one,
    turned,
    vp8x,
)

FORMS = ("png", "jpeg", "webp")
PNG, JPEG, WEBP = (picture(64, 48, form) for form in FORMS)
HEADER, REST = PNG[8:33], PNG[33:]
PIXELS, END = REST[:-12], REST[-12:]
LOSSY = WEBP[20 : 20 + struct.unpack("<I", WEBP[16:20])[0]]
AT_FRAME = JPEG.index(b"\xff\xc0")
FRAME = JPEG[AT_FRAME : AT_FRAME + 2 + struct.unpack(">H", JPEG[AT_FRAME + 2 : AT_FRAME + 4])[0]]


def lossy(width: int, height: int) -> bytes:
    """Return the pixels of a WebP with another size written into them."""
    return LOSSY[:6] + struct.pack("<HH", width, height) + LOSSY[10:]


def frame(marker: int, depth: int = 8, colours: int = 3) -> bytes:
    """Return a JPEG with another frame header."""
    head = bytes([0xFF, marker]) + FRAME[2:4] + bytes([depth]) + FRAME[5:9] + bytes([colours])
    return JPEG[:AT_FRAME] + head + FRAME[10:] + JPEG[AT_FRAME + len(FRAME) :]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (png(HEADER, HEADER, PIXELS, END), "PNG has parts that make no sense"),
        (png(HEADER, PIXELS, chunk(b"tEXt", b"a"), PIXELS, END), "PNG has parts that make no sense"),
        (png(HEADER, chunk(b"WHAT", b"a"), PIXELS, END), "PNG has parts that make no sense"),
        (png(png_header(64, 48, 8, 3), PIXELS, END), "PNG has parts that make no sense"),
        (png(HEADER, PIXELS, chunk(b"PLTE", bytes(3)), END), "PNG has parts that make no sense"),
        (png(chunk(b"CgBI", bytes(4)), HEADER, PIXELS, END), "PNG does not begin with its header"),
        (png(png_header(64, 48, 3), PIXELS, END), "header that makes no sense"),
        (png(png_header(64, 48, 8, 5), PIXELS, END), "header that makes no sense"),
        (png(png_header(64, 48, 16, 3), PIXELS, END), "header that makes no sense"),
        (png(png_header(64, 48, 8, 2, 1, 0, 0), PIXELS, END), "header that makes no sense"),
        (png(png_header(64, 48, 8, 2, 0, 0, 2), PIXELS, END), "header that makes no sense"),
        (png(png_header(2**31, 48), PIXELS, END), "header that makes no sense"),
        (JPEG[: AT_FRAME + len(FRAME)] + FRAME + JPEG[AT_FRAME + len(FRAME) :], "two frames"),
        (frame(0xC3), "rare kind"),
        (frame(0xC5), "rare kind"),
        (frame(0xC0, depth=12), "rare kind"),
        (frame(0xC0, colours=2), "rare kind"),
        (JPEG[:2] + b"\xff\xe0\x00\x01" + JPEG[2:], "JPEG is damaged"),
        (riff(vp8x(65, 48), (b"VP8 ", LOSSY)), "WebP says two sizes"),
        (riff(vp8x(64, 48), (b"VP8 ", lossy(48, 64))), "WebP says two sizes"),
        (riff(vp8x(64, 48), (b"VP8 ", LOSSY), (b"VP8 ", LOSSY)), "WebP has two pictures"),
        (riff((b"EXIF", b"a"), (b"VP8 ", LOSSY)), "WebP does not begin with its header"),
        (riff((b"VP8X", bytes(9)), (b"VP8 ", LOSSY)), "WebP is damaged"),
        (riff((b"VP8 ", LOSSY[:9])), "WebP is damaged"),
        (riff((b"VP8 ", b"\x01" + LOSSY[1:])), "WebP is damaged"),
        (riff((b"VP8 ", LOSSY[:3] + b"xyz" + LOSSY[6:])), "WebP is damaged"),
        (riff((b"VP8L", b"\x00" + bytes(9))), "WebP is damaged"),
        (riff((b"VP8 ", LOSSY[: 10])), "cut short"),
        (riff((b"VP8 ", b"\xf0\xff\xff" + LOSSY[3:])), "cut short"),
        (riff(vp8x(64, 48, flags=2), (b"ANIM", bytes(6))), "WebP has no pixels"),
    ],
)  # fmt: skip
def test_what_two_programs_could_read_differently_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(BrokenImage, match=complaint):
        inspect(data)


def test_these_pictures_were_whole_before_they_were_changed() -> None:
    whole = (png(HEADER, PIXELS, END), frame(0xC0), riff(vp8x(64, 48), (b"VP8 ", lossy(64, 48))))

    assert [inspect(data) for data in whole] == [ImageInfo(form, 64, 48) for form in FORMS]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_on_its_side_has_its_sides_swapped_for_a_viewer(form: str, turn: int) -> None:
    info = inspect(turned(form, turn))

    assert info == ImageInfo(form, 64, 48, turn)
    seen = (48, 64) if turn >= 5 else (64, 48)
    assert info.upright == ImageInfo(form, *seen)


@pytest.mark.parametrize("form", FORMS)
def test_metadata_change_nothing_else(form: str) -> None:
    assert SECRET in laden(form)
    assert inspect(laden(form)) == ImageInfo(form, 64, 48)


@pytest.mark.parametrize(("form", "read"), [("png", png_file), ("jpeg", jpeg_file)])
def test_pixels_can_be_had_without_what_tells_of_them(form: str, read: ModuleType) -> None:
    bare = read.pixels_only(laden(form))

    assert SECRET not in bare
    assert inspect(bare) == ImageInfo(form, 64, 48)
    assert opened(bare).tobytes() == opened(laden(form)).tobytes()
    assert opened(bare).info["icc_profile"] == opened(laden(form)).info["icc_profile"]


@pytest.mark.parametrize("jfif", [b"", JPEG[2:20]])
def test_what_the_numbers_of_a_pixel_are_is_still_told(jfif: bytes) -> None:
    assert JPEG[2:11] == b"\xff\xe0\0\x10JFIF\0"
    adobe = b"\xff\xee\0\x0eAdobe" + bytes(7)  # they are red, green and blue
    data = JPEG[:2] + jfif + adobe + JPEG[20:]
    assert (opened(data).tobytes() == opened(JPEG).tobytes()) == bool(jfif)

    assert opened(jpeg_file.pixels_only(data)).tobytes() == opened(data).tobytes()


@pytest.mark.parametrize(
    "profile",
    [
        b"", b"name", b"name\0", b"name\0\0", b"name\0\0rubbish", b"name\0\x01" + zlib.compress(b"a"),
        b"name\0\0" + zlib.compress(bytes(1_000_001)), b"name\0\0" + zlib.compress(b"abc")[:-5],
    ],
)  # fmt: skip
def test_a_profile_that_can_not_be_unpacked_is_left_out(profile: bytes) -> None:
    sound = chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(1_000_000)))

    bare = png_file.pixels_only(png(HEADER, chunk(b"iCCP", profile), PIXELS, END))

    assert bare == png(HEADER, PIXELS, END)
    assert sound in png_file.pixels_only(png(HEADER, sound, PIXELS, END))


def test_a_jpeg_of_more_scans_than_any_program_makes_is_refused() -> None:
    scan = JPEG[JPEG.index(b"\xff\xda") : -2]

    assert inspect(JPEG[:-2] + scan * 99 + JPEG[-2:]).width == 64
    with pytest.raises(BrokenImage, match="too many parts"):
        inspect(JPEG[:-2] + scan * 100 + JPEG[-2:])


def test_of_several_pictures_in_a_jpeg_the_first_counts() -> None:
    assert inspect(several_in_one()) == ImageInfo("jpeg", 64, 48)


@pytest.mark.parametrize("form", ["png", "webp"])
def test_a_picture_that_moves_is_known(form: str) -> None:
    assert inspect(animated(form)).animated


def test_a_webp_that_only_says_that_it_moves_is_taken_at_its_word() -> None:
    assert inspect(riff(vp8x(64, 48, flags=2), (b"VP8 ", LOSSY))).animated
    assert inspect(riff(vp8x(64, 48), (b"VP8 ", LOSSY), (b"ANIM", bytes(6)))).animated


def test_metadata_that_the_header_of_a_webp_does_not_announce_count_for_nothing() -> None:
    tags = exif(6).tobytes().removeprefix(b"Exif\0\0")

    assert inspect(riff(vp8x(64, 48, 8), (b"VP8 ", LOSSY), (b"EXIF", tags))).orientation == 6
    assert inspect(riff(vp8x(64, 48), (b"VP8 ", LOSSY), (b"EXIF", tags))).orientation == 1


def test_the_first_of_several_metadata_counts() -> None:
    def segment(turn: int) -> bytes:
        body = b"Exif\0\0" + exif(turn).tobytes().removeprefix(b"Exif\0\0")
        return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body

    assert inspect(JPEG[:2] + segment(3) + segment(6) + JPEG[2:]).orientation == 3
    tags = [chunk(b"eXIf", exif(turn).tobytes().removeprefix(b"Exif\0\0")) for turn in (3, 6)]
    assert inspect(png(HEADER, *tags, PIXELS, END)).orientation == 3


def tiff(
    order: str = "<", tag: int = 0x0112, kind: int = 3, count: int = 1, turn: int = 6
) -> bytes:
    """Return metadata with one entry."""
    start = {"<": b"II*\0", ">": b"MM\0*"}[order]
    return start + struct.pack(f"{order}IHHHIHH", 8, 1, tag, kind, count, turn, 0)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_both_orders_of_bytes_are_read(order: str, turn: int) -> None:
    assert orientation(tiff(order, turn=turn)) == turn


@pytest.mark.parametrize(
    "wrong",
    [
        b"", b"II", b"II*\0", b"XX*\0" + tiff()[4:], tiff()[:-6], tiff(turn=0), tiff(turn=9),
        tiff(kind=4), tiff(count=2), tiff(tag=0x0113), b"MM\0*" + tiff()[4:],
        b"II*\0\xff\xff\xff\xff" + tiff()[8:], b"II*\0\x08\0\0\0\xff\xff" + bytes(24),
    ],
)  # fmt: skip
def test_what_can_not_be_read_turns_nothing(wrong: bytes) -> None:
    assert orientation(wrong) == 1


@settings(deadline=None)
@given(st.sampled_from([b"", b"II*\0", b"MM\0*", tiff(), tiff(">")]), st.binary(max_size=60))
def test_no_bytes_make_the_reader_of_metadata_stumble(start: bytes, rest: bytes) -> None:
    assert 1 <= orientation(start + rest) <= 8


BUSY: dict[str, Callable[[], bytes]] = {
    "entries": lambda: b"II*\0\x08\0\0\0\xff\xff" + bytes(12 * 65_535),
    "itself": lambda: b"II*\0\x00\0\0\0" + bytes(12 * 65_535),
}


@pytest.mark.parametrize("name", BUSY)
def test_metadata_have_no_more_entries_than_two_bytes_can_count(name: str) -> None:
    assert orientation(BUSY[name]()) == 1
