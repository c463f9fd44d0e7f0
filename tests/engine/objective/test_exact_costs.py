"""Costs near a perfect or a best fit, where terms cancel, compared with sixty digits."""

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.engine.data.count_ones import count_ones
from service.engine.data.dataset import Dataset
from service.engine.data.exact_moments import compute_exact_moments
from service.engine.data.moments import Moments
from service.engine.objective.by_moments import MomentObjective
from service.engine.objective.exact_costs import ExactCosts
from service.engine.objective.moment_costs import MomentCosts
from service.engine.training.clip import Clip
from service.engine.training.optimizers import OPTIMIZERS
from service.engine.training.run import train
from service.engine.training.setup import TrainingSetup
from service.engine.types import Weights
from tests.engine.conftest import cost_at

Data = tuple[NDArray[Any], NDArray[Any]]


def exact_cost(data: Data, initial_state: float, w_in: float, w_rec: float) -> Any:
    """Return the mean squared error in sixty digits, by running the network."""
    with mpmath.workdps(60):
        u, w, total = mpmath.mpf(w_in), mpmath.mpf(w_rec), mpmath.mpf(0)
        for row, target in zip(*(each.tolist() for each in data), strict=True):
            state = mpmath.mpf(initial_state)
            for x in row:
                state = state * w + u * x
            total += (state - target) ** 2
        return total / len(data[1])


def promised_error(exact: Any, targets: NDArray[Any]) -> Any:
    """Return 1e-6 of a cost, or 1e-24 of the mean squared target if that is larger."""
    return max(1e-6 * exact, 1e-24 * float(np.mean(targets**2)))


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
    objective = MomentObjective(Dataset.from_arrays(*data), initial_state)
    costs, logs = objective.costs(w_in, w_rec), objective.log10_costs(w_in, w_rec)
    for i, weights in enumerate(zip(w_in.tolist(), w_rec.tolist(), strict=True)):
        exact = exact_cost(data, initial_state, *weights)
        error = promised_error(exact, data[1])
        assert abs(costs[i] - exact) <= error
        assert abs(cost_at(objective, *weights) - exact) <= error
        if exact > 1e6 * error:
            assert logs[i] == pytest.approx(float(mpmath.log10(exact)), rel=1e-7)
        elif not exact:
            assert logs[i] == -np.inf


@pytest.mark.parametrize(("w_rec", "size"), [(0.1, 1.0), (-1e-9, 1e-60), (1e-40, 1e99)])
def test_costs_near_a_fit_where_powers_underflow(w_rec: float, size: float) -> None:
    random = np.random.default_rng(4)
    inputs = size * random.uniform(0.1, 1.0, (20, 10))
    inputs[:, -4:] = 0.0  # the terms of the costs have powers of w_rec from 8 to 18
    targets = inputs @ w_rec ** np.arange(10.0)[::-1]
    w_in = 1.0 + 1e-10 * random.standard_normal(30)
    w_recs = w_rec * (1.0 + 1e-11 * random.standard_normal(30))
    costs = MomentObjective(Dataset.from_arrays(inputs, targets)).costs(w_in, w_recs)
    for cost, *weights in zip(costs, w_in.tolist(), w_recs.tolist(), strict=True):
        exact = exact_cost((inputs, targets), 0.0, *weights)
        assert abs(cost - exact) <= promised_error(exact, targets)


@pytest.mark.parametrize("w_rec", [0.0, 0.7, 1.0, -1.2])
@pytest.mark.parametrize("initial_state", [0.0, 0.5])
@pytest.mark.parametrize(("n_samples", "n_steps"), [(20, 10), (12, 100), (500, 1)])
def test_parabolas_with_and_without_exponents_agree(
    n_samples: int, n_steps: int, initial_state: float, w_rec: float
) -> None:
    inputs = np.random.default_rng(2).standard_normal((n_samples, n_steps))
    data = inputs, inputs.sum(axis=1)
    moments = compute_exact_moments(*data, Moments.from_arrays(*data))
    costs = ExactCosts(moments, n_samples, initial_state)
    rows = w_rec + 1e-8 * np.arange(300.0)
    vertices, *coefficients = costs.parabolas(rows)
    expected_vertices, expected = costs.extended_parabolas(rows)
    np.testing.assert_allclose(vertices, expected_vertices, rtol=1e-15)
    same = vertices == expected_vertices
    assert same.any()
    a, slope, lowest = expected.value()
    total = float(np.sum(data[1] ** 2))
    np.testing.assert_allclose(coefficients[0], a, rtol=1e-14)
    np.testing.assert_allclose(coefficients[1][same], slope[same], rtol=1e-6)
    np.testing.assert_allclose(coefficients[2][same], lowest[same], rtol=1e-14, atol=1e-26 * total)


