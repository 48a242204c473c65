"""Small real pictures for tests."""

import io

from PIL import Image


def picture(width: int = 64, height: int = 64, form: str = "png", mode: str = "RGB") -> bytes:
    """Return the bytes of a small gradient in "png", "jpeg" or "webp"."""
    image = Image.linear_gradient("L").resize((width, height)).convert(mode)
    out = io.BytesIO()
    image.save(out, form.upper())
    return out.getvalue()
