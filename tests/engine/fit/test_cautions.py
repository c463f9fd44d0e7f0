"""Reasons and cautions that ordinary data seldom have."""

import sys
from typing import Any

import numpy as np
import pytest
from numpy.polynomial import chebyshev
from scipy.signal import lfilter

from benchmarks.verdict_cases import Design, one_sequence, two_walks
from service.engine.data import Series
from service.engine.fit import FitOptions, fit
from service.engine.types import Array


def make_series(inputs: Any, targets: Array, lengths: list[int]) -> Series:
    names = tuple(f"x{i}" for i in range(inputs.shape[1]))
    return Series(inputs, targets, np.array(lengths), names)


@pytest.mark.parametrize(
    ("design", "seed", "is_common"),
    [(two_walks(60), 106, True), (one_sequence(100, 0.8, rho=0.6, slowness=0.9), 0, False)],
)
def test_two_random_walks_may_share_a_trend(design: Design, seed: int, is_common: bool) -> None:
    result = fit(design(np.random.default_rng(seed)), FitOptions(noise="ar1"))
    assert result.verdict.fit.effect is not None
    assert result.verdict.fit.effect.visible
    assert ("common_trend" in result.verdict.trust.cautions) == is_common


def test_targets_at_even_steps_leave_the_sign_of_w_rec_open() -> None:
    steps = np.arange(1, 41)
    targets = 0.8**steps + 0.01 * np.random.default_rng(1).standard_normal(40)
    targets[0::2] = np.nan
    options = FitOptions(initial_state=1.0, offset=False, w_rec=(-1.0, 1.0))
    result = fit(make_series(np.zeros((40, 0)), targets, [40]), options)
    negative, positive = result.solution.intervals
    assert positive.low < 0.8 < positive.high
    assert negative == pytest.approx((-positive.high, -positive.low))
    assert "several_pieces" in result.verdict.trust.cautions


def test_sequences_with_a_second_time_constant_depart_from_the_fit_in_the_same_way() -> None:
    rng = np.random.default_rng(1)
    steps, n_sequences = np.arange(30), 12
    decay = 0.6**steps + 0.5 * 0.97**steps
    sizes = rng.uniform(1.0, 2.0, n_sequences)
    targets = sizes[:, None] * decay + 0.02 * rng.standard_normal((n_sequences, 30))
    inputs = np.zeros((targets.size, 0))
    result = fit(make_series(inputs, targets.ravel(), [30] * n_sequences), FitOptions())
    assert "same_shape" in result.verdict.trust.reasons


def test_a_search_that_ends_early_is_a_caution(monkeypatch: pytest.MonkeyPatch) -> None:
    """A response that is a Chebyshev polynomial of w has as many extrema as its degree."""
    coefficients = chebyshev.cheb2poly([0.0] * 30 + [1.0])[::-1]
    targets = np.full(31, np.nan)
    targets[-1] = 1.0
    series = make_series(coefficients[:, None], targets, [31])
    options = FitOptions(initial_state=0.0, offset=False, w_rec=(-1.0, 1.0), gains={"x0": 1.0})
    complete = fit(series, options)
    assert len(complete.solution.minima) > 20
    assert "search_limited" not in complete.verdict.trust.cautions
    module = sys.modules["service.engine.profile.search"]  # the package has a function of that name
    monkeypatch.setattr(module, "MAX_POINTS", 100)
    assert "search_limited" in fit(series, options).verdict.trust.cautions


def test_a_damped_oscillation_has_two_equal_poles() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal(150)
    oscillation = lfilter([1.0], [1.0, -1.6, 0.7], x)
    targets = oscillation + 0.2 * oscillation.std() * rng.standard_normal(150)
    result = fit(make_series(x[:, None], targets, [150]), FitOptions(time_constants=2))
    first, second = result.solution.poles
    assert first == pytest.approx(second, abs=1e-4)
    assert "poles_coincide" in result.verdict.trust.cautions


@pytest.mark.parametrize(
    ("rows", "lengths"), [([1, 2, 4], [1, 1, 1]), ([1, *4 * [np.nan], 2], [6])]
)
def test_cautions_are_checked_where_no_reason_can_be(rows: list[float], lengths: list[int]) -> None:
    targets = np.array(rows, np.float64)
    options = FitOptions(initial_state=1.0, offset=False)
    result = fit(make_series(np.zeros((len(rows), 0)), targets, lengths), options)
    assert "too_few_to_tell" in result.verdict.trust.cautions
