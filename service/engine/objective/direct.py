"""Costs straight from the samples, with twice the digits of float64."""

from typing import Final

import numpy as np

from service.engine.arithmetic import quick_two_sum, two_product, two_sum
from service.engine.data import Dataset
from service.engine.types import Array

CHUNK: Final = 1 << 16  # states held at once, of all samples and weights together


def direct_sums(samples: Dataset, initial_state: float, w_in: Array, w_rec: Array) -> Array:
    """Return sums (M,) of squared residuals at weights (M,); inf or nan beyond float64.

    The states run as unevaluated sums of two floats (Dekker 1971), so a residual has all its
    digits unless it is below 1e-30 of what it is the difference of.
    """
    sums = np.zeros(len(w_in))
    n_rows = max(1, CHUNK // max(1, min(len(w_in), 1024)))
    n_weights = max(1, CHUNK // min(n_rows, samples.n_samples))
    for first in range(0, samples.n_samples, n_rows):
        rows, t = (each[first : first + n_rows] for each in (samples.inputs, samples.targets))
        for start in range(0, len(w_in), n_weights):
            part = slice(start, start + n_weights)
            residuals = _residuals(rows, t, initial_state, w_in[part, None], w_rec[part, None])
            with np.errstate(over="ignore", invalid="ignore"):
                sums[part] += np.einsum("mn,mn->m", residuals, residuals)
    return sums


def _residuals(rows: Array, targets: Array, initial_state: float, u: Array, w: Array) -> Array:
    """Return outputs less targets (M, N) for inputs (N, T) and weights (M, 1)."""
    high, low = np.full((len(u), len(rows)), initial_state), np.zeros((len(u), len(rows)))
    with np.errstate(over="ignore", invalid="ignore"):
        for x in rows.T:
            carried, carried_error = two_product(high, w)
            added, added_error = two_product(x, u)
            total, error = two_sum(carried, added)
            high, low = quick_two_sum(total, error + (carried_error + added_error + low * w))
        total, error = two_sum(high, -targets)
        residuals: Array = total + (error + low)
    return residuals
