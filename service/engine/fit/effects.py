"""Whether the inputs have a visible effect.

The gain of all inputs, in the criterion of ar1 noise, is compared with that of targets simulated
without inputs, for which w_rec and rho are searched again. The noise of the simulation is ar1 even
if that of the fit is white: with white noise a drifting target would follow any slow input.
"""

import math
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from service.engine.data import Series
from service.engine.fit.checks import SIMULATED_NUMBERS
from service.engine.fit.noise import (
    Noise,
    color,
    find_shares,
    make_rows,
    remove_starts,
    split_starts,
    whiten,
)
from service.engine.fit.problem import Problem, split
from service.engine.fit.solution import RANK_RTOL
from service.engine.interruption import BlockResult, check_interruption, recall
from service.engine.profile import make_grid
from service.engine.types import Array

ALPHA: Final = 0.04  # how often inputs without an effect may seem to have one
CLEAR: Final = ALPHA / 5  # what the first targets must show where there are many
SIMULATIONS: Final = 39, 199  # the fewest and the most simulated vectors
GAPS: Final = 13  # of the grid of w_rec from 0 to 1
ENOUGH: Final = 2000  # targets that suffice for a first judgment
SEED: Final = 2
CONFOUNDED: Final = 1e-6  # a smaller gain is rounding


class Effect(NamedTuple):
    """Whether an effect is visible, and the p-value."""

    visible: bool
    p: float

    @classmethod
    def of(cls, p: float) -> "Effect":
        """Return the effect that a test with this p-value sees."""
        return cls(p <= ALPHA, p)


def shorten(problem: Problem) -> Problem:
    """Return the problem with its first targets only, where there are very many."""
    if problem.n_targets <= ENOUGH:
        return problem
    series = problem.series
    end = int(np.flatnonzero(~np.isnan(series.targets))[ENOUGH - 1]) + 1
    n_sequences = int(np.searchsorted(series.starts, end))
    lengths = np.diff(np.minimum(series.starts[: n_sequences + 1], end))
    short = replace(
        series,
        inputs=series.inputs[:end],
        targets=series.targets[:end],
        lengths=lengths,
        sequence_names=(),
    )
    return Problem(short, problem.options, problem.delay)


