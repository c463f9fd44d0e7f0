"""The layout: panels at whole pixels, as large as possible, labels that fit."""

import numpy as np
import pytest

from service.figures.canvas import Canvas
from service.figures.geometry import Panel
from service.figures.layout import draw_windows
from service.figures.style import Style
from tests.figures.conftest import TUTORIAL_WINDOWS


def place(style: Style) -> list[Panel]:
    """Return the panels of the tutorial's windows on a whole canvas."""
    canvas = Canvas(style)
    return draw_windows(canvas, canvas.area, TUTORIAL_WINDOWS)


@pytest.mark.parametrize("dpi", [50, 72, 100, 133, 300])
def test_panels_are_whole_pixels_at_any_dpi(dpi: int) -> None:
    style = Style(641, 401, dpi=dpi)
    for panel in place(style):
        scaled = np.array(panel.rect) * dpi / 100
        np.testing.assert_allclose(scaled, np.rint(scaled), atol=1e-6)


@pytest.mark.parametrize(("size", "columns"), [((1200, 400), 2), ((400, 900), 1)])
def test_panels_stand_side_by_side_on_a_wide_canvas(size: tuple[int, int], columns: int) -> None:
    panels = place(Style(*size))
    assert len({panel.rect.left for panel in panels}) == columns
    assert not panels[0].rect.overlaps(panels[1].rect)
