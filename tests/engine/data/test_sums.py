"""Moments and factors of data, which replace the data in sums of squares."""

import tracemalloc
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.engine.data import Factor, Moments
from service.engine.types import Array


def sums_by_fractions(
    inputs: NDArray[Any], targets: NDArray[Any]
) -> tuple[list[Fraction], list[Fraction], list[Fraction]]:
    n_steps = inputs.shape[1]
    square = [Fraction(0)] * (2 * n_steps - 1)
    product, total = [Fraction(0)] * n_steps, [Fraction(0)] * n_steps
    for row, target in zip(inputs.tolist(), targets.tolist(), strict=True):
        by_power = [Fraction(x) for x in reversed(row)]
        for i, x in enumerate(by_power):
            product[i] += x * Fraction(target)
            total[i] += x
            for j, y in enumerate(by_power):
                square[i + j] += x * y
    return square, product, total


def random_data(kind: str, n_samples: int, n_steps: int) -> tuple[Any, Any]:
    random = np.random.default_rng(n_steps)
    inputs = np.around(random.random((n_samples, n_steps)))
    if kind == "signed bytes":
        inputs = random.integers(-128, 128, inputs.shape).astype(float)
    elif kind == "large whole":
        inputs = random.integers(-(10**6), 10**6, inputs.shape).astype(float)
    elif kind == "real":
        inputs = random.standard_normal(inputs.shape)
    elif kind != "bits":
        inputs *= {"halves": 0.5, "tiny": 1e-60}[kind]
    return inputs, np.around(9.0 * random.standard_normal(n_samples))


@pytest.mark.parametrize("shape", [(1, 1), (4, 1), (1, 5), (9, 7), (40, 3)])
@pytest.mark.parametrize("kind", ["bits", "signed bytes", "large whole", "real", "halves", "tiny"])
def test_sums_match_fractions(kind: str, shape: tuple[int, int]) -> None:
    inputs, targets = random_data(kind, *shape)
    found = Moments.from_arrays(inputs, targets)
    sums = sums_by_fractions(inputs, targets)
    sizes = sums_by_fractions(np.abs(inputs), np.abs(targets))
    three = found.input_square_sum, found.input_target_sum, found.input_sum
    for numbers, exact, size in zip(three, sums, sizes, strict=True):
        assert len(numbers) == len(exact)
        for number, each, bound in zip(numbers.tolist(), exact, size, strict=True):
            if kind in ("real", "tiny"):
                assert abs(Fraction(number) - each) <= 1e-15 * bound
            else:
                assert Fraction(number) == each
    assert found.target_sums.tolist() == [np.sum(targets**2), np.sum(targets)]


@pytest.mark.parametrize("shape", [(2000, 9), (60_000, 11)])
@pytest.mark.parametrize("kind", ["bits", "signed bytes", "halves"])
@pytest.mark.parametrize("odd", [None, 0.5, 128.0, 2.0**16])
def test_exact_sums_of_many_sequences(kind: str, shape: tuple[int, int], odd: float | None) -> None:
    """They are computed in chunks, and in single precision where that is exact."""
    inputs, targets = random_data(kind, *shape)
    if odd is not None:
        inputs[-3, 1] = odd
        targets[-1] = odd
    found = Moments.from_arrays(inputs, targets)
    by_power = (2.0 * inputs[:, ::-1]).astype(np.int64)
    t = (2.0 * targets).astype(by_power.dtype)
    square = [0] * (2 * shape[1] - 1)
    for (i, j), product in np.ndenumerate(by_power.T @ by_power):
        square[i + j] += int(product)
    assert (4.0 * found.input_square_sum).tolist() == square
    assert (4.0 * found.input_target_sum).tolist() == (t @ by_power).tolist()
    assert (2.0 * found.input_sum).tolist() == by_power.sum(axis=0).tolist()


def test_memory_of_long_sequences() -> None:
    random = np.random.default_rng(5)
    inputs = random.standard_normal((3, 4000))
    tracemalloc.start()
    found = Moments.from_arrays(inputs, np.ones(3))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16e6  # the matrix would take 128e6 bytes
    expected = sum(np.convolve(row[::-1], row[::-1]) for row in inputs)
    np.testing.assert_allclose(found.input_square_sum, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("factor", [1.0, 0.3])
def test_memory_of_many_samples(factor: float) -> None:
    random = np.random.default_rng(5)
    inputs = factor * np.around(random.random((300_000, 20)))
    targets = inputs.sum(axis=1)
    tracemalloc.start()
    Moments.from_arrays(inputs, targets)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.3 * inputs.nbytes


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
