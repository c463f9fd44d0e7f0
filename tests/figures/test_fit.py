"""Figures of fits and of their profiles."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection, LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from service.figures.contributions import Decomposition, contributions_figure
from service.figures.fit import FittedSequence, fit_figure
from service.figures.formats import PICTURE_FORMATS
from service.figures.groups import GroupEstimates, groups_figure
from service.figures.page import Page
from service.figures.profile import CostProfile, profile_figure
from service.figures.responses import StepResponse, response_figure
from service.figures.scales import TimeAxis
from service.figures.style import DEFAULT, THEMES, Style
from tests.figures.conftest import check_legible, every_style, words

HEADLINE = "time constant 4.2 weeks, between 3.1 and 6.0"


def make_sequence(
    n_steps: int = 60, scale: float = 1.0, label: str = "sequence 0"
) -> FittedSequence:
    """Return a decay with noise, gaps and a band."""
    draws = np.random.default_rng(n_steps)
    time = np.arange(1.0, n_steps + 1)
    prediction = scale * (100 + 50 * 0.9**time)
    target = prediction + scale * draws.normal(size=n_steps)
    target[n_steps // 3 : n_steps // 2] = np.nan
    low, high = prediction - 0.5 * scale, prediction + 0.5 * scale
    return FittedSequence(label, time, target, prediction, low, high, target - prediction)


def draw(*sequences: FittedSequence, n: int | None = None, **options: Any) -> Figure:
    given: dict[str, Any] = {
        "target": "sales",
        "time": TimeAxis("time (weeks)"),
        "headline": HEADLINE,
        "confidence": 0.95,
    }
    return fit_figure(sequences, n_sequences=n or len(sequences), **given | options)


def lines(figure: Figure, color: str) -> list[Line2D]:
    return [line for line in figure.findobj(Line2D) if line.get_color() == color]


@every_style
@pytest.mark.parametrize("n", [1, 3, 8])
def test_nothing_is_cut_off_or_overlaps_in_a_fit(style: Style, n: int) -> None:
    sequences = [make_sequence(40 + 5 * i, i + 1.0, f"sequence {i}") for i in range(n)]
    check_legible(draw(*sequences, style=style))


def test_the_line_and_the_residuals_are_the_numbers() -> None:
    sequence = make_sequence(30)
    figure = draw(sequence)
    blue = THEMES["light"].state
    fit = max(lines(figure, blue), key=lambda line: np.size(line.get_xdata()))
    np.testing.assert_array_equal(fit.get_xydata(), np.c_[sequence.time, sequence.prediction])
    (stems,) = figure.axes[1].findobj(LineCollection)
    ends = np.array(stems.get_segments())  # (25, 2, 2)
    known = ~np.isnan(sequence.residual)
    np.testing.assert_array_equal(ends[:, 1].T, [sequence.time[known], sequence.residual[known]])
    assert len(ends) == 25
    assert not ends[:, 0, 1].any()


def test_sequences_with_one_target_stand_side_by_side() -> None:
    sequences = [
        FittedSequence(f"sequence {i}", *np.array([[10.0], [i], [i + 0.5], [i], [i + 1], [-0.5]]))
        for i in range(6)
    ]
    figure = draw(*sequences, n=30, time=TimeAxis("step"))
    check_legible(figure)
    shown = words(figure)
    assert {"sequence", "24 more not drawn"} <= set(shown)
    assert "step" not in shown


@pytest.mark.parametrize(
    "numbers",
    [
        {"target": np.full(3, np.nan), "residual": np.full(3, np.nan)},
        {"residual": np.zeros(3)},
        {"prediction": np.full(3, 5.0), "target": np.full(3, 5.0), "residual": np.zeros(3)},
        {"low": np.full(3, -np.inf), "high": np.full(3, np.inf)},
        {"low": np.array([1, np.nan, 1]), "high": np.array([2, np.nan, 2])},
        {"prediction": np.full(3, np.nan), "residual": np.full(3, np.nan)},
    ],
)
def test_degenerate_numbers(numbers: dict[str, Any]) -> None:
    given = {"label": "one", "time": np.arange(3.0), "target": np.array([1.0, 2, 1])}
    given |= {name: np.array([1.0, 1.5, 1]) for name in ("prediction", "low", "high")}
    figure = draw(FittedSequence(**{"residual": np.array([0, 0.5, 0]), **given, **numbers}))
    check_legible(figure)
    for file_format in PICTURE_FORMATS.values():
        assert file_format.write(figure, {"Request": "{}"})


def test_one_step_and_ten_thousand() -> None:
    one = FittedSequence("one", *np.array([[1.0], [2.0], [2.5], [2.0], [3.0], [-0.5]]))
    check_legible(draw(one))
    check_legible(draw(make_sequence(10_000)))


@every_style
@pytest.mark.parametrize("n", [1, 4])
def test_nothing_is_cut_off_or_overlaps_with_dates_and_logarithms(style: Style, n: int) -> None:
    sequences = [make_sequence(40 + 5 * i, i + 1.0, f"sequence {i}") for i in range(n)]
    dated = [replace(each, time=19_700.0 + 7.0 * each.time) for each in sequences]
    figure = draw(*dated, time=TimeAxis("", has_dates=True), is_log=True, style=style)
    check_legible(figure)
    assert "2024" in " ".join(words(figure))


def test_a_log_scale_has_the_logarithms_of_the_values() -> None:
    sequence = replace(make_sequence(30), low=np.full(30, -5.0))  # a band may reach 0
    figure = draw(sequence, is_log=True)
    fit = max(lines(figure, THEMES["light"].state), key=lambda line: np.size(line.get_xdata()))
    np.testing.assert_array_equal(np.asarray(fit.get_ydata(), float), sequence.prediction)
    assert figure.axes[0].get_yscale() == "log"
    assert "100" in words(figure)


@pytest.mark.parametrize("n_columns", [1, 3, 9])
def test_dates_of_every_range_have_ticks(n_columns: int) -> None:
    page = Page(Style(), "")
    (axes,) = page.add_panels(1)
    for low in (-719_000.0, 0.0, 19_800.4):
        for span in 10.0 ** np.linspace(-5.0, 6.4, 60):
            TimeAxis("", has_dates=True).apply(page, axes, low, low + span, n_columns)
            ends = axes.get_xlim()
            ticks = [tick for tick in axes.get_xticks() if ends[0] <= tick <= ends[1]]
            assert 1 <= len(ticks) <= 20


def make_response(i: int, n_steps: int = 40, **changes: Any) -> StepResponse:
    time = np.arange(n_steps + 1.0)
    response = (i - 1.5) * (1.0 - 0.9**time)
    marks = [(9.5, "63 %: 9.5"), (28.4, "95 %: 28.4"), (1e6, "peak: 10⁶")]
    band = response - 0.3, response + 0.3
    values = StepResponse(f"a long name of input {i}", time, response, *band, i - 1.5, marks)
    return replace(values, **changes)


def draw_responses(*responses: StepResponse, style: Style = DEFAULT) -> Figure:
    texts = {"target": "sales", "time": "time (weeks)", "headline": HEADLINE}
    return response_figure(responses, **texts, confidence=0.95, style=style)


@every_style
@pytest.mark.parametrize("n", [1, 2, 9])
def test_nothing_is_cut_off_or_overlaps_in_responses(style: Style, n: int) -> None:
    check_legible(draw_responses(*(make_response(i) for i in range(n)), style=style))


def test_responses_are_drawn_with_their_marks() -> None:
    many = draw_responses(*(make_response(i) for i in range(11)))
    assert "3 more inputs not drawn" in words(many)
    shown = words(draw_responses(make_response(1), make_response(2)))
    assert {"63 %: 9.5", "95 %: 28.4"} <= set(shown)
    assert "peak: 10⁶" not in shown
    degenerate = [
        make_response(1, gain=None, low=np.full(41, -np.inf), high=np.full(41, np.inf)),
        make_response(1, gain=None, response=np.zeros(41), low=np.zeros(41), high=np.zeros(41)),
    ]
    check_legible(draw_responses(*degenerate))


def draw_groups(n: int, n_panels: int = 2, style: Style = DEFAULT) -> Figure:
    draws = np.random.default_rng(n)
    names = [f"store number {i}" for i in range(n)]
    value = draws.normal(5.0, 1.0, n)
    low, high = value - 1.0, value + 1.0
    value[0] = np.nan
    low[-1], high[-1] = -np.inf, np.inf
    labels = ["level of sales", *(f"gain of input {i}" for i in range(n_panels - 1))]
    estimates = [GroupEstimates(label, names, value, low, high) for label in labels]
    return groups_figure(estimates, target="sales", headline=HEADLINE, confidence=0.95, style=style)


@every_style
@pytest.mark.parametrize("n_panels", [1, 2, 6])
def test_nothing_is_cut_off_or_overlaps_in_groups(style: Style, n_panels: int) -> None:
    check_legible(draw_groups(12, n_panels, style))


def test_groups_are_drawn_in_order_of_size() -> None:
    figure = draw_groups(500, 1)
    assert any("more sequences not drawn" in text for text in words(figure))
    (axes,) = (axes for axes in figure.findobj(Axes) if axes.get_title())
    (dots,) = (line for line in axes.lines if line.get_marker() == "o")
    values = np.asarray(dots.get_xdata(), float)
    assert (np.diff(values) > 0.0).all()
    check_legible(draw_groups(3, 1))


def make_parts(n_steps: int, n_parts: int, label: str = "sequence 0") -> Decomposition:
    draws = np.random.default_rng(n_steps)
    parts = draws.normal(1.0, 1.0, (n_parts, n_steps))
    baseline = np.full(n_steps, 50.0)
    target = baseline + parts.sum(axis=0) + draws.normal(size=n_steps)
    return Decomposition(label, np.arange(1.0, n_steps + 1), target, baseline, parts)


def draw_parts(*sequences: Decomposition, style: Style = DEFAULT) -> Figure:
    names = [f"input {i}" for i in range(len(sequences[0].parts) - 1)]
    texts = {"target": "sales", "headline": HEADLINE}
    axis, n = TimeAxis("time (weeks)"), len(sequences) + 3
    return contributions_figure(
        sequences, [*names, "start"], n_sequences=n, time=axis, **texts, style=style
    )


@every_style
@pytest.mark.parametrize("n", [1, 6])
def test_nothing_is_cut_off_or_overlaps_in_contributions(style: Style, n: int) -> None:
    check_legible(draw_parts(*(make_parts(30, 4, f"north {i}") for i in range(n)), style=style))


def test_contributions_are_stacked_from_the_baseline() -> None:
    figure = draw_parts(make_parts(30, 12))
    assert {"5 others", "start", "3 more sequences not drawn"} <= set(words(figure))
    areas = figure.findobj(FillBetweenPolyCollection)
    assert len(areas) == 2 * 8
    baseline, fit = (
        np.asarray(line.get_ydata(), float)
        for line in figure.findobj(Line2D)
        if np.size(line.get_xdata()) == 30 and line.get_linestyle() != "None"
    )
    spans = [np.ptp(np.array(area.get_paths()[0].vertices)[:, 1]) for area in areas]
    assert max(spans) > 0
    assert np.ptp(baseline) == 0
    assert np.ptp(fit) > 0
    check_legible(draw_parts(*(make_parts(1, 2, f"sequence {i}") for i in range(20))))


def make_profile(**changes: Any) -> CostProfile:
    """Return a profile with two minima, at 0.2 and 0.8."""
    w_rec = np.linspace(0, 1, 401)
    cost = 1 + 20 * ((w_rec - 0.2) * (w_rec - 0.8)) ** 2 - 0.1 * w_rec
    minima = [(0.8, 0.92), (0.2, 0.98)]
    profile = CostProfile(w_rec, cost, 1.0, [(0.12, 0.28), (0.7, 0.88)], minima, 0.95)
    return replace(profile, **changes)


def draw_profile(profile: CostProfile, style: Style = DEFAULT) -> Figure:
    return profile_figure(profile, headline=HEADLINE, style=style)


@every_style
@pytest.mark.parametrize("cautious", [(), ((0.0, 1.0),)])
def test_nothing_is_cut_off_or_overlaps_in_a_profile(style: Style, cautious: Any) -> None:
    check_legible(draw_profile(make_profile(cautious=cautious), style))


def shaded(figure: Figure) -> list[tuple[float, float]]:
    """Return the ends of the shaded pieces."""
    (axes,) = figure.axes
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    return [(box.get_x(), box.get_x() + box.get_width()) for box in boxes]


def test_pieces_are_shaded_where_they_are() -> None:
    pieces = shaded(draw_profile(make_profile()))
    assert np.allclose(pieces, [(0.12, 0.28), (0.7, 0.88)], atol=1e-9)


def test_the_axis_is_logarithmic_where_costs_differ_much() -> None:
    profile = make_profile()
    steep = replace(profile, cost=10 ** (6 * (profile.cost - 0.9)), level=2.0, minima=[(0.8, 1.3)])
    figure = draw_profile(steep)
    curve = max(figure.findobj(Line2D), key=lambda line: np.size(line.get_xdata()))
    assert figure.axes[0].get_yscale() == "log"
    np.testing.assert_allclose(np.asarray(curve.get_ydata(), dtype=float), steep.cost)
    assert "100" in words(figure)


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
    figure = draw_profile(make_profile(**changes))
    check_legible(figure)
    for file_format in PICTURE_FORMATS.values():
        assert file_format.write(figure, {"Request": "{}"})
