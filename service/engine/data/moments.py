"""Second moments of a dataset, as polynomials in w_rec.

For the identity, the output of sequence i is w_in p_i(w_rec) + s0 w_rec^T, where s0 is the initial
state and p_i the polynomial with the inputs of the sequence as coefficients, the last input first.
The mean squared error therefore depends on the data only through the sums over i of p_i², p_i t_i,
p_i, t_i² and t_i. They are computed in one pass, and a gradient then takes O(T) operations for any
number of sequences. Costs are more accurate if they are computed from a ``Factor``.
"""

from typing import Final, NamedTuple

import numpy as np

from service.engine.interruption import check_interruption
from service.engine.types import BLOCK, Array

STRIP_SIZE: Final = 1 << 17  # products of columns in memory: 1 MB of float64
MIN_STRIP_HEIGHT: Final = 64  # rows of a strip: enough for an efficient matrix product


class Moments(NamedTuple):
    """Sums over N sequences of T steps; polynomials as coefficients by increasing power of w_rec.

    They are sums instead of means because sums of whole numbers are exact. The gradient at a
    perfect fit is then exactly 0.
    """

    input_square_sum: Array  # (2 T - 1,), of p_i²
    input_target_sum: Array  # (T,), of p_i t_i
    input_sum: Array  # (T,), of p_i
    target_sums: Array  # (2,), of t_i² and of t_i

    @classmethod
    def from_arrays(cls, inputs: Array, targets: Array) -> "Moments":
        """Compute the moments in one pass, in bounded chunks.

        Parameters
        ----------
        inputs : (N, T)
            Magnitudes are 0 or between 1e-100 and 1e100, so that products neither overflow nor
            underflow.
        targets : (N,)
            With the same bounds.

        Returns
        -------
        Moments
            Of all sequences.
        """
        n_samples, n_steps = inputs.shape
        square = np.zeros(2 * n_steps - 1)
        linear = np.zeros((2, n_steps))
        chunk_length = max(1, BLOCK // n_steps)
        for start in range(0, n_samples, chunk_length):
            x = inputs[start : start + chunk_length]
            t = targets[start : start + chunk_length]
            _add_square(square, x)
            linear += np.stack([t, np.ones(len(t))]) @ x
        # The last input is the coefficient of power 0.
        square = square[::-1].copy()
        by_target, input_sum = linear[:, ::-1].copy()
        return cls(square, by_target, input_sum, np.array([targets @ targets, targets.sum()]))

    @classmethod
    def from_array(cls, sums: Array) -> "Moments":
        """Return moments from one array.

        Parameters
        ----------
        sums : (4 T + 1,)
            The fields, concatenated.

        Returns
        -------
        Moments
            The fields as views of the array.
        """
        n_steps = len(sums) // 4
        return cls(*np.split(sums, [2 * n_steps - 1, 3 * n_steps - 1, 4 * n_steps - 1]))


def _add_square(square: Array, x: Array) -> None:
    """Add the sum of squares of the rows of x (n, T), as polynomials, to ``square`` (2 T - 1,).

    It consists of the sums along the antidiagonals of the symmetric matrix x.T @ x, which is
    computed in strips of rows that begin at its diagonal. A matrix with K rows, and K more columns
    of zeros, is read as if its rows were one number shorter: row i moves by i columns, and
    antidiagonals become columns. The columns from K on are doubled before, because they represent
    both halves of the symmetric matrix.
    """
    n_steps = x.shape[1]
    height = max(STRIP_SIZE // n_steps, MIN_STRIP_HEIGHT)
    for first in range(0, n_steps, height):
        check_interruption()
        strip = x[:, first : first + height].T @ x[:, first:]
        rows, columns = strip.shape
        widened = np.zeros((rows, columns + rows))
        widened[:, :rows] = strip[:, :rows]
        np.multiply(2.0, strip[:, rows:], out=widened[:, rows:columns])
        moved = widened.reshape(-1)[:-rows].reshape(rows, columns + rows - 1)
        square[2 * first : 2 * first + columns + rows - 1] += moved.sum(axis=0)


def cost_polynomials(moments: Moments, n_samples: int, s0: float) -> tuple[Array, Array, Array]:
    """Return the coefficients of the cost for the identity.

    N times the mean squared error is a(w_rec) w_in² - 2 b(w_rec) w_in + c(w_rec), where a is the
    sum of p_i², b the sum of p_i (t_i - s0 w_rec^T) and c the sum of (t_i - s0 w_rec^T)².

    Parameters
    ----------
    moments
        The sums over N sequences of T steps.
    n_samples
        N.
    s0
        Initial state; finite.

    Returns
    -------
    a : (2 T - 1,)
        Coefficients by increasing power of w_rec, as are those of b and c.
    b : (T,) without an initial state, otherwise (2 T,)
        With the powers of the initial state if it is not 0.
    c : (1,) without an initial state, otherwise (2 T + 1,)
        The cost of w_in = 0.
    """
    square, by_target, input_sum, (target_square, target) = moments
    if s0 == 0.0:
        return square, by_target, np.array([target_square])
    c = np.zeros(2 * len(input_sum) + 1)
    c[0] = target_square
    c[len(input_sum)] = -2.0 * s0 * target
    c[-1] = s0 * s0 * n_samples
    return square, np.concatenate([by_target, -s0 * input_sum]), c