def judge_effect(problem: Problem) -> Effect | None:
    """Return whether any input has a visible effect; None where a start explains the same."""
    series = problem.series
    blank = Series(series.inputs[:, :0], series.targets, series.lengths, ())
    null = Problem(blank, replace(problem.options, gains={}), 0)
    noise, n = Noise(problem), problem.n_targets
    n_simulated = int(np.clip(SIMULATED_NUMBERS // (2 * n), *SIMULATIONS))
    w = make_grid(problem.targets.shape[1], *problem.options.w_rec, GAPS)
    rho = noise.to_rho(noise.correlations[1:-2])
    if n > ENOUGH:
        w, rho = w[::3], rho[::2]
    observed = problem.sequences.targets[problem.sequences.has_target][:, None]
    n_contrasts = max(problem.n_targets - problem.n_unknowns, 1)
    costs = scan(null, w, rho, observed, n_contrasts)[..., 0]
    i, j = divmod(int(np.argmin(costs)), costs.shape[1])
    innovations, deviation = _split_null(null, w[j : j + 1], float(rho[i]))
    drawn = np.random.default_rng(SEED).standard_normal((n, n_simulated))
    noise_of = partial(color, sequences=problem.sequences, rho=float(rho[i]))
    simulated = observed - noise_of(innovations) + deviation * noise_of(drawn)
    targets = np.concatenate([observed, simulated], axis=1)
    without, full = (
        scan(model, w, rho, targets, n_contrasts).min((0, 1)) for model in (null, problem)
    )
    gains = without - full
    sizes = np.abs(gains)
    if sizes[0] < CONFOUNDED and np.median(sizes) < CONFOUNDED:
        return None
    p = float(np.mean(gains >= gains[0] - 1e-9))
    return Effect.of(p)


def scan(
    problem: Problem,
    w: Array,
    rho: Array,
    targets: Array,
    n_contrasts: int,
    *,
    is_restricted: bool = True,
) -> Array:
    """Return the criterion of ar1 noise for many vectors of targets, to compare problems.

    Parameters
    ----------
    problem
        What is fitted to each of the vectors; ``n_contrasts`` takes the place of nu + 1.
    w, rho
        (W,) and (R,).
    targets
        (n, B) in the units of the problem.
    is_restricted
        False for the full likelihood, scaled by the number of contrasts as well.

    Returns
    -------
    criteria : (R, W, B)
    """
    scan_block = partial(
        _scan_block,
        problem,
        rho=rho,
        targets=targets,
        n_contrasts=n_contrasts,
        is_restricted=is_restricted,
    )
    blocks = split(len(w), problem.sequences.sources.size)
    return np.concatenate([recall(partial(scan_block, w[block]))[0] for block in blocks], axis=1)


def _scan_block(
    problem: Problem, w: Array, rho: Array, targets: Array, n_contrasts: int, *, is_restricted: bool
) -> BlockResult:
    sequences = problem.sequences
    gaps, rows = sequences.gaps, make_rows(problem, w, sequences)
    known = sequences.targets[sequences.has_target][:, None] - rows[..., -1:]
    columns, start = rows[..., :-1], None
    if problem.has_own_starts:
        start, columns = columns[..., -1:], columns[..., :-1]
    sizes = np.linalg.norm(columns, axis=1, keepdims=True)
    columns = columns / np.where(sizes > 0.0, sizes, 1.0)
    criteria, dets = [], []
    for value in [0.0, *rho.tolist()]:
        white, offsets = whiten(targets, gaps, value), whiten(known, gaps, value)
        white_start = None if start is None else whiten(start, gaps, value)
        basis, log_determinant = orthonormalize(whiten(columns, gaps, value), white_start, gaps)
        total = np.sum(white**2, axis=0) + np.sum(offsets**2, axis=1)
        total = total - 2.0 * (np.swapaxes(offsets, 1, 2) @ white)[:, 0]
        transposed = np.swapaxes(basis, 1, 2)
        explained = np.sum((transposed @ white - transposed @ offsets) ** 2, axis=1)
        if white_start is not None:
            for i, own in enumerate(white_start):
                shares, squares = find_shares(own, white - offsets[i], gaps)
                explained[i] += np.sum(shares**2 * squares, axis=0)
        # The difference keeps no more digits.
        rest = np.maximum(total - explained, 1e-14 * total + 1e-300)
        criteria.append(n_contrasts * np.log(rest))
        dets.append(log_determinant * is_restricted)
        check_interruption()
    scale = 1.0 if is_restricted else n_contrasts / problem.n_targets
    ratios = np.stack(dets[1:]) - dets[0]
    ratios += scale * Noise(problem).log_determinant(rho)[:, None]
    return (np.stack(criteria[1:]) + ratios[..., None],)


def orthonormalize(columns: Array, start: Array | None, gaps: Array) -> tuple[Array, Array]:
    """Return a basis (W, n, K) of columns less starts, and the log determinant of all (W,)."""
    logs = np.zeros(len(columns))
    if start is not None:
        columns = remove_starts(start, columns, gaps)
        logs += np.sum(np.log(find_shares(start, start, gaps)[1]), axis=(1, 2))
    left, s, _ = np.linalg.svd(columns, full_matrices=False)
    is_sound = s > RANK_RTOL
    logs += 2.0 * np.sum(np.log(np.where(is_sound, s, 1.0)), axis=1)
    return left * is_sound[:, None], logs


def _split_null(problem: Problem, w: Array, rho: float) -> tuple[Array, float]:
    """Return the whitened residuals (n, 1) of a fit without inputs, and their deviation."""
    gaps = problem.sequences.gaps
    rows = whiten(make_rows(problem, w, problem.sequences), gaps, rho)
    if problem.has_own_starts:
        start, rows = split_starts(rows)
        rows = remove_starts(start, rows, gaps)
    basis, rest = orthonormalize(rows[..., :-1], None, gaps)[0][0], rows[0, :, -1:]
    rest = rest - basis @ (basis.T @ rest)
    n_free = max(problem.n_targets - problem.n_unknowns, 1)
    return rest, math.sqrt(float(np.sum(rest**2)) / n_free)
