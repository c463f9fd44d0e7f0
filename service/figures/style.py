"""How pictures look: size, themes and colors."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

CSS_DPI = 100
"""CSS pixels per inch."""

ThemeName = Literal["light", "dark"]


@dataclass(frozen=True)
class Theme:
    """The colors around the data, as ``#rrggbb``.

    ``series`` are the colors of points and paths: the hues of Okabe and Ito (2008), which
    color-blind people can distinguish, and an eighth color. They are made darker or lighter until
    each has a contrast ratio of 3 with ``background``. Colors i and i + 4 have the same dashes, so
    they are the ones that differ most. ``missing`` stands for values that are not finite.
    """

    background: str
    foreground: str
    muted: str
    grid: str
    series: tuple[str, ...]
    missing: str


THEMES: dict[ThemeName, Theme] = {
    "light": Theme(
        background="#ffffff",
        foreground="#1b1f24",
        muted="#57606a",
        grid="#dfe4e9",
        series=(
            "#d55e00",
            "#0072b2",
            "#00875f",
            "#b8568c",
            "#2b8cc4",
            "#a87200",
            "#5b4b9a",
            "#6b4a1f",
        ),
        missing="#b4bcc4",
    ),
    "dark": Theme(
        background="#11161c",
        foreground="#e6edf3",
        muted="#a3adb8",
        grid="#2b323b",
        series=(
            "#f07f2e",
            "#3f9be0",
            "#12a678",
            "#dd8fba",
            "#7cc6f2",
            "#e6b03c",
            "#a996ec",
            "#cfd6de",
        ),
        missing="#59636e",
    ),
}

COLOR_MAP = "viridis"
"""The color map of all data: perceptually uniform, and ordered by lightness, so gray works too."""


@dataclass(frozen=True)
class Style:
    """Size and colors of a picture."""

    width: int = 1000  # CSS pixels; an SVG or PDF is that many hundredths of an inch
    height: int = 400
    dpi: int = 100  # of the PNG, which has width * dpi / 100 columns
    theme: ThemeName = "light"
    title: str | None = None  # None is the figure's own title, an empty text is no title

    @property
    def pixels(self) -> tuple[int, int]:
        """Columns and rows of the PNG."""
        return round(self.width * self.dpi / CSS_DPI), round(self.height * self.dpi / CSS_DPI)

    @property
    def colors(self) -> Theme:
        """The colors of the theme."""
        return THEMES[self.theme]

    @property
    def font_size(self) -> float:
        """The size of ordinary text in CSS pixels: 9 to 22, larger on larger pictures."""
        scale = min(self.width / 1000, self.height / 400)
        return min(max(13.0 * math.sqrt(scale), 9.0), 22.0)


def blend(color: str, background: str, alpha: float) -> str:
    """Return what a ``#rrggbb`` color of some opacity looks like on a background."""
    mixed = alpha * rgba(color)[:3] + (1 - alpha) * rgba(background)[:3]
    return f"#{mixed.round().astype(np.uint8).tobytes().hex()}"


def rgba(color: str) -> NDArray[np.uint8]:
    """Return the bytes (4,), red, green, blue and 255, of an opaque ``#rrggbb`` color."""
    return np.frombuffer(bytes.fromhex(color[1:]) + b"\xff", np.uint8)
