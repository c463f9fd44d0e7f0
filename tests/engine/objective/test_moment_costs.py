"""Costs from moments, compared with fractions near perfect fits and where float64 overflows."""

from fractions import Fraction
from math import inf, isnan, log10, nextafter

import numpy as np
import pytest

from service.engine.data import Dataset, Moments
from service.engine.objective.exact_costs import ExactCosts
from service.engine.objective.moment_costs import MomentCosts
from service.engine.objective.precomputed import Precomputed
from service.engine.types import Array

INPUTS = np.array([[1.0, 0.0, 2.0], [0.5, -1.0, 1.0], [3.0, 1.0, -1.0], [0.0, 2.0, 0.25]])


def make_costs(targets: Array, initial_state: float) -> MomentCosts:
    dataset = Dataset.from_arrays(INPUTS, targets)
    return MomentCosts(dataset, Precomputed(Moments.from_arrays(INPUTS, targets)), initial_state)


def exact_cost(
    targets: Array, s0: float, w_in: float, w_rec: float, inputs: Array = INPUTS
) -> Fraction:
    total = Fraction(0)
    for row, target in zip(inputs, targets.tolist(), strict=True):
        total += (exact_output(row, s0, w_in, w_rec) - Fraction(target)) ** 2
    return total / len(targets)


def exact_output(row: Array, s0: float, w_in: float, w_rec: float) -> Fraction:
    state = Fraction(s0)
    for x in row.tolist():
        state = Fraction(w_rec) * state + Fraction(w_in) * Fraction(x)
    return state


def perfect_targets(s0: float) -> Array:
    """Return the outputs for w_in = 0.75 and w_rec = 0.5, which float64 represents exactly."""
    powers = np.array([0.25, 0.5, 1.0])
    outputs: Array = 0.75 * (INPUTS @ powers) + s0 * 0.125
    return outputs


@pytest.mark.parametrize("s0", [0.0, -2.0])
@pytest.mark.parametrize("distance", [0.0, 1e-12, 1e-8, 1e-4, 0.1, 10.0])
def test_costs_around_a_perfect_fit_keep_their_digits(distance: float, s0: float) -> None:
    targets = perfect_targets(s0)
    costs = make_costs(targets, s0)
    w_in, w_rec = (
        0.75 + distance * np.array([-1.0, 0.0, 2.0]),
        0.5 + distance * np.arange(-4.0, 5.0),
    )
    found = costs.costs(w_in[None, :], w_rec[:, None])
    expected = [[exact_cost(targets, s0, u, w) for u in w_in.tolist()] for w in w_rec.tolist()]
    scale = float(np.mean(targets**2))
    np.testing.assert_allclose(found, np.array(expected, float), rtol=1e-6, atol=1e-24 * scale)
    assert (found >= 0.0).all()
    pairs = costs.costs(np.repeat(w_in, 9), np.tile(w_rec, 3)).reshape(3, 9).T
    np.testing.assert_allclose(pairs, found, rtol=1e-6, atol=1e-24 * scale)


@pytest.mark.parametrize(("n_samples", "n_steps"), [(2, 1), (3, 4), (20, 10), (5, 40)])
@pytest.mark.parametrize("w_rec", [0.9, -1.05])
def test_costs_have_seven_digits_where_few_terms_cancel(
    n_samples: int, n_steps: int, w_rec: float
) -> None:
    # From one cost to the next, float64 loses half a digit more, until the exact moments are used.
    random = np.random.default_rng(n_steps)
    inputs = random.standard_normal((n_samples, n_steps))
    targets = 0.7 * inputs @ w_rec ** np.arange(n_steps)[::-1]
    precomputed = Precomputed(Moments.from_arrays(inputs, targets))
    costs = MomentCosts(Dataset.from_arrays(inputs, targets), precomputed, 0.0)
    distance = 10.0 ** np.linspace(-1.0, -6.0, 21)
    w_in, w_recs = 0.7 - 2.0 * distance, w_rec + distance
    expected = [
        float(exact_cost(targets, 0.0, u, w, inputs))
        for u, w in zip(w_in.tolist(), w_recs.tolist(), strict=True)
    ]
    np.testing.assert_allclose(costs.costs(w_in, w_recs), expected, rtol=3e-8)


