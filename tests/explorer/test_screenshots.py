"""The page looks as in the screenshots of the documentation."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser

from scripts import screenshots

ROOT = Path(__file__).parents[2]
# Limits of 255: fonts and antialiasing differ between machines.
MAX_MEAN, MAX_PERCENTILE_99 = 4.0, 45.0


def shrink(image: Image.Image) -> NDArray[np.float64]:
    """Return an image with so few pixels that letters are gray."""
    size = (image.width // 20, image.height // 20)
    return np.asarray(image.convert("RGB").resize(size, Image.Resampling.BOX), np.float64)


def difference(image: Image.Image, other: Image.Image) -> tuple[float, float]:
    """Return the mean and the 99th percentile of the differences between pixels."""
    differences = np.abs(shrink(image) - shrink(other))
    return float(differences.mean()), float(np.percentile(differences, 99))


@pytest.mark.slow
@pytest.mark.parametrize(
    "screenshot", screenshots.SCREENSHOTS, ids=lambda screenshot: screenshot.file_name
)
def test_the_page_looks_as_in_the_screenshot(
    browser: Browser, service_url: str, screenshot: Any
) -> None:
    taken = Image.open(BytesIO(screenshots.take(browser, service_url, screenshot)))
    with Image.open(ROOT / "docs" / "images" / screenshot.file_name) as saved:
        assert saved.size == taken.size
        mean, percentile_99 = difference(taken, saved)
    assert mean < MAX_MEAN, "run scripts/screenshots.py if the page was meant to change"
    assert percentile_99 < MAX_PERCENTILE_99
