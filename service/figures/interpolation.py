"""Cost surfaces that are computed at some pixels and interpolated between them."""

from math import inf

import numpy as np
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.heatmap import Log10Cost


def interpolate(log10_cost: Log10Cost, stride: int) -> Log10Cost:
    """Return a function that evaluates ``log10_cost`` at every ``stride``-th weight per axis.

    Between these weights, and the last one of each axis, the logarithm is interpolated
    bilinearly. A cost of 0 counts as a tenth of the lowest other cost.
    """
    if stride == 1:
        return log10_cost

    def interpolated(w_in: Array, w_rec: Array) -> Array:
        columns, left, across = _nodes(w_in.size, stride)
        rows, above, down = _nodes(w_rec.size, stride)
        values = log10_cost(w_in[:, columns], w_rec[rows])
        lowest = np.min(values, initial=0.0, where=np.isfinite(values))
        values = np.where(values == -inf, lowest - 1, values)
        with np.errstate(invalid="ignore"):  # beside an infinity, the result may be nan
            values = values[:, left] * (1 - across) + values[:, left + 1] * across
            return values[above] * (1 - down[:, None]) + values[above + 1] * down[:, None]

    return interpolated


def _nodes(count: int, stride: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """Return the indices of nodes, and for each index its lower node and the fraction beyond it."""
    nodes = np.append(np.arange(0, count - 1, stride), count - 1)
    if nodes.size == 1:
        nodes = np.repeat(nodes, 2)
    position = np.interp(np.arange(count), nodes, np.arange(nodes.size))
    lower = np.minimum(position.astype(np.intp), nodes.size - 2)
    return nodes, lower, position - lower
