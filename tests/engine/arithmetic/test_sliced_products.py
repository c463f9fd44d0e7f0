"""Products of matrices to 28 digits, compared with exact fractions."""

from fractions import Fraction

import numpy as np
import pytest

from service.engine.arithmetic import sliced_products as module
from service.engine.arithmetic.decimals import decimal_powers
from service.engine.arithmetic.double_double import DoubleDouble
from service.engine.arithmetic.sliced_products import column_products, polynomial_values


def exact(number: DoubleDouble) -> Fraction:
    return Fraction(float(number.high)) + Fraction(float(number.low))


@pytest.mark.parametrize("kind", ["bits", "real", "columns of many sizes", "zeros"])
@pytest.mark.parametrize("shared", [True, False])
def test_products(kind: str, *, shared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS", 4)  # several blocks
    random = np.random.default_rng(3)
    right = np.zeros((11, 3)) if kind == "zeros" else random.standard_normal((11, 3))
    if kind == "bits":
        right = np.around(random.random((11, 3)))
    elif kind == "columns of many sizes":
        right *= 10.0 ** random.integers(-100, 101, 3)
    left = right[:, :2] if shared else right[::-1, :2].copy()
    found = column_products(left, right)
    for i, one in enumerate(left.T.tolist()):
        for j, other in enumerate(right.T.tolist()):
            terms = [Fraction(x) * Fraction(y) for x, y in zip(one, other, strict=True)]
            bound = Fraction(max(map(abs, one))) * Fraction(max(map(abs, other)))
            error = abs(exact(found.at((i, j))) - sum(terms))
            assert error <= bound * len(terms) * Fraction(1, 10**27)
            assert error == 0 or kind != "bits"


@pytest.mark.parametrize(
    ("w", "n_steps"),
    # Fractions with the powers of 1e200 take half a minute at 300 steps.
    [
        *((w, n) for w in (0.97, -3.1, 1e-30, 1e200) for n in (1, 2, 10)),
        *((0.97, 300), (-3.1, 300), (1e200, 50)),
        pytest.param(1e-30, 300, marks=pytest.mark.slow),
    ],
)
def test_polynomials(w: float, n_steps: int) -> None:
    random = np.random.default_rng(2)
    bits = random.integers(0, 2, (2, n_steps))
    rows = np.concatenate([random.normal(size=(3, n_steps)), bits])
    # Large coefficients of small powers must keep their digits.
    rows[0] *= 10.0 ** random.integers(-30, 31, n_steps)
    values, exponent = polynomial_values(rows, decimal_powers(w, n_steps))
    terms = [
        [Fraction(x) * Fraction(w) ** k / Fraction(2) ** exponent for k, x in enumerate(row)]
        for row in rows.tolist()
    ]
    for k, row in enumerate(terms):
        error = abs(exact(values.at(k)) - sum(row))
        assert error <= max(map(abs, row)) * n_steps * Fraction(1, 10**26)


def test_polynomials_in_chunks() -> None:
    rows = np.random.default_rng(3).normal(size=(3000, 200))
    powers = decimal_powers(-0.9, 200)
    (whole, _), (alone, _) = polynomial_values(rows, powers), polynomial_values(rows[-1:], powers)
    assert whole.high[-1] + whole.low[-1] == pytest.approx(float(alone.high[0]), rel=1e-15)
