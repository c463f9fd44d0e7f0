"""The global minimum compared with polynomial roots, dense search and sixty digits."""

from math import inf, isfinite, isnan, log10

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.engine.data import count_ones
from service.engine.interruption import interrupted_by
from service.engine.optimum import Optimum
from service.engine.types import Array, Weights
from tests.engine.conftest import exact_cost, find_optimum

Data = tuple[Array, Array]
EPSILON = 2.0**-52
KINDS = ("ones", "noisy ones", "noise", "leaky", "offset", "sparse", "first", "constant", "rank 2")


def draw(kind: str, n_samples: int, n_steps: int, seed: int) -> Data:
    """Return random data of a kind."""
    rng = np.random.default_rng([seed, n_samples, n_steps])
    size = (n_samples, n_steps)
    x, t = rng.normal(size=size), rng.normal(size=n_samples)
    bits = rng.integers(0, 2, size).astype(float)
    kinds: dict[str, Data] = {
        "ones": (bits, bits.sum(axis=1)),
        "noisy ones": (bits, bits.sum(axis=1) + t),
        "noise": (x, t),
        "leaky": (x, x @ rng.uniform(-1.1, 1.1) ** np.arange(n_steps)[::-1] + 0.1 * t),
        "offset": (300.0 + x, x[:, -3:].sum(axis=1) + t),
        "sparse": (x * (rng.random(size) < 0.15), t),
        "first": (x, x[:, 0] + 0.3 * t),
        "constant": (x, np.full(n_samples, 2.0)),
        "rank 2": (rng.normal(size=(n_samples, 2)) @ rng.normal(size=(2, n_steps)), t),
    }
    return kinds[kind]


def reduced_costs(inputs: Array, targets: Array, s0: float, chart: int, u: Array) -> Array:
    """Return the cost with the best w_in at w_rec = u or 1 / u, computed from the data."""
    n_steps = inputs.shape[1]
    powers = u ** np.arange(n_steps)[:, None]
    p = (inputs[:, ::-1] if chart == 0 else inputs) @ powers
    with np.errstate(all="ignore"):
        state = s0 * u ** float(n_steps if chart == 0 else -n_steps) if s0 else np.zeros(len(u))
        d = targets[:, None] - state
        costs = np.mean((d - (p * d).sum(axis=0) / (p * p).sum(axis=0) * p) ** 2, axis=0)
        # The difference of a huge state and the targets has no digits.
        lost = ~np.isfinite(costs) | (np.mean(d * d, axis=0) > 1e3 * np.mean(targets**2))
    return np.where(lost, inf, costs)


