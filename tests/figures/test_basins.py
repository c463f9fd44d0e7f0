"""Basin maps: colors, stripes, shares."""

import matplotlib as mpl
import numpy as np
import pytest

from service.figures.basins import DIVERGED, Basins, basin_map_figure
from service.figures.render import rasterize
from service.figures.style import COLOR_MAP, Style, rgba
from tests.figures.conftest import check_legible, every_style, words


def quarters() -> Basins:
    """Return 20 by 20 starts: left reached (below soon, above late), right above diverged."""
    w = np.linspace(-3, 3, 20)
    w_in, w_rec = np.meshgrid(w, w)
    iterations = np.where(w_rec < 0, 10, 400)
    return Basins(w, w, iterations, w_in < 0, (w_in > 0) & (w_rec > 0))


@every_style
def test_nothing_is_cut_off_or_overlaps(style: Style) -> None:
    name = "gradient descent with momentum, clipped"
    check_legible(basin_map_figure(quarters(), optimizer=name, optimum=(1, 1), style=style))


def test_the_legend_states_the_shares() -> None:
    shown = words(basin_map_figure(quarters(), optimizer="rprop", optimum=(1, 1)))
    assert {"target reached 50.0 %", "iterations exhausted 25.0 %", "diverged 25.0 %"} <= set(shown)
    assert {"iterations", "initial w_in", "initial w_rec", "optimum"} <= set(shown)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_cells_have_the_color_of_their_outcome(theme: str) -> None:
    style = Style(700, 500, theme=theme)  # type: ignore[arg-type]
    pixels = rasterize(basin_map_figure(quarters(), optimizer="rprop", style=style))
    soon, late = (mpl.colormaps[COLOR_MAP](end, bytes=True) for end in (1.0, 0.0))
    below, above = pixels[350, 100], pixels[100, 100]
    assert below.tolist() == list(soon)
    assert above.tolist() == list(late)
    hatched = {tuple(c) for c in pixels[320:400, 450:550].reshape(-1, 4).tolist()}
    colors = (style.colors.missing, style.colors.foreground)
    assert hatched == {tuple(rgba(c).tolist()) for c in colors}
    stripes = {tuple(c) for c in pixels[80:140, 450:550].reshape(-1, 4).tolist()}
    assert stripes == {tuple(rgba(c).tolist()) for c in DIVERGED}


@pytest.mark.parametrize("reached", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (300, 2)])
def test_grids_of_any_shape_are_drawn(shape: tuple[int, int], reached: bool) -> None:
    flags = np.full(shape, reached)
    axes = np.linspace(0, 1, shape[1]), np.linspace(0, 1, shape[0])
    basins = Basins(*axes, np.full(shape, 7), flags, ~flags)
    check_legible(basin_map_figure(basins, optimizer="adam"))


@pytest.mark.parametrize("most", [0, 1, 12, 500, 123_456])
def test_the_color_bar_covers_all_iterations(most: int) -> None:
    w = np.linspace(0, 1, 2)
    iterations = np.array([[0, most], [most, most // 2]])
    basins = Basins(w, w, iterations, np.ones((2, 2), bool), np.zeros((2, 2), bool))
    figure = basin_map_figure(basins, optimizer="adam")
    check_legible(figure)
    counts = [int(word) for word in words(figure) if word.isdigit()]
    assert max(counts) >= most
    assert max(counts) <= max(2, 1.25 * most)
