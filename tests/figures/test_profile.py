"""The picture of a profile: the curve, the level, the pieces and the minima."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from service.figures.formats import PICTURE_FORMATS
from service.figures.profile import CAPTION, CostProfile, profile_figure
from service.figures.style import Style
from tests.figures.conftest import check_legible, every_style, words

HEADLINE = "w_rec 0.79, between 0.72 and 0.86"


def make_profile(**changes: Any) -> CostProfile:
    """Return a profile with two minima, at 0.2 and 0.8."""
    w_rec = np.linspace(0, 1, 401)
    cost = 1 + 20 * ((w_rec - 0.2) * (w_rec - 0.8)) ** 2 - 0.1 * w_rec
    minima = [(0.8, 0.92), (0.2, 0.98)]
    profile = CostProfile(w_rec, cost, 1.0, [(0.12, 0.28), (0.7, 0.88)], minima, 0.95)
    return replace(profile, **changes)


def draw(profile: CostProfile, style: Style | None = None) -> Figure:
    return profile_figure(profile, headline=HEADLINE, style=style)


@every_style
@pytest.mark.parametrize("cautious", [(), ((0.0, 1.0),)])
def test_nothing_is_cut_off_or_overlaps(style: Style, cautious: Any) -> None:
    check_legible(draw(make_profile(cautious=cautious), style))


def test_what_it_says() -> None:
    shown = words(draw(make_profile()))
    assert {"w_rec", HEADLINE, CAPTION, "0.8", "0.2"} <= set(shown)
    assert {"lowest minimum", "other minima", "95 % level", "95 % interval"} <= set(shown)
    assert "the same with ar1 noise" not in shown
    alone = words(draw(make_profile(minima=[(0.8, 0.92)], level=np.inf, confidence=0.9)))
    assert "90 % interval" in alone
    assert not {"other minima", "90 % level"} & set(alone)
    assert "the same with ar1 noise" in words(draw(make_profile(cautious=[(0.0, 1.0)])))


def shaded(figure: Figure) -> list[tuple[float, float]]:
    """Return the ends of the shaded pieces, from 0 to 1 across the panel."""
    boxes = [patch for patch in figure.findobj(Rectangle) if patch.get_alpha() not in (None, 1)]
    labels = [box for box in boxes if box.get_height() < 40]
    panel = max(figure.findobj(Rectangle)[1:], key=lambda box: box.get_width())
    left, width = panel.get_x(), panel.get_width()
    return [
        ((box.get_x() - left) / width, (box.get_x() + box.get_width() - left) / width)
        for box in boxes
        if box not in labels
    ]


def test_pieces_are_shaded_where_they_are() -> None:
    pieces = shaded(draw(make_profile()))
    assert np.allclose(pieces, [(0.12, 0.28), (0.7, 0.88)], atol=0.003)


def test_a_narrow_piece_is_visible() -> None:
    ((low, high),) = shaded(draw(make_profile(pieces=[(0.8, 0.8)])))
    assert 0.001 < high - low < 0.01
    assert low < 0.8 < high
    ((low, high),) = shaded(draw(make_profile(pieces=[(1.0, 1.0)])))
    assert high <= 1.002


def test_the_axis_is_logarithmic_where_costs_differ_much() -> None:
    profile = make_profile()
    steep = replace(profile, cost=10 ** (6 * (profile.cost - 0.9)), level=2.0, minima=[(0.8, 1.3)])
    figure = draw(steep)
    curve = max(figure.findobj(Line2D), key=lambda line: np.size(line.get_xdata()))
    heights = np.asarray(curve.get_ydata(), dtype=float)
    straight = np.log10(steep.cost)
    assert np.corrcoef(heights, straight)[0, 1] > 0.999999
    assert "10²" in words(figure)


@pytest.mark.parametrize(
    "changes",
    [
        {"cost": np.zeros(401), "level": 0.0, "minima": [(0.5, 0.0)]},
        {"cost": np.full(401, 5.0), "level": np.inf, "pieces": [(0.0, 1.0)]},
        {"cost": np.full(401, np.nan), "level": np.inf, "minima": [], "pieces": []},
        {"cost": np.abs(np.linspace(-1, 1, 401)), "level": 0.0, "minima": [(0.5, 0.0)]},
        {"cost": 1e200 * np.linspace(1, 2, 401), "level": 1.1e200, "minima": [(0.0, 1e200)]},
        {"cost": 1e-200 * np.linspace(1, 2, 401), "level": 1.1e-200, "minima": [(0.0, 1e-200)]},
        {"cost": np.geomspace(1e-300, 1e300, 401), "level": 1.0, "minima": [(0.0, 1e-300)]},
        {"minima": [(w, 1.0) for w in np.linspace(0, 1, 9)]},
        {"w_rec": np.array([-1.0, 1.0]), "cost": np.array([1.0, np.inf]), "pieces": [(-1.0, 1.0)]},
    ],
)
def test_degenerate_profiles(changes: dict[str, Any]) -> None:
    figure = draw(make_profile(**changes))
    check_legible(figure)
    for file_format in PICTURE_FORMATS.values():
        assert file_format.write(figure, {"Request": "{}"})


def test_labels_do_not_hide_the_curve() -> None:
    figure = draw(make_profile())
    curve = max(figure.findobj(Line2D), key=lambda line: np.size(line.get_xdata()))
    xs, ys = (np.asarray(data, dtype=float) for data in curve.get_data())
    boxes = [box for box in figure.findobj(Rectangle) if box.get_alpha() == pytest.approx(0.88)]
    assert len(boxes) == 2
    for box in boxes:
        across = (xs > box.get_x()) & (xs < box.get_x() + box.get_width())
        up = (ys > box.get_y()) & (ys < box.get_y() + box.get_height())
        assert not (across & up).any()