def test_parabolas_do_not_depend_on_the_other_w_rec() -> None:
    """Powers of the tiny ones underflow, which needs the slow decimals."""
    inputs = np.random.default_rng(2).standard_normal((20, 10))
    inputs[:, -4:] = 0.0
    data = inputs, inputs.sum(axis=1)
    costs = ExactCosts(compute_exact_moments(*data, Moments.from_arrays(*data)), 20, 0.0)
    tiny, ordinary = 1e-60 * np.arange(1.0, 4.0), np.linspace(-1.5, 1.5, 101)
    expected = np.hstack([costs.parabolas(tiny), costs.parabolas(ordinary)])
    order = np.random.default_rng(3).permutation(104)
    found = costs.parabolas(np.concatenate([tiny, ordinary])[order])
    np.testing.assert_array_equal(found, expected[:, order])


@pytest.mark.parametrize(
    ("name", "clip", "end"), [("rprop", None, 1.9e-6), ("adam", Clip("norm", 1.0), 2.5e-15)]
)
def test_costs_of_a_training_run(name: str, clip: Clip | None, end: float) -> None:
    data = count_ones()
    objective, optimizer = MomentObjective(Dataset.from_arrays(*data)), OPTIMIZERS[name]()
    run = train(TrainingSetup(objective, optimizer, clip=clip), Weights(-1.5, 2.0), record_every=10)
    exact = [exact_cost(data, 0.0, *weights) for weights in run.weights.tolist()]
    assert exact[-1] < end
    for cost, each in zip(run.cost.tolist(), exact, strict=True):
        assert abs(cost - each) <= 1e-6 * each


@given(
    st.lists(
        st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.integers(0, 17)), min_size=1, max_size=6
    ),
    st.sampled_from(["bits", "real", "noisy"]),
)
def test_costs_are_accurate_and_never_negative(
    offsets: list[tuple[float, float, int]], kind: str
) -> None:
    data, best = fitted(kind, 6, 9, 0.0)
    w_in = np.array([best.w_in + x * 10.0**-k for x, _, k in offsets])
    w_rec = np.array([best.w_rec + y * 10.0**-k for _, y, k in offsets])
    costs = MomentObjective(Dataset.from_arrays(*data)).costs(w_in, w_rec)
    assert (costs >= 0.0).all()
    for cost, weights in zip(costs, zip(w_in.tolist(), w_rec.tolist(), strict=True), strict=True):
        exact = exact_cost(data, 0.0, *weights)
        assert abs(cost - exact) <= promised_error(exact, data[1])


def test_costs_near_several_perfect_fits() -> None:
    """One sequence is fitted exactly on a whole curve."""
    data = np.array([[1.0, 2.0, 3.0]]), np.array([2.0])
    w_rec = np.linspace(-2.0, 2.0, 9)
    w_in = 2.0 / (w_rec**2 + 2.0 * w_rec + 3.0)
    costs = MomentObjective(Dataset.from_arrays(*data)).costs(w_in, w_rec)
    for cost, weights in zip(costs, zip(w_in.tolist(), w_rec.tolist(), strict=True), strict=True):
        exact = exact_cost(data, 0.0, *weights)
        assert abs(cost - exact) <= promised_error(exact, data[1])


def test_a_surface_contains_the_zero_of_a_perfect_fit() -> None:
    axis = np.linspace(0.0, 2.0, 41)
    data = count_ones()
    objective = MomentObjective(Dataset.from_arrays(*data))
    costs = objective.costs(axis[None, :], axis[:, None])
    assert costs[20, 20] == 0.0
    assert objective.log10_costs(axis[None, :], axis[:, None])[20, 20] == -np.inf
    assert (np.delete(costs.ravel(), 20 * 41 + 20) > 0.0).all()


@pytest.mark.parametrize("size", [1e-9, 1e-14])
def test_a_tiny_window_around_a_fit_is_smooth(size: float) -> None:
    data, best = fitted("noisy", 20, 10, 0.0)
    u = best.w_in + size * np.linspace(-1.0, 1.0, 5)[None, :]
    w = best.w_rec + size * np.linspace(-1.0, 1.0, 3)[:, None]
    costs = MomentObjective(Dataset.from_arrays(*data)).costs(u, w)
    for i in range(3):
        for j in range(5):
            exact = exact_cost(data, 0.0, float(u[0, j]), float(w[i, 0]))
            assert costs[i, j] == pytest.approx(float(exact), rel=1e-9)


