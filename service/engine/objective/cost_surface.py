"""The cost on a grid of the two weights."""

from math import isfinite
from typing import NamedTuple

import numpy as np

from service.engine.objective.objective import Objective
from service.engine.types import Array, Weights


class CostSurface(NamedTuple):
    """The cost on a grid of weights."""

    w_in: Array  # (nx,), the columns
    w_rec: Array  # (ny,), the rows
    cost: Array  # (ny, nx); inf where it overflows, never nan
    minimum: Weights  # the first grid point, row by row, of the lowest cost
    minimum_cost: float  # inf where every cost overflows
    n_overflowed: int  # the number of costs that overflow


def cost_surface(objective: Objective, w_in: Array, w_rec: Array) -> CostSurface:
    """Evaluate the cost for every pair of weights on a grid.

    Parameters
    ----------
    objective
        The cost as a function of both weights.
    w_in : (nx,)
    w_rec : (ny,)
        Finite, as w_in is.

    Returns
    -------
    CostSurface
        Costs (ny, nx), and the lowest one.
    """
    cost = objective.costs(w_in[None, :], w_rec[:, None])
    row, column = divmod(int(cost.argmin()), w_in.size)
    return CostSurface(
        w_in=w_in,
        w_rec=w_rec,
        cost=cost,
        minimum=Weights(float(w_in[column]), float(w_rec[row])),
        minimum_cost=float(cost[row, column]),
        n_overflowed=0 if isfinite(cost.max()) else int(np.count_nonzero(np.isinf(cost))),
    )
