"""Know the size in pixels of every picture that the provider makes."""

Size = tuple[int, int]

ONE_MEGAPIXEL: dict[str, Size] = {
    "21:9": (1536, 640),
    "16:9": (1344, 768),
    "3:2": (1216, 832),
    "5:4": (1088, 896),
    "1:1": (1024, 1024),
    "4:5": (896, 1088),
    "2:3": (832, 1216),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}
RATIOS = tuple(ONE_MEGAPIXEL)

# Only 512 x 512 was ever measured; the same total of pixels is assumed for other shapes.
ENLARGED_PIXELS = {"conservative": 3112 * 3112, "creative": 3152 * 3152}


def generated_size(model: str, ratio: str) -> Size:
    """Return width and height in pixels; core draws 1.5 times the sides of the others."""
    width, height = ONE_MEGAPIXEL[ratio]
    return (width * 3 // 2, height * 3 // 2) if model == "core" else (width, height)


def nearest_ratio(size: Size) -> str:
    """Return the ratio whose shape is closest to an uploaded picture's."""
    shape = size[0] / size[1]
    return min(RATIOS, key=lambda ratio: _shape(ratio) / shape + shape / _shape(ratio))


def enlarged_size(model: str, size: Size) -> Size:
    """Return the upscaler's output size: four times each side for fast, else a fixed total."""
    width, height = size
    if model == "fast":
        return width * 4, height * 4
    scale = (ENLARGED_PIXELS[model] / (width * height)) ** 0.5
    return round(width * scale), round(height * scale)


def _shape(ratio: str) -> float:
    width, height = ONE_MEGAPIXEL[ratio]
    return width / height
