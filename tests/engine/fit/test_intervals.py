"""Standard errors and intervals, compared with brute force and with simulation."""

import numpy as np
import pytest
from scipy.optimize import brentq, curve_fit
from scipy.stats import t as student

from service.engine.data import Series
from service.engine.fit import FitOptions, Result, fit
from service.engine.types import Array
from tests.engine.fit.conftest import cost_at, design, draw_case, simulate


def level_of(result: Result, confidence: float = 0.95) -> float:
    """Return the cost at the ends of the interval, by its formula."""
    degrees = result.solution.degrees_of_freedom
    quantile = float(student.ppf(0.5 + 0.5 * confidence, degrees))
    return result.solution.cost * (1.0 + quantile**2 / degrees)


def test_the_standard_error_is_that_of_curve_fit() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((80, 1))
    y = simulate(x, 0.8, [1.5], 4.0, 10.0) + 0.5 * rng.standard_normal(80)
    result = fit(Series.from_sequences((x,), (y,)), FitOptions())

    def model(_: Array, w: float, w_in: float, state: float, offset: float) -> Array:
        return simulate(x, w, [w_in], state, offset)

    start = [0.8, 1.5, 4.0, 10.0]
    weights, covariance = curve_fit(model, np.arange(80), y, p0=start, xtol=1e-12, ftol=1e-12)
    assert result.solution.w_rec == pytest.approx(weights[0], rel=1e-6)
    assert result.solution.standard_error == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-4)
    assert result.parameters.w_in[0, 0] == pytest.approx(weights[1], rel=1e-6)


@pytest.mark.parametrize("seed", range(40))
def test_pieces_are_where_the_independent_cost_is_below_the_level(seed: int) -> None:
    case = draw_case(seed)
    try:
        result = fit(case.series, case.options)
    except ValueError:
        return
    if result.solution.degrees_of_freedom <= 0 or result.solution.cost < 1e-12:
        return
    level = level_of(result)
    assert result.solution.level == pytest.approx(level, rel=1e-9)
    low, high = case.options.w_rec
    for start, end in result.solution.intervals:
        for w in (start, end):
            beside = [w - 1e-5, w + 1e-5]
            costs = [cost_at(case.series, case.options, each) for each in beside]
            if low + 1e-4 < w < high - 1e-4:
                assert min(costs) <= level * (1.0 + 1e-9) <= max(costs) * (1.0 + 2e-9)
    for w in np.linspace(low, high, 202)[1:-1]:
        is_inside = any(start <= w <= end for start, end in result.solution.intervals)
        cost = cost_at(case.series, case.options, w)
        if abs(cost / level - 1.0) > 1e-6:
            assert is_inside == (cost < level), (seed, w)


@pytest.mark.parametrize("quantity", ["w_in", "gain", "offset", "state", "prediction"])
@pytest.mark.parametrize("noise", [0.3, 3.0])
def test_profile_intervals_agree_with_constrained_fits(quantity: str, noise: float) -> None:
    """A value is in the interval if the best fit with that value is below the level."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((25, 1))
    y = simulate(x, 0.7, [1.5], 4.0, 2.0) + noise * rng.standard_normal(25)
    series, options = Series.from_sequences((x,), (y,)), FitOptions(w_rec=(0.01, 0.95))
    result = fit(series, options)
    row = {
        "w_in": result.parameters.w_in[0],
        "gain": result.parameters.steady_state_gains[0],
        "offset": result.parameters.offset,
        "state": result.parameters.initial_states[0],  # type: ignore[index]
        "prediction": [result.table[name][12] for name in ("prediction", "low", "high")],
    }[quantity]
    assert row is not None
    places = np.linspace(0.01, 0.95, 400)
    problems = [design(series, options, 0, w) for w in places]

    def constrained(value: float) -> float:
        """Return the lowest cost of all fits in which the quantity has the value."""
        lowest = np.inf
        for w, (columns, targets) in zip(places, problems, strict=True):
            factors = {
                "w_in": np.array([1.0, 0.0, 0.0]),
                "gain": np.array([1.0 / (1.0 - w), 0.0, 0.0]),
                "offset": np.array([0.0, 1.0, 0.0]),
                "state": np.array([0.0, 0.0, 1.0]),
                "prediction": columns[12],
            }[quantity]
            # Minimize ||columns b - targets||² with factors b = value.
            particular = factors * value / (factors @ factors)
            basis = np.linalg.svd(factors[None])[2][1:].T
            rest = targets - columns @ particular
            weights = np.linalg.lstsq(columns @ basis, rest, rcond=None)[0]
            lowest = min(lowest, float(np.mean((rest - columns @ basis @ weights) ** 2)))
        return lowest

    value, *ends = map(float, row)
    level = level_of(result)
    assert constrained(value) == pytest.approx(result.solution.cost, rel=1e-3)
    for end in ends:
        if not np.isfinite(end):
            # Even far away there are fits below the level.
            assert constrained(value + 1e3 * np.sign(end)) < level
        else:
            exact = brentq(
                lambda each: constrained(each) - level,
                value,
                value + 1.5 * (end - value),
                rtol=1e-3,
            )
            assert abs(end - exact) < 5e-3 * abs(exact - value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_steps", "noise", "least"),
    [(20, 0.5, 0.92), (50, 0.5, 0.92), (200, 0.5, 0.92), (20, 2.0, 0.9), (50, 2.0, 0.9)],
)
def test_intervals_cover_the_truth_as_they_claim(n_steps: int, noise: float, least: float) -> None:
    hits, rng = 0, np.random.default_rng([n_steps, int(10 * noise)])
    for _ in range(1000):
        x = rng.standard_normal((n_steps, 1))
        y = simulate(x, 0.7, [1.0], 1.0, 3.0) + noise * rng.standard_normal(n_steps)
        result = fit(Series.from_sequences((x,), (y,)), FitOptions())
        hits += any(low <= 0.7 <= high for low, high in result.solution.intervals)
    assert least <= hits / 1000 <= 0.98
