"""The norms and the rank of the columns of a problem."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import find_singular_values
from service.engine.fit import constants
from service.engine.fit.model.design import Responses
from service.engine.fit.model.sequences import Sequences
from service.engine.fit.model.unknowns import Unknowns
from service.engine.interruption import check_interruption
from service.engine.types import Array


def find_sizes(columns: NDArray[Any]) -> Array:
    """Return the norms of columns.

    Parameters
    ----------
    columns : (W, M, n)
        The columns.

    Returns
    -------
    sizes : (W, n)
        1 for those that count as 0.
    """
    squares = np.einsum("wmn,wmn->wn", columns, columns)
    norms = np.sqrt(squares)
    for place, column in np.argwhere(~((squares > constants.LEAST_SQUARE) & (squares < np.inf))):
        values = columns[place, :, column]
        peak = float(np.abs(values).max()) or 1.0
        norms[place, column] = peak * np.linalg.norm(values / peak)  # without underflow
    return np.where(norms >= constants.LEAST_COLUMN, norms, 1.0)


def count_own(unknowns: Unknowns, sequences: Sequences, w_rec: tuple[float, float]) -> int:
    """Return the number of unknowns of single sequences that their targets determine.

    Parameters
    ----------
    unknowns
        The unknowns. Constant inputs are like the offset.
    sequences
        All sequences.
    w_rec
        The range of the poles.

    Returns
    -------
    n_unknowns
        Of all sequences, at generic poles.
    """
    place = _list_generic(unknowns.n_states, w_rec)[:1, :1].repeat(unknowns.n_states, axis=1)
    values = Responses(unknowns, place, sequences).rows
    columns = sequences.eliminate(values, unknowns.n_own_columns).columns
    return int(np.count_nonzero(sequences.sum(columns**2)))


def find_rank(unknowns: Unknowns, sequences: Sequences, w_rec: tuple[float, float]) -> int:
    """Return the rank of the columns of a problem at generic poles.

    Parameters
    ----------
    unknowns
        The unknowns.
    sequences
        All sequences, or fewer with the same sums of squares.
    w_rec
        The range of the poles.

    Returns
    -------
    rank
        Without the columns of single sequences.
    """
    rank = 0
    for place in _list_generic(unknowns.n_states, w_rec):
        values = Responses(unknowns, place[None], sequences).rows
        sizes = find_sizes(values[..., unknowns.n_own_columns : -1])
        values = sequences.eliminate(values, unknowns.n_own_columns).rest
        singular_values = find_singular_values(
            values[..., unknowns.linear_columns.unknowns] / sizes[:, None]
        )
        rank = max(rank, int(np.sum(singular_values > constants.RANK_RTOL)))
        check_interruption()
        if rank == unknowns.linear_columns.n_unknowns:
            break
    return rank


def _list_generic(n_states: int, w_rec: tuple[float, float]) -> Array:
    """Return generic places (5, K) in a range of poles."""
    low, high = np.clip(w_rec, -1.0, 1.0)  # large powers hide the rank
    shifts = range(n_states)
    generic = np.stack([np.roll(constants.GENERIC, shift) for shift in shifts], axis=1)
    return np.asarray(low + (high - low) * generic)
