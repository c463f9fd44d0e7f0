"""The factor of the data has the residuals of the data, in fewer rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.data import Factor, count_ones
from service.engine.types import Array, Weights


def draw(n_samples: int, n_steps: int) -> tuple[Array, Array]:
    random = np.random.default_rng([n_samples, n_steps])
    return random.standard_normal((n_samples, n_steps)), random.standard_normal(n_samples)


def squared_errors(
    inputs: Array, targets: Array, weights: tuple[float, float], initial_state: float
) -> float:
    """Return their sum over the sequences, by running the network."""
    state = np.full(len(targets), initial_state)
    for x in inputs.T:
        state = weights[1] * state + weights[0] * x
    return float(np.sum((state - targets) ** 2))


# The last one has several blocks, of which the last has fewer rows than there are columns.
@pytest.mark.parametrize(("n_samples", "n_steps"), [(5, 3), (9000, 1), (3000, 40), (32_780, 15)])
@pytest.mark.parametrize("initial_state", [0.0, -1.5])
def test_sums_of_squared_errors(n_samples: int, n_steps: int, initial_state: float) -> None:
    data = draw(n_samples, n_steps)
    factor = Factor.from_arrays(*data)
    assert factor.n_samples == n_samples
    assert len(factor.rows) == min(n_samples, n_steps + 2)
    w_in, w_rec = np.array([0.7, -2.0, 0.0, 1.0]), np.array([0.9, 1.1, -0.8, 0.0])
    sums = factor.parabolas(w_rec, initial_state)(w_in[:, None])[:, 0]
    expected = [squared_errors(*data, pair, initial_state) for pair in zip(w_in, w_rec)]  # noqa: B905
    np.testing.assert_allclose(sums, expected, rtol=1e-12)


def test_a_perfect_fit_of_few_numbers_costs_exactly_nothing() -> None:
    factor = Factor.from_arrays(*count_ones(20, 10))
    w_in, w_rec = np.ones((1, 1)), np.ones(1)
    assert factor.parabolas(w_rec, 0.0)(w_in)[0, 0] == 0.0
    assert factor.extended_parabolas(w_rec, 0.0)(w_in).value()[0, 0] == 0.0


@given(
    w_rec=st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=5),
    initial_state=st.sampled_from([0.0, 2.0, -1e5]),
)
def test_extended_exponents_change_nothing_in_range(
    w_rec: list[float], initial_state: float
) -> None:
    factor = Factor.from_arrays(*draw(12, 8))
    w_in = np.array([[0.5, -3.0]])
    weights = np.array(w_rec)
    expected = factor.parabolas(weights, initial_state)(w_in)
    sums = factor.extended_parabolas(weights, initial_state)(w_in)
    np.testing.assert_allclose(sums.value(), expected, rtol=1e-12)


@pytest.mark.parametrize("w_rec", [1e-200, -1e-30, 1e40, -1e200])
def test_extended_sums_are_those_of_scaled_data(w_rec: float) -> None:
    """With the inputs x_k c^k the weight w_rec / c has the same outputs."""
    inputs, targets = draw(6, 3)
    scales = w_rec ** np.array([2.0, 1.0, 0.0]) if abs(w_rec) < 1e100 else np.ones(3)
    if abs(w_rec) >= 1e100:  # only the first input counts
        log10 = 4.0 * np.log10(abs(w_rec)) + np.log10(np.sum(inputs[:, 0] ** 2))
    else:
        scaled = Factor(np.column_stack([(inputs * scales)[:, ::-1], np.ones(6), targets]), 6)
        log10 = np.log10(scaled.parabolas(np.ones(1), 0.0)(np.ones((1, 1)))[0, 0])
    sums = Factor.from_arrays(inputs, targets).extended_parabolas(np.array([w_rec]), 0.0)
    assert sums(np.ones((1, 1))).log10()[0, 0] == pytest.approx(log10, rel=1e-12)


@pytest.mark.parametrize("initial_state", [0.0, 0.5])
def test_the_excess_is_the_difference_of_two_sums(initial_state: float) -> None:
    data = draw(50, 6)
    factor = Factor.from_arrays(*data)
    one, other = Weights(0.3, 0.8), Weights(0.35, 0.7)
    sums = [squared_errors(*data, weights, initial_state) for weights in (one, other)]
    assert factor.excess(one, other, initial_state) == pytest.approx(sums[0] - sums[1], rel=1e-10)
    assert factor.excess(one, one, initial_state) == 0.0
    # A step of 1e-9 along a slope changes the sum by 1e-9 of the slope.
    near = Weights(one.w_in, one.w_rec + 1e-9)
    slope = (
        squared_errors(*data, (0.3, 0.8 + 1e-5), initial_state)
        - squared_errors(*data, (0.3, 0.8 - 1e-5), initial_state)
    ) / 2e-5
    change = near.w_rec - one.w_rec
    assert factor.excess(near, one, initial_state) == pytest.approx(slope * change, rel=1e-6)
