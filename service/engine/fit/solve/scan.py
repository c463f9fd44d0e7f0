"""The criterion on a grid of several poles.

All places are compared by products of the responses of all sources to each grid pole, which are
computed once.
"""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.fit import constants
from service.engine.fit.model import FitProblem, Sequences, combine, recur, shorten, split
from service.engine.fit.solve.criterion import Criterion
from service.engine.interruption import check_interruption
from service.engine.profile import make_grid
from service.engine.types import Array


@dataclass(frozen=True, eq=False)
class Scan:
    """The lowest criterion over rho at M places of a grid of K poles.

    Attributes
    ----------
    grid : (G,)
        The values of each pole, increasing.
    indices : (M, K)
        The place in the grid of each pole. Of states with the same inputs, the first has the
        highest pole.
    cost : (M,)
        The criterion, with rounding errors of products of columns.
    """

    grid: Array
    indices: NDArray[np.intp]
    cost: Array

    def find_minima(self) -> Array:
        """Return the places (m, K) that are no higher than all their neighbors, lowest first."""
        shape = (len(self.grid) + 2,) * self.indices.shape[1]
        table = np.full(shape, np.inf)
        table[tuple(self.indices.T + 1)] = self.cost
        is_lowest = np.ones(len(self.cost), bool)
        for move in itertools.product((0, 1, 2), repeat=self.indices.shape[1]):
            is_lowest &= self.cost <= table[tuple((self.indices + move).T)]
        lowest = np.flatnonzero(is_lowest)
        best = lowest[np.argsort(self.cost[lowest])][: constants.POLISHED_MINIMA]
        return self.grid[self.indices[best]]

    def find_floor(self, state: int) -> Array:
        """Return the best place (G, K) with each value of the pole of a state."""
        distance = np.abs(self.indices[:, state] - np.arange(len(self.grid))[:, None])
        is_near = distance == distance.min(axis=1, keepdims=True)
        best = np.argmin(np.where(is_near, self.cost, np.inf), axis=1)
        places = self.grid[self.indices[best]]
        places[:, state] = self.grid
        return places


def scan(problem: FitProblem) -> Scan:
    """Return the criterion on a grid; of very many targets, of the first ones."""
    problem = shorten(problem, constants.SCANNED_TARGETS)
    n_gaps = constants.SCAN_GAPS.get(problem.unknowns.n_states, constants.SCAN_GAPS[4])
    grid, indices = _make_places(problem, n_gaps)
    while len(indices) > constants.MAX_PLACES:  # in a range below 0 as well
        n_gaps -= 1
        grid, indices = _make_places(problem, n_gaps)
    return Scan(grid, indices, _scan(problem, grid, indices))


def _make_places(problem: FitProblem, n_gaps: int) -> tuple[Array, NDArray[np.intp]]:
    """Return a grid (G,) of each pole, and all places (M, K) in it."""
    n_states = problem.unknowns.n_states
    grid = make_grid(problem.targets.shape[1], *problem.options.w_rec, n_gaps)
    indices = np.array(list(itertools.product(range(len(grid)), repeat=n_states)))
    for first, second in itertools.combinations(range(n_states), 2):
        if (problem.unknowns.acts[first] == problem.unknowns.acts[second]).all():
            indices = indices[indices[:, first] > indices[:, second]]
    return grid, indices


