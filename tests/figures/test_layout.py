"""The layout: panels at whole pixels, as large as possible, labels that fit."""

import numpy as np
import pytest

from service.figures.layout import layout
from service.figures.style import Style
from tests.figures.conftest import TUTORIAL_WINDOWS


@pytest.mark.parametrize("dpi", [50, 72, 100, 133, 300])
def test_panels_are_whole_pixels_at_any_dpi(dpi: int) -> None:
    style = Style(641, 401, dpi=dpi)
    for panel in layout(style, TUTORIAL_WINDOWS, ()).panels:
        scaled = np.array(panel.rect) * dpi / 100
        np.testing.assert_allclose(scaled, np.rint(scaled), atol=1e-6)


@pytest.mark.parametrize(("size", "columns"), [((1200, 400), 2), ((400, 900), 1)])
def test_panels_stand_side_by_side_on_a_wide_canvas(size: tuple[int, int], columns: int) -> None:
    panels = layout(Style(*size), TUTORIAL_WINDOWS, ()).panels
    assert len({panel.rect.left for panel in panels}) == columns
    assert not panels[0].rect.overlaps(panels[1].rect)
