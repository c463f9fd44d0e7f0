"""Costs for the identity near perfect fits and outside float64, compared with sixty digits."""

from typing import Any

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

from service.engine.arithmetic import tolerances
from service.engine.data import Dataset, count_ones
from service.engine.objective import LinearObjective
from service.engine.types import Weights
from tests.engine.conftest import cost_at, exact_cost

Data = tuple[NDArray[Any], NDArray[Any]]

INPUTS = np.array([[1.0, 0.0, 2.0], [0.5, -1.0, 1.0], [3.0, 1.0, -1.0], [0.0, 2.0, 0.25]])


def promised_error(exact: Any, targets: NDArray[Any]) -> Any:
    """Return the promised relative or absolute error of a cost, whichever is larger."""
    return max(tolerances.COST_RTOL * exact, tolerances.COST_ATOL * float(np.mean(targets**2)))


def check_promised(data: Data, initial_state: float, w_in: Any, w_rec: Any, costs: Any) -> None:
    """Compare costs at pairs of weights with exact ones."""
    for cost, *weights in zip(costs, w_in.tolist(), w_rec.tolist(), strict=True):
        exact = exact_cost(*data, initial_state, *weights)
        assert abs(cost - exact) <= promised_error(exact, data[1])


def fitted(kind: str, n_samples: int, n_steps: int, initial_state: float) -> tuple[Data, Weights]:
    """Return data, and weights that fit them as well as float64 allows."""
    random = np.random.default_rng(n_steps)
    inputs = np.around(random.random((n_samples, n_steps)))
    best = Weights(1.0, 1.0)
    if kind in ("real", "alternating"):
        inputs = random.standard_normal(inputs.shape)
        best = Weights(1.3, 0.9) if kind == "real" else Weights(-0.37, -0.97)
    powers = best.w_rec ** np.arange(n_steps + 1)[::-1]
    targets = best.w_in * inputs @ powers[1:] + initial_state * powers[0]
    if kind == "noisy":
        targets += 1e-6 * random.standard_normal(n_samples)
    return (inputs, targets), best


@pytest.mark.parametrize("initial_state", [0.0, -3.0])
@pytest.mark.parametrize("kind", ["bits", "real", "alternating", "noisy"])
@pytest.mark.parametrize(
    ("n_samples", "n_steps"), [(20, 10), (12, 100), pytest.param(5, 1000, marks=pytest.mark.slow)]
)
def test_costs_near_a_fit(n_samples: int, n_steps: int, kind: str, initial_state: float) -> None:
    data, best = fitted(kind, n_samples, n_steps, initial_state)
    random = np.random.default_rng(2)
    distance = 10.0 ** -np.arange(1.0, 17.0)
    w_in = best.w_in + distance * random.standard_normal(16)
    w_rec = best.w_rec + distance / n_steps * random.standard_normal(16)
    objective = LinearObjective(Dataset.from_arrays(*data), initial_state)
    costs, logs = objective.costs(w_in, w_rec), objective.log10_costs(w_in, w_rec)
    for i, weights in enumerate(zip(w_in.tolist(), w_rec.tolist(), strict=True)):
        exact = exact_cost(*data, initial_state, *weights)
        error = promised_error(exact, data[1])
        assert abs(costs[i] - exact) <= error
        assert abs(cost_at(objective, *weights) - exact) <= error
        if exact > 1e6 * error:
            assert logs[i] == pytest.approx(float(mpmath.log10(exact)), rel=1e-7)
        elif not exact:
            assert logs[i] == -np.inf


def test_a_surface_contains_the_zero_of_a_perfect_fit() -> None:
    axis = np.linspace(0.0, 2.0, 41)
    data = count_ones()
    objective = LinearObjective(Dataset.from_arrays(*data))
    costs = objective.costs(axis[None, :], axis[:, None])
    assert costs[20, 20] == 0.0
    assert objective.log10_costs(axis[None, :], axis[:, None])[20, 20] == -np.inf
    assert (np.delete(costs.ravel(), 20 * 41 + 20) > 0.0).all()


@pytest.mark.parametrize("initial_state", [0.0, 0.7])
def test_gap_where_the_difference_of_costs_has_no_digits(initial_state: float) -> None:
    random = np.random.default_rng(8)
    inputs, targets = count_ones(15, 12)
    data = inputs, targets + 0.1 * random.standard_normal(15)
    objective = LinearObjective(Dataset.from_arrays(*data), initial_state)
    best = objective.optimum.weights
    bottom = exact_cost(*data, initial_state, *best)
    square, gap = float(np.mean(data[1] ** 2)), np.inf
    for distance in 10.0 ** -np.arange(0.0, 10.0):
        u, w = best.w_in + distance, best.w_rec - 0.3 * distance
        exact = float(exact_cost(*data, initial_state, u, w) - bottom)
        gap, before = objective.gap_to_optimum(u, w, cost_at(objective, u, w)), gap
        assert 0.0 <= gap < before
        if exact > 1e-18 * square:
            assert gap == pytest.approx(exact, rel=1e-6)
    assert exact < 1e-18 * square
    assert objective.gap_to_optimum(*best, cost_at(objective, *best)) == 0.0


