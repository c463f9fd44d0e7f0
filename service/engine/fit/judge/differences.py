"""Differences between sequences: a gain or a time constant of their own.

They look like autocorrelated noise, and a fitted rho would swallow them. So the residuals are
whitened by the rho that remains once each sequence has a level, a gain and a slope of its own.
"""

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from service.engine.arithmetic import decompose
from service.engine.fit import constants
from service.engine.fit.judge.findings import Finding, find_rare
from service.engine.fit.judge.residuals import simulate_residuals
from service.engine.fit.solve import Linearization, Solution, linearize
from service.engine.types import Array


def compare_sequences(solution: Solution) -> Finding | None:
    """Test whether all sequences have the same gains and the same w_rec.

    Parameters
    ----------
    solution
        A fit with residuals to judge.

    Returns
    -------
    Finding or None
        `sequences_differ`; None if it is not significant, or if there is nothing to compare.
    """
    problem = solution.problem
    edges = problem.sequences.edges
    if len(edges) < 2 or problem.unknowns.columns.n_inputs == 0:
        return None
    white = replace(solution.best, rho=np.zeros(1))
    rho = _estimate_rho(linearize(solution.criterion, white))
    residuals = simulate_residuals(solution, rho)
    linearization = residuals.linearization
    sequences = problem.sequences
    columns = [*linearization.fitted.unexplained[0].T[..., None]]
    if not problem.unknowns.has_own_gains:
        response = sequences.whiten(_respond(linearization), linearization.rho)
        response = sequences.remove_own(linearization.fitted.own[0], response)
        columns.insert(0, response)
    sizes = []
    for column in columns:
        squares = np.add.reduceat(column**2, edges)
        sums = residuals.compare(partial(_sum_products, column, edges))
        least = constants.EXPLAINED_RTOL**2 * squares.max()
        ratios = np.zeros_like(sums)
        np.divide(sums**2, squares, out=ratios, where=squares > least)
        total = ratios.sum(axis=0)
        deviation = max(float(total[1:].std()), constants.TINY)
        sizes.append((total - total[1:].mean()) / deviation)
    return find_rare(Finding("sequences_differ"), np.max(sizes, axis=0))


def _sum_products(column: Array, edges: NDArray[np.intp], values: Array) -> Array:
    """Return the sums (N, b) of the products of a column (n, 1) and values (n, b)."""
    return np.asarray(np.add.reduceat(column * values, edges))


def _respond(linearization: Linearization) -> Array:
    """Return the part of the predictions (n, 1) that the inputs with fitted weights explain.

    With own weights, it is a part (n, q) for each input, up to its weight.
    """
    problem = linearization.problem
    columns = linearization.rows.values[0][:, problem.unknowns.columns.inputs]
    if problem.unknowns.has_own_gains:
        return np.asarray(columns)
    weights = linearization.fitted.theta[0, problem.unknowns.linear_columns.inputs]
    return np.asarray(columns @ weights)[:, None]


def _estimate_rho(white: Linearization) -> float:
    """Return the rho that each sequence leaves with a level, a gain and a slope of its own.

    The regressions make successive residuals correlate by themselves, which is subtracted.
    """
    sequences = white.problem.sequences
    ones = np.ones_like(white.observed) / sequences.scales
    columns = np.concatenate([ones, _respond(white), white.fitted.unexplained[0]], axis=1)
    columns /= np.maximum(np.linalg.norm(columns, axis=0), constants.TINY)
    sums = np.zeros(4)  # of the products and the squares of residuals, and what they would be
    for rows in np.split(np.arange(len(ones)), sequences.edges[1:]):
        left, sizes, _ = decompose(columns[rows])
        basis = left[:, sizes > constants.UNEXPLAINED_RTOL * sizes.max()]
        rest = white.observed[rows, 0] - basis @ (basis.T @ white.observed[rows, 0])
        products = -np.sum(basis[1:] * basis[:-1])
        sums += [rest[1:] @ rest[:-1], rest @ rest, products, len(rows) - basis.shape[1]]
    if sums[1] <= constants.TINY or sums[3] <= 0.0:
        return 0.0
    own = sums[2] / sums[3]
    correlation = (sums[0] / sums[1] - own) / max(1.0 + 2.0 * own, constants.LEAST_SHARE)
    limited = min(max(correlation, 0.0), constants.MAX_OWN_CORRELATION)
    return float(limited ** (1.0 / sequences.usual_gap))
