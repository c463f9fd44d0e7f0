"""Take the screenshots of the explorer in docs/images: python scripts/screenshots.py.

This needs the development environment and a Chromium on the PATH. The service runs on a free port
with a temporary data folder.
"""

import re
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
DESKTOP = (1280, 800)
PHONE = (390, 844)
ITERATION = "230"


class Screenshot(NamedTuple):
    """One screenshot of the explorer."""

    file_name: str
    theme: Literal["light", "dark"]
    size: tuple[int, int]
    example: str


SCREENSHOTS = [
    Screenshot("explorer-light.png", "light", DESKTOP, "Bad start"),
    Screenshot("explorer-dark.png", "dark", DESKTOP, "Good start"),
    Screenshot("explorer-phone.png", "light", PHONE, "Bad start"),
]


def take(browser: Browser, url: str, screenshot: Screenshot) -> bytes:
    """Return a PNG of the explorer in the middle of an example."""
    width, height = screenshot.size
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme=screenshot.theme,
        device_scale_factor=1.5,
        reduced_motion="reduce",
    )
    page.goto(url)
    page.get_by_role("button", name=screenshot.example).click()
    expect(page.locator("#iteration")).to_have_text(re.compile(r"^[1-9]\d* of"))
    page.locator("#timeline").fill(ITERATION)
    expect(page.locator(".optimum")).to_be_visible()
    page.locator("#timeline").blur()
    page.mouse.move(0, 0)
    return page.screenshot()


def save(png: bytes, file_name: str) -> None:
    """Write a screenshot with a palette, which takes a third of the bytes and looks the same."""
    image = Image.open(BytesIO(png)).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(IMAGES / file_name, optimize=True)


def main() -> int:
    """Take all screenshots."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("found no Chromium on the PATH\n")
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "service", "serve", "--port", "0", "--data-dir", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            lines = process.stdout or ()
            url = next(found[0] for line in lines if (found := re.search(r"http://[\d.:]+", line)))
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
                )
                for screenshot in SCREENSHOTS:
                    save(take(browser, url, screenshot), screenshot.file_name)
                browser.close()
            process.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