@pytest.mark.parametrize("initial_state", [0.0, 0.5])
@pytest.mark.parametrize(("n_steps", "rows"), [(10, 1), (30, 3)])
def test_costs_along_a_curve_of_perfect_fits(n_steps: int, rows: int, initial_state: float) -> None:
    """One sequence, repeated or not, is fitted exactly on a whole curve."""
    random = np.random.default_rng(n_steps)
    inputs = np.tile(np.around(random.random(n_steps)), (rows, 1))
    targets = np.full(rows, 5.0)
    w_rec = random.uniform(-1.3, 1.3, 200)
    powers = w_rec[:, None] ** np.arange(n_steps + 1)[::-1]
    w_in = (5.0 - initial_state * powers[:, 0]) / (powers[:, 1:] @ inputs[0])
    w_in *= 1.0 + 1e-7 * random.standard_normal(200)
    objective = LinearObjective(Dataset.from_arrays(inputs, targets), initial_state)
    costs = objective.costs(w_in, w_rec)
    check_promised((inputs, targets), initial_state, w_in, w_rec, costs)


# Seeds whose best fit to noise has a w_in so small that its square is no float64.
@pytest.mark.parametrize(
    ("n_steps", "seed"),
    [(400, 3), (300, 6), (600, 2), pytest.param(2000, 0, marks=pytest.mark.slow)],
)
def test_the_gap_where_squares_of_the_optimum_underflow(n_steps: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    data = random.normal(size=(20, n_steps)), random.normal(size=20)
    objective = LinearObjective(Dataset.from_arrays(*data))
    u, w = objective.optimum.weights
    assert abs(u) < 1e-160
    lowest = exact_cost(*data, 0.0, u, w)
    for weights in ((0.0, 0.0), (1.01 * u, w), (u, 1.0001 * w), (1.0001 * u, w * (1.0 - 1e-7))):
        expected = float(exact_cost(*data, 0.0, *weights) - lowest)
        gap = objective.gap_to_optimum(*weights, cost_at(objective, *weights))
        assert gap == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_costs_are_right_where_powers_and_products_overflow_or_underflow(seed: int) -> None:
    random = np.random.default_rng(seed)

    def draw(count: int, smallest: float, largest: float) -> NDArray[Any]:
        signs = random.choice([-1.0, 0.0, 1.0], count, p=[0.35, 0.3, 0.35])
        return np.asarray(signs * 10.0 ** random.uniform(smallest, largest, count))

    for _ in range(100):
        n_samples, n_steps = map(int, random.integers(1, [4, 6]))
        size = float(random.choice([0.0, 1.0, 10.0, 100.0]))
        reach = float(random.choice([1.0, 200.0, 300.0]))
        inputs = draw(n_samples * n_steps, -size, size).reshape(n_samples, n_steps)
        (s0,), (u, v) = draw(1, -size, size), draw(2, -reach, reach)
        w = draw(1, -reach, min(reach, 100.0))[0]
        w_in, w_rec = np.array([u, 1.001 * u, v]), np.array([w, w * (1.0 + 1e-6), w])
        targets = draw(n_samples, -size, size)
        objective = LinearObjective(Dataset.from_arrays(inputs, targets), s0)
        pairs, surface = objective.costs(w_in, w_rec), objective.costs(w_in[None], w_rec[:, None])
        for i, j in np.ndindex(3, 3):
            weights = float(w_in[j]), float(w_rec[i])
            exact = exact_cost(inputs, targets, s0, *weights)
            # The same where no term cancels another one.
            sizes = np.abs(inputs), -np.abs(targets)
            terms = exact_cost(*sizes, abs(s0), *map(abs, weights))
            for cost in [surface[i, j]] + [pairs[i]] * (i == j):
                if exact > 1.797e308:
                    assert cost == np.inf
                else:
                    assert (
                        abs(float(cost) - exact)
                        <= tolerances.COST_RTOL * exact + 1e-29 * terms + 5e-324
                    )


@pytest.mark.parametrize("n_steps", [1, 3])
@pytest.mark.parametrize("initial_state", [0.0, 1.0])
def test_weights_that_are_not_finite_have_no_cost(n_steps: int, initial_state: float) -> None:
    objective = LinearObjective(Dataset.from_arrays(INPUTS[:, :n_steps], np.ones(4)), initial_state)
    w_in, w_rec = np.array([[np.inf, 1.0, np.nan, 1.0], [1.0, -np.inf, 1.0, np.nan]])
    assert np.isnan(objective.costs(w_in, w_rec)).all()
    assert np.isnan(objective.log10_costs(w_in, w_rec)).all()
    assert np.isnan(objective.costs(w_in[None, ::2], w_rec[1::2, None])).all()


@pytest.mark.parametrize("initial_state", [0.0, 2.0])
def test_the_best_w_in_has_the_lowest_cost(initial_state: float) -> None:
    objective = LinearObjective(Dataset.from_arrays(*count_ones(noise=0.5)), initial_state)
    w_rec = np.array([-2.0, -0.5, 0.0, 0.3, 1.0, 1.7, 1e60])
    w_in = objective.best_w_in(w_rec)
    lowest = objective.log10_costs(w_in, w_rec)
    for factor in (1.0 - 1e-6, 1.0 + 1e-6):
        assert (objective.log10_costs(w_in * factor, w_rec) >= lowest).all()
