"""Plots of the residuals of a fit, with Matplotlib."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from linear_rnn._arrays import Array

if TYPE_CHECKING:
    from linear_rnn._figures import ShownFigure

MAX_LAGS = 20
SIGNIFICANT = 1.96  # standard errors of an autocorrelation: 5 % of white noise


def correlate(residuals: Array, sequences: Sequence[Any]) -> Array:
    """Return the autocorrelations at the lags from 1, of steps of the same sequence."""
    import numpy as np

    names = np.asarray(sequences)
    n_lags = min(MAX_LAGS, int(np.sum(~np.isnan(residuals))) // 5)
    products = [
        np.nansum((residuals[:-lag] * residuals[lag:])[names[:-lag] == names[lag:]])
        for lag in range(1, n_lags + 1)
    ]
    variance = np.nansum(residuals**2)
    return np.array(products) / (variance if variance > 0.0 else 1.0)


def draw(residuals: Array, predictions: Array, sequences: Sequence[Any]) -> "ShownFigure":
    """Draw autocorrelations, quantiles, and residuals against the fit.

    Raises
    ------
    ImportError
        Matplotlib is not installed.
    """
    try:
        import numpy as np

        from linear_rnn._figures import ShownFigure
    except ImportError:
        raise ImportError("diagnostics are drawn by matplotlib: install it") from None
    known = np.sort(residuals[~np.isnan(residuals)])
    n = len(known)
    figure = ShownFigure(figsize=(12, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    heights = correlate(residuals, sequences)
    left.bar(range(1, len(heights) + 1), heights, width=0.4)
    for limit in (-SIGNIFICANT, SIGNIFICANT):
        left.axhline(limit / np.sqrt(n), linestyle="--", linewidth=1)
    left.set(title="Autocorrelation", xlabel="lag (steps)")
    quantiles = np.array([NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)])
    middle.plot(quantiles, known, "o", markersize=3)
    middle.plot(quantiles, np.sqrt(np.mean(known**2)) * quantiles, linewidth=1)
    middle.set(title="Quantiles", xlabel="of the normal distribution", ylabel="of the residuals")
    right.plot(predictions, residuals, "o", markersize=3)
    right.axhline(0.0, linewidth=1)
    right.set(title="Residuals", xlabel="fit", ylabel="residual")
    return figure
