"""Optimizers: the registry, and their updates."""

import inspect
from math import inf, isfinite, isnan, nan, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.objective import NormalEquations
from service.engine.training import (
    OPTIMIZERS,
    GradientOptimizer,
    LeastSquaresOptimizer,
    OptimizerSpec,
    Parameter,
)
from service.engine.types import Array
from tests.engine.training.optimizers.conftest import take_steps

SPECS = list(OPTIMIZERS.values())
GRADIENT_SPECS = [spec for spec in SPECS if isinstance(spec(), GradientOptimizer)]
every_optimizer = pytest.mark.parametrize("spec", SPECS, ids=list(OPTIMIZERS))
every_gradient_optimizer = pytest.mark.parametrize(
    "spec", GRADIENT_SPECS, ids=[spec.name for spec in GRADIENT_SPECS]
)

gradients = st.one_of(
    st.floats(-1e6, 1e6), st.sampled_from([0.0, -0.0, 1e-320, -1e-320, 1e149, -1e149])
)


@every_optimizer
def test_documentation_is_complete(spec: OptimizerSpec) -> None:
    for text in (spec.title, spec.formula):
        assert text.strip() == text != ""
    assert list(inspect.signature(spec.build).parameters) == [p.name for p in spec.parameters]
    for parameter in spec.parameters:
        assert parameter.description.endswith(".")
        assert within(parameter, parameter.default)
        assert (parameter.type == "boolean") == isinstance(parameter.default, bool)


def within(parameter: Parameter, value: float) -> bool:
    return (
        (parameter.minimum is None or value >= parameter.minimum)
        and (parameter.maximum is None or value <= parameter.maximum)
        and (parameter.exclusive_minimum is None or value > parameter.exclusive_minimum)
        and (parameter.exclusive_maximum is None or value < parameter.exclusive_maximum)
    )


@every_gradient_optimizer
@given(sequence=st.lists(st.tuples(gradients, gradients), min_size=1, max_size=30))
def test_floats_and_arrays_agree(spec: OptimizerSpec, sequence: list[tuple[float, float]]) -> None:
    optimizer = spec()
    both, state = take_steps(optimizer, [np.array(pair) for pair in sequence], np.ones(2))
    for i in range(2):
        alone, last = take_steps(optimizer, [pair[i] for pair in sequence])
        assert [float(step[i]) for step in both] == alone
        assert [float(number[i]) for number in state] == list(last)
        assert all(type(number) is float for number in (*alone, *last))


@every_gradient_optimizer
@given(sequence=st.lists(gradients, min_size=1, max_size=5))
def test_updates_are_pure(spec: OptimizerSpec, sequence: list[float]) -> None:
    optimizer = spec()
    _, state = take_steps(optimizer, [np.full((2, 3), g) for g in sequence], np.ones((2, 3)))
    gradient = np.arange(6.0).reshape(2, 3) - 2.0
    before = [gradient.copy(), *map(np.copy, state)]
    first = optimizer.update(gradient, state)
    second = optimizer.update(gradient, state)
    assert first[0].shape == (2, 3)
    assert all(number.shape == (2, 3) for number in first[1])
    np.testing.assert_array_equal(first[0], second[0])
    for old, new in zip(before, [gradient, *state], strict=True):
        np.testing.assert_array_equal(old, new)


