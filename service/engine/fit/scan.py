"""The criterion on a grid of several poles.

All places are compared by products of the responses of all sources to each grid pole, which are
computed once.
"""

import itertools
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from service.engine.fit import constants
from service.engine.fit.criterion import Criterion
from service.engine.fit.design import assemble
from service.engine.fit.problem import FitProblem, shorten
from service.engine.fit.sequences import Sequences, recur
from service.engine.interruption import BlockResult, check_interruption, recall
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
    n_states = problem.n_states
    n_gaps = constants.SCAN_GAPS.get(n_states, constants.SCAN_GAPS[4])
    n_steps = problem.targets.shape[1]
    grid = make_grid(n_steps, *problem.options.w_rec, n_gaps)
    indices = np.array(list(itertools.product(range(len(grid)), repeat=n_states)))
    for first, second in itertools.combinations(range(n_states), 2):
        if (problem.acts[first] == problem.acts[second]).all():
            indices = indices[indices[:, first] > indices[:, second]]
    (cost,) = recall(partial(_scan, problem, grid, indices))
    return Scan(grid, indices, cost)


def _scan(problem: FitProblem, grid: Array, indices: NDArray[np.intp]) -> BlockResult:
    """Return the lowest criterion (M,) over rho."""
    sequences = problem.compressed
    responses = [recur(pole, sequences.sources)[sequences.has_target] for pole in grid]
    plain = sequences.sources[sequences.has_target]
    targets = sequences.targets[sequences.has_target][:, None]
    columns = np.concatenate([*responses, plain, targets], axis=1)
    used, factors = _combine(problem, grid, indices)
    n_contrasts = Criterion(problem).n_contrasts
    rho = np.zeros(1)
    if problem.options.noise == "ar1":
        rho = problem.correlations[::2] ** (1.0 / problem.sequences.usual_gap)
    _, white = _eliminate(problem, sequences, columns, used, factors)
    lowest = np.full(len(indices), np.inf)
    for value, log_v in zip(rho.tolist(), problem.sequences.log_determinant(rho), strict=True):
        whitened = sequences.whiten(columns, value)
        squares, log_determinant = _eliminate(problem, sequences, whitened, used, factors)
        lowest = np.minimum(lowest, n_contrasts * np.log(squares) + log_v + log_determinant - white)
        check_interruption()
    return (lowest,)


def _combine(
    problem: FitProblem, grid: Array, indices: NDArray[np.intp]
) -> tuple[NDArray[np.intp], Array]:
    """Return which responses make the columns of each place, and their factors.

    The weights of a cascade c_k by the responses r_j are 1 / prod (w_j - w_l) over l up to k.

    Returns
    -------
    used : (M, p)
        The numbers of responses, of sources, and of the targets.
    factors : (M, p, n + 1)
        Of the columns of `respond` and the rest of the targets.
    """
    poles = grid[indices]
    n_places = len(poles)
    sources = problem.states_of_sources
    names = [(s, state) for s, states in enumerate(sources) for state in states or (None,)]
    n = len(names) + 1
    used = np.full((n_places, n), len(sources) * (len(grid) + 1))
    chains: list[list[Array]] = [[] for _ in sources]
    for column, (source, state) in enumerate(names):
        place = len(grid) if state is None else indices[:, state]
        used[:, column] = len(sources) * place + source
    for source, states in enumerate(sources):
        start = [s for s, _ in names].index(source)
        for k in range(max(len(states), 1)):
            weights = np.zeros((n_places, 1, n))
            for j, state in enumerate(states[: k + 1]):
                others = [other for other in states[: k + 1] if other != state]
                gaps = np.prod(poles[:, [state]] - poles[:, others], axis=1)
                np.divide(1.0, gaps, out=weights[:, 0, start + j], where=gaps != 0.0)
            if not states:
                weights[:, 0, start] = 1.0
            chains[source].append(weights)
    factors = assemble(problem, poles, chains)[:, 0]
    factors[:, -1, -1] += 1.0
    return used, factors


def _eliminate(
    problem: FitProblem,
    sequences: Sequences,
    columns: Array,
    used: NDArray[np.intp],
    factors: Array,
) -> tuple[Array, Array]:
    """Return sums of squared residuals and log determinants (M,) of columns at all places.

    Products of columns are eliminated a column at a time: first the starts of each sequence.
    """
    n_own = problem.n_starts_per_sequence
    log_determinants = np.zeros(len(used))
    groups = np.split(np.arange(len(columns)), sequences.edges[1:] if n_own > 0 else [])
    multiplicity = sequences.multiplicity[sequences.sequence[sequences.edges]]
    total = np.zeros((len(used), factors.shape[2] - n_own, factors.shape[2] - n_own))
    for rows, weight in zip(groups, multiplicity if n_own > 0 else [1.0], strict=True):
        products = columns[rows].T @ columns[rows]
        normal = products[used[:, :, None], used[:, None, :]]
        normal = np.swapaxes(factors, 1, 2) @ normal @ factors
        sizes = np.diagonal(normal, axis1=1, axis2=2)
        for column in range(n_own):
            normal, logs = _eliminate_first(normal, sizes[:, column])
            log_determinants += weight * logs
        total += normal
    sizes = np.maximum(np.diagonal(total, axis1=1, axis2=2), 0.0)
    for column in range(total.shape[1] - 1):
        total, logs = _eliminate_first(total, sizes[:, column])
        log_determinants += logs
    least = constants.DIFFERENCE_RTOL * sizes[:, -1] + constants.TINY
    return np.maximum(total[:, 0, 0], least), log_determinants


def _eliminate_first(normal: Array, sizes: Array) -> tuple[Array, Array]:
    """Return normal matrices without their first column, and the logarithms of its pivots."""
    pivots = normal[:, :1, :1]
    floor = constants.SCAN_RTOL * sizes[:, None, None] + constants.TINY
    is_collinear = pivots <= floor
    pivots = np.where(is_collinear, floor, pivots)
    shares = np.where(is_collinear, 0.0, normal[:, 1:, :1] / pivots)
    return normal[:, 1:, 1:] - shares * normal[:, :1, 1:], np.log(pivots[:, 0, 0])
