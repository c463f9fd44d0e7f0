"""The optimum, compared with an independent dense search and with sixty digits."""

from typing import Literal

import mpmath
import numpy as np
import pytest
from scipy.optimize import least_squares

from service.engine.data import Series
from service.engine.fit import FitOptions, FitProblem, Solution, fit
from service.engine.types import Array
from tests.engine.fit.conftest import KINDS, cost_at, draw_case, search_densely, simulate, split

# A cost relative to the mean square of the targets, which is what rounding errors depend on.
ATOL = 1e-20


def check_against_dense_search(seed: int) -> None:
    case = draw_case(seed)
    problem = FitProblem(case.series, case.options)
    if problem.n_targets < problem.n_unknowns:
        assert problem.n_targets < 10
        return
    solution = Solution(problem)
    targets = case.series.targets
    atol = ATOL * float(np.nanmean(targets**2)) + 1e-300
    lowest = search_densely(case.series, case.options)
    assert solution.cost <= lowest * (1.0 + 1e-9) + atol, (seed, case.kind)
    # It is a cost that can be reached: not below what the independent columns give there. At 0 and
    # 1 their effects vanish or coincide, and the limit counts.
    w = solution.w_rec
    beside, rtol = (w, 1e-6) if min(abs(w), abs(w - 1.0)) > 1e-7 else (w - 1e-7, 1e-3)
    expected = cost_at(case.series, case.options, beside)
    assert solution.cost == pytest.approx(expected, rel=rtol, abs=1e4 * atol), (
        seed,
        case.kind,
    )


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
def test_no_dense_search_finds_a_lower_cost(kind: int) -> None:
    for repetition in range(6):
        check_against_dense_search(kind + repetition * len(KINDS))


@pytest.mark.slow
@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
def test_no_dense_search_finds_a_lower_cost_in_many_problems(kind: int) -> None:
    for repetition in range(6, 170):
        check_against_dense_search(kind + repetition * len(KINDS))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_no_other_solver_finds_a_lower_cost_from_many_starts(seed: int) -> None:
    rng = np.random.default_rng([24, seed])
    n_steps = int(rng.choice([100, 300]))
    x = np.cumsum(rng.standard_normal((n_steps, 1)), axis=0)
    y = simulate(x, float(rng.uniform(0.5, 1.0)), [0.5], 3.0, 10.0)
    y += float(rng.choice([0.1, 3.0])) * rng.standard_normal(n_steps)
    result = fit(Series.from_sequences((x,), (y,)), FitOptions())

    def residuals(unknowns: Array) -> Array:
        w, w_in, state, offset = unknowns
        return simulate(x, w, [w_in], state, offset) - y

    for w in np.linspace(0.05, 0.99, 8):
        start = [w, 1.0, float(y[0]), 0.0]
        bounds = ([0.0, -np.inf, -np.inf, -np.inf], [1.0, np.inf, np.inf, np.inf])
        other = least_squares(residuals, start, bounds=bounds, x_scale="jac")
        assert result.solution.cost <= 2.0 * other.cost / n_steps * (1.0 + 1e-9)


@pytest.mark.parametrize("seed", range(len(KINDS)), ids=KINDS)
def test_the_profile_matches_independent_columns(seed: int) -> None:
    case = next(case for case in map(draw_case, range(seed, 500, len(KINDS))) if case.has_enough)
    w, costs, _ = fit(case.series, case.options).profile_table
    # At 0 and 1 effects vanish or coincide.
    is_regular = np.minimum(np.abs(w), np.abs(w - 1.0)) > 1e-4
    w, costs = w[is_regular][::4], costs[is_regular][::4]
    expected = [cost_at(case.series, case.options, each) for each in w]
    atol = 1e-9 * max(expected) + 1e-26
    np.testing.assert_allclose(costs, expected, rtol=1e-6, atol=atol)


def exact_cost(series: Series, w: mpmath.mpf) -> mpmath.mpf:
    """Return the cost with one input, a start per sequence and an offset, in sixty digits."""
    n_sequences = len(series.lengths)
    rows, targets = [], []
    for i, (inputs, sequence) in enumerate(zip(*split(series), strict=True)):
        state, power = mpmath.mpf(0), mpmath.mpf(1)
        for x, y in zip(inputs[:, 0].tolist(), sequence.tolist(), strict=True):
            state, power = w * state + mpmath.mpf(x), w * power
            starts = [power if j == i else mpmath.mpf(0) for j in range(n_sequences)]
            rows.append([state, mpmath.mpf(1), *starts])
            targets.append(mpmath.mpf(y))
    columns, y = mpmath.matrix(rows), mpmath.matrix(targets)
    weights = mpmath.lu_solve(columns.T * columns, columns.T * y)
    residuals = y - columns * weights
    return (residuals.T * residuals)[0] / len(targets)


