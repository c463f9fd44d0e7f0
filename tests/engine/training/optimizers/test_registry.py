"""The registry, and properties that every optimizer in it has."""

import inspect
from math import inf, isfinite, isnan, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.training import OPTIMIZERS, GradientOptimizer, OptimizerSpec, Parameter
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


def test_only_the_rprop_family_ignores_magnitudes() -> None:
    assert [k.name for k in SPECS if not k.uses_magnitude] == ["rprop", "irprop_minus"]


def test_only_optimizers_with_a_gradient_that_counts_accept_a_clip() -> None:
    unclipped = ["rprop", "irprop_minus", "levenberg_marquardt"]
    assert [k.name for k in SPECS if not k.accepts_clip] == unclipped


@every_gradient_optimizer
@given(sequence=st.lists(st.tuples(gradients, gradients), min_size=1, max_size=30))
def test_floats_and_arrays_agree_bit_for_bit(
    spec: OptimizerSpec, sequence: list[tuple[float, float]]
) -> None:
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
