"""Take the screenshots and the animation of the explorer in docs/images.

    python scripts/screenshots.py

This needs the development environment and a Chromium on the PATH. The service runs on a free port
with a temporary data folder.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from math import cos, sin, tau
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
DESKTOP = (1280, 720)
PHONE = (390, 844)
ITERATION = "230"
MOVIE = (1280, 720)
MOVIE_SCALE = 0.6
MOMENTS = [*range(4, 60, 6), *range(60, 500, 60), 500]  # iterations that the animation shows
CENTER = """() => {
  const box = document.querySelector(".point .halo").getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
}"""


class Screenshot(NamedTuple):
    """One screenshot of the explorer."""

    file_name: str
    theme: Literal["light", "dark"]
    size: tuple[int, int]
    address: str  # the part that names its runs


class Frame(NamedTuple):
    """One frame of the animation, and how long it is shown."""

    image: Image.Image
    milliseconds: int


# From a good start, gradient descent arrives. From a bad one, it leaves the plot.
START = "w_in:0.5;w_rec:0.5;n_iterations:500;optimizer.learning_rate:0.001"
GOOD_START = (
    f"#w_in=0.5&w_rec=0.5&view=0,2,0,2&show=2&run=optimizer:gradient_descent;{START}"
    f"&run=optimizer:momentum;{START}"
)
BAD_START = (
    "#show=2&run=optimizer:gradient_descent;optimizer.learning_rate:0.001&run=optimizer:rprop"
)

SCREENSHOTS = [
    Screenshot("explorer-light.png", "light", DESKTOP, BAD_START),
    Screenshot("explorer-dark.png", "dark", DESKTOP, GOOD_START),
    Screenshot("explorer-phone.png", "light", PHONE, BAD_START),
]


def take(browser: Browser, url: str, screenshot: Screenshot) -> bytes:
    """Return a PNG of the explorer in the middle of two runs."""
    width, height = screenshot.size
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme=screenshot.theme,
        device_scale_factor=1.5,
        reduced_motion="reduce",
    )
    page.goto(f"{url}/{screenshot.address}")
    expect(page.locator("[data-run]")).to_have_count(2)
    page.locator("#timeline").fill(ITERATION)
    expect(page.locator("#iteration")).to_have_text(re.compile(f"^{ITERATION} of"))
    expect(page.locator(".optimum")).to_be_visible()
    page.locator("#timeline").blur()
    page.mouse.move(0, 0)
    return page.screenshot()


def record(browser: Browser, url: str) -> Iterator[Frame]:
    """Yield the frames of an animation: drag the point, train, and race two optimizers."""
    width, height = MOVIE
    page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page.goto(url)
    expect(page.locator("#cost[data-value]")).to_be_visible()

    def frame(milliseconds: int = 140) -> Frame:
        image = Image.open(BytesIO(page.screenshot())).convert("RGB")
        size = round(MOVIE_SCALE * width), round(MOVIE_SCALE * height)
        return Frame(image.resize(size, Image.Resampling.LANCZOS), milliseconds)

    def play(iterations: Iterable[int]) -> Iterator[Frame]:
        for iteration in iterations:
            page.locator("#timeline").fill(str(iteration))
            yield frame()

    yield frame(1000)
    x, y = page.evaluate(CENTER)
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(1, 13):
        angle = k / 12 * tau
        page.mouse.move(x + 60 * (1 - cos(angle)), y + 60 * sin(angle))
        yield frame()
    page.mouse.up()
    page.mouse.move(0, 0)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#iteration")).to_have_text(re.compile(r"^[1-9]\d* of"))
    yield from play(MOMENTS)
    yield frame(1000)
    page.locator("#optimizer").select_option("levenberg_marquardt")
    page.get_by_role("button", name="Add to race").click()
    expect(page.locator("[data-run]")).to_have_count(2)
    yield from play(MOMENTS)
    yield frame(2500)


def save_movie(frames: Iterable[Frame], file_name: str) -> None:
    """Write frames as a GIF whose colors come from the last frame."""
    images, durations = zip(*frames, strict=True)
    palette = images[-1].quantize(96, method=Image.Quantize.MAXCOVERAGE)  # keeps rare colors
    shown = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    shown[0].save(
        IMAGES / file_name,
        save_all=True,
        append_images=shown[1:],
        duration=list(durations),
        loop=0,
        optimize=False,
    )


def save(png: bytes, file_name: str) -> None:
    """Write a screenshot with a palette, which takes a third of the bytes and looks the same."""
    image = Image.open(BytesIO(png)).convert("RGB")
    # Without k-means, rare colors such as those of the paths become mixtures of others.
    indexed = image.quantize(256, kmeans=2, dither=Image.Dither.NONE)
    indexed.save(IMAGES / file_name, optimize=True)


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Run the service on a free port; return its address."""
    command = [sys.executable, "-m", "service", "serve", "--port", "0", "--data-dir", str(folder)]
    with subprocess.Popen(  # noqa: S603
        command,
        env={**os.environ, "RNN_LOG_LEVEL": "warning"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            lines = process.stdout or ()
            yield next(found[0] for line in lines if (found := re.search(r"http://[\d.:]+", line)))
        finally:
            process.terminate()


def main() -> int:
    """Take all screenshots."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("found no Chromium on the PATH\n")
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory() as folder,
        serve(Path(folder)) as url,
        sync_playwright() as playwright,
    ):
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        for screenshot in SCREENSHOTS:
            save(take(browser, url, screenshot), screenshot.file_name)
        save_movie(record(browser, url), "explorer.gif")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
