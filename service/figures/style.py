"""The style of pictures: size, themes and colors."""

import math
from dataclasses import dataclass
from typing import Final, Literal

ThemeName = Literal["light", "dark"]


@dataclass(frozen=True)
class Theme:
    """The colors around the data, as ``#rrggbb``.

    ``series`` are the colors of points and paths, and ``state`` is that of a fit. The explorer has
    the same ones. Color-blind people can distinguish the first four, and each has a contrast ratio
    of 3 with ``background``. Colors i and i + 4 have the same dashes, so they differ most.
    ``missing`` represents values that are not finite.
    """

    background: str
    foreground: str
    muted: str
    grid: str
    state: str
    series: tuple[str, ...]
    missing: str


THEMES: dict[ThemeName, Theme] = {
    "light": Theme(
        background="#ffffff",
        foreground="#1b1f24",
        muted="#57606a",
        grid="#dfe4e9",
        state="#1a5cb0",
        series=(
            "#00806a",
            "#5b2a86",
            "#8a8f00",
            "#7a1f1f",
            "#2a9d5c",
            "#d1107a",
            "#c25b9e",
            "#4a4f5a",
        ),
        missing="#b4bcc4",
    ),
    "dark": Theme(
        background="#11161c",
        foreground="#e6edf3",
        muted="#a3adb8",
        grid="#2b323b",
        state="#7db6ff",
        series=(
            "#2fc7a8",
            "#9a6bff",
            "#e7e36a",
            "#d94f8f",
            "#93d36b",
            "#c4cad3",
            "#ff9ad5",
            "#f5b8de",
        ),
        missing="#59636e",
    ),
}

# The color map of all data: perceptually uniform, and ordered by lightness, also in gray.
COLOR_MAP = "viridis"


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
        return round(self.width * self.dpi / 100), round(self.height * self.dpi / 100)

    @property
    def colors(self) -> Theme:
        """The colors of the theme."""
        return THEMES[self.theme]

    @property
    def font_size(self) -> float:
        """The size of ordinary text in points: 6.5 to 16, larger on larger pictures."""
        scale = min(self.width / 1000, self.height / 400)
        return min(max(9.4 * math.sqrt(scale), 6.5), 16.0)


DEFAULT: Final = Style()
