"""Whether the inputs have a visible effect.

The gain of all inputs, in the criterion of ar1 noise, is compared with that of targets simulated
without inputs, for which the delay, w_rec and rho are searched again. The noise of the simulation
is ar1 even if that of the fit is white: with white noise a drifting target would follow any slow
input.
"""

import math
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from service.engine.data import Series
from service.engine.fit.linear import solve
from service.engine.fit.linearization import Linearization, draw
from service.engine.fit.noise import Noise, whiten
from service.engine.fit.problem import Problem, split
from service.engine.fit.rows import Rows, find_shares
from service.engine.fit.solution import COARSE_GAPS, Solution
from service.engine.interruption import BlockResult, check_interruption, recall
from service.engine.profile import make_grid
from service.engine.types import Array

ALPHA: Final = 0.04  # how often inputs without an effect may seem to have one
CLEAR: Final = ALPHA / 5  # what the first targets must show where there are many
NUMBERS: Final = 500_000  # about the most that are simulated
SIMULATIONS: Final = 199  # the most simulated vectors
ENOUGH: Final = 2000  # targets that suffice for a first judgment
CONFOUNDED: Final = 1e-6  # a smaller gain is rounding


class Effect(NamedTuple):
    """Whether an effect is visible, and the p-value."""

    visible: bool
    p: float


def shorten(problem: Problem) -> Problem:
    """Return the problem with its first targets only, where there are very many."""
    if problem.n_targets <= ENOUGH:
        return problem
    series = problem.series
    end = int(np.flatnonzero(~np.isnan(series.targets))[ENOUGH - 1]) + 1
    lengths = np.diff(np.minimum(series.starts, end))
    inputs, targets = series.inputs[:end], series.targets[:end]
    short = Series(inputs, targets, lengths[lengths > 0], series.input_names)
    return Problem(short, problem.options, problem.delay)


def judge_effect(problem: Problem) -> Effect | None:
    """Return whether any input has a visible effect; None where a start explains the same."""
    series, options, n = problem.series, problem.options, problem.n_targets
    blank = Series(series.inputs[:, :0], series.targets, series.lengths, ())
    null = Problem(blank, replace(options, gains={}, noise="ar1"))
    w = make_grid(problem.targets.shape[1], *options.w_rec, COARSE_GAPS)
    noise = Noise(problem)
    rho = noise.to_rho(noise.correlations[1:-2])
    if n > ENOUGH:
        w, rho = w[::3], rho[::2]
    solution = Solution(null)
    points = solution.evaluate(w)
    fitted = Linearization(solution, points[np.argsort(points.cost)[:1]])
    n_contrasts = max(n - problem.n_unknowns, 1)
    deviation = float(np.linalg.norm(fitted.observed)) / math.sqrt(n_contrasts)
    observed = problem.sequences.targets[problem.sequences.has_target][:, None]
    innovations = deviation * draw(n, NUMBERS, SIMULATIONS) - fitted.observed
    targets = np.concatenate([observed, observed + fitted.color(innovations)], axis=1)
    low, high = options.delay
    tried = [Problem(series, options, delay) for delay in range(low, high + 1)]
    full = [find_lowest(model, w, rho, targets, n_contrasts) for model in tried]
    gains = find_lowest(null, w, rho, targets, n_contrasts) - np.min(full, axis=0)
    sizes = np.abs(gains)
    if sizes[0] < CONFOUNDED and np.median(sizes) < CONFOUNDED:
        return None
    p = float(np.mean(gains >= gains[0] - 1e-9))
    return Effect(p <= ALPHA, p)


def find_lowest(problem: Problem, w: Array, rho: Array, targets: Array, n_contrasts: int) -> Array:
    """Return the lowest criterion of ar1 noise on a grid, for many vectors of targets.

    Parameters
    ----------
    problem
        What is fitted to each of the vectors.
    w : (W,)
    rho : (R,)
    targets : (n, B)
        In the units of the problem.
    n_contrasts
        Takes the place of nu + 1, so that problems compare.

    Returns
    -------
    criteria : (B,)
    """
    blocks = split(len(w), problem.sequences.sources.size)
    call = partial(_find_lowest, problem, rho, targets, n_contrasts)
    lowest = [recall(partial(call, w[block]))[0] for block in blocks]
    return np.asarray(np.min(lowest, axis=0))


def _find_lowest(
    problem: Problem, rho: Array, targets: Array, n_contrasts: int, w: Array
) -> BlockResult:
    sequences, lowest = problem.sequences, np.full(targets.shape[1], np.inf)
    gaps, rows = sequences.gaps, Rows(problem, w, sequences, has_order=True)
    known = sequences.targets[sequences.has_target][:, None] - rows.values[..., -1:]
    start = rows.values[..., -2:-1]

    def decompose(value: float) -> tuple[Array, Array]:
        columns, logs = rows.whiten(np.full((len(w), 1), value))
        linear = solve(columns[:, 0], rows.sizes)
        return linear.basis, linear.log_determinant + logs[0, :, 0]

    _, white_determinant = decompose(0.0)
    for value, log_v in zip(rho.tolist(), Noise(problem).log_determinant(rho), strict=True):
        basis, determinant = decompose(value)
        white, offsets = whiten(targets, gaps, value), whiten(known, gaps, value)
        transposed = np.swapaxes(basis, 1, 2)
        total = np.sum(white**2, axis=0) + np.sum(offsets**2, axis=1)
        total -= 2.0 * (np.swapaxes(offsets, 1, 2) @ white)[:, 0]
        explained = np.sum((transposed @ white - transposed @ offsets) ** 2, axis=1)
        if problem.has_own_starts:
            for i, own in enumerate(whiten(start, gaps, value)):
                shares, squares = find_shares(own, white - offsets[i], gaps)
                explained[i] += np.sum(shares**2 * squares, axis=0)
        # The difference keeps no more digits.
        rest = np.maximum(total - explained, 1e-14 * total + 1e-300)
        constant = determinant - white_determinant + log_v
        criteria = n_contrasts * np.log(rest) + constant[:, None]
        lowest = np.minimum(lowest, criteria.min(axis=0))
        check_interruption()
    return (lowest,)
