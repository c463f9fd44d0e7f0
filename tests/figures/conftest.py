"""A cost of known form, and checks of the text on a figure."""

import re
from itertools import combinations
from typing import Any
from unittest import mock

import numpy as np
import pytest
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from service.engine.types import Array
from service.figures.heatmap import Window
from service.figures.style import Style

TUTORIAL_INPUTS = np.around(np.random.RandomState(1).rand(20, 10))
TUTORIAL_TARGETS = TUTORIAL_INPUTS.sum(axis=1)
TUTORIAL_POINTS = ((2, 1), (1, 2), (1, -2), (1, 0), (1, 0.5), (1, -0.5))
TUTORIAL_WINDOWS = (Window((-3.0, 3.0), (-3.0, 3.0)), Window((0.0, 2.0), (0.0, 2.0)))
STYLES = [
    Style(320, 240),
    Style(320, 1800, theme="dark"),
    Style(2400, 240),
    Style(1000, 450, theme="dark"),
    Style(500, 500),
]
every_style = pytest.mark.parametrize("style", STYLES, ids=lambda s: f"{s.width} by {s.height}")


def tutorial_cost(w_in: Array, w_rec: Array) -> Array:
    """Return log10 of the tutorial's cost, computed by the recurrence."""
    total = np.zeros(np.broadcast(w_in, w_rec).shape)
    for sequence, target in zip(TUTORIAL_INPUTS, TUTORIAL_TARGETS, strict=True):
        state = np.zeros_like(w_rec)  # for w_in = 1: the model is linear in w_in
        for x in sequence:
            state = state * w_rec + x
        total += (w_in * state - target) ** 2
    with np.errstate(divide="ignore"):
        return np.asarray(np.log10(total / len(TUTORIAL_TARGETS)))


@pytest.fixture
def tutorial_path() -> Array:
    """Return a spiral path (60, 2) from the tutorial's start to its optimum."""
    u = np.linspace(0, 1, 60)
    w_in = -1.5 + 2.5 * u + 0.4 * np.sin(9 * u) * (1 - u)
    return np.stack([w_in, 2 - u + 0.3 * np.cos(9 * u) * (1 - u)], axis=1)


def rgba(color: str) -> list[int]:
    """Return the bytes of an opaque ``#rrggbb`` color."""
    return [*bytes.fromhex(color[1:]), 255]


def find_texts(figure: Figure, renderer: RendererAgg) -> list[Text]:
    """Draw a figure, and return the texts that are drawn."""
    texts: list[Text] = []
    draw: Any = Text.draw

    def draw_and_record(text: Text, *options: Any) -> None:
        if text.get_visible() and text.get_text():
            texts.append(text)
        draw(text, *options)

    with mock.patch.object(Text, "draw", draw_and_record):
        figure.draw(renderer)
    return texts


def make_renderer(figure: Figure) -> RendererAgg:
    width, height = (round(side) for side in figure.bbox.size)
    return RendererAgg(width, height, figure.dpi)  # type: ignore[no-untyped-call]


def words(figure: Figure) -> list[str]:
    """Return the texts of a figure, with the weights by name."""
    texts = [text.get_text() for text in find_texts(figure, make_renderer(figure))]
    return [re.sub(r"\$\\mathrm\{(w)_\{(in|rec)\}\}\$", r"\1_\2", text) for text in texts]


def check_legible(figure: Figure) -> None:
    """Check that every text is on the page and no two of them touch."""
    renderer = make_renderer(figure)
    texts = find_texts(figure, renderer)
    assert texts, "a figure without words"
    boxes = [(text.get_text(), Text.get_window_extent(text, renderer)) for text in texts]
    for shown, box in boxes:
        assert box.x0 >= -0.5, f"{shown!r} is cut off at the left"
        assert box.y0 >= -0.5, f"{shown!r} is cut off below"
        assert box.x1 <= renderer.width + 0.5, f"{shown!r} is cut off at the right"
        assert box.y1 <= renderer.height + 0.5, f"{shown!r} is cut off above"
    slack = 1.5 * figure.dpi / 100
    for (first, a), (second, b) in combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(across, up) <= slack, f"{first!r} touches {second!r}"
    for axes in figure.axes:
        least = 5 if axes.get_label() == "<colorbar>" else 20
        assert min(axes.bbox.size) > least, "there is no space for the data"