def values(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Return a strategy for values within the bounds of a parameter, with more at their ends."""
    if parameter.type == "boolean":
        return st.booleans()
    low = parameter.minimum if parameter.minimum is not None else parameter.exclusive_minimum
    high = parameter.maximum if parameter.maximum is not None else parameter.exclusive_maximum
    assert low is not None
    assert high is not None
    ends = [np.nextafter(low, high), np.nextafter(high, low), low, high, 1e-300]
    inside = [float(end) for end in ends if within(parameter, end)]
    between = st.floats(low, high).filter(lambda value: within(parameter, value))
    return st.one_of(st.sampled_from(inside), between)


@every_gradient_optimizer
@given(data=st.data())
def test_no_choice_of_parameters_raises(spec: OptimizerSpec, data: st.DataObject) -> None:
    optimizer = spec(**{p.name: data.draw(values(p), p.name) for p in spec.parameters})
    sequence = data.draw(st.lists(st.floats(), min_size=1, max_size=20))
    alone, last = take_steps(optimizer, sequence)
    with np.errstate(all="ignore"):
        both, state = take_steps(optimizer, [np.array([g, g]) for g in sequence], np.ones(2))
    np.testing.assert_array_equal([step[0] for step in both], alone)
    np.testing.assert_array_equal([number[0] for number in state], last)


@every_gradient_optimizer
@pytest.mark.parametrize("gradient", [nan, inf, -inf])
def test_a_gradient_that_is_not_finite_is_not_ignored(spec: OptimizerSpec, gradient: float) -> None:
    (first, step), state = take_steps(spec(), [1.0, gradient])
    assert isfinite(first)
    moved_by_sign = not spec.uses_magnitude and not isnan(gradient)
    assert moved_by_sign or not all(map(isfinite, (step, *state)))
    if moved_by_sign:
        assert step != 0.0 or spec.name == "irprop_minus"


@pytest.mark.parametrize(("nesterov", "expected"), [(False, [-2.0, -2.0]), (True, [-3.0, -2.0])])
def test_momentum_by_hand(nesterov: bool, expected: list[float]) -> None:
    optimizer = OPTIMIZERS["momentum"](learning_rate=0.5, momentum=0.5, nesterov=nesterov)
    # Velocities 4 and 2 + 2; with Nesterov the directions are 4 + 2 and 2 + 2.
    assert take_steps(optimizer, [4.0, 2.0]) == (expected, (4.0,))


def test_rmsprop_by_hand() -> None:
    optimizer = OPTIMIZERS["rmsprop"](learning_rate=0.5, alpha=0.75, epsilon=1.0)
    # Mean squares 4 / 4 = 1 and 3 / 4 + 36.25 / 4, whose root is near 3.132.
    steps, (mean_square,) = take_steps(optimizer, [2.0, sqrt(36.25)])
    assert mean_square == pytest.approx(9.8125, rel=1e-15)
    assert steps == pytest.approx([-0.5, -0.5 * sqrt(36.25) / (sqrt(9.8125) + 1.0)])


def test_adam_by_hand() -> None:
    optimizer = OPTIMIZERS["adam"](learning_rate=0.5, beta_1=0.5, beta_2=0.75, epsilon=1.0)
    # Means 1 and -1 / 2, corrected 2 and -2 / 3; mean squares 1 and 7 / 4, corrected 4 and 4.
    assert take_steps(optimizer, [2.0, -2.0])[0] == pytest.approx([-1.0 / 3.0, 1.0 / 9.0])


def test_irprop_minus_by_hand() -> None:
    optimizer = OPTIMIZERS["irprop_minus"](initial_step=1.0)
    # Grown, halved without a step and with the sign forgotten, kept, grown.
    steps, state = take_steps(optimizer, [5.0, 1e-300, -1.0, -7.0, -0.5])
    assert steps == [-1.0, -1.2, 0.0, 0.6, 0.72]
    assert state == (0.72, -1.0)


def test_rprop_by_hand() -> None:
    steps, state = take_steps(
        OPTIMIZERS["rprop"](initial_step=1.0), [5.0, 1e-300, -1.0, -7.0, 0.0, 3.0]
    )
    # Halved at once; then grown, halved, grown, halved at the sign 0, halved again after it.
    assert steps == [-0.5, -0.6, 0.3, 0.36, 0.0, -0.09]
    assert state == (0.09, 1.0)


def test_rprop_grows_at_a_gradient_that_was_always_zero() -> None:
    steps, state = take_steps(OPTIMIZERS["rprop"](), [0.0, 0.0])
    assert steps == [0.0, 0.0]
    assert state == (0.001 * 1.2 * 1.2, 0.0)


def test_rprop_step_size_stays_finite_at_gradient_zero() -> None:
    optimizer = OPTIMIZERS["rprop"](eta_plus=10.0)
    for zero in (0.0, np.zeros(2)):
        _, (step_size, _) = take_steps(optimizer, [zero] * 700, zero)
        assert np.all(np.isfinite(step_size))


def test_irprop_minus_maximum_step_overrides_the_minimum() -> None:
    optimizer = OPTIMIZERS["irprop_minus"](minimum_step=2.0, maximum_step=0.5)
    assert take_steps(optimizer, [1.0])[0] == [-0.5]


def build(**parameters: float) -> LeastSquaresOptimizer:
    optimizer = OPTIMIZERS["levenberg_marquardt"](**parameters)
    assert isinstance(optimizer, LeastSquaresOptimizer)
    return optimizer


def divided(jacobian: Array, errors: Array) -> NormalEquations:
    matrix, products = jacobian @ jacobian.T, jacobian @ errors
    diagonal = np.diag(matrix)
    return NormalEquations((-products / diagonal)[:, None], (matrix[0, 1] / diagonal)[:, None])


@pytest.mark.parametrize("damping", [1e-15, 1e-3, 1.0, 1e6])
def test_a_step_solves_the_damped_equations(damping: float) -> None:
    random = np.random.default_rng(1)
    jacobian, errors = random.normal(size=(2, 8)) * [[1.0], [1e4]], random.normal(size=8)
    optimizer = build(damping=damping)
    step = optimizer.propose(divided(jacobian, errors), optimizer.init(np.ones((2, 1))))
    matrix = jacobian @ jacobian.T
    matrix += damping * np.diag(np.diag(matrix))
    np.testing.assert_allclose(step[:, 0], np.linalg.solve(matrix, -jacobian @ errors), rtol=1e-10)


def test_columns_of_one_direction_have_a_finite_step() -> None:
    jacobian, errors = np.array([[1.0, 2.0], [3.0, 6.0]]), np.array([1.0, 1.0])
    optimizer = build(damping=1e-6)
    step = optimizer.propose(divided(jacobian, errors), optimizer.init(np.ones((2, 1))))
    # Half of the step of each weight alone: damping chooses the middle of the valley.
    np.testing.assert_allclose(step[:, 0], [-0.3, -0.1], rtol=1e-5)


def test_damping_follows_acceptance_within_its_bounds() -> None:
    optimizer = build(damping=1.0, damping_up=10.0, damping_down=0.1)
    state = optimizer.init(np.ones((2, 2)))
    (damping,) = state = optimizer.update(np.array([True, False]), state)
    assert damping.tolist() == [[0.1, 10.0]] * 2
    for _ in range(30):
        state = optimizer.update(np.array([True, False]), state)
    assert state[0].tolist() == [[1e-15, 1e15]] * 2
