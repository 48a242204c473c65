"""Make the picture of a call: paint or enlarge it, spoil it if told so, encode it."""

import hashlib
import io
import json
import random
from dataclasses import dataclass

from PIL import Image, ImageFilter, ImageOps

from sandbox.calls import Call
from sandbox.canvas import flat_level
from sandbox.captions import caption, sign
from sandbox.details import Brief
from sandbox.palettes import GRADES, PALETTES, Grade, graded
from sandbox.scenes import Sketch, choose
from sandbox.sizes import Size, enlarged_size, generated_size, nearest_ratio
from sandbox.wire import FORMATS

_NEAREST = Image.Resampling.NEAREST
_SAVE_OPTIONS: dict[str, dict[str, int]] = {
    "png": {"compress_level": 1},
    "jpeg": {"quality": 85},
    "webp": {"quality": 75, "method": 0},
}


@dataclass(frozen=True)
class Made:
    """Hold a finished picture as it goes on the wire."""

    data: bytes
    format: str
    seed: int
    finish_reason: str = "SUCCESS"


def measure(data: bytes) -> Size | None:
    """Return width and height of an upload, or None if it is no whole jpeg, png or webp."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            picture.load()
            return picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def make(call: Call, fault_kind: str | None = None) -> Made:
    """Make the picture of a call, in the way a fault asks for if one is named."""
    picture = _enlarge(call) if call.operation.name.startswith("upscale/") else _paint(call)
    picture_format, reason = call.format, "SUCCESS"
    if fault_kind == "filtered":
        picture = picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 24))
        reason = "CONTENT_FILTERED"
    elif fault_kind == "wrong_size":
        picture = picture.resize((picture.width // 2, picture.height // 2))
    elif fault_kind == "wrong_format":
        picture_format = "jpeg" if call.format == "png" else "png"
    data = _encode(picture, picture_format)
    if fault_kind == "truncated_image":
        data = data[: len(data) // 2]
    return Made(data, picture_format, call.seed, reason)


def _paint(call: Call) -> Image.Image:
    size = generated_size(call.model, _ratio(call))
    digest = _digest(call)
    rng = random.Random(digest)
    palette = PALETTES[digest[0] % len(PALETTES)]
    sketch = choose(call.prompt, rng)(Brief(size, palette, rng))
    picture = _coloured(sketch, GRADES.get(str(call.values.get("style_preset")), Grade()))
    if call.upload is not None:
        given = ImageOps.fit(_open(call.upload).convert("RGB"), size, Image.Resampling.BICUBIC)
        picture = Image.blend(given, picture, float(call.values["strength"]))
    caption(picture, call.prompt)
    sign(picture, f"{call.model} \u00b7 seed {call.seed}")
    return picture


def _ratio(call: Call) -> str:
    if "aspect_ratio" in call.values or call.upload_size is None:
        return str(call.values["aspect_ratio"])
    return nearest_ratio(call.upload_size)


def _digest(call: Call) -> bytes:
    """Hash all that decides the picture, so that the same call gives the same pixels."""
    deciding = {name: v for name, v in call.values.items() if name != "output_format"}
    upload = hashlib.sha256(call.upload or b"").hexdigest()
    text = json.dumps([call.operation.name, deciding, upload], sort_keys=True)
    return hashlib.sha256(text.encode()).digest()


def _coloured(sketch: Sketch, grade: Grade) -> Image.Image:
    sheet, colours = sketch.sheet, [graded(colour, grade) for colour in sketch.colours]
    if grade.bands:
        colours = [colours[flat_level(level, grade.bands)] for level in range(256)]
    if grade.blocks:
        few = grade.blocks / max(sheet.size)
        small = sheet.resize((round(sheet.width * few), round(sheet.height * few)), _NEAREST)
        sheet = small.resize(sheet.size, _NEAREST)
    sheet.putpalette([part for colour in colours for part in colour])
    return sheet.convert("RGB")


def _enlarge(call: Call) -> Image.Image:
    picture = _open(call.upload or b"")
    picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    picture = picture.resize(enlarged_size(call.model, picture.size), Image.Resampling.LANCZOS)
    sign(picture, call.model)
    return picture


def _open(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data), formats=FORMATS)
    picture.load()
    return picture


def _encode(picture: Image.Image, picture_format: str) -> bytes:
    if picture_format == "jpeg":
        picture = picture.convert("RGB")
    out = io.BytesIO()
    picture.save(out, picture_format, **_SAVE_OPTIONS[picture_format])
    return out.getvalue()