def _scan(problem: FitProblem, grid: Array, indices: NDArray[np.intp]) -> Array:
    """Return the lowest criterion (M,) over rho."""
    sequences = problem.compressed
    responses = [recur(pole, sequences.sources)[sequences.has_target] for pole in grid]
    plain = sequences.sources[sequences.has_target]
    targets = sequences.targets[sequences.has_target][:, None]
    columns = np.concatenate([*responses, plain, targets], axis=1) / sequences.scales
    n_contrasts = Criterion(problem).n_contrasts
    rho = np.zeros(1)
    if problem.options.noise == "ar1":
        rho = problem.correlations[::2] ** (1.0 / problem.sequences.usual_gap)
    highest = len(problem.unknowns.states_of_sources) * (len(grid) - 1)
    has_own = problem.unknowns.n_own_columns > 0
    groups = _group(sequences, columns[:, highest]) if has_own else []
    logs_v = problem.sequences.log_determinant(rho).tolist()
    lowest = np.full(len(indices), np.inf)
    n_columns = sum(max(len(states), 1) for states in problem.unknowns.states_of_sources)
    for block in split(len(indices), (n_columns + 1) ** 2):
        places = _combine(problem, grid, indices[block])
        _, white = _eliminate(sequences, groups, columns, places)
        for value, log_v in zip(rho.tolist(), logs_v, strict=True):
            whitened = sequences.whiten(columns, value)
            squares, log_determinant = _eliminate(sequences, groups, whitened, places)
            cost = n_contrasts * np.log(squares) + log_v + log_determinant - white
            lowest[block] = np.minimum(lowest[block], cost)
            check_interruption()
    return lowest


class _Places(NamedTuple):
    """The columns of M places, as combinations of the responses to the poles of a grid."""

    own: NDArray[np.intp]  # (s, M): the numbers of the responses of single sequences
    used: NDArray[np.intp]  # (p, M): those of the other responses, of sources and of the targets
    # The factors (M,) of responses in the n columns of `respond` and in the rest of the targets, by
    # the response and the column; those that are not listed are 0
    factors: dict[tuple[int, int], Array]
    n: int  # the number of these columns, with the rest of the targets


def _combine(problem: FitProblem, grid: Array, indices: NDArray[np.intp]) -> _Places:
    """Return the columns of places as combinations of responses.

    The weights of a cascade c_k by the responses r_j are 1 / prod (w_j - w_l) over l up to k.
    """
    poles = grid[indices]
    n_places = len(poles)
    sources = [*problem.unknowns.states_of_sources]
    order = [*range(len(sources))]
    if problem.unknowns.has_own_offsets:
        offset = problem.sequences.columns.offset.start
        sources[offset] = ()  # with the starts, it spans the same as its responses
        order.insert(0, order.pop(offset))
    names = [(source, state) for source in order for state in sources[source] or (None,)]
    n = len(names) + 1
    used = np.full((n, n_places), len(sources) * (len(grid) + 1))
    for column, (source, state) in enumerate(names):
        place = len(grid) if state is None else indices[:, state]
        used[column] = len(sources) * place + source
    cascades = np.zeros((n_places, n, len(problem.unknowns.responses)))
    for (source, k), place in problem.unknowns.responses.items():
        start = [s for s, _ in names].index(source)
        states = sources[source][: k + 1]
        if not states:
            cascades[:, start, place] = 1.0
        for j, state in enumerate(states):
            others = [other for other in states if other != state]
            gaps = np.prod(poles[:, [state]] - poles[:, others], axis=1)
            np.divide(1.0, gaps, out=cascades[:, start + j, place], where=gaps != 0.0)
    factors = cascades @ combine(problem.unknowns, poles)
    factors[:, -1, -1] += 1.0
    n_own = problem.unknowns.n_own_columns
    of_others = np.moveaxis(factors[:, n_own:, n_own:], 0, -1)
    listed = np.argwhere((of_others != 0.0).any(axis=2)).tolist()
    return _Places(
        used[:n_own],
        used[n_own:],
        {(row, column): of_others[row, column].copy() for row, column in listed},
        of_others.shape[1],
    )