@pytest.mark.parametrize(
    ("w_true", "noise", "offset"),
    [
        (0.5, 0.1, 0.0),
        (0.9, 1e-6, 1e6),
        (0.999, 1e-3, 3.0),
        (0.999999, 1e-2, -5.0),
        (0.05, 1e-9, 1.0),
        (0.7, 3.0, 100.0),
    ],
)
def test_costs_agree_with_sixty_digits(w_true: float, noise: float, offset: float) -> None:
    rng = np.random.default_rng(7)
    inputs = tuple(rng.standard_normal((8, 1)) for _ in range(2))
    targets = tuple(
        simulate(x, w_true, [1.5], 2.0, offset) + noise * rng.standard_normal(8) for x in inputs
    )
    series = Series.from_sequences(inputs, targets)
    result = fit(series, FitOptions())
    with mpmath.workdps(60):
        at_fit = exact_cost(series, mpmath.mpf(result.solution.w_rec))
        scale = np.mean((np.concatenate(targets) - np.mean(targets)) ** 2)
        # Residuals are off by a few units in the last place of the targets.
        rounding = 1e-14 * np.sqrt(float(at_fit) * scale) + 1e-28 * scale
        assert float(abs(at_fit - result.solution.cost)) <= 1e-9 * float(at_fit) + rounding
        # No place beside it is lower, by more than the rounding of w.
        if not result.solution.at_limit:
            for step in (-1e-6, 1e-6):
                beside = exact_cost(series, mpmath.mpf(result.solution.w_rec) + step)
                assert float(beside) >= float(at_fit) * (1.0 - 1e-12)


def test_all_local_minima_are_listed() -> None:
    # Two inputs whose effects last for different times: each explains one minimum.
    case = draw_case(8)
    for seed in range(2000):
        case = draw_case(8 + seed * len(KINDS))
        result = fit(case.series, case.options)
        if len(result.solution.minima) > 1:
            break
    low, high = case.options.w_rec
    places = np.linspace(low, high, 4001)[1:-1]
    costs = np.array([cost_at(case.series, case.options, w) for w in places])
    is_minimum = (costs[1:-1] < costs[:-2]) & (costs[1:-1] < costs[2:])
    on_grid = places[1:-1][is_minimum]
    ends = [w for w, inner, outer in ((low, 1, 0), (high, -2, -1)) if costs[outer] < costs[inner]]
    expected = sorted([*on_grid.tolist(), *ends])
    assert sorted(each.w_rec for each in result.solution.minima) == pytest.approx(
        expected, abs=1e-3
    )
    assert [each.cost for each in result.solution.minima] == sorted(
        each.cost for each in result.solution.minima
    )


@pytest.mark.parametrize("noise", ["white", "ar1"])
def test_data_that_every_w_rec_fits_exactly_end_the_search(noise: Literal["white", "ar1"]) -> None:
    # Three equal sequences with two targets and two inputs
    x, y = np.array([[1.0, 0.25], [2.0, 0.5], [2.5, 1.0]]), np.array([3.5, np.nan, 4.0])
    series = Series.from_sequences((x,) * 3, (y,) * 3, ("a", "b"))
    options = FitOptions(initial_state=0.0, offset=False, noise=noise)
    result = fit(series, options)
    assert len(result.solution.profile.points.w) < 200
    assert result.solution.cost == pytest.approx(0.0, abs=1e-20)
    assert not result.solution.is_unique
    assert not result.solution.is_identifiable


def test_a_fit_that_is_nearly_exact_everywhere_ends_the_search() -> None:
    # Its residuals are rounding errors on both sides of the limit of those.
    x, y = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]), np.array([0.0, 2.0, 2.0])
    series = Series.from_sequences((x, x), (y, y), ("a", "b"))
    result = fit(series, FitOptions(initial_state=0.0, w_rec=(-1.0, 1.0)))
    assert len(result.solution.profile.points.w) < 10_000
    assert result.solution.cost == pytest.approx(0.0, abs=1e-20)