@pytest.mark.parametrize("s0", [0.0, 3.0])
@pytest.mark.parametrize("w_rec", [1e-3, 1.0, -2.0, 1e60, -1e100])
@pytest.mark.parametrize("w_in", [1e-200, -0.5, 1e80])
def test_logarithms_reach_beyond_float64(w_in: float, w_rec: float, s0: float) -> None:
    targets = np.array([1.0, -2.0, 0.5, 3.0])
    costs = make_costs(targets, s0)
    exact = exact_cost(targets, s0, w_in, w_rec)
    numerator, denominator = exact.numerator, exact.denominator
    shift = numerator.bit_length() - denominator.bit_length()
    mantissa = float(exact / Fraction(2) ** shift)
    log = log10(mantissa) + shift * log10(2.0)
    found = costs.costs(np.array([w_in]), np.array([w_rec]))
    assert costs.log10_costs(np.array([w_in]), np.array([w_rec]))[0] == pytest.approx(
        log, rel=1e-12
    )
    assert found[0] == (pytest.approx(float(exact), rel=1e-10) if log < 308.0 else inf)


@pytest.mark.parametrize("seed", range(4))
def test_costs_are_right_where_powers_and_products_overflow_or_underflow(seed: int) -> None:
    random = np.random.default_rng(seed)

    def draw(count: int, smallest: float, largest: float) -> Array:
        signs = random.choice([-1.0, 0.0, 1.0], count, p=[0.35, 0.3, 0.35])
        return signs * 10.0 ** random.uniform(smallest, largest, count)

    for _ in range(150):
        n_samples, n_steps = random.integers(1, 4), random.integers(1, 6)
        size = float(random.choice([0.0, 1.0, 10.0, 100.0]))
        range_of = float(random.choice([1.0, 200.0, 300.0]))
        inputs = draw(int(n_samples * n_steps), -size, size).reshape(n_samples, n_steps)
        (s0,), (u, v) = draw(1, -size, size), draw(2, -range_of, range_of)
        w = draw(1, -range_of, min(range_of, 100.0))[0]
        w_in, w_rec = np.array([u, 1.001 * u, v]), np.array([w, w * (1.0 + 1e-6), w])
        # The first cost cancels, unless the outputs are too large for targets.
        outputs = [exact_output(row, s0, u, w) for row in inputs]
        targets = np.array([float(each) if abs(each) < 1e100 else 1e100 for each in outputs])
        targets[np.abs(targets) < 1e-100] = 0.0
        data = Dataset.from_arrays(inputs, targets)
        costs = MomentCosts(data, Precomputed(Moments.from_arrays(inputs, targets)), s0)
        pairs, surface = costs.costs(w_in, w_rec), costs.costs(w_in[None, :], w_rec[:, None])
        for i, j in np.ndindex(3, 3):
            weights = float(w_in[j]), float(w_rec[i])
            exact = exact_cost(targets, s0, *weights, inputs)
            # The same where no term cancels another one.
            sizes = abs(weights[0]), abs(weights[1])
            terms = exact_cost(-np.abs(targets), abs(s0), *sizes, np.abs(inputs))
            accuracy = Fraction(1e-6) * exact + Fraction(1e-27) * terms
            for found in [surface[i, j]] + [pairs[i]] * (i == j):
                if exact > Fraction(1.797e308):
                    assert found == inf
                else:
                    assert abs(Fraction(float(found)) - exact) <= accuracy + Fraction(5e-324)


@pytest.mark.parametrize(
    ("first_inputs", "w_in", "w_rec"),
    [([1e100, 0.0, 0.0], 1e290, 1e-190), ([1e100, 0.0], -1e150, 1e-240)],
)
def test_a_large_weight_makes_up_for_a_power_that_underflows(
    first_inputs: list[float], w_in: float, w_rec: float
) -> None:
    inputs, targets = np.array([first_inputs]), np.ones(1)
    costs = MomentCosts(
        Dataset.from_arrays(inputs, targets), Precomputed(Moments.from_arrays(inputs, targets)), 0.0
    )
    u, w = np.array([w_in]), np.array([w_rec])
    assert costs.costs(u, w) == pytest.approx([1e20])
    assert costs.costs(np.array([[w_in, w_in]]), w[:, None])[0] == pytest.approx([1e20, 1e20])