def _eliminate(
    sequences: Sequences, groups: list[NDArray[np.intp]], columns: Array, places: _Places
) -> tuple[Array, Array]:
    """Return sums of squared residuals and log determinants (M,) of columns at all places.

    Products of columns are eliminated a column at a time: first those of each sequence.
    """
    used = places.used
    log_determinants = np.zeros(used.shape[1])
    products = _take_pairs(columns.T @ columns, used, used)
    for group in groups:
        owners = sequences.sequence[group[:, 0]]
        weight = sequences.multiplicity[owners].sum()
        for block in split(used.shape[1], len(group) * len(used) * len(places.own)):
            explained, logs = _explain_by_own(columns[group], places.own[:, block], used[:, block])
            products[..., block] -= explained
            log_determinants[block] += logs * weight
    of_columns = np.zeros((len(used), places.n, used.shape[1]))
    for (row, column), factor in places.factors.items():
        of_columns[:, column] += products[:, row] * factor
    total = np.zeros((places.n, *of_columns.shape[1:]))
    for (row, column), factor in places.factors.items():
        total[column] += of_columns[row] * factor
    sizes = np.maximum(np.einsum("iim->im", total), 0.0)
    for size in sizes[:-1]:
        total, logs = _eliminate_first(total, size)
        log_determinants += logs
    least = constants.DIFFERENCE_RTOL * sizes[-1] + constants.TINY
    return np.maximum(total[0, 0], least), log_determinants


def _group(sequences: Sequences, start: Array) -> list[NDArray[np.intp]]:
    """Return the rows (n, T) of all sequences with the same response (n,) to their starts."""
    padded = np.zeros(sequences.targets.shape)
    padded[sequences.has_target] = start
    keys = np.concatenate([sequences.has_target, padded], axis=1)
    owners = sequences.sequence[sequences.edges]
    _, group = np.unique(keys[owners], axis=0, return_inverse=True)
    rows = np.split(np.arange(len(start)), sequences.edges[1:])
    return [
        np.stack([rows[i] for i in np.flatnonzero(group.ravel() == k)])
        for k in range(group.max() + 1)
    ]


def _explain_by_own(
    columns: Array, own: NDArray[np.intp], used: NDArray[np.intp]
) -> tuple[Array, Array]:
    """Return the products (p, p, M) that own columns explain, and the logs (M,) of their pivots.

    The sequences (n, T, ...) have equal columns of their own.
    """
    numbers, places = np.unique(own, return_inverse=True)
    places = places.reshape(own.shape)
    responses = columns[0][:, numbers]
    gram = _take_pairs(responses.T @ responses, places, places)
    products = _take_pairs(responses.T @ columns, places, used)
    sizes = np.einsum("iim->im", gram)
    explained = np.zeros((len(used), *used.shape))
    log_determinants = np.zeros(used.shape[1])
    for size in sizes:
        is_collinear = gram[0, 0] <= constants.SCAN_RTOL * size + constants.TINY
        pivots = np.where(is_collinear, 1.0, gram[0, 0])
        shares = np.where(is_collinear, 0.0, 1.0 / pivots)
        row = products[:, 0]
        explained += np.einsum("nim,njm->ijm", row * shares, row)
        log_determinants += np.log(pivots)
        parts = gram[1:, 0] * shares
        products = products[:, 1:] - parts[:, None] * row[:, None]
        gram = gram[1:, 1:] - parts[:, None] * gram[0, 1:]
    return explained, log_determinants


def _take_pairs(table: Array, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
    """Return the entries (..., r, c, M) of tables (..., R, C) in rows (r, M) and columns (c, M)."""
    pairs = rows[:, None] * table.shape[-1] + columns
    flat = table.reshape(*table.shape[:-2], -1)
    return np.asarray(np.take(flat, pairs, axis=-1))


def _eliminate_first(normal: Array, sizes: Array) -> tuple[Array, Array]:
    """Return normal matrices without their first column, and the logarithms of its pivots."""
    floor = constants.SCAN_RTOL * sizes + constants.TINY
    is_collinear = normal[0, 0] <= floor
    pivots = np.where(is_collinear, floor, normal[0, 0])
    shares = np.zeros_like(normal[1:, 0])
    np.divide(normal[1:, 0], pivots, out=shares, where=~is_collinear)
    return normal[1:, 1:] - shares[:, None] * normal[0, 1:], np.log(pivots)
