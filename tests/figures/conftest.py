"""A cost of known form, and checks of the text on a figure."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from service.engine.types import Array
from service.figures.heatmap import Log10Cost
from service.figures.render import agg_renderer

Points = tuple[tuple[float, float], ...]


def tutorial_data() -> tuple[Array, Array]:
    """Return the tutorial's sequences (20, 10) and their sums (20,)."""
    inputs = np.around(np.random.RandomState(1).rand(20, 10))
    return inputs, inputs.sum(axis=1)


@pytest.fixture(scope="session")
def tutorial_cost() -> Log10Cost:
    """Return log10 of the tutorial's cost, computed by the recurrence."""
    inputs, targets = tutorial_data()

    def log10_cost(w_in: Array, w_rec: Array) -> Array:
        total = np.zeros(np.broadcast(w_in, w_rec).shape)
        for sequence, target in zip(inputs, targets, strict=True):
            state = np.zeros_like(w_rec)  # for w_in = 1: the model is linear in w_in
            for x in sequence:
                state = state * w_rec + x
            total += (w_in * state - target) ** 2
        with np.errstate(divide="ignore"):
            return np.asarray(np.log10(total / len(targets)))

    return log10_cost


@pytest.fixture
def tutorial_points() -> Points:
    """Return the tutorial's six points."""
    return ((2, 1), (1, 2), (1, -2), (1, 0), (1, 0.5), (1, -0.5))


@pytest.fixture
def tutorial_path(tutorial_cost: Log10Cost) -> Array:
    """Return a spiral path (60, 2) from the tutorial's start to its optimum."""
    u = np.linspace(0, 1, 60)
    w_in = -1.5 + 2.5 * u + 0.4 * np.sin(9 * u) * (1 - u)
    return np.stack([w_in, 2 - u + 0.3 * np.cos(9 * u) * (1 - u)], axis=1)


@pytest.fixture
def words() -> Callable[[Figure], list[str]]:
    """Return a function that lists the texts of a figure."""
    return lambda figure: [text.get_text() for text in figure.findobj(Text)]


@pytest.fixture
def check_legible() -> Callable[[Figure], None]:
    """Return a check that every text lies on the page and no two of them touch."""

    def check(figure: Figure) -> None:
        width, height = (round(side) for side in figure.bbox.size)
        renderer, _ = agg_renderer(width, height, figure.dpi)
        texts = [text for text in figure.findobj(Text) if text.get_text()]
        assert texts, "a figure without words"
        boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts]
        for words, box in boxes:
            assert box.x0 >= -0.5, f"{words!r} is cut off at the left"
            assert box.y0 >= -0.5, f"{words!r} is cut off below"
            assert box.x1 <= width + 0.5, f"{words!r} is cut off at the right"
            assert box.y1 <= height + 0.5, f"{words!r} is cut off above"
        slack = 1.5 * figure.dpi / 100
        for (first, a), (second, b) in combinations(boxes, 2):
            across = min(a.x1, b.x1) - max(a.x0, b.x0)
            up = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(across, up) <= slack, f"{first!r} touches {second!r}"

    return check