@pytest.mark.parametrize(("n_samples", "n_steps"), [(25, 1), (1000, 2)])
def test_errors_of_many_terms_that_cancel(n_samples: int, n_steps: int) -> None:
    random = np.random.default_rng(n_samples)
    inputs = random.standard_normal((n_samples, n_steps))
    targets = inputs @ (0.7 * 0.9 ** np.arange(n_steps)[::-1])
    data = Dataset.from_arrays(inputs, targets)
    costs = MomentCosts(data, Precomputed(Moments.from_arrays(inputs, targets)), 0.0)
    w_in, w_rec = 0.7 + 1e-13 * random.standard_normal((2, 40)) + np.array([[0.0], [0.2]])
    terms = float(exact_cost(-np.abs(targets), 0.0, 0.7, 0.9, np.abs(inputs)))
    for found, u, w in zip(costs.costs(w_in, w_rec), w_in.tolist(), w_rec.tolist(), strict=True):
        exact = float(exact_cost(targets, 0.0, u, w, inputs))
        assert found == pytest.approx(exact, rel=1e-6, abs=1e-25 * terms)


def test_costs_without_inputs_take_no_decimals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExactCosts, "extended_parabolas", None)
    zeros = np.zeros((30, 4)), np.zeros(30)
    costs = MomentCosts(Dataset.from_arrays(*zeros), Precomputed(Moments.from_arrays(*zeros)), 0.0)
    assert not costs.costs(np.linspace(-2.0, 2.0, 50), np.linspace(-2.0, 2.0, 50)).any()


@pytest.mark.parametrize("n_steps", [1, 3])
@pytest.mark.parametrize("n_samples", [4, 40])
@pytest.mark.parametrize("s0", [0.0, 1.0])
def test_weights_that_are_not_finite_have_no_cost(n_steps: int, n_samples: int, s0: float) -> None:
    inputs, targets = np.tile(INPUTS[:, :n_steps], (n_samples // 4, 1)), np.ones(n_samples)
    moments = Precomputed(Moments.from_arrays(inputs, targets))
    costs = MomentCosts(Dataset.from_arrays(inputs, targets), moments, s0)
    weights = [(inf, 1.0), (1.0, -inf), (float("nan"), 1.0), (1.0, float("nan"))]
    for w_in, w_rec in weights:
        assert isnan(costs.costs(np.array([w_in]), np.array([w_rec]))[0])
        assert isnan(costs.log10_costs(np.array([w_in]), np.array([w_rec]))[0])
        assert np.isnan(costs.costs(np.array([[w_in, w_in]]), np.array([[w_rec]]))).all()
        assert not costs.is_at_most(w_in, w_rec, inf)


@pytest.mark.parametrize("s0", [0.0, -2.0])
@pytest.mark.parametrize(
    ("w_in", "w_rec"),
    [(0.75 + 1e-9, 0.5), (0.75, 0.5 - 1e-7), (0.75, 0.5), (2.0, -3.0), (-5.0, 0.25), (1e9, 1e20)],
)
def test_comparisons_are_those_of_fractions(w_in: float, w_rec: float, s0: float) -> None:
    """Targets next to the cost on both sides differ by its last digit."""
    targets = perfect_targets(s0)
    costs, cost = make_costs(targets, s0), exact_cost(targets, s0, w_in, w_rec)
    near = float(cost)
    for target in (0.0, nextafter(near, 0.0), near, nextafter(near, inf), 2.0 * near, 1e-300):
        assert costs.is_at_most(w_in, w_rec, target) == (cost <= Fraction(target))


@pytest.mark.parametrize("s0", [0.0, 1.0])
def test_polynomials_do_not_overflow_at_the_largest_safe_weight(s0: float) -> None:
    costs = make_costs(np.array([1.0, -2.0, 0.5, 3.0]), s0)
    for w_rec in (costs.safe_w_rec, -costs.safe_w_rec):
        found = costs.costs(np.array([1.0]), np.array([w_rec]))
        exact = exact_cost(np.array([1.0, -2.0, 0.5, 3.0]), s0, 1.0, w_rec)
        assert found[0] == pytest.approx(float(exact), rel=1e-10)
