import random

import pytest
from PIL import ImageStat

from sandbox.details import Brief
from sandbox.palettes import PALETTES, Palette
from sandbox.scenes import SCENES, Scene, choose, city, peaks, sea
from sandbox.sizes import RATIOS, generated_size


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("ratio", RATIOS)
def test_every_scene_fills_every_shape_with_something_to_look_at(scene: Scene, ratio: str) -> None:
    width, height = generated_size("ultra", ratio)
    small = (width // 4, height // 4)

    sketch = scene(Brief(small, PALETTES[0], random.Random(ratio)))

    assert sketch.sheet.size == small
    assert len(sketch.colours) == 256
    assert ImageStat.Stat(sketch.sheet).stddev[0] > 4


@pytest.mark.parametrize("palette", PALETTES)
def test_every_palette_goes_from_dark_to_light(palette: Palette) -> None:
    assert sum(palette.ink) < sum(palette.sky[0]) < sum(palette.sky[-1])


@pytest.mark.parametrize(
    ("prompt", "scene"),
    [("A mountain, at dawn.", peaks), ("a ship in a bottle", sea), ("a car in the city", city)],
)
def test_a_word_of_the_prompt_hints_at_the_scene(prompt: str, scene: Scene) -> None:
    assert choose(prompt, random.Random(1)) is scene


def test_without_a_hint_the_dice_choose() -> None:
    assert {choose("a cat", random.Random(seed)) for seed in range(100)} == set(SCENES)
