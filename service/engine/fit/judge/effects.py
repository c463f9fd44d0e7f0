"""The effect of the inputs: whether it is detected.

The gain of all inputs is compared with that of targets simulated without inputs, for which the
delay, w_rec and rho are searched again. The noise of the simulation is ar1 even if that of the fit
is white: with white noise a drifting target would correlate with any slow input. It is white if the
errors are stated to be independent.
"""

import math
from typing import NamedTuple

import numpy as np

from service.engine.fit import constants
from service.engine.fit.judge.residuals import draw
from service.engine.fit.judge.structures import find_null_noise, judge_gain
from service.engine.fit.model import FitProblem, Sequences, shorten, split
from service.engine.fit.solve import Criterion, Linear, Solution, compute_rows, linearize, solve
from service.engine.interruption import check_interruption
from service.engine.profile import make_grid
from service.engine.types import Array


class Effect(NamedTuple):
    """An effect: true if it is detected, and the p-value."""

    visible: bool
    p: float
    low: float = math.nan  # the interval of the weight of a single input
    high: float = math.nan


class _Grid(NamedTuple):
    """The values of w_rec and rho at which criteria are compared."""

    w: Array
    rho: Array


def judge_effect(problem: FitProblem) -> Effect | None:
    """Test the effect of all inputs together.

    Of very many targets, the first ones suffice to detect a clear effect.

    Parameters
    ----------
    problem
        The fit.

    Returns
    -------
    Effect or None
        None where a start explains the same as the inputs.
    """
    short = shorten(problem, constants.ENOUGH_TARGETS)
    if short is not problem:
        effect = judge_effect(short)
        if effect is None or effect.p <= constants.CLEAR_ALPHA:
            return effect
    grid = _make_grid(problem, is_coarse=short is not problem)
    given = dict.fromkeys(problem.series.input_names, 0.0)
    null = problem.vary(gains=given, noise=find_null_noise(problem))
    n_contrasts = max(problem.n_targets - problem.n_unknowns, 1)
    noise = _simulate_noise(null, grid.w, n_contrasts)
    low, high = problem.options.delay
    with_inputs = np.min(
        [
            _find_lowest(problem.vary(delay=(delay, high)), grid, noise, n_contrasts)
            for delay in range(low, high + 1)
        ],
        axis=0,
    )
    gains = _find_lowest(null, grid, noise, n_contrasts) - with_inputs
    sizes = np.abs(gains)
    if sizes[0] < constants.CONFOUNDED_GAIN and np.median(sizes) < constants.CONFOUNDED_GAIN:
        return None
    p = float(np.mean(gains >= gains[0] - 1e-9))
    return Effect(p <= constants.EFFECT_ALPHA, p)


def judge_effect_on_states(colored: Solution) -> Effect:
    """Test the effect of all inputs on several states, by an F test as if the poles were known.

    Parameters
    ----------
    colored
        The fit, with the noise with which effects are judged.

    Returns
    -------
    Effect
        In comparison with a single state on which no input acts.
    """
    _, p = judge_gain(colored.without_inputs, colored)
    return Effect(p <= constants.EFFECT_ALPHA, p)


def _make_grid(problem: FitProblem, *, is_coarse: bool) -> _Grid:
    """Return the grid of a problem, or a part of it."""
    w = make_grid(problem.targets.shape[1], *problem.options.w_rec, constants.COARSE_GAPS)
    rho = problem.correlations[1:-2] ** (1.0 / problem.sequences.usual_gap)
    if problem.options.noise == "independent":
        rho = np.zeros(1)
    return _Grid(w[::3], rho[::2]) if is_coarse else _Grid(w, rho)


def _simulate_noise(null: FitProblem, w: Array, n_contrasts: int) -> Array:
    """Return what to add to the targets (n, B + 1) to get those without an effect; 0 comes first.

    The first vector stands for the targets themselves.
    """
    criterion = Criterion(null)
    points = criterion.evaluate(w)
    fitted = linearize(criterion, points[np.argsort(points.cost)[:1]])
    observed = fitted.observed
    deviation = float(np.linalg.norm(observed)) / math.sqrt(n_contrasts)
    noise = draw(null.n_targets, constants.EFFECT_SIMULATIONS)
    for block in split(noise.shape[1], len(noise)):
        innovations = deviation * noise[:, block] - observed
        noise[:, block] = null.sequences.color(innovations, fitted.rho)
    noise[:, 0] = 0.0
    return noise


def _find_lowest(problem: FitProblem, grid: _Grid, noise: Array, n_contrasts: int) -> Array:
    """Return the lowest criteria (B,) on a grid, for targets plus noise (n, B)."""
    blocks = split(len(grid.w), problem.sequences.sources.size)
    lowest = [
        _find_lowest_in_block(problem, grid.rho, noise, n_contrasts, grid.w[block])
        for block in blocks
    ]
    return np.asarray(np.min(lowest, axis=0))


def _find_lowest_in_block(
    problem: FitProblem, rho: Array, noise: Array, n_contrasts: int, w: Array
) -> Array:
    """Return the lowest criteria (B,) at W values of w_rec and some of rho."""
    sequences = problem.sequences
    rows = compute_rows(problem, w[:, None], sequences)
    white_determinant = solve(rows, np.zeros_like(w)).log_determinant
    lowest = np.full(noise.shape[1], np.inf)
    for value, log_v in zip(rho.tolist(), sequences.log_determinant(rho), strict=True):
        linear = solve(rows, np.full(len(w), value))
        blocks = split(noise.shape[1], len(noise))
        squares = np.concatenate(
            [
                _add_to_targets(problem, linear, sequences.whiten(noise[:, block], value))
                for block in blocks
            ],
            axis=1,
        )
        constant = linear.log_determinant - white_determinant + log_v
        criteria = n_contrasts * np.log(squares) + constant[:, None]
        lowest = np.minimum(lowest, criteria.min(axis=0))
        check_interruption()
    return lowest


def _add_to_targets(problem: FitProblem, linear: Linear, white: Array) -> Array:
    """Return the sums of squared residuals (W, B) after whitened noise (n, B) was added."""
    residuals = np.swapaxes(linear.residuals, 1, 2)
    basis = np.swapaxes(linear.basis, 1, 2)
    total = linear.squares[:, None] + np.sum(white**2, axis=0) - 2.0 * (residuals @ white)[:, 0]
    explained = np.sum((basis @ white) ** 2, axis=1)
    for own in np.moveaxis(linear.own, 2, 0):
        explained = explained + _explain_by_own(problem.sequences, own, white)
    least = constants.DIFFERENCE_RTOL * total + constants.TINY
    return np.asarray(np.maximum(total - explained, least))


def _explain_by_own(sequences: Sequences, own: Array, white: Array) -> Array:
    """Return the sums of squares (W, B) that own columns (W, n) explain of white noise (n, B)."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - takes long to import

    # A row for each place and sequence, with the column at its targets.
    n_places, n_targets = own.shape
    first = n_targets * np.arange(n_places)[:, None] + sequences.edges
    pointers = np.append(first, own.size)
    targets = np.tile(np.arange(n_targets), n_places)
    rows = csr_array((own.ravel(), targets, pointers), shape=(first.size, n_targets))
    squares = rows.multiply(rows).sum(axis=1) + constants.TINY
    explained = (rows @ white) ** 2 / squares[:, None]
    return np.asarray(explained.reshape(*first.shape, -1).sum(axis=1))
