import pytest

from sandbox.sizes import RATIOS, enlarged_size, generated_size, nearest_ratio
from sandbox.wire import OPERATIONS

CORE_SIZES = {
    "21:9": (2304, 960),
    "16:9": (2016, 1152),
    "3:2": (1824, 1248),
    "5:4": (1632, 1344),
    "1:1": (1536, 1536),
    "4:5": (1344, 1632),
    "2:3": (1248, 1824),
    "9:16": (1152, 2016),
    "9:21": (960, 2304),
}
PRICES = {
    "core": 3000,
    "ultra": 8000,
    "sd3.5-large": 6500,
    "sd3.5-large-turbo": 4000,
    "sd3.5-medium": 3500,
    "sd3.5-flash": 2500,
    "fast": 2000,
    "conservative": 40000,
    "creative": 60000,
}


@pytest.mark.parametrize("ratio", RATIOS)
def test_core_draws_the_documented_sizes(ratio: str) -> None:
    assert generated_size("core", ratio) == CORE_SIZES[ratio]


def test_the_others_draw_about_one_megapixel() -> None:
    assert generated_size("ultra", "16:9") == (1344, 768)
    assert generated_size("sd3.5-flash", "1:1") == (1024, 1024)


def test_prices_are_the_list_of_2026_in_thousandths() -> None:
    prices = {model: price for op in OPERATIONS.values() for model, price in op.prices.items()}

    assert prices == PRICES


@pytest.mark.parametrize(
    ("model", "size", "enlarged"),
    [
        ("fast", (512, 300), (2048, 1200)),
        ("conservative", (512, 512), (3112, 3112)),
        ("creative", (512, 512), (3152, 3152)),
        ("conservative", (1000, 500), (4401, 2201)),
    ],
)
def test_upscalers_enlarge_as_measured(
    model: str, size: tuple[int, int], enlarged: tuple[int, int]
) -> None:
    assert enlarged_size(model, size) == enlarged


@pytest.mark.parametrize(
    ("size", "ratio"), [((96, 64), "3:2"), ((64, 64), "1:1"), ((100, 900), "9:21")]
)
def test_an_upload_finds_its_nearest_ratio(size: tuple[int, int], ratio: str) -> None:
    assert nearest_ratio(size) == ratio
