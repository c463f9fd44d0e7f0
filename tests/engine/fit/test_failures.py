"""Numerical failure is a value: late targets, long gaps, and poles near 0, 1 and -1."""

import numpy as np
import pytest
from scipy.signal import lfilter

from service.engine.data import Series
from service.engine.fit import (
    FitOptions,
    FitProblem,
    Solution,
    decompose,
    fit,
    tabulate_responses,
)
from service.engine.types import Array

POLES = (0.0, 1e-12, -1e-9, 1e-3, 0.3, -0.38, 0.9, 0.99999, 1.0, -0.9999, -1.0)


def simulate_late(n_steps: int = 900, first: int = 740) -> Series:
    """Return a series with three inputs whose targets begin late."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((n_steps, 3))
    y = lfilter([1.0], [1.0, -0.9], x[:, 0] - x[:, 1]) + lfilter([1.0], [1.0, -0.3], x[:, 2])
    y += 0.3 * rng.standard_normal(n_steps)
    y[:first] = np.nan
    y[first + 1 :: 3] = np.nan
    return Series.from_sequences((x,), (y,), ("rain", "evaporation", "river"))


def find_squares(series: Series, poles: Array, first: int) -> float:
    """Return the lowest sum of squared residuals of two states with starts at a first target."""
    steps = np.arange(len(series.targets))
    responses = [lfilter([1.0], [1.0, -w], series.inputs, axis=0) for w in poles]
    starts = [w ** np.maximum(steps - first, 0.0) for w in poles]
    columns = np.column_stack([responses[0][:, :2], responses[1][:, 2], np.ones(len(steps))])
    columns = np.column_stack([columns, *starts])[~np.isnan(series.targets)]
    targets = series.targets[~np.isnan(series.targets)]
    weights = np.linalg.lstsq(columns, targets, rcond=None)[0]
    return float(np.sum((targets - columns @ weights) ** 2))


@pytest.mark.parametrize("place", [(0.9, -0.38), (0.97, -0.38), (0.5, 0.385)])
@pytest.mark.parametrize("noise", ["white", "ar1"])
def test_starts_that_vanish_before_late_targets_leave_a_finite_criterion(
    place: tuple[float, float], noise: str
) -> None:
    series = simulate_late()
    groups = (("rain", "evaporation"), ("river",))
    for start in ("each", "shared"):
        options = FitOptions(
            initial_state=start,
            noise=noise,  # type: ignore[arg-type]
            w_rec=(-1.0, 1.0),
            time_constants=groups,
        )
        problem = FitProblem(series, options)
        at = Solution(problem).criterion.evaluate(np.array([place]))
        assert np.isfinite(at.cost).all()
        assert np.isfinite(at.gradient).all()
        assert np.isfinite(at.rho).all()
        if start == "each" and noise == "white":
            expected = find_squares(series, np.array(place), 740) / problem.n_targets
            np.testing.assert_allclose(at.mean_square, expected, rtol=1e-9)


def test_a_response_that_vanishes_before_late_targets_counts_as_none() -> None:
    # At a w_rec of 0.385, the response to the only input is 1e-313 at the first target.
    x = np.zeros((780, 1))
    x[0] = 1.0
    y = np.random.default_rng(1).standard_normal(780)
    y[:755] = np.nan
    series = Series.from_sequences((x,), (y,))
    for noise in ("white", "ar1"):
        options = FitOptions(initial_state=0.0, offset=False, noise=noise)
        at = Solution(FitProblem(series, options)).criterion.evaluate(np.array([0.385, 0.4, 0.99]))
        assert np.isfinite(at.theta).all()
        assert np.isfinite(at.cost).all()
        if noise == "white":
            mean_square = np.nanmean(y**2)
            np.testing.assert_allclose(at.mean_square[0], mean_square, rtol=1e-12)


def draw_problem(seed: int) -> tuple[Series, FitOptions]:
    """Return a random problem with few and late targets, long gaps and special poles."""
    rng = np.random.default_rng([7, seed])
    pole = POLES[seed % len(POLES)]
    late, gap = int(rng.choice([0, 20, 740, 760])), int(rng.choice([1, 5, 40]))
    inputs, targets = [], []
    for _ in range(int(rng.choice([1, 1, 2]))):
        n_steps = late + gap * int(rng.choice([8, 14]))
        x = np.zeros((n_steps, 1))
        x[0] = 1.0
        if rng.random() < 0.6:
            x = rng.standard_normal((n_steps, 1))
        noise = float(rng.choice([0.0, 1e-8, 0.3]))
        y = lfilter([1.0], [1.0, -pole], x[:, 0]) + noise * rng.standard_normal(n_steps)
        step = np.arange(n_steps)
        y[(step < late) | ((step - late) % gap > 0)] = np.nan
        inputs.append(x)
        targets.append(y)
    options = FitOptions(
        initial_state=("each", "shared", 0.0)[int(rng.integers(3))],
        offset=bool(rng.random() < 0.6),
        noise=("white", "ar1")[int(rng.integers(2))],
        variance=("constant", "free")[int(rng.integers(2))],
        w_rec=((0.0, 1.0), (-1.0, 1.0))[int(rng.integers(2))],
        trend=bool(rng.random() < 0.2),
        time_constants=1 + int(seed % 10 == 0),
    )
    return Series.from_sequences(tuple(inputs), tuple(targets)), options


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=[pytest.mark.slow] * (seed < 14)) for seed in range(22)]
)
def test_no_problem_ends_with_an_exception(seed: int) -> None:
    series, options = draw_problem(seed)
    problem = FitProblem(series, options)
    if problem.n_targets < problem.n_unknowns:
        return
    result = fit(series, options)
    for _ in result.compute():
        assert result.solution.best.cost.size == 1
    assert len(result.responses) == 1
    assert len(decompose(result.solution).baseline) == len(result.table["prediction"])
    assert len(tabulate_responses(result.solution).low) > 0
    if result.solution.degrees_of_freedom > 0:
        assert np.isfinite(result.solution.lowest)
    for pole, pieces in zip(
        result.solution.poles, result.solution.intervals_of_states, strict=True
    ):
        assert any(low <= pole <= high for low, high in pieces)
