"""Costs of a few sequences, from the residuals of each.

From moments, a cost is a sum of terms as large as the squares of outputs and targets. A residual is
a sum of terms as large as these themselves, so only half as many digits cancel, and nearly all
costs around a good fit keep enough of them in float64.
"""

from math import sqrt
from typing import Final

import numpy as np

from service.engine.arithmetic import EPSILON, UNDERFLOW, fill_powers
from service.engine.data import Dataset
from service.engine.types import Array

# Rounding changes a residual of K terms by less than K * EPSILON times their magnitudes. Where the
# residuals are larger than that by this factor, the sum of their squares keeps eight digits.
MARGIN: Final = 2e8


class ResidualCosts:
    """The mean squared error for the identity, in O(N T).

    The residual of sequence i is w_in p_i + s0 w_rec^T - t_i; see ``Moments`` for p_i.

    Parameters
    ----------
    dataset
        N sequences of length T.
    initial_state
        S_0.
    """

    def __init__(self, dataset: Dataset, initial_state: float) -> None:
        states = np.full(dataset.n_samples, initial_state)
        # The last input is the coefficient of power 0.
        self._terms = np.column_stack([dataset.inputs[:, ::-1], states, -dataset.targets])
        sizes = np.sqrt(np.einsum("nk,nk->k", self._terms, self._terms))
        self._bound_factors = MARGIN * EPSILON * len(sizes) * sizes / sqrt(dataset.n_samples)
        # A power that underflows may have a large factor.
        self._underflow = UNDERFLOW * float(self._bound_factors[:-2].sum())

    def __call__(self, w_in: Array, w_rec: Array) -> tuple[Array, Array]:
        """Return the costs, and bounds above which a cost has eight digits.

        The caller must suppress warnings of overflow.

        Parameters
        ----------
        w_in : (1,) or (M,)
        w_rec : (M,)

        Returns
        -------
        means, bounds : (M,)
        """
        factors = np.ones((self._terms.shape[1], len(w_rec)))
        fill_powers(factors[:-1], w_rec)
        factors[:-2] *= w_in
        residuals = self._terms @ factors
        means = np.einsum("nm,nm->m", residuals, residuals) / len(residuals)
        bounds = self._bound_factors @ np.abs(factors, out=factors)
        bounds += self._underflow * np.abs(w_in)
        bounds *= bounds
        bounds += UNDERFLOW
        return means, bounds
