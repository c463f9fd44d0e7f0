"""Annotations: labels that hide nothing, paths of any weights."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.text import Text

from service.engine.types import Array
from service.figures.annotations import LabeledPath
from service.figures.formats import PICTURE_FORMATS
from service.figures.render import rasterize
from service.figures.surface import cost_surface_figure
from tests.figures.conftest import (
    TUTORIAL_POINTS,
    TUTORIAL_WINDOWS,
    check_legible,
    tutorial_cost,
    words,
)


def test_points_are_labeled_in_each_window() -> None:
    figure = cost_surface_figure(
        TUTORIAL_WINDOWS, tutorial_cost, points=(*TUTORIAL_POINTS, (40, 2), (1, -9))
    )
    shown = words(figure)
    minus = "\N{MINUS SIGN}"
    assert shown.count("(2, 1)") == 2
    assert shown.count("(1, 0.5)") == 2
    assert shown.count(f"(1, {minus}2)") == 1
    assert "(40, 2)" not in shown
    assert {"w_in", "w_rec", "cost + 1", "10⁰", "10⁸"} <= set(shown)


def test_twelve_points_have_twelve_labels_and_twelve_looks() -> None:
    points = tuple((1 + k / 100, 1 - k / 100) for k in range(12))
    figure = cost_surface_figure(TUTORIAL_WINDOWS[:1], tutorial_cost, points=points)
    check_legible(figure)
    shown = words(figure)
    assert len({word for word in shown if word.startswith("(")}) == 12
    markers = [line for line in figure.findobj(Line2D) if line.get_linestyle() == "None"]
    looks = {
        (line.get_marker(), line.get_markerfacecolor())
        for line in markers
        if line.get_markeredgecolor() != "none"
    }
    assert len(looks) == 12


def test_labels_without_room_are_left_out() -> None:
    grid = tuple((a / 10, b / 10) for a in range(-25, 25, 3) for b in range(-25, 25, 3))
    check_legible(cost_surface_figure(TUTORIAL_WINDOWS[:1], tutorial_cost, points=grid))


def test_labels_do_not_hide_the_optimum() -> None:
    figure = cost_surface_figure(
        TUTORIAL_WINDOWS[:1], tutorial_cost, points=((1, 1),), optimum=(1.3, 1)
    )
    *_, star = (line for line in figure.findobj(Line2D) if line.get_marker() == "*")
    (label,) = (text for text in figure.findobj(Text) if text.get_text() == "(1, 1)")
    assert label.get_position()[0] < float(np.asarray(star.get_xdata())[0]) - 60


def test_paths_with_missing_or_distant_weights_are_drawn(tutorial_path: Array) -> None:
    broken = tutorial_path.copy()
    broken[10:14] = np.nan
    broken[20] = [np.inf, 1]
    broken[-5:] = [[1e300, -1e300]] * 5
    paths = [
        LabeledPath("broken", broken),
        LabeledPath("lost", np.full((3, 2), np.nan)),
        LabeledPath("empty", np.empty((0, 2))),
        LabeledPath("one", np.array([[1.0, 1.0]])),
    ]
    picture = cost_surface_figure(TUTORIAL_WINDOWS, tutorial_cost, paths=paths)
    plain = cost_surface_figure(TUTORIAL_WINDOWS, tutorial_cost, paths=paths[1:3])
    assert (rasterize(picture) != rasterize(plain)).any(axis=2).sum() > 300
    assert PICTURE_FORMATS["svg"].write(picture, {})
    assert PICTURE_FORMATS["pdf"].write(picture, {})
