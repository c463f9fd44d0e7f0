"""What one pass over the data leaves to know: its second moments, as polynomials in w_rec.

Without an activation the output of sample i is w_in p_i(w_rec) + s0 w_rec^T, where p_i has the
sample's inputs as coefficients, the last input first. So the mean squared error needs from the
data only the sums over i of p_i², p_i t_i, p_i, t_i² and t_i: a few polynomials.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from service.engine.types import Array


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
    def of(cls, inputs: Array, targets: Array) -> "Moments":
        """Pass over inputs (N, T) and targets (N,) once."""
        n_samples, n_steps = inputs.shape
        x = inputs[:, ::-1]
        gram = x.T @ x
        square = np.zeros(2 * n_steps - 1)
        for j in range(n_steps):
            square[j : j + n_steps] += gram[j]
        return cls(
            n_samples,
            n_steps,
            square,
            x.T @ targets,
            x.sum(axis=0),
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