def dense_minimum(inputs: Array, targets: Array, s0: float, n_points: int = 2001) -> float:
    """Search both charts on a fine grid and zoom into the best points."""
    n = inputs.shape[1]
    near_ends = 1.0 - np.sinh(np.linspace(0.0, 1.0, n_points) * np.arcsinh(n)) / n
    grid = np.unique(np.concatenate([near_ends, -near_ends, np.linspace(-1.0, 1.0, 501)]))
    best = inf
    for chart in (0, 1):
        costs = np.concatenate(
            [
                reduced_costs(inputs, targets, s0, chart, part)
                for part in np.array_split(grid, 1 + grid.size * n // 2_000_000)
            ]
        )
        for start in np.argsort(costs)[:6]:
            low, high = grid[max(start - 1, 0)], grid[min(start + 1, len(grid) - 1)]
            for _ in range(10):
                zoom = np.linspace(low, high, 41)
                here = reduced_costs(inputs, targets, s0, chart, zoom)
                k = int(np.argmin(here))
                low, high = zoom[max(k - 1, 0)], zoom[min(k + 1, 40)]
            best = min(best, float(here[k]))
    return best


def _exact(
    inputs: Array, targets: Array, s0: float, w_in: float, w_rec: float
) -> tuple[mp.mpf, mp.matrix, mp.matrix]:
    """Return cost, gradient and Hessian, from recurrences of states and their derivatives."""
    cost, gradient, hessian = mp.mpf(0), mp.matrix(2, 1), mp.matrix(2, 2)
    u, w = mp.mpf(w_in), mp.mpf(w_rec)
    for row, target in zip(inputs, targets, strict=True):
        y, by_u, by_w, by_uw, by_ww = mp.mpf(s0), mp.mpf(0), mp.mpf(0), mp.mpf(0), mp.mpf(0)
        for x in row.tolist():
            by_ww = 2 * by_w + w * by_ww
            by_uw = by_u + w * by_uw
            by_w = y + w * by_w
            by_u = x + w * by_u
            y = w * y + u * x
        e = y - mp.mpf(float(target))
        cost += e * e
        gradient += mp.matrix([2 * e * by_u, 2 * e * by_w])
        cross = 2 * (by_u * by_w + e * by_uw)
        hessian += mp.matrix([[2 * by_u * by_u, cross], [cross, 2 * (by_w * by_w + e * by_ww)]])
    n = len(targets)
    return cost / n, gradient / n, hessian / n


def assert_is_minimum(data: Data, s0: float, found: Optimum) -> None:
    """Check in sixty digits that the cost is correct and that no step decreases it."""
    inputs, targets = data
    size = float(np.mean(targets**2))
    with mp.workdps(60):
        cost, gradient, hessian = _exact(inputs, targets, s0, *found.weights)
        assert abs(cost - found.cost) <= max(1e-6 * cost, 1e-24 * size)
        # The gain of another Newton step.
        if mp.det(hessian) > 1e-30 * (hessian[0, 0] * hessian[1, 1]):
            step = mp.lu_solve(hessian, gradient)
            gain = (gradient.T * step)[0] / 2
            # Where outputs are steep, the rounding of the weights changes the cost.
            grain = hessian[0, 0] * (found.weights.w_in * EPSILON) ** 2
            grain += mp.det(hessian) / hessian[0, 0] * (found.weights.w_rec * EPSILON) ** 2
            assert 0 <= gain <= 1e-9 * cost + 1e-24 * size + grain
    assert found.cost >= 0.0
    assert found.log10_cost == (log10(found.cost) if found.cost else -inf)


@pytest.mark.parametrize("n_steps", [2, 3, 10, 30, 100, 400])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_weights_of_1_count_exactly(n_steps: int, seed: int) -> None:
    found = find_optimum(*count_ones(n_steps=n_steps, seed=seed))
    assert found == Optimum(Weights(1.0, 1.0), 0.0)
    assert found.log10_cost == -inf


@pytest.mark.parametrize(
    ("w_in", "w_rec"), [(0.5, 0.9), (-3.0, 0.0), (2.0, -1.0), (0.25, 1.7), (1, 3)]
)
@pytest.mark.parametrize("s0", [0.0, 1.0, -3.0])
def test_the_weights_behind_the_targets_are_found(w_in: float, w_rec: float, s0: float) -> None:
    inputs = np.random.default_rng(5).normal(size=(20, 8))
    targets = np.array([_output(row, w_in, w_rec, s0) for row in inputs])
    found = find_optimum(inputs, targets, s0)
    assert found.weights == (w_in, w_rec)
    assert found.unique
    assert found.cost <= 1e-30 * np.mean(targets**2)


def _output(row: Array, w_in: float, w_rec: float, state: float) -> float:
    for x in row.tolist():
        state = w_rec * state + w_in * x
    return state


@settings(max_examples=60)
@given(
    kind=st.sampled_from(KINDS),
    n_samples=st.sampled_from([2, 3, 5, 20, 100]),
    n_steps=st.integers(2, 40),
    seed=st.integers(0, 10**6),
    s0=st.sampled_from([0.0, 0.0, 1.0, -3.0, 1e-3]),
)
def test_nothing_is_lower(kind: str, n_samples: int, n_steps: int, seed: int, s0: float) -> None:
    inputs, targets = draw(kind, n_samples, n_steps, seed)
    found = find_optimum(inputs, targets, s0)
    size = float(np.mean(targets**2))
    assert found.cost <= dense_minimum(inputs, targets, s0) + 1e-11 * size
    if found.attained and isfinite(found.weights.w_in):
        assert_is_minimum((inputs, targets), s0, found)


@settings(max_examples=60)
@given(
    data=st.integers(1, 4).flatmap(
        lambda steps: st.lists(
            st.tuples(
                st.lists(st.integers(-2, 2), min_size=steps, max_size=steps), st.integers(-3, 3)
            ),
            min_size=1,
            max_size=4,
        )
    ),
    s0=st.sampled_from([0.0, 0.0, 1.0, -2.0]),
)
def test_small_whole_numbers(data: list[tuple[list[int], int]], s0: float) -> None:
    inputs = np.array([row for row, _ in data], dtype=float)
    targets = np.array([target for _, target in data], dtype=float)
    found = find_optimum(inputs, targets, s0)
    if found.attained:
        assert isfinite(found.weights.w_rec)
        assert_is_minimum((inputs, targets), s0, found)
    else:
        assert not found.unique
        assert isnan(found.weights.w_in)
    size = float(np.mean(targets**2))
    assert found.cost <= dense_minimum(inputs, targets, s0, 401) + 1e-11 * size


@pytest.mark.parametrize("n_steps", [1, 10, 300, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("s0", [0.0, 1.0])
def test_small_costs_are_accurate(n_steps: int, s0: float) -> None:
    rng = np.random.default_rng(11)
    inputs = rng.integers(0, 2, (4, n_steps)).astype(float)
    for noise in (1e-3, 1e-8, 1e-9, 1e-11):
        targets = inputs.sum(axis=1) + s0
        targets = targets * (1.0 + noise * rng.normal(size=4))
        found = find_optimum(inputs, targets, s0)
        size = float(np.mean(targets**2))
        with mp.workdps(60):
            cost = exact_cost(inputs, targets, s0, *found.weights)
            assert abs(cost - found.cost) <= max(1e-6 * cost, 1e-24 * size)
            assert cost <= exact_cost(inputs, targets, s0, 1.0, 1.0)


def test_a_minimizer_outside_the_float64_range() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(20, 1000))
    inputs[:, 2:] *= 1e-3
    found = find_optimum(inputs, inputs[:, 0] + inputs[:, 1] / 607.0)
    assert not found.attained
    assert isnan(found.weights.w_in)
    assert found.weights.w_rec == pytest.approx(607.0, rel=1e-3)
    assert 0.0 < found.cost < 1e-12
    # With u = 1 / w_rec the outputs are scale * (x_1 + u x_2 + u² x_3 ...).
    u = np.array([1.0 / found.weights.w_rec])
    costs = reduced_costs(inputs, inputs[:, 0] + inputs[:, 1] / 607.0, 0.0, 1, u)
    assert found.cost == pytest.approx(costs[0], rel=1e-3)


def test_scaling_the_data_scales_the_optimum() -> None:
    inputs, targets = draw("noise", 20, 10, 3)
    plain = find_optimum(inputs, targets, 0.5)
    for x, t in ((-30, 20), (320, -320), (-320, 320), (0, 320)):
        found = find_optimum(np.ldexp(inputs, x), np.ldexp(targets, t), float(np.ldexp(0.5, t)))
        assert found.weights.w_rec == pytest.approx(plain.weights.w_rec, rel=1e-12)
        assert found.log10_cost == pytest.approx(plain.log10_cost + 2 * t * log10(2.0))
        w_in = np.ldexp(plain.weights.w_in, t - x)
        assert found.weights.w_in == pytest.approx(w_in, rel=1e-12)
        assert log10(found.cost) == found.log10_cost


@pytest.mark.parametrize("s0", [1e20, 1e40, -1e70, 1e100, 1e200])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_large_initial_state_becomes_an_offset(s0: float, seed: int) -> None:
    """If s0 w_rec^T is as small as the targets, w_rec is so small that only x_T matters."""
    x, t = draw("noise", 6, 3, seed)
    found = find_optimum(x, t, s0)
    columns = np.column_stack([x[:, -1], np.ones(6)])
    (w_in, constant), (square,), *_ = np.linalg.lstsq(columns, t)
    scale = abs(s0) ** (-1.0 / 3.0)
    assert found.cost == pytest.approx(square / 6.0, rel=1e3 * scale)
    assert found.weights.w_in == pytest.approx(w_in, rel=1e4 * scale)
    assert found.weights.w_rec == pytest.approx(np.cbrt(constant / s0), rel=1e4 * scale)
    assert found.unique


@pytest.mark.soak
@pytest.mark.parametrize(("n_samples", "n_steps"), [(2, 700), (1, 1000)])
def test_costs_without_digits_do_not_prolong_the_search(n_samples: int, n_steps: int) -> None:
    """A search asks about an interruption before every evaluation; here 80 and 44 times."""
    evaluations: list[None] = []
    with interrupted_by(lambda: evaluations.append(None)):
        find_optimum(*draw("ones", n_samples, n_steps, 1), 0.5)
    assert 0 < len(evaluations) < 200


@pytest.mark.slow
@pytest.mark.parametrize("n_steps", [60, 200, 700, 2000])
@pytest.mark.parametrize("kind", KINDS)
def test_long_sequences_against_dense_search(kind: str, n_steps: int) -> None:
    for n_samples in (2, 3, 20):
        for s0 in (0.0, 1.0, -3.0):
            inputs, targets = draw(kind, n_samples, n_steps, 1)
            found = find_optimum(inputs, targets, s0)
            size = float(np.mean(targets**2))
            assert found.cost <= dense_minimum(inputs, targets, s0, 4001) + 1e-9 * size
