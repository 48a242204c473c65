"""What goes to the provider: the picture as its viewer sees it, and nothing else."""

import struct
import zlib

import pytest
from PIL import Image, ImageOps

from shared.errors import BrokenImage
from shared.image_file import ImageInfo, inspect
from tests.pictures import (
    SECRET,
    animated,
    chunk,
    corners,
    damaged,
    foreign_profile,
    laden,
    opened,
    picture,
    png,
    png_header,
    saved,
    several_in_one,
    turned,
)
from worker.preparing import MOST_BYTES, Prepared, prepare

FORMS = ("png", "jpeg", "webp")
# 16 bits are brought down to 8, as in any picture that the provider makes.
MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


def prepared(data: bytes, **limits: int) -> Prepared:
    """Return a picture as it goes out."""
    return prepare(data, inspect(data), **limits)


def chunks_of(png: bytes) -> set[bytes]:
    """Return the kinds of chunks in a PNG, up to its last byte."""
    at, kinds = 8, set()
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kinds.add(png[at + 4 : at + 8])
        at += 12 + length
    return kinds


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("turn", range(1, 9))
def test_a_turned_picture_goes_out_upright(form: str, turn: int) -> None:
    data = turned(form, turn)

    made = prepared(data)

    upright = ImageOps.exif_transpose(opened(data))
    assert opened(made.data).convert("RGB").tobytes() == upright.convert("RGB").tobytes()
    assert made.info == inspect(made.data) == ImageInfo("png", *upright.size)
    assert upright.size == ((48, 64) if turn >= 5 else (64, 48))


@pytest.mark.parametrize("form", FORMS)
def test_nothing_goes_out_but_pixels(form: str) -> None:
    data = laden(form)
    assert SECRET in data

    made = prepared(data)

    assert chunks_of(made.data) == {b"IHDR", b"IDAT", b"IEND"}
    assert opened(made.data).tobytes() == opened(data).tobytes()
    assert opened(made.data).info == {}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", MODES)
def test_no_pixel_changes(form: str, mode: str) -> None:
    if form != "png" and mode in {"1", "LA", "P", "RGBA"[form == "webp" :]}:
        mode = "RGB" if form == "jpeg" else "RGBA"
    data = saved(corners(mode=mode), form)

    made = prepared(data)

    assert opened(made.data).convert("RGBA").tobytes() == opened(data).convert("RGBA").tobytes()


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_what_a_png_names_transparent_stays_so(mode: str) -> None:
    data = saved(corners(mode=mode), "png", transparency={"RGB": (255, 0, 0)}.get(mode, 0))
    assert "A" not in opened(data).mode

    made = prepared(data)

    assert opened(made.data).mode == "RGBA"
    assert opened(made.data).tobytes() == opened(data).convert("RGBA").tobytes()


@pytest.mark.parametrize(
    ("depth", "colour", "seen", "hidden"),
    [
        (1, 0, b"\0", b"\x80"),
        (2, 0, b"\x40", b"\x80"),
        (4, 0, b"\x50", b"\x60"),
        (8, 0, b"\x50", b"\x60"),
        (16, 0, b"\x50\x50", b"\x60\x01"),
        (16, 2, b"\x50\x50" * 3, b"\x60\x01" * 3),
    ],
)
def test_so_it_does_with_any_number_of_bits(
    depth: int, colour: int, seen: bytes, hidden: bytes
) -> None:
    named = hidden if depth == 16 else bytes([0, hidden[0] >> (8 - depth)])
    parts = (
        chunk(b"tRNS", named),
        chunk(b"IDAT", zlib.compress(b"\0" + seen + b"\0" + hidden)),
        chunk(b"IEND", b""),
    )

    made = opened(prepared(png(png_header(1, 2, depth, colour), *parts)).data)

    assert made.getchannel("A").tobytes() == b"\xff\0"


def test_grey_of_sixteen_bits_keeps_its_shades() -> None:
    shades = b"".join(struct.pack("<H", shade * 257) for shade in range(256))
    data = saved(Image.frombytes("I;16", (256, 1), shades), "png")

    made = prepared(data)

    assert opened(made.data).convert("L").tobytes() == bytes(range(256))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_colours_of_another_profile_are_put_into_srgb(form: str, mode: str) -> None:
    mode = "RGB" if form == "jpeg" else mode
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 200)).convert(mode)
    data = saved(image, form, icc_profile=foreign_profile())

    made = prepared(data)

    shown = opened(made.data)
    assert shown.mode == mode
    red, green, _ = shown.convert("RGB").tobytes()[:3]
    assert green > 240
    assert red < 20
    assert shown.getbands()[3:] == (("A",) if mode == "RGBA" else ())


