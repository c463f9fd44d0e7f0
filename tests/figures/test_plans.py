"""Pictures of plans: lines, bands and texts."""

import numpy as np
from matplotlib.figure import Figure

from service.figures.plans import PlannedLine, plans_figure
from service.figures.scales import TimeAxis
from service.figures.style import Style
from tests.figures.conftest import check_legible, every_style, words

TIMES = np.array([4.0, 5.0, 6.0])
PAST = np.array([1.0, 2.0, 3.0]), np.array([10.0, np.nan, 12.0])


def line(values: list[float], width: float = 1.0) -> PlannedLine:
    """Return a line in a band."""
    centers = np.array(values)
    return PlannedLine(centers, centers - width, centers + width)


def draw(plans: list[PlannedLine], differences: list[PlannedLine], style: Style) -> Figure:
    """Return the picture of plans called A, B and so on."""
    return plans_figure(
        plans,
        differences,
        names="ABCDEFGH"[: len(plans)],
        times=TIMES,
        past=PAST,
        target="sales",
        axis=TimeAxis("week"),
        headline="Not reliable: the interval is open",
        confidence=0.9,
        style=style,
    )


def test_plans_follow_the_targets_with_their_differences_below() -> None:
    plans = [line([12.0, 13.0, 14.0]), line([12.0, 15.0, 17.0], np.inf)]
    change = line([0.0, 2.0, 3.0])
    style = Style()
    upper, lower = draw(plans, [change], style).axes
    lines = [*upper.lines, lower.lines[-1]]
    expected = [(TIMES, plans[0].values), (TIMES, plans[1].values), PAST, (TIMES, change.values)]
    for drawn, (times, values) in zip(lines, expected, strict=True):
        np.testing.assert_array_equal(drawn.get_xdata(), times)
        np.testing.assert_array_equal(drawn.get_ydata(), values)
    assert lines[1].get_color() == lines[3].get_color() != lines[0].get_color()
    low, high = upper.get_ylim()
    assert low < 10.0
    assert 17.0 < high < 25.0
    band = np.asarray(lower.collections[0].get_paths()[0].vertices)
    assert (band[:, 1].min(), band[:, 1].max()) == (-1.0, 4.0)


def test_one_plan_has_no_differences() -> None:
    figure = draw([line([12.0, 12.0, 12.0])], [], Style())
    assert len(figure.axes) == 1
    assert "90 % band of the mean" in words(figure)


@every_style
def test_texts_of_eight_plans_are_legible(style: Style) -> None:
    plans = [line([12.0 + k, 13.0, 14.0]) for k in range(8)]
    figure = draw(plans, [line([k, 0.0, 0.0]) for k in range(1, 8)], style)
    check_legible(figure)
    assert any("Not reliable" in each for each in words(figure))
