"""Costs from residuals, compared with 50 digits around perfect fits."""

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np
import pytest

from service.engine.data import Dataset, Moments, compute_exact_moments
from service.engine.objective import moment_costs
from service.engine.objective.moment_costs import MAX_SAMPLES, MomentCosts
from service.engine.objective.precomputed import Precomputed
from service.engine.objective.residual_costs import ResidualCosts
from service.engine.types import Array

DISTANCES = 10.0 ** np.linspace(0.0, -13.0, 27)


def perfect_fit(n_samples: int, n_steps: int, w_rec: float, s0: float) -> Dataset:
    """Return random inputs with targets that 0.7 and w_rec reach up to rounding."""
    inputs = np.random.default_rng(n_steps).standard_normal((n_samples, n_steps))
    targets = 0.7 * inputs @ w_rec ** np.arange(n_steps)[::-1] + s0 * w_rec**n_steps
    return Dataset.from_arrays(inputs, targets)


def weights_around(w_rec: float) -> tuple[Array, Array]:
    return 0.7 - 2.0 * DISTANCES, w_rec + DISTANCES


@pytest.mark.parametrize("s0", [0.0, -2.0])
@pytest.mark.parametrize("w_rec", [0.9, -1.05])
@pytest.mark.parametrize(("n_samples", "n_steps"), [(1, 1), (3, 4), (20, 10), (5, 40)])
def test_costs_above_their_bounds_have_eight_digits(
    n_samples: int, n_steps: int, w_rec: float, s0: float, exact_pass: Callable[..., Any]
) -> None:
    data = perfect_fit(n_samples, n_steps, w_rec, s0)
    w_in, w_recs = weights_around(w_rec)
    means, bounds = ResidualCosts(data, s0)(w_in, w_recs)
    known = means > bounds
    expected = [
        float(exact_pass(data.inputs, data.targets, weights, "identity", s0).cost)
        for weights in zip(w_in[known].tolist(), w_recs[known].tolist(), strict=True)
    ]
    np.testing.assert_allclose(means[known], expected, rtol=1e-8)
    # At a distance of 1e-5, the moments have lost all digits. At 1e-12, the residuals have.
    assert known[DISTANCES > 0.9e-5].all()
    assert not known[DISTANCES < 1.1e-12].any()


def test_a_perfect_fit_is_not_above_its_bound() -> None:
    data = Dataset.from_arrays(np.eye(3), np.ones(3))
    means, bounds = ResidualCosts(data, 0.0)(np.array([1.0, 1e-170]), np.array([1.0, 1.0]))
    assert means[0] == 0.0
    assert means[1] == 1.0
    assert (means > bounds).tolist() == [False, True]


def test_bounds_depend_on_the_number_of_terms_but_not_of_equal_sequences() -> None:
    data = perfect_fit(1, 3, 0.9, 0.0)
    weights = np.array([0.5]), np.array([1.1])
    (_, bound), (_, repeated), (_, longer) = (
        ResidualCosts(Dataset.from_arrays(inputs, np.repeat(data.targets, len(inputs))), 0.0)(
            *weights
        )
        for inputs in (
            data.inputs,
            np.repeat(data.inputs, 9, axis=0),
            np.hstack([np.zeros((1, 5)), data.inputs]),
        )
    )
    np.testing.assert_allclose(repeated, bound)
    np.testing.assert_allclose(longer, bound * (10 / 5) ** 2)


def test_sums_that_overflow_or_underflow_are_computed_otherwise() -> None:
    tiny = Dataset.from_arrays(np.full((2, 2), 1e-100), np.zeros(2))
    means, bounds = ResidualCosts(tiny, 0.0)(np.array([1e-50]), np.array([0.5]))
    assert means[0] < bounds[0]
    # The sum of two squares overflows where their mean does not.
    large = Dataset.from_arrays(np.full((2, 1), 1.2e100), np.zeros(2))
    costs = MomentCosts(large, Precomputed(Moments.from_arrays(large.inputs, large.targets)), 0.0)
    w_in, w_rec = np.array([1e54, 1e60]), np.zeros(2)
    with np.errstate(over="ignore"):
        assert ResidualCosts(large, 0.0)(w_in, w_rec)[0].tolist() == [inf, inf]
    assert costs.costs(w_in, w_rec).tolist() == [pytest.approx(1.44e308), inf]


def test_terms_whose_powers_underflow_are_computed_otherwise() -> None:
    data = Dataset.from_arrays(np.array([[1e100, 0.0, 0.0]]), np.ones(1))
    w_in, w_rec = np.array([1e290]), np.array([1e-190])  # the output is 1e10
    means, bounds = ResidualCosts(data, 0.0)(w_in, w_rec)
    assert means[0] == 1.0
    assert means[0] < bounds[0]


@pytest.mark.parametrize(
    ("n_samples", "n_steps", "is_small"),
    [
        (MAX_SAMPLES, 4, True),
        (MAX_SAMPLES + 1, 3, False),
        (MAX_SAMPLES, 5, False),
    ],
)
def test_pairs_of_weights_on_small_data_use_residuals(
    n_samples: int, n_steps: int, is_small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moment_costs, "MAX_NUMBERS", (MAX_SAMPLES + 4) * len(DISTANCES))
    made = []

    def make(*arguments: Any) -> ResidualCosts:
        made.append(arguments)
        return ResidualCosts(*arguments)

    monkeypatch.setattr(moment_costs, "ResidualCosts", make)
    data = perfect_fit(n_samples, n_steps, 0.9, 0.0)
    moments = Moments.from_arrays(data.inputs, data.targets)
    exact = compute_exact_moments(data.inputs, data.targets, moments)
    unread = Dataset(n_samples, n_steps, lambda: pytest.fail("the data were read"))
    w_in, w_rec = weights_around(0.9)
    costs = MomentCosts(data if is_small else unread, Precomputed(moments, exact), 0.0)
    surface = costs.costs(w_in[None, :], w_rec[:, None])
    assert made == []
    pairs, column = costs.costs(w_in, w_rec), costs.costs(w_in[:1, None], w_rec[:, None])
    assert len(made) == is_small
    atol = 1e-24 * float(np.mean(data.targets**2))
    np.testing.assert_allclose(pairs, surface.diagonal(), rtol=1e-6, atol=atol)
    np.testing.assert_allclose(column[:, 0], surface[:, 0], rtol=1e-6, atol=atol)
