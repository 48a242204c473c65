"""Pictures that tests send: small and plain, or with all that a file may carry."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms

# Stands in metadata and behind the picture: nobody but the sender may see it again.
SECRET = b"48.2082N 16.3738E"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"


def picture(width: int = 64, height: int = 64, form: str = "png", mode: str = "RGB") -> bytes:
    """Return the bytes of a small gradient in "png", "jpeg" or "webp"."""
    image = Image.linear_gradient("L").resize((width, height)).convert(mode)
    return saved(image, form)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    """Return an image as a file."""
    out = io.BytesIO()
    image.save(out, form.upper(), **options)
    return out.getvalue()


def corners(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    """Return an image with a colour of its own in each corner, so that every turn of it shows."""
    image = Image.new("RGB", (width, height), "white")
    for colour, (left, top) in zip(("red", "green", "blue"), ((0, 0), (1, 0), (0, 1)), strict=True):
        place = (left * width // 2, top * height // 2)
        image.paste(colour, (*place, place[0] + width // 2, place[1] + height // 2))
    return image.convert(mode)


def exif(orientation: int = 1) -> Image.Exif:
    """Return metadata with a place on earth, and how the picture is turned."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010E] = SECRET.decode()
    tags[0x8825] = {1: "N", 2: (48.0, 12.0, 29.5), 3: "E", 4: (16.0, 22.0, 25.7)}
    return tags


def turned(form: str, orientation: int, width: int = 64, height: int = 48) -> bytes:
    """Return a file whose metadata tell a viewer to turn it."""
    options = {"webp": {"lossless": True}}.get(form, {})
    return saved(corners(width, height), form, exif=exif(orientation), **options)


def laden(form: str, image: Image.Image | None = None) -> bytes:
    """Return a file with every kind of metadata that its format knows, and a secret behind it."""
    image = image or corners()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    common = {"exif": exif(), "icc_profile": profile}
    if form == "png":
        data = saved(image, form, **common)
        notes = (
            chunk(b"tEXt", b"Comment\0" + SECRET),
            chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
            chunk(b"zTXt", b"Comment\0\0" + zlib.compress(SECRET)),
            chunk(b"puRe", SECRET),
        )
        data = data[:33] + b"".join(notes) + data[33:]
    elif form == "jpeg":
        data = saved(image, form, xmp=XMP, comment=SECRET, dpi=(300, 300), **common)
    else:
        data = saved(image, form, xmp=XMP, **common)
    return data + b"PK\x03\x04" + SECRET


def animated(form: str, frames: int = 2) -> bytes:
    """Return a PNG or a WebP that moves."""
    images = [Image.new("RGB", (64, 64), (40 * n, 9, 9)) for n in range(frames)]
    return saved(images[0], form, save_all=True, append_images=images[1:])


def several_in_one() -> bytes:
    """Return what cameras make: a JPEG with another one behind it."""
    behind = Image.new("RGB", (16, 16), "black")
    return saved(corners(), "mpo", save_all=True, append_images=[behind])


def damaged(form: str) -> bytes:
    """Return a picture that is whole by its structure and has rubbish for pixels."""
    data = picture(256, 256, form)
    if form == "png":
        start = data.index(b"IDAT")
        (length,) = struct.unpack(">I", data[start - 4 : start])
        return data[: start - 4] + chunk(b"IDAT", bytes(length)) + data[start + 8 + length :]
    return data[:40] + b"\xff" * (len(data) - 40)


def foreign_profile() -> bytes:
    """Return a profile of colours in which red stands for green, and green for red."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")
    name = "sRGB".encode("utf-16-be")
    assert name in swapped
    return swapped.replace(name, "test".encode("utf-16-be"))


def opened(data: bytes) -> Image.Image:
    """Return the picture of a file."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes) -> bytes:
    """Return a PNG of these chunks."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def png_header(width: int, height: int, depth: int = 8, colour: int = 2, *rest: int) -> bytes:
    """Return the header chunk of a PNG; `rest` are its last three bytes."""
    values = (width, height, depth, colour, *(rest or (0, 0, 0)))
    return chunk(b"IHDR", struct.pack(">IIBBBBB", *values))


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a WebP of these chunks, by kind and body."""
    parts = [
        kind + struct.pack("<I", len(body)) + body + bytes(len(body) & 1) for kind, body in chunks
    ]
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def vp8x(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    """Return the header chunk of an extended WebP."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"VP8X", bytes([flags, 0, 0, 0]) + size
