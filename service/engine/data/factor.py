"""A factor of the data, with which costs of the linear network lose only half as many digits.

For the identity, the output of sequence i is w_in p_i(w_rec) + s0 w_rec^T, where s0 is the initial
state and p_i the polynomial with the inputs of the sequence as coefficients, the last input first.
With A = [x_T … x_1 | 1 | t], one row per sequence, all residuals are A z for

    z = (w_in w_rec^0, …, w_in w_rec^(T-1), s0 w_rec^T, -1).

The triangular factor R of A = QR has the same norms, |R z| = |A z|, and at most T + 2 rows: a
million sequences of ten steps become twelve. A residual is a sum of terms with the magnitude of
outputs and targets rather than of their squares, as in moments (AᵀA), so half as many digits
cancel.

References
----------
G. H. Golub and C. F. Van Loan, Matrix computations, 4th edition, section 5.3, on least squares by
QR and by normal equations.
"""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np

from service.engine.arithmetic import EXPONENT_OF_ZERO, ExtendedArray, extended_powers, fill_powers
from service.engine.data.moments import Moments
from service.engine.interruption import check_interruption
from service.engine.types import Array, Weights

# Numbers up to which the data are not reduced. Then a perfect fit has residuals of exactly 0.
SMALL: Final = 1 << 13
STORED_SHARE: Final = 0.25  # of the size of the data, up to which R is stored
BLOCK_ROWS: Final = 1 << 14  # rows decomposed together; more no longer fit in the cache

N = TypeVar("N", Array, ExtendedArray)


@dataclass(frozen=True)
class Parabolas(Generic[N]):
    """Sums of squared residuals as functions of w_in, for M recurrent weights.

    A sum is (square v - slope) v + rest at v = w_in - vertex, where no terms cancel. All are (M,).
    """

    vertex: N  # the w_in with the lowest sum; 0 if w_in has no effect
    square: N
    slope: N  # 0 up to rounding
    rest: N

    def __call__(self, w_in: Array) -> N:
        """Return the sums (M, nx) at w_in (1, nx) or (M, nx)."""
        v: N = w_in - self.vertex[:, None]
        sums: N = self.square[:, None] * v
        sums -= self.slope[:, None]  # in place for arrays of float64
        sums *= v
        sums += self.rest[:, None]
        return sums


