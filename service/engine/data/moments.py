"""What one pass over the data leaves to know: its second moments, as polynomials in w_rec.

Without an activation the output of sample i is w_in p_i(w_rec) + s0 w_rec^T, where p_i has the
sample's inputs as coefficients, the last input first. So the mean squared error needs from the
data only the sums over i of p_i², p_i t_i, p_i, t_i² and t_i: a few polynomials.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from service.engine.types import Array

CHUNK = 1 << 18  # numbers of the data in work at once
STRIP = 1 << 17  # numbers of products of columns held at once
MANY = 1 << 14  # single precision is not worth its while up to so many numbers
EXACT_SINGLE = 1 << 24  # single precision holds all whole numbers up to this


@dataclass(frozen=True)
class Moments:
    """Sums over the samples; polynomials as coefficients by rising power of w_rec.

    Sums rather than means, because sums of whole numbers are exact: the gradient at a perfect
    fit is then exactly 0.

    input_square_sum : (2 T - 1,) -- of p_i²
    input_target_sum : (T,) -- of p_i t_i
    input_sum : (T,) -- of p_i
    target_square_sum, target_sum -- of t_i² and t_i
    """

    n_samples: int
    n_steps: int
    input_square_sum: Array
    input_target_sum: Array
    input_sum: Array
    target_square_sum: float
    target_sum: float

    @classmethod
    def from_arrays(cls, inputs: Array, targets: Array) -> "Moments":
        """Pass over inputs (N, T) and targets (N,) once, in chunks of bounded size."""
        n_samples, n_steps = inputs.shape
        square, product, total = np.zeros(2 * n_steps - 1), np.zeros(n_steps), np.zeros(n_steps)
        whole = inputs.size > MANY
        size = max(1, CHUNK // n_steps)
        for start in range(0, n_samples, size):
            x, t = inputs[start : start + size], targets[start : start + size]
            small, largest = _small_whole(x) if whole else (None, 0)
            whole = small is not None
            _add_square(square, x if small is None else small)
            factors = np.stack([t, np.ones(len(t))])
            if small is not None and _exact_times(t, largest):
                by_target, alone = factors.astype(np.float32) @ small
            else:
                by_target, alone = factors @ x
            product += by_target
            total += alone
        # Time runs along the columns, and the last input is that of power 0.
        return cls(
            n_samples,
            n_steps,
            square[::-1].copy(),
            product[::-1].copy(),
            total[::-1].copy(),
            float(targets @ targets),
            float(targets.sum()),
        )

    @cached_property
    def input_square(self) -> Array:
        """Mean of p_i², (2 T - 1,)."""
        return self.input_square_sum / self.n_samples

    @cached_property
    def input_target(self) -> Array:
        """Mean of p_i t_i, (T,)."""
        return self.input_target_sum / self.n_samples

    @cached_property
    def input_mean(self) -> Array:
        """Mean of p_i, (T,)."""
        return self.input_sum / self.n_samples

    @property
    def target_square(self) -> float:
        """Mean of t_i²."""
        return self.target_square_sum / self.n_samples

    @property
    def target_mean(self) -> float:
        """Mean of t_i."""
        return self.target_sum / self.n_samples


def _small_whole(x: Array) -> tuple[NDArray[np.float32] | None, int]:
    """Return a copy in single precision, and the largest magnitude in it.

    The copy is None unless sums of products over its rows stay exact there.
    """
    with np.errstate(invalid="ignore"):
        small = x.astype(np.int8)
    if not (small == x).all():
        return None, 0
    largest = max(int(small.max()), -int(small.min()))
    exact = len(x) * largest**2 < EXACT_SINGLE
    return (small.astype(np.float32) if exact else None), largest


def _exact_times(t: Array, largest: int) -> bool:
    """Tell whether sums of t times whole numbers up to the largest stay exact as well."""
    small = len(t) * max(largest, 1) * np.abs(t).max() < EXACT_SINGLE
    return bool(small and (t == np.rint(t)).all())


def _add_square(square: Array, x: NDArray[np.floating]) -> None:
    """Add the sum of squares of the rows, taken as polynomials, to coefficients (2 T - 1,).

    The coefficients are sums along the antidiagonals of x^T x, which is made a strip of rows at
    a time, from the diagonal on. A strip of zeros wider by its height, read as if its rows were
    one number shorter, has the antidiagonals as its columns.
    """
    n_steps = x.shape[1]
    height = max(STRIP // n_steps, 64)
    for first in range(0, n_steps, height):
        left, right = x[:, first : first + height], x[:, first:]
        rows, columns = left.shape[1], right.shape[1]
        strip = np.zeros((rows, columns + rows))
        strip[:, :columns] = left.T @ right
        strip[:, rows:columns] *= 2.0
        shifted = strip.reshape(-1)[:-rows].reshape(rows, columns + rows - 1)
        square[2 * first : 2 * first + columns + rows - 1] += shifted.sum(axis=0)


def cost_polynomials(moments: Moments, s0: float) -> tuple[Array, Array, Array]:
    """Return the coefficients of a, b and c by rising power of w_rec.

    With sums over the samples instead of means the cost is a w_in² - 2 b w_in + c, where a sums
    p_i² (see ``service.engine.data.moments``), b sums p_i (t_i - s0 w_rec^T) and c sums
    (t_i - s0 w_rec^T)².
    """
    if s0 == 0.0:
        c = np.array([moments.target_square_sum])
        return moments.input_square_sum, moments.input_target_sum, c
    b = np.concatenate([moments.input_target_sum, -s0 * moments.input_sum])
    c = np.zeros(2 * moments.n_steps + 1)
    c[0] = moments.target_square_sum
    c[moments.n_steps] = -2.0 * s0 * moments.target_sum
    c[-1] = s0 * s0 * moments.n_samples
    return moments.input_square_sum, b, c
