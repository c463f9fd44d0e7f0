"""The registry and the update of each optimizer; PyTorch's agree in test_optimizers_oracle."""

import inspect
from math import inf, isfinite, nan, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.training.optimizers import OPTIMIZERS, Optimizer, OptimizerSpec, Parameter

KINDS = list(OPTIMIZERS.values())
any_kind = pytest.mark.parametrize("kind", KINDS, ids=list(OPTIMIZERS))

gradients = st.one_of(
    st.floats(-1e6, 1e6), st.sampled_from([0.0, -0.0, 1e-320, -1e-320, 1e149, -1e149])
)


def steps(optimizer: Optimizer, sequence: list[Any], weight: Any = 1.0) -> tuple[list[Any], Any]:
    """Return the step for each gradient of a sequence, and the state at the end."""
    state, taken = optimizer.init(weight), []
    for gradient in sequence:
        step, state = optimizer.update(gradient, state)
        taken.append(step)
    return taken, state


def test_registry_names_and_defaults() -> None:
    defaults = {k.name: {p.name: p.default for p in k.parameters} for k in KINDS}
    rprop = {"eta_plus": 1.2, "eta_minus": 0.5, "initial_step": 0.001}
    assert defaults == {
        "rprop": rprop,
        "irprop_minus": {**rprop, "minimum_step": 1e-6, "maximum_step": 50.0},
        "gradient_descent": {"learning_rate": 0.01},
        "momentum": {"learning_rate": 0.003, "momentum": 0.9, "nesterov": False},
        "rmsprop": {"learning_rate": 0.01, "alpha": 0.9, "epsilon": 1e-8},
        "adam": {"learning_rate": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
    }
    assert list(OPTIMIZERS) == list(defaults)


@any_kind
def test_documentation_is_complete(kind: OptimizerSpec) -> None:
    for text in (kind.title, kind.formula, kind.source, kind.dialect):
        assert text.strip() == text != ""
    assert list(inspect.signature(kind.build).parameters) == [p.name for p in kind.parameters]
    for parameter in kind.parameters:
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


def test_only_the_rprops_look_at_signs_alone() -> None:
    assert [k.name for k in KINDS if not k.uses_magnitude] == ["rprop", "irprop_minus"]


@any_kind
def test_unknown_parameter(kind: OptimizerSpec) -> None:
    with pytest.raises(TypeError):
        kind(step_sise=1.0)


def test_rprop_by_hand() -> None:
    taken, state = steps(OPTIMIZERS["rprop"](initial_step=1.0), [5.0, 1e-300, -1.0, -7.0, 0.0, 3.0])
    # Halved at once; then grown, halved, grown, halved at the sign 0, halved when it goes.
    assert taken == [-0.5, -0.6, 0.3, 0.36, 0.0, -0.09]
    assert state == (0.09, 1.0)


def test_rprop_grows_at_a_gradient_that_was_always_zero() -> None:
    taken, state = steps(OPTIMIZERS["rprop"](), [0.0, 0.0])
    assert taken == [0.0, 0.0]
    assert state == (0.001 * 1.2 * 1.2, 0.0)


def test_rprop_rests_for_ever() -> None:
    optimizer = OPTIMIZERS["rprop"](eta_plus=10.0)
    for zero in (0.0, np.zeros(2)):
        _, (step_size, _) = steps(optimizer, [zero] * 700, zero)
        assert np.all(np.isfinite(step_size))


def test_irprop_minus_by_hand() -> None:
    optimizer = OPTIMIZERS["irprop_minus"](initial_step=1.0, minimum_step=0.6, maximum_step=1.3)
    taken, state = steps(optimizer, [5.0, 2.0, 3.0, -1.0, -1.0, 4.0, 0.0])
    # Kept, grown, at the maximum, rest after the change, kept, rest at the minimum, still.
    assert taken == [-1.0, -1.2, -1.3, 0.0, 0.65, 0.0, 0.0]
    assert state == (0.6, 0.0)


def test_irprop_minus_maximum_holds_where_bounds_cross() -> None:
    optimizer = OPTIMIZERS["irprop_minus"](minimum_step=2.0, maximum_step=0.5)
    assert steps(optimizer, [1.0])[0] == [-0.5]


def test_gradient_descent_by_hand() -> None:
    taken, state = steps(OPTIMIZERS["gradient_descent"](learning_rate=0.5), [4.0, -3.0])
    assert (taken, state) == ([-2.0, 1.5], ())


@pytest.mark.parametrize(("nesterov", "expected"), [(False, [-2.0, -2.0]), (True, [-3.0, -2.0])])
def test_momentum_by_hand(nesterov: bool, expected: list[float]) -> None:
    optimizer = OPTIMIZERS["momentum"](learning_rate=0.5, momentum=0.5, nesterov=nesterov)
    # Velocities 4 and 2 + 2; with Nesterov the steps look ahead to 4 + 2 and 2 + 2.
    assert steps(optimizer, [4.0, 2.0]) == (expected, (4.0,))


def test_rmsprop_by_hand() -> None:
    optimizer = OPTIMIZERS["rmsprop"](learning_rate=0.5, alpha=0.75, epsilon=0.5)
    taken, state = steps(optimizer, [2.0, 0.0])
    assert taken == [-0.5 * 2.0 / (1.0 + 0.5), 0.0]
    assert state == (0.75,)


def test_adam_by_hand() -> None:
    optimizer = OPTIMIZERS["adam"](learning_rate=0.5, beta_1=0.5, beta_2=0.75, epsilon=1e-8)
    taken, state = steps(optimizer, [2.0, 4.0])
    # Corrected for the start, the first step is the rate: mean 2, mean square 4.
    assert taken[0] == pytest.approx(-0.5, rel=1e-8)
    mean, square = 2.5 / 0.75, (0.75 + 4.0) / (1.0 - 0.5625)
    assert taken[1] == pytest.approx(-0.5 * mean / sqrt(square), rel=1e-8)
    assert state == (2.5, 4.75, 0.25, 0.5625)


@any_kind
@given(sequence=st.lists(st.tuples(gradients, gradients), min_size=1, max_size=30))
def test_floats_and_arrays_agree_to_the_last_bit(
    kind: OptimizerSpec, sequence: list[tuple[float, float]]
) -> None:
    optimizer = kind()
    both, state = steps(optimizer, [np.array(pair) for pair in sequence], np.ones(2))
    for i in range(2):
        alone, last = steps(optimizer, [pair[i] for pair in sequence])
        assert [float(step[i]) for step in both] == alone
        assert [float(number[i]) for number in state] == list(last)
        assert all(type(number) is float for number in (*alone, *last))


@any_kind
@given(sequence=st.lists(gradients, min_size=1, max_size=5), grid=st.booleans())
def test_updates_are_pure(kind: OptimizerSpec, sequence: list[float], grid: bool) -> None:
    optimizer = kind()
    _, state = steps(optimizer, [np.full((2, 3), g) for g in sequence], np.ones((2, 3)))
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
    """Draw a parameter from within its bounds, the ends more often."""
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


@any_kind
@given(data=st.data())
def test_no_choice_of_parameters_raises(kind: OptimizerSpec, data: st.DataObject) -> None:
    optimizer = kind(**{p.name: data.draw(values(p), p.name) for p in kind.parameters})
    sequence = data.draw(st.lists(st.floats(), min_size=1, max_size=20))
    alone, last = steps(optimizer, sequence)
    with np.errstate(all="ignore"):
        both, state = steps(optimizer, [np.array([g, g]) for g in sequence], np.ones(2))
    np.testing.assert_array_equal([step[0] for step in both], alone)
    np.testing.assert_array_equal([number[0] for number in state], last)


@any_kind
@pytest.mark.parametrize("gradient", [nan, inf, -inf])
def test_a_gradient_without_a_number_is_not_a_standstill(
    kind: OptimizerSpec, gradient: float
) -> None:
    (first, step), state = steps(kind(), [1.0, gradient])
    assert isfinite(first)
    moved_by_sign = not kind.uses_magnitude and gradient == gradient  # noqa: PLR0124
    assert moved_by_sign or not all(map(isfinite, (step, *state)))
    if moved_by_sign:
        assert step != 0.0 or kind.name == "irprop_minus"