@dataclass(frozen=True, eq=False)
class Factor:
    """The data as a matrix A with a row per sequence, or its triangular factor R.

    Parameters
    ----------
    rows : (m, T + 2)
        The columns are the inputs, the last one first, then ones, then the targets; in R, they are
        transformed.
    n_samples
        The number N of sequences.
    """

    rows: Array
    n_samples: int

    @property
    def n_steps(self) -> int:
        """The number T of steps."""
        return int(self.rows.shape[1]) - 2

    @property
    def inputs(self) -> Array:
        """The columns of the inputs (m, T), by rising power of w_rec."""
        return self.rows[:, :-2]

    @property
    def ones(self) -> Array:
        """The column of ones (m,), whose coefficient is s0 w_rec^T."""
        return self.rows[:, -2]

    @property
    def targets(self) -> Array:
        """The column of the targets (m,)."""
        return self.rows[:, -1]

    @classmethod
    def from_arrays(cls, inputs: Array, targets: Array) -> "Factor":
        """Decompose the data in one pass, in blocks of bounded size.

        The rows are the data themselves if these are few, or if R would not have fewer rows.

        Parameters
        ----------
        inputs : (N, T)
            Magnitudes are 0 or between 1e-100 and 1e100.
        targets : (N,)
            With the same bounds.

        Returns
        -------
        Factor
            With N rows, or with T + 2 where N is larger and the data are not few.
        """
        n_samples, n_steps = inputs.shape
        keeps_rows = n_samples <= n_steps + 2 or inputs.size <= SMALL
        size = n_samples if keeps_rows else BLOCK_ROWS
        factor = np.empty((0, n_steps + 2))
        for start in range(0, n_samples, size):
            check_interruption()
            x = inputs[start : start + size]
            t = targets[start : start + size]
            factor = np.vstack([factor, np.column_stack([x[:, ::-1], np.ones(len(t)), t])])
            if not keeps_rows:
                factor = np.asarray(np.linalg.qr(factor, mode="r"))
        return cls(factor, n_samples)

    def compressed(self) -> "Factor":
        """Return R if it has less than half as many rows as this factor."""
        if len(self.rows) <= 2 * self.rows.shape[1]:
            return self
        return Factor(np.asarray(np.linalg.qr(self.rows, mode="r")), self.n_samples)

    @staticmethod
    def is_small(n_samples: int, n_steps: int) -> bool:
        """Return True if R is small enough, compared with the data, to be stored with them."""
        return (n_steps + 2) ** 2 <= STORED_SHARE * n_samples * n_steps

    def sums(self, w_in: Array, w_rec: Array, initial_state: float) -> Array:
        """Return the sums of squared residuals for pairs of weights.

        The caller must suppress the warnings.

        Parameters
        ----------
        w_in, w_rec : (M,)
            The pairs of weights.
        initial_state
            S_0.

        Returns
        -------
        sums : (M,)
            Never negative; inf or nan where a power overflows.
        """
        z = np.empty((self.n_steps + 2, len(w_rec)))
        fill_powers(z[:-1], w_rec)
        z[:-2] *= w_in
        z[-2] *= initial_state
        z[-1] = -1.0
        residuals = self.rows @ z
        sums: Array = np.einsum("ij,ij->j", residuals, residuals)
        return sums

    def parabolas(self, w_rec: Array, initial_state: float) -> Parabolas[Array]:
        """Return the sums of squared residuals as functions of w_in, for many w_in at each w_rec.

        The caller must suppress the warnings.

        Parameters
        ----------
        w_rec : (M,)
            The recurrent weights.
        initial_state
            S_0.

        Returns
        -------
        Parabolas : (M,)
            With inf or nan where a power overflows.
        """
        powers = np.empty((self.n_steps + 1, len(w_rec)))
        fill_powers(powers, w_rec)
        rest = self.targets[:, None]
        if initial_state != 0.0:
            rest = rest - self.ones[:, None] * (initial_state * powers[-1])
        return _project(self.inputs @ powers[:-1], rest)

    def extended_parabolas(self, w_rec: Array, initial_state: float) -> Parabolas[ExtendedArray]:
        """Return the sums of squared residuals as functions of w_in, with exponents of any size.

        Parameters
        ----------
        w_rec : (M,)
            Finite.
        initial_state
            S_0; finite.

        Returns
        -------
        Parabolas : (M,)
            With numbers that neither overflow nor underflow.
        """
        orders = np.arange(self.n_steps + 1)[:, None]
        powers = extended_powers(ExtendedArray.from_floats(w_rec), orders)
        # Both are divided by powers of two, one per w_rec, so that they are near 1.
        outputs, of_outputs = _combine(self.inputs, powers[:-1])
        factors = powers[[-1, 0]] * np.array([[-initial_state], [1.0]])
        rest, of_rest = _combine(self.rows[:, -2:], factors)
        scaled = _project(outputs, rest)
        extend = ExtendedArray.from_floats
        return Parabolas(
            extend(scaled.vertex, of_rest - of_outputs),
            extend(scaled.square, 2.0 * of_outputs),
            extend(scaled.slope, of_outputs + of_rest),
            extend(scaled.rest, 2.0 * of_rest),
        )

    def excess(self, weights: Weights, reference: Weights, initial_state: float) -> float:
        """Return the sum of squared residuals minus that at a reference, without cancellation.

        With z at the reference and d the difference of z, it is |R d|² + 2 (R d)·(R z).
        """
        u, w = weights
        u_0, w_0 = reference
        difference = [0.0]  # of the powers
        for power in w ** np.arange(self.n_steps):
            difference.append(power * (w - w_0) + w_0 * difference[-1])
        powers = w_0 ** np.arange(self.n_steps + 1.0)
        by_power = np.array(difference)
        d = (u - u_0) * (powers[:-1] + by_power[:-1]) + u_0 * by_power[:-1]
        change = self.inputs @ d + self.ones * (initial_state * by_power[-1])
        residuals = self.inputs @ (u_0 * powers[:-1]) + self.ones * (initial_state * powers[-1])
        return float(change @ (change + 2.0 * (residuals - self.targets)))


def _project(outputs: Array, rest: Array) -> Parabolas[Array]:
    """Return |rest - w_in outputs|² as functions of w_in, for columns (m, M)."""
    square = np.einsum("ij,ij->j", outputs, outputs)
    product = np.einsum("ij,ij->j", outputs, rest)
    vertex = np.divide(product, square, out=np.zeros_like(square), where=square != 0.0)
    residuals = vertex * outputs
    np.subtract(rest, residuals, out=residuals)
    slope = 2.0 * np.einsum("ij,ij->j", outputs, residuals)
    return Parabolas(vertex, square, slope, np.einsum("ij,ij->j", residuals, residuals))


def _combine(columns: Array, factors: ExtendedArray) -> tuple[Array, Array]:
    """Return the products of columns (m, K) and factors (K, M), divided by powers of two.

    The largest magnitude of each column of the products is at least 1/2, and below 1. Return also
    the exponents (M,) of the powers of two.
    """
    mantissas, sizes = np.frexp(np.abs(columns).max(axis=0))
    # Factors of columns of zeros must not set the scale.
    powers_of_two = np.where(mantissas == 0.0, 0.0, np.ldexp(1.0, sizes))
    terms = factors * powers_of_two[:, None]
    scale = np.maximum(terms.exponent.max(axis=0), EXPONENT_OF_ZERO)
    values = np.ldexp(columns, -sizes) @ terms.relative_to(scale)
    shift = np.frexp(np.abs(values).max(axis=0))[1]
    is_zero = (values == 0.0).all(axis=0)
    return np.ldexp(values, -shift), np.where(is_zero, 0.0, scale + shift)


@dataclass(frozen=True)
class Precomputed:
    """Stored reductions, which save passes over the data."""

    moments: Moments  # for gradients
    # for costs; None if it is computed when a cost is first requested
    factor: Factor | None = None
