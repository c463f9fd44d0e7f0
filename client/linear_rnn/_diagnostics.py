"""Plots of the residuals of a fit, with Matplotlib."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_LAGS = 20
SIGNIFICANT = 1.96  # standard errors of an autocorrelation: 5 % of white noise


def whiten(residuals: Sequence[float], sequences: Sequence[Any], rho: float | None) -> list[float]:
    """Return the residuals without the autocorrelation of the noise; nan where there is none."""
    rho = rho or 0.0
    whitened = []
    last, gap = math.nan, math.inf
    for i, residual in enumerate(residuals):
        gap += 1.0
        if i == 0 or sequences[i] != sequences[i - 1]:
            last, gap = 0.0, math.inf
        decay = rho**gap
        scale = math.sqrt((1.0 - decay**2) / (1.0 - rho**2))
        whitened.append((residual - decay * last) / scale)
        if not math.isnan(residual):
            last, gap = residual, 0.0
    return whitened


def correlate(residuals: Sequence[float], sequences: Sequence[Any]) -> list[float]:
    """Return the autocorrelations at the lags from 1, of steps of the same sequence."""
    known = [each for each in residuals if not math.isnan(each)]
    variance = sum(each**2 for each in known)
    autocorrelations = []
    for lag in range(1, min(MAX_LAGS, len(known) // 5) + 1):
        pairs = zip(residuals, residuals[lag:], sequences, sequences[lag:], strict=False)
        products = [a * b for a, b, first, second in pairs if first == second]
        total = sum(each for each in products if not math.isnan(each))
        autocorrelations.append(total / variance if variance > 0.0 else 0.0)
    return autocorrelations


def draw(
    residuals: Sequence[float],
    predictions: Sequence[float],
    sequences: Sequence[Any],
    rho: float | None,
) -> "Figure":
    """Draw autocorrelations, quantiles, and residuals against the fit.

    Raises
    ------
    ImportError
        Matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("diagnostics are drawn by matplotlib: install it") from None
    whitened = whiten(residuals, sequences, rho)
    known = sorted(each for each in whitened if not math.isnan(each))
    n = len(known)
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    heights = correlate(whitened, sequences)
    left.bar(range(1, len(heights) + 1), heights, width=0.4)
    for limit in (-SIGNIFICANT, SIGNIFICANT):
        left.axhline(limit / math.sqrt(n), linestyle="--", linewidth=1)
    left.set(title="Autocorrelation", xlabel="lag (steps)")
    deviation = math.sqrt(sum(each**2 for each in known) / n)
    quantiles = [NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)]
    middle.plot(quantiles, known, "o", markersize=3)
    ends = [quantiles[0], quantiles[-1]]
    middle.plot(ends, [deviation * end for end in ends], linewidth=1)
    middle.set(title="Quantiles", xlabel="of the normal distribution", ylabel="of the residuals")
    right.plot(predictions, whitened, "o", markersize=3)
    right.axhline(0.0, linewidth=1)
    right.set(title="Residuals", xlabel="fit", ylabel="residual")
    return figure
