"""Activation functions, their derivatives and their extension outside the float64 range."""

from typing import Any

import mpmath
import numpy as np
import pytest

from service.engine.network import ACTIVATIONS, Activation, make_registry

# Large arguments, and arguments near 0 where 1 - tanh² and e^z lose all digits.
ARGUMENTS = [0.0, 1e-300, 1e-17, 0.3, 1.0, 5.0, 19.0, 40.0, 400.0, 1e5, 1e17]


def exact_slope(name: str, z: float) -> Any:
    if name == "identity":
        return mpmath.mpf(1)
    if name == "relu":
        return mpmath.mpf(z > 0)
    z = mpmath.mpf(z)
    return mpmath.sech(z) ** 2 if name == "tanh" else mpmath.sech(z / 2) ** 2 / 4


def exact_value(name: str, z: float) -> Any:
    z = mpmath.mpf(z)
    if name == "sigmoid":
        return mpmath.exp(z) / (1 + mpmath.exp(z)) if z < 0 else 1 / (1 + mpmath.exp(-z))
    return {"identity": z, "relu": max(z, mpmath.mpf(0)), "tanh": mpmath.tanh(z)}[name]


@pytest.mark.parametrize("z", [sign * z for z in ARGUMENTS for sign in (1, -1)])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_function_and_derivative_match_fifty_digits(name: str, z: float) -> None:
    f = ACTIVATIONS[name]
    at = np.array([z])
    with mpmath.workdps(50):
        value, slope = exact_value(name, z), exact_slope(name, z)
        log = float(mpmath.log(slope)) if slope else -np.inf
    assert f.function(at)[0] == pytest.approx(float(value), rel=1e-14, abs=1e-307)
    assert f.derivative(at)[0] == pytest.approx(float(slope), rel=1e-14, abs=1e-307)
    assert f.slopes(at).log()[0] == pytest.approx(log, rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("z", [sign * z for z in ARGUMENTS[:-2] for sign in (1, -1)])
@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_second_derivatives_match_fifty_digits(name: str, z: float) -> None:
    with mpmath.workdps(50):
        at = mpmath.mpf(z) if name == "tanh" else mpmath.mpf(z) / 2
        expected = -2 * mpmath.tanh(at) * mpmath.sech(at) ** 2
        expected /= 1 if name == "tanh" else 8
    found = ACTIVATIONS[name].second_derivative(np.array([z]))[0]
    assert found == pytest.approx(float(expected), rel=1e-14, abs=1e-307)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_at_infinity(name: str) -> None:
    f = ACTIVATIONS[name]
    ends = np.array([-np.inf, np.inf, -1.7e308, 1.7e308])
    expected = {
        "identity": ends,
        "relu": [0.0, np.inf, 0.0, 1.7e308],
        "tanh": [-1.0, 1.0, -1.0, 1.0],
        "sigmoid": [0.0, 1.0, 0.0, 1.0],
    }[name]
    slopes = {"identity": [1.0] * 4, "relu": [0.0, 1.0] * 2}.get(name, [0.0] * 4)
    np.testing.assert_array_equal(f.function(ends), expected)
    np.testing.assert_array_equal(f.derivative(ends), slopes)
    assert not np.isnan(f.slopes(ends).log()).any()
    np.testing.assert_array_equal(f.second_derivative(ends), 0.0)
    assert f.is_piecewise_linear == (name in {"identity", "relu"})


@pytest.mark.parametrize(
    "softplus",
    [
        Activation(lambda z: np.logaddexp(z, 0.0), np.tanh),
        Activation(lambda z: np.logaddexp(z, 0.0), np.tanh, np.sin, np.log),
    ],
)
def test_a_function_of_neither_kind_is_refused(softplus: Activation) -> None:
    with pytest.raises(ValueError, match="softplus"):
        make_registry(softplus=softplus)


ARCTAN = Activation(
    np.arctan,
    lambda z: 1.0 / np.hypot(1.0, z) ** 2,
    lambda z: -2.0 * z / np.hypot(1.0, z) ** 4,
    lambda z: -2.0 * np.log(np.hypot(1.0, z)),
)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"derivative": np.cos}, "arctan.derivative"),
        ({"second_derivative": np.zeros_like}, "arctan.second_derivative"),
        ({"second_derivative": lambda z: -z / np.hypot(1.0, z) ** 4}, "arctan.second_derivative"),
        ({"log_derivative": lambda z: -np.log(np.hypot(1.0, z))}, "arctan.log_derivative"),
    ],
)
def test_a_wrong_derivative_is_refused(change: dict[str, Any], name: str) -> None:
    assert [*make_registry(arctan=ARCTAN)] == ["arctan"]
    with pytest.raises(ValueError, match=name):
        make_registry(arctan=ARCTAN._replace(**change))
