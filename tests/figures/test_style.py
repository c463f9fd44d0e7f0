"""Styles: bounds, and colors that can be distinguished."""

import math
from itertools import combinations

import numpy as np
import pytest

from service.figures import style
from service.figures.annotations import path_stroke
from service.figures.style import THEMES, Style, rgba


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else math.pow((c + 0.055) / 1.055, 2.4) for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast_ratio(first: str, second: str) -> float:
    """Return the WCAG 2 contrast ratio, from 1 (equal) to 21 (black on white)."""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_text_and_series_contrast_with_the_background(theme: style.Theme) -> None:
    assert contrast_ratio(theme.foreground, theme.background) >= 7
    assert contrast_ratio(theme.muted, theme.background) >= 4.5
    for color in (theme.state, *theme.series):
        assert contrast_ratio(color, theme.background) >= 3


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB
DICHROMACY = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
}


# from linear sRGB to CIE XYZ (IEC 61966-2-1)
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
VISION = {"normal": np.eye(3).tolist(), **DICHROMACY}


def lab(color: str, kind: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return CIE L*a*b* of a color as somebody with this vision sees it."""
    encoded = rgba(color)[:3] / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(VISION[kind]) @ linear, 0, 1)
    share = TO_XYZ @ seen / TO_XYZ.sum(axis=1)
    x, y, z = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("kind", VISION)
def test_eight_paths_can_be_distinguished(name: style.ThemeName, kind: str) -> None:
    strokes = [path_stroke(Style(theme=name), index) for index in range(8)]
    for first, second in combinations(strokes, 2):
        if first.dashes == second.dashes:
            assert np.linalg.norm(lab(first.color, kind) - lab(second.color, kind)) >= 10


def test_size_in_pixels_follows_dpi() -> None:
    assert Style().pixels == (1000, 400)
    assert Style(333, 241, dpi=77).pixels == (256, 186)
    assert Style(1000, 400, dpi=300).pixels == (3000, 1200)


def test_text_size_is_bounded() -> None:
    assert Style(320, 240).font_size >= 9
    assert Style(2400, 1800).font_size <= 22