@pytest.mark.parametrize("initial_state", [0.0, 0.7])
def test_gap_where_the_difference_of_costs_has_no_digits(initial_state: float) -> None:
    random = np.random.default_rng(8)
    inputs, targets = count_ones(15, 12)
    data = inputs, targets + 0.1 * random.standard_normal(15)
    objective = MomentObjective(Dataset.from_arrays(*data), initial_state)
    best = objective.optimum.weights
    bottom = exact_cost(data, initial_state, *best)
    square, gap = float(np.mean(data[1] ** 2)), np.inf
    for distance in 10.0 ** -np.arange(0.0, 10.0):
        u, w = best.w_in + distance, best.w_rec - 0.3 * distance
        exact = float(exact_cost(data, initial_state, u, w) - bottom)
        gap, before = objective.gap_to_optimum(u, w, cost_at(objective, u, w)), gap
        assert 0.0 <= gap < before
        if exact > 1e-18 * square:
            assert gap == pytest.approx(exact, rel=1e-6)
    assert exact < 1e-18 * square
    assert objective.gap_to_optimum(*best, cost_at(objective, *best)) == 0.0


def test_zero_columns_do_not_reduce_accuracy() -> None:
    inputs = np.zeros((4, 3))
    inputs[:, 2] = 1.0, 0.0, 1.0, 1.0
    objective = MomentObjective(Dataset.from_arrays(inputs, inputs[:, 2] * (1.0 + 1e-12)))
    assert objective.costs(np.array([1.0]), np.array([1e150]))[0] == pytest.approx(
        0.75e-24, rel=1e-3
    )


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
    objective = MomentObjective(Dataset.from_arrays(inputs, targets), initial_state)
    costs = objective.costs(w_in, w_rec)
    for cost, *weights in zip(costs, w_in.tolist(), w_rec.tolist(), strict=True):
        exact = exact_cost((inputs, targets), initial_state, *weights)
        assert abs(cost - exact) <= promised_error(exact, targets)


