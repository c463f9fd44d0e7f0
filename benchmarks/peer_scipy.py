"""Common methods to fit a first-order recurrence: SciPy, a grid with regression, and ARX.

All except ARX, which predicts one step ahead, fit w_rec, the weights, an offset and the start of
one sequence to its targets by least squares.
"""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit, least_squares, minimize_scalar
from scipy.signal import lfilter

Array = NDArray[np.float64]
BOUND = 1e-9  # the distance of the bounds of w_rec from 1
ADSTOCK_GRID = np.arange(10) / 10


def predict(inputs: Array, parameters: Array) -> Array:
    """Return the outputs (T,) for w_rec, the weights (q), the offset and the start."""
    w_rec, *weights, offset, start = parameters
    driven = lfilter([1.0], [1.0, -w_rec], inputs @ np.array(weights))
    with np.errstate(over="ignore", under="ignore"):
        outputs: Array = driven + start * w_rec ** np.arange(1, len(inputs) + 1) + offset
    return outputs


def project(inputs: Array, targets: Array, w_rec: float) -> Array:
    """Return the parameters with the lowest cost for a w_rec, by regression."""
    columns = [
        lfilter([1.0], [1.0, -w_rec], inputs, axis=0),
        np.ones((len(inputs), 1)),
        (w_rec ** np.arange(1, len(inputs) + 1))[:, np.newaxis],
    ]
    seen = ~np.isnan(targets)
    solution, *_ = np.linalg.lstsq(np.hstack(columns)[seen], targets[seen], rcond=None)
    return np.concatenate([[w_rec], solution])


def cost(inputs: Array, targets: Array, parameters: Array) -> float:
    """Return the mean squared error; infinite without parameters."""
    with np.errstate(all="ignore"):
        value = float(np.nanmean((predict(inputs, parameters) - targets) ** 2))
    return value if np.isfinite(value) else np.inf


def _residuals(inputs: Array, targets: Array) -> Callable[[Array], Array]:
    seen = ~np.isnan(targets)

    def residuals(parameters: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.nan_to_num(predict(inputs, parameters) - targets, nan=1e150)[seen]

    return residuals


def sensible_start(inputs: Array, targets: Array) -> Array:
    """Return w_rec 0.5, and the regression with it."""
    return project(inputs, targets, 0.5)


def curve_fit_from(inputs: Array, targets: Array, start: Array | None) -> Array:
    """Fit with ``curve_fit`` without bounds; None is its default start, ones."""
    seen = ~np.isnan(targets)

    def model(_: Array, *parameters: float) -> Array:
        with np.errstate(all="ignore"):
            return np.nan_to_num(predict(inputs, np.array(parameters)), nan=1e150)[seen]

    n = inputs.shape[1] + 3
    p0 = np.ones(n) if start is None else start
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, _ = curve_fit(model, np.flatnonzero(seen), targets[seen], p0)
    parameters: Array = found
    return parameters


def curve_fit_default(inputs: Array, targets: Array) -> Array:
    """Fit with ``curve_fit`` as it is called without a start."""
    return curve_fit_from(inputs, targets, None)


def curve_fit_sensible(inputs: Array, targets: Array) -> Array:
    """Fit with ``curve_fit`` from a sensible start."""
    return curve_fit_from(inputs, targets, sensible_start(inputs, targets))


def least_squares_bounded(inputs: Array, targets: Array) -> Array:
    """Fit with ``least_squares`` from a sensible start, 0 ≤ w_rec ≤ 1."""
    start = sensible_start(inputs, targets)
    low = np.full(len(start), -np.inf)
    low[0] = 0.0
    high = -low
    high[0] = 1.0 - BOUND
    found = least_squares(
        _residuals(inputs, targets), start, bounds=(low, high), x_scale="jac", max_nfev=2000
    )
    parameters: Array = found.x
    return parameters


def brent(inputs: Array, targets: Array) -> Array:
    """Fit by variable projection with Brent's method on [0, 1]."""
    found = minimize_scalar(
        lambda w: cost(inputs, targets, project(inputs, targets, float(w))),
        bounds=(0.0, 1.0),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return project(inputs, targets, float(found.x))


def adstock_grid(inputs: Array, targets: Array) -> Array:
    """Fit as tools for media mix models do: the best of 0.0, 0.1 … 0.9, with regression."""
    candidates = [project(inputs, targets, w_rec) for w_rec in ADSTOCK_GRID]
    return min(candidates, key=lambda found: cost(inputs, targets, found))


def arx(inputs: Array, targets: Array) -> Array:
    """Regress each target on the previous target and the inputs, then fit the start.

    The weights are those that predict one step ahead. The offset follows from the constant.
    """
    rows = np.column_stack([targets[:-1], inputs[1:], np.ones(len(targets) - 1)])
    known = ~np.isnan(rows).any(axis=1) & ~np.isnan(targets[1:])
    if known.sum() < rows.shape[1]:
        raise ValueError("too few pairs of neighboring targets")
    found, *_ = np.linalg.lstsq(rows[known], targets[1:][known], rcond=None)
    w_rec, weights, constant = found[0], found[1:-1], found[-1]
    offset = constant / (1.0 - w_rec)
    driven = predict(inputs, np.array([w_rec, *weights, offset, 0.0]))
    powers = w_rec ** np.arange(1, len(targets) + 1)
    seen = ~np.isnan(targets)
    start = (powers[seen] @ (targets - driven)[seen]) / (powers[seen] @ powers[seen])
    return np.array([w_rec, *weights, offset, start])


PEERS: dict[str, Callable[[Array, Array], Array]] = {
    "`curve_fit`, default start": curve_fit_default,
    "`curve_fit`, sensible start": curve_fit_sensible,
    "`least_squares`, sensible start, bounds": least_squares_bounded,
    "variable projection, Brent": brent,
    "grid 0.0 … 0.9 with regression": adstock_grid,
    "ARX regression": arx,
}
