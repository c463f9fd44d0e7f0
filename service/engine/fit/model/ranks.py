"""The norms and the rank of the columns of a problem."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import find_singular_values
from service.engine.fit import constants
from service.engine.fit.model.design import respond_at_targets
from service.engine.interruption import check_interruption
from service.engine.types import Array

if TYPE_CHECKING:  # it has a rank
    from service.engine.fit.model.problem import FitProblem


def find_sizes(problem: "FitProblem", values: NDArray[Any]) -> Array:
    """Return the norms of columns.

    Parameters
    ----------
    problem
        The unknowns.
    values : (W, M, n + 1)
        The columns after those of single sequences, and the rest of the targets.

    Returns
    -------
    sizes : (W, n)
        1 for those that count as 0.
    """
    columns = values[..., problem.n_own_columns : -1]
    peaks = np.abs(columns).max(axis=1, keepdims=True)
    peaks[peaks == 0.0] = 1.0
    norms = peaks[:, 0] * np.linalg.norm(columns / peaks, axis=1)  # without underflow
    return np.where(norms >= constants.LEAST_COLUMN, norms, 1.0)


def count_own(problem: "FitProblem") -> int:
    """Return the number of unknowns of single sequences that their targets determine.

    Parameters
    ----------
    problem
        The unknowns and the data. Constant inputs are like the offset.

    Returns
    -------
    n_unknowns
        Of all sequences, at generic poles.
    """
    low, high = np.clip(problem.options.w_rec, -1.0, 1.0)  # large powers hide the rank
    place = low + (high - low) * constants.GENERIC[:1]
    sequences = problem.sequences
    values = respond_at_targets(problem, np.tile(place, (1, problem.n_states)), sequences)
    columns = sequences.eliminate(values, problem.n_own_columns).columns
    return int(np.count_nonzero(sequences.sum(columns**2)))


def find_rank(problem: "FitProblem") -> int:
    """Return the rank of the columns of a problem at generic poles.

    Parameters
    ----------
    problem
        The unknowns and the data.

    Returns
    -------
    rank
        Without the columns of single sequences.
    """
    low, high = np.clip(problem.options.w_rec, -1.0, 1.0)  # large powers hide the rank
    shifts = range(problem.n_states)
    generic = np.stack([np.roll(constants.GENERIC, shift) for shift in shifts], axis=1)
    rank = 0
    for place in low + (high - low) * generic:
        values = respond_at_targets(problem, place[None], problem.compressed)
        sizes = find_sizes(problem, values)
        values = problem.compressed.eliminate(values, problem.n_own_columns).rest
        singular_values = find_singular_values(
            values[..., problem.linear_columns.unknowns] / sizes[:, None]
        )
        rank = max(rank, int(np.sum(singular_values > constants.RANK_RTOL)))
        check_interruption()
        if rank == problem.linear_columns.n_unknowns:
            break
    return rank