# Seeds whose best fit to noise has a w_in so small that its square is no float64.
@pytest.mark.parametrize(
    ("n_steps", "seed"),
    [(400, 3), (300, 6), (600, 2), pytest.param(2000, 0, marks=pytest.mark.slow)],
)
def test_the_gap_where_squares_of_the_optimum_underflow(n_steps: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    data = random.normal(size=(20, n_steps)), random.normal(size=20)
    objective = MomentObjective(Dataset.from_arrays(*data))
    u, w = objective.optimum.weights
    assert abs(u) < 1e-160
    lowest = exact_cost(data, 0.0, u, w)
    for weights in ((0.0, 0.0), (1.01 * u, w), (u, 1.0001 * w), (1.0001 * u, w * (1.0 - 1e-7))):
        expected = float(exact_cost(data, 0.0, *weights) - lowest)
        gap = objective.gap_to_optimum(*weights, cost_at(objective, *weights))
        assert gap == pytest.approx(expected, rel=1e-9)


def test_costs_near_an_optimum_whose_square_underflows() -> None:
    inputs = np.around(np.random.default_rng(5).random((6, 20)))
    inputs[:2, :2] = np.eye(2)
    data = inputs, inputs[:, 0] + 1e-9 * inputs[:, 1]
    objective = MomentObjective(Dataset.from_arrays(*data))
    u, w = objective.optimum.weights
    assert abs(u) < 1e-160
    random = np.random.default_rng(1)
    w_in, w_rec = np.array([[u], [w]]) * (1.0 + 1e-9 * random.standard_normal((2, 60)))
    costs = objective.costs(w_in, w_rec)
    for cost, *weights in zip(costs, w_in.tolist(), w_rec.tolist(), strict=True):
        exact = exact_cost(data, 0.0, *weights)
        assert abs(cost - exact) <= promised_error(exact, data[1])
        assert abs(cost_at(objective, *weights) - exact) <= promised_error(exact, data[1])


@pytest.mark.parametrize("initial_state", [0.0, -3.0])
@pytest.mark.parametrize(
    ("w_in", "w_rec"),
    [(1.0, 1.0), (1e-300, 3.0), (1e-6, -1e13), (0.3, 1e300), (-1e200, 0.5), (1e150, -1e-150)],
)
def test_comparisons_with_a_target_are_exact(
    w_in: float, w_rec: float, initial_state: float
) -> None:
    objective = MomentObjective(Dataset.from_arrays(*count_ones()), initial_state)
    random = np.random.default_rng(3)
    for distance in [0.0, *(10.0 ** -np.arange(0.0, 17.0))]:
        x, y = np.array([w_in, w_rec]) * (1.0 + distance * random.standard_normal(2))
        cost = float(objective.costs(np.array([x]), np.array([y]))[0])
        assert cost_at(objective, x, y) == pytest.approx(cost, rel=1e-6, abs=1e-300)
        for target in (
            0.0,
            1e-30,
            0.5 * cost,
            (1 - 1e-5) * cost,
            (1 + 1e-5) * cost,
            2.0 * cost,
            1e9,
        ):
            if np.isfinite(target):
                assert objective.is_at_most(x, y, target) == (cost <= target)


def test_a_target_near_a_large_cost_whose_highest_powers_have_no_terms() -> None:
    inputs, targets = count_ones()
    inputs[:, :2] = 0.0
    objective = MomentObjective(Dataset.from_arrays(inputs, targets))
    for weights in ((1.0, -1e20), (1e100, 1e5), (1e-3, 1e21)):
        exact = float(exact_cost((inputs, targets), 0.0, *weights))
        assert not objective.is_at_most(*weights, 0.9999 * exact)
        assert objective.is_at_most(*weights, 1.0001 * exact)


def test_a_target_far_below_the_cost_needs_no_exact_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    objective = MomentObjective(Dataset.from_arrays(*count_ones()))
    monkeypatch.setattr(MomentCosts, "costs", None)  # which may need a pass over the data
    assert not objective.is_at_most(1.0, 2.0, 1e-3)
    assert not objective.is_at_most(1.0, 1e300, 1e-3)
    assert not objective.is_at_most(1e300, 1e300, 1e-3)


@pytest.mark.parametrize("initial_state", [0.0, -3.0])
def test_a_cost_of_a_long_sequence_that_overflows_needs_no_decimals(
    initial_state: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(1)
    data = random.standard_normal((3, 400)), random.standard_normal(3)
    objective = MomentObjective(Dataset.from_arrays(*data), initial_state)
    monkeypatch.setattr(ExactCosts, "sum_at", None)  # which takes milliseconds
    monkeypatch.setattr(ExactCosts, "extended_parabolas", None)
    assert cost_at(objective, 1.0, 1e300) == np.inf
    assert not objective.is_at_most(1e200, 0.5, 1e9)
    for weights in ((1e-100, 2.3), (1e-120, -2.3)):  # powers nearly overflow, and costs do not
        expected = float(exact_cost(data, initial_state, *weights))
        assert cost_at(objective, *weights) == pytest.approx(expected, rel=1e-12)
        assert objective.is_at_most(*weights, 1.01 * expected)
        assert not objective.is_at_most(*weights, 0.99 * expected)


def test_inputs_far_smaller_than_the_initial_state() -> None:
    """The best w_in is 6.7e-32 here, 1e-31 of what the initial state adds to the outputs."""
    inputs = np.array([[0.0], [0.0], [0.0], [1e31]])
    objective = MomentObjective(Dataset.from_arrays(inputs, np.array([0.0, 0.0, 1.0, 1.0])), 1.0)
    best = objective.optimum
    assert best.weights == pytest.approx((2.0 / 3.0 * 1e-31, 1.0 / 3.0), rel=1e-12)
    assert best.cost == pytest.approx(1.0 / 6.0, rel=1e-12)
    assert objective.gap_to_optimum(0.0, 0.0, 0.5) == pytest.approx(1.0 / 3.0, rel=1e-12)


def test_columns_of_very_different_magnitudes() -> None:
    inputs = np.array([[1e-30, 3.0], [2e-30, 1.0], [1e-30, -2.0]])
    objective = MomentObjective(Dataset.from_arrays(inputs, inputs @ (1e30, 1.0)))
    weights = 1.0 + 1e-6, 1e30
    assert cost_at(objective, *weights) == pytest.approx(8.67e-12, rel=1e-3)
    exact = exact_cost((inputs, inputs @ (1e30, 1.0)), 0.0, *weights)
    assert cost_at(objective, *weights) == pytest.approx(float(exact), rel=1e-12)


def test_a_cost_that_underflows_where_its_terms_cancel() -> None:
    objective = MomentObjective(Dataset.from_arrays(np.eye(2), np.ones(2)), 1.0)
    weights = np.array([1e-200]), np.array([1.0])
    costs = objective.costs(*weights)
    assert costs[0] == 0.0
    for logs in (objective.log10_costs(*weights), objective.log10_costs(*weights, costs)):
        assert logs[0] == pytest.approx(-400.0, rel=1e-15)
