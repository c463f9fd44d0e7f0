"""How pictures look: sizes and their bounds, themes, colours, contrast."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from service.errors import Invalid, LimitExceeded

MIN_WIDTH, MAX_WIDTH = 320, 2400
"""Bounds of the width, in CSS pixels."""
MIN_HEIGHT, MAX_HEIGHT = 240, 1800
"""Bounds of the height, in CSS pixels."""
MIN_DPI, MAX_DPI = 50, 300
"""Bounds of the resolution: at 100 a CSS pixel is a pixel of the png."""
MAX_PIXELS = 10_000_000
"""Bound of the pixels of a png (and of the field inside an svg or pdf)."""
MAX_TITLE_LENGTH = 200
"""Bound of the title's length, in characters."""

CSS_DPI = 100

ThemeName = Literal["light", "dark"]


@dataclass(frozen=True)
class Theme:
    """The colours around the data.

    ``series`` colours points and paths: the hues of Okabe and Ito (2008), which colour-blind people
    tell apart, made darker or lighter until each has a contrast of 3 with ``paper``.
    """

    paper: str
    ink: str
    muted: str
    grid: str
    series: tuple[str, ...]
    steady: str
    missing: str


THEMES: dict[ThemeName, Theme] = {
    "light": Theme(
        paper="#ffffff",
        ink="#1b1f24",
        muted="#57606a",
        grid="#dfe4e9",
        series=("#d55e00", "#0072b2", "#00875f", "#b8568c", "#a87200", "#2b8cc4", "#5b4b9a"),
        steady="#57606a",
        missing="#b4bcc4",
    ),
    "dark": Theme(
        paper="#11161c",
        ink="#e6edf3",
        muted="#a3adb8",
        grid="#2b323b",
        series=("#f07f2e", "#3f9be0", "#12a678", "#dd8fba", "#e6b03c", "#7cc6f2", "#a996ec"),
        steady="#a3adb8",
        missing="#59636e",
    ),
}

FIELD_MAP = "viridis"
"""The map of every field: perceptually uniform and ordered by lightness, so right in grey too."""


@dataclass(frozen=True)
class Style:
    """Size and look of a picture.

    ``width`` and ``height`` are CSS pixels: svg and pdf are that many hundredths of an inch, the
    png has ``width * dpi / 100`` pixels.  ``title`` None is the figure's own title, "" is none.

    Raises
    ------
    LimitExceeded
        If the png would have more than ``MAX_PIXELS`` pixels.
    Invalid
        If another value is outside its bounds.
    """

    width: int = 1000
    height: int = 400
    dpi: int = 100
    theme: ThemeName = "light"
    title: str | None = None

    def __post_init__(self) -> None:
        bounds = {
            "width": (MIN_WIDTH, MAX_WIDTH),
            "height": (MIN_HEIGHT, MAX_HEIGHT),
            "dpi": (MIN_DPI, MAX_DPI),
        }
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise Invalid(f"{name} must be between {low} and {high}", f"/{name}")
        if self.theme not in get_args(ThemeName):
            raise Invalid("theme must be light or dark", "/theme")
        if self.title is not None and len(self.title) > MAX_TITLE_LENGTH:
            raise Invalid(f"title must have at most {MAX_TITLE_LENGTH} characters", "/title")
        columns, rows = self.pixels
        if columns * rows > MAX_PIXELS:
            raise LimitExceeded(
                f"a picture may have at most {MAX_PIXELS} pixels, this one has {columns * rows}",
                "/dpi",
            )

    @property
    def pixels(self) -> tuple[int, int]:
        """Columns and rows of the png."""
        return round(self.width * self.dpi / CSS_DPI), round(self.height * self.dpi / CSS_DPI)

    @property
    def colours(self) -> Theme:
        """The theme's colours."""
        return THEMES[self.theme]

    @property
    def font(self) -> float:
        """Size of ordinary text in CSS pixels: larger on larger pictures, never below 9."""
        scale = min(self.width / 1000, self.height / 400)
        return min(max(13.0 * math.sqrt(scale), 9.0), 22.0)


def contrast_ratio(first: str, second: str) -> float:
    """WCAG 2 contrast of two ``#rrggbb`` colours, 1 (equal) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def rgba(colour: str) -> NDArray[np.uint8]:
    """Four bytes (4,) of an opaque ``#rrggbb`` colour."""
    return np.frombuffer(bytes.fromhex(colour[1:]) + b"\xff", np.uint8)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else math.pow((c + 0.055) / 1.055, 2.4) for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
