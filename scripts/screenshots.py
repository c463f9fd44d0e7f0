"""Take the pictures of the explorer in docs/images: python scripts/screenshots.py.

Needs the development environment and a Chromium on the PATH.  The service runs on a free port with
data of its own, which are gone afterwards.
"""

import re
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
DESK = (1280, 800)
PHONE = (390, 844)
SHOTS = [
    ("explorer-light.png", "light", DESK, "Bad start"),
    ("explorer-dark.png", "dark", DESK, "Good start"),
    ("explorer-phone.png", "light", PHONE, "Bad start"),
]
FRAME = "230"


def shoot(browser: Browser, url: str, scheme: str, size: tuple[int, int], example: str) -> bytes:
    """Return a picture of the explorer at an example, part of the way through its runs."""
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=1.5,
        reduced_motion="reduce",
    )
    page.goto(url)
    page.get_by_role("button", name=example).click()
    expect(page.locator("#iteration")).to_have_text(re.compile(r"^[1-9]\d* of"))
    page.locator("#timeline").fill(FRAME)
    expect(page.locator(".optimum")).to_be_visible()
    page.locator("#timeline").blur()
    page.mouse.move(0, 0)
    return page.screenshot()


def save(picture: bytes, name: str) -> None:
    """Write a picture with a palette: a third of the bytes, and no difference to see."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(IMAGES / name, optimize=True)


def main() -> int:
    """Take every picture."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.stderr.write("there is no Chromium on the PATH\n")
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
                for name, scheme, size, example in SHOTS:
                    save(shoot(browser, url, scheme, size, example), name)
                browser.close()
            process.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
