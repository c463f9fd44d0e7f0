"""The page beside its pictures in the documents: what changed visibly shows here first."""

import importlib.util
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
MEAN, FEW = 4.0, 45.0  # of 255: fonts and smoothing differ from machine to machine


def screenshots() -> ModuleType:
    spec = importlib.util.spec_from_file_location("screenshots", ROOT / "scripts/screenshots.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = screenshots()


def coarse(picture: Image.Image) -> NDArray[np.float64]:
    """Return what is left of a picture from afar, where letters are grey."""
    size = (picture.width // 20, picture.height // 20)
    return np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BOX), np.float64)


def difference(picture: Image.Image, other: Image.Image) -> tuple[float, float]:
    """Return the mean difference of two pictures, and that of all but one pixel in a hundred."""
    apart = np.abs(coarse(picture) - coarse(other))
    return float(apart.mean()), float(np.percentile(apart, 99))


@pytest.mark.parametrize("shot", SCRIPT.SHOTS, ids=lambda shot: shot[0])
def test_the_page_looks_as_in_its_picture(
    browser: Browser, service_url: str, shot: tuple[str, str, tuple[int, int], str]
) -> None:
    name, scheme, size, example = shot
    taken = Image.open(BytesIO(SCRIPT.shoot(browser, service_url, scheme, size, example)))
    with Image.open(ROOT / "docs" / "images" / name) as kept:
        assert kept.size == taken.size
        mean, few = difference(taken, kept)
    assert mean < MEAN, "run scripts/screenshots.py if the page was meant to change"
    assert few < FEW


def test_another_look_would_be_noticed() -> None:
    with (
        Image.open(ROOT / "docs/images/explorer-light.png") as light,
        Image.open(ROOT / "docs/images/explorer-dark.png") as dark,
    ):
        mean, few = difference(light, dark)
        assert mean > MEAN
        assert few > FEW
        # A panel that is missing is little of the whole, and more than a pixel in a hundred.
        holed = light.convert("RGB")
        holed.paste((255, 0, 0), (1300, 300, 1800, 600))
        assert difference(light, holed)[1] > FEW