@pytest.mark.parametrize(
    "profile", [b"rubbish", bytes(200), foreign_profile()[:300], b"x" * 70_000]
)
@pytest.mark.parametrize("form", FORMS)
def test_a_profile_that_can_not_be_used_counts_for_nothing(form: str, profile: bytes) -> None:
    data = saved(corners(), form, icc_profile=profile)

    made = prepared(data)

    assert opened(made.data).tobytes() == opened(data).tobytes()


def test_a_profile_that_unpacks_to_too_much_counts_for_nothing() -> None:
    data = saved(corners(), "png")
    bomb = chunk(b"iCCP", b"name\0\0" + zlib_bomb())

    assert opened(prepared(data[:33] + bomb + data[33:]).data).tobytes() == corners().tobytes()


def test_a_profile_of_other_colours_than_the_pictures_counts_for_nothing() -> None:
    data = saved(corners(mode="L"), "png", icc_profile=foreign_profile())

    assert opened(prepared(data).data).convert("L").tobytes() == opened(data).tobytes()


def test_inks_become_colours() -> None:
    made = prepared(saved(corners(mode="CMYK"), "jpeg"))

    assert opened(made.data).mode == "RGB"


def test_a_long_text_in_a_png_keeps_nobody_from_its_pixels() -> None:
    data = laden("png")
    text = chunk(b"zTXt", b"Comment\0\0" + zlib_bomb())

    made = prepared(data[:33] + text + data[33:])

    assert opened(made.data).tobytes() == corners().tobytes()


def zlib_bomb() -> bytes:
    """Return some KB that unpack to 50 MB, of which Pillow takes one."""
    return zlib.compress(bytes(50_000_000))


def test_of_several_pictures_in_a_jpeg_the_first_goes_out() -> None:
    made = prepared(several_in_one())

    assert made.info == ImageInfo("png", 64, 48)


@pytest.mark.parametrize("form", ["png", "webp"])
def test_of_an_animation_from_earlier_days_the_first_frame_goes_out(form: str) -> None:
    assert (
        opened(prepared(animated(form)).data).tobytes()
        == opened(animated(form)).convert("RGB").tobytes()
    )


@pytest.mark.parametrize("form", ["png", "webp"])
def test_damaged_pixels_are_found(form: str) -> None:
    with pytest.raises(BrokenImage, match="pixels are damaged"):
        prepared(damaged(form))


def test_a_picture_with_too_few_pixels_for_its_header_is_found() -> None:
    data = png(png_header(64, 64), chunk(b"IDAT", zlib.compress(bytes(64))), chunk(b"IEND", b""))

    with pytest.raises(BrokenImage, match="pixels are damaged"):
        prepared(data)


def test_more_transparent_colours_than_colours_are_no_defect_of_ours() -> None:
    rows = zlib.compress(bytes([0, 0b01010101]) * 8)
    colours, transparent = chunk(b"PLTE", bytes(3)), chunk(b"tRNS", b"\xff" * 300)
    data = png(
        png_header(8, 8, 1, 3), colours, transparent, chunk(b"IDAT", rows), chunk(b"IEND", b"")
    )

    with pytest.raises(BrokenImage, match="colours make no sense"):
        prepared(data)


@pytest.mark.parametrize(
    "transparent", [b"", b"\0", b"\xff\xff", b"\xff\xff\0\0\xff\xff", bytes(300)]
)
@pytest.mark.parametrize(("depth", "colour"), [(8, 0), (16, 0), (8, 2), (16, 2), (8, 4), (16, 6)])
def test_any_transparency_is_read_or_refused(depth: int, colour: int, transparent: bytes) -> None:
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    rows = zlib.compress(bytes(1 + 8 * samples * depth // 8) * 8)
    parts = (chunk(b"tRNS", transparent), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    data = png(png_header(8, 8, depth, colour), *parts)

    try:
        made = prepared(data)
    except BrokenImage:
        return
    assert made.info == ImageInfo("png", 8, 8)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    data = damaged("png")

    with pytest.raises(BrokenImage, match="too many pixels"):
        prepared(data, most_pixels=256 * 256 - 1)


def test_what_does_not_fit_into_a_request_is_packed_tighter() -> None:
    noise = Image.effect_noise((200, 200), 90).convert("RGB")
    data = saved(noise, "png")

    made = prepared(data, most_bytes=28_000)

    assert made.info == inspect(made.data) == ImageInfo("webp", 200, 200)
    assert 20_000 < len(made.data) <= 28_000
    with pytest.raises(BrokenImage, match="too large for the provider"):
        prepared(data, most_bytes=500)


def test_room_is_left_in_a_request_for_the_longest_prompts() -> None:
    longest = 2 * 10_000 * 4

    assert MOST_BYTES + longest + 10_000 < 10 * 1024 * 1024


def test_what_was_prepared_once_is_as_it_was() -> None:
    made = prepared(picture())

    assert prepared(made.data) == made
