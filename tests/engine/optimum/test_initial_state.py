"""The global minimum where the inputs cancel an initial state far larger than the targets."""

from typing import Any

import numpy as np
import pytest

from tests.conftest import read_golden
from tests.engine.conftest import exact_cost, find_optimum

EPSILON = 2.0**-52


@pytest.mark.parametrize("sample", read_golden("optimum.json")["large_states"])
def test_a_large_state_is_canceled(sample: dict[str, Any]) -> None:
    x, t, s0 = (
        np.array(sample["inputs"], float),
        np.array(sample["targets"]),
        sample["initial_state"],
    )
    truth = float(exact_cost(x, t, s0, sample["w_in"], sample["w_rec"]))
    found = find_optimum(x, t, s0)
    # The change of the outputs between neighboring floats near the minimizer.
    grain = (8.0 * EPSILON * s0 * sample["w_rec"] ** x.shape[1]) ** 2
    assert found.cost == pytest.approx(truth, rel=1e-6, abs=grain)
    assert found.cost == pytest.approx(float(exact_cost(x, t, s0, *found.weights)), rel=1e-6)
    same_size = abs(found.weights.w_rec) == pytest.approx(abs(sample["w_rec"]), rel=1e-9)
    assert same_size or not sample["unique"]
    assert found.unique == sample["unique"]


@pytest.mark.parametrize("s0", [1.0, -3.0, 100.0])
@pytest.mark.parametrize("n_steps", [2, 3, 5, 7])
def test_two_sequences_fit_where_their_residuals_have_a_root(n_steps: int, s0: float) -> None:
    """Two outputs fit perfectly where p_1 (t_2 - s0 w^T) = p_2 (t_1 - s0 w^T)."""
    for seed in range(25):
        rng = np.random.default_rng([seed, n_steps])
        x, t = rng.normal(size=(2, n_steps)), rng.normal(size=2)
        wanted = [np.append([-s0], np.append(np.zeros(n_steps - 1), target)) for target in t]
        cross = np.convolve(x[0], wanted[1]) - np.convolve(x[1], wanted[0])
        roots = np.polynomial.Polynomial(cross[::-1]).roots()
        real = roots[np.abs(roots.imag) < 1e-8 * np.abs(roots)].real
        state = np.abs(s0 * real**n_steps) / np.abs(t).max()
        if not real.size or state.max() > 1e12:
            continue
        found = find_optimum(x, t, s0)
        # The rounding of the weights limits the fit, even for the smallest state.
        assert found.cost <= (3e-12 + 100.0 * EPSILON * state.min()) ** 2 * (t @ t)
        assert found.unique == (len(real) == 1)


@pytest.mark.parametrize("seed", [0, 1, 4, 14, 15, 18])
@pytest.mark.parametrize("s0", [-1e17, 1e18])
def test_a_cost_is_that_of_the_weights_however_large_the_state(seed: int, s0: float) -> None:
    """Weights at which a state far above the targets is canceled have costs of rounding errors."""
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=(2, 3)), rng.normal(size=2)
    found = find_optimum(x, t, s0)
    exact = float(exact_cost(x, t, s0, *found.weights))
    assert found.cost == pytest.approx(exact, rel=1e-6, abs=1e-28)
    assert exact <= t @ t / 2.0


@pytest.mark.parametrize(
    ("d", "s0", "w_in", "w_rec"),
    [  # Weights found by a search on centered inputs.
        (1e-07, 1.0, 264.34968932010514, -263.3497013815887),
        (1e-07, 10000.0, 129223.86043539728, -11.92999656781826),
        (1e-09, 1.0, 1224.5702562552617, -1223.5702568123395),
        (1e-09, 10000.0, 574798.0555457823, -56.480124576933555),
    ],
)
def test_nearly_equal_sequences(d: float, s0: float, w_in: float, w_rec: float) -> None:
    x = np.array([[1, 1, 1 + d], [1, 1, 1], [1, 1, 1 - d], [1 + d, 1, 1]])
    t = np.array([1.0, 0.5, -1.0, 2.0])
    found = find_optimum(x, t, s0)
    assert float(exact_cost(x, t, s0, *found.weights)) == pytest.approx(found.cost, rel=1e-6)
    assert found.cost <= (1.0 + 1e-6) * float(exact_cost(x, t, s0, w_in, w_rec))


@pytest.mark.parametrize(
    ("row", "target", "s0"),
    [([1, 0, 1, 1], 2.0, 1e3), ([1, 0, 1, 1], 3.0, -9e5), ([1], 3.0, 1e6), ([1] * 7, 3.0, 1000.0)],
)
def test_equal_sequences_have_w_rec_1(row: list[int], target: float, s0: float) -> None:
    """Each w_rec has a perfect fit; that of 1 is preferred for any size of the state."""
    found = find_optimum(np.array([row] * 4, dtype=float), np.full(4, target), s0)
    assert found.weights == ((target - s0) / sum(row), 1.0)
    assert found.cost <= 1e-24 * target * target
    assert not found.unique


@pytest.mark.parametrize("s0", [1e-8, -1e-8, 1e-5])
def test_a_state_is_canceled_beside_a_constant_column(s0: float) -> None:
    """With x = (1, q) the outputs are s0 w² + w_in w + w_in q."""
    q = np.array([1.0, 3.0, -2.0])
    x = np.column_stack([np.ones(3), q])
    found = find_optimum(x, q - 1.0, s0)
    # That takes w_in = 1 and s0 w² + w + 1 = 0, whose roots are near -1 and near -1 / s0.
    assert found.weights.w_rec == pytest.approx(-1.0, rel=2.0 * abs(s0))
    assert found.cost <= 1e-28
    assert (found.attained, found.unique) == (True, False)


@pytest.mark.parametrize(
    ("inputs", "s0", "unique"),
    [
        ([[1, 0], [0, 1]], 1.0, False),  # (-1, 1) does as well
        ([[0, -1, 1, 1], [1, 1, 1, 0], [1, -1, -1, 0]], 1.0, False),  # all p_i(-1) are -1
        ([[1, 2, 1], [1, 2, 1]], 1.0, False),
        ([[1, 0, 1], [0, 0, 0]], 1.0, True),  # p_1 = w² + 1 never is 0
        ([[1, 1], [-1, -1]], 1.0, True),  # p_1 = p_2 only where both are 0, the state is not
        ([[1, 3, 0], [1, 1, 1], [1, 1, 2]], -2.0, True),  # p_1 = p_2 at 0.5, p_2 = p_3 nowhere
    ],
)
def test_perfect_fits_of_zero_targets(inputs: list[list[float]], s0: float, unique: bool) -> None:
    x = np.array(inputs, dtype=float)
    found = find_optimum(x, np.zeros(len(x)), s0)
    assert (*found.weights, found.cost) == (0.0, 0.0, 0.0)
    assert found.unique == unique
