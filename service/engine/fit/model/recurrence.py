"""The recurrence of states, and the noise of an autoregression after a gap."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.engine.types import BLOCK, Array


def split(n: int, n_numbers: int) -> Iterator[slice]:
    """Yield slices of at most ``BLOCK`` numbers.

    Parameters
    ----------
    n
        The number of items.
    n_numbers
        The numbers per item.

    Yields
    ------
    items : slice
        Of at least one item.
    """
    size = max(1, BLOCK // max(n_numbers, 1))
    return (slice(start, start + size) for start in range(0, n, size))


def recur(pole: complex | Array, x: NDArray[Any]) -> NDArray[Any]:
    """Return S_k = pole S_(k-1) + x_k for rows x, along axis 1.

    Parameters
    ----------
    pole
        The weight of the previous state, or that (T,) of each state in the next one.
    x : (N, T, m)
        The inputs of the recurrence.

    Returns
    -------
    states : (N, T, m)
        The states after each step; 0 before the first.
    """
    rows = np.array(np.swapaxes(x, 1, 2), np.result_type(x, pole), order="C")
    _substitute(pole, rows)
    return np.swapaxes(rows, 1, 2)


def substitute(poles: NDArray[Any], x: NDArray[Any]) -> None:
    """Replace x by the states S_k = pole S_(k-1) + x_k along the last axis, for W poles at once.

    Parameters
    ----------
    poles : (W,)
        The weights of the previous states.
    x : (..., W, T)
        The inputs of the recurrences, contiguous in memory.
    """
    weights = np.tile(poles[:, None], x.shape[-1])
    weights[:, -1:] = 0.0  # no state precedes those of another pole
    _substitute(weights.ravel(), x.reshape(*x.shape[:-2], weights.size))


def _substitute(pole: complex | NDArray[Any], rows: NDArray[Any]) -> None:
    """Replace rows (..., T) by their states: a forward substitution in a band matrix."""
    # `scipy.signal.lfilter` is as fast, but its import takes longer than a short fit.
    from scipy.linalg.lapack import dtbtrs, ztbtrs  # noqa: PLC0415 - takes long to import

    if not rows.size:  # the wrapper of LAPACK writes one column even if there is none
        return
    bands = np.ones((2, rows.shape[-1]), rows.dtype, order="F")
    bands[1] = -pole
    solve = ztbtrs if np.iscomplexobj(rows) else dtbtrs
    solve(bands, rows.reshape(-1, rows.shape[-1]).T, uplo="L", diag="U", overwrite_b=True)


def delay(states: NDArray[Any], axis: int = -2) -> NDArray[Any]:
    """Return states one step later, after a state of 0.

    Parameters
    ----------
    states
        Of any shape.
    axis
        That of the steps.

    Returns
    -------
    states
        A copy of the same shape and layout.
    """
    later = np.zeros_like(states)
    np.moveaxis(later, axis, -1)[..., 1:] = np.moveaxis(states, axis, -1)[..., :-1]
    return later


def spread(rho: Array | float, gaps: Array | float) -> Array:
    """Return the standard deviation of noise after a gap, relative to that of one step.

    Parameters
    ----------
    rho, gaps
        Numbers, or arrays that are broadcast.

    Returns
    -------
    deviations
        1 after a gap of one step.
    """
    squared = np.square(rho)
    return np.asarray(np.sqrt((1.0 - squared**gaps) / (1.0 - squared)))
