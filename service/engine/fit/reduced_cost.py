"""The reduced cost r(w): the lowest mean squared residual with w_rec = w, and its slope.

With w_rec given, the targets are linear in all other unknowns, and each unknown is the weight of a
column: an input weight of the filtered input, the offset of ones, an initial state of the response
to an impulse at the first target. Beside an unknown initial state, the offset is the weight of a
filtered constant: b = beta / (1 - w) has a pole at w = 1, and beta has none.

A QR decomposition of the columns A, the rest d of the targets, and the derivatives of both gives
everything else: no sum of squares is ever a difference of larger ones. The derivatives are the
imaginary parts of columns that are computed at w + ih (W. Squire and G. Trapp, "Using complex
variables to estimate derivatives of real functions", SIAM Review 40 (1998), 110-112).
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.engine import profile
from service.engine.arithmetic import tolerances
from service.engine.fit.problem import Problem, Sequences, split
from service.engine.types import Array

# Smaller singular values are rounding errors; the columns have a norm of at most 1.
RANK_RTOL: Final = 1e-13
IMAGINARY_STEP: Final = 1e-200  # its square underflows to 0, so real parts do not depend on it


@dataclass(frozen=True, eq=False)
class Evaluation(profile.Evaluation):
    """The linear problem solved at W values of w_rec; costs r are in the units of the data."""

    # (W, K + 1) the weights of the columns, without the starts of single sequences, then -1: its
    # product with a row of the columns and the rest of a target is minus the residual
    theta: Array
    root: Array  # (W, K, K): root root' is the inverse of A'A
    null: Array  # (W, K, K) directions of theta that the targets do not determine
    rank: NDArray[np.intp]  # (W,) of the columns, scaled to a norm of 1
    condition: Array  # (W,) of the same
    speed: Array  # (W,) norm of the part of d prediction / dw that no column explains


def evaluate(problem: Problem, w: Array) -> Evaluation:
    """Return the reduced cost and the weights of the columns at every w (W,)."""
    first, *others = (
        _solve(problem, w[part]) for part in split(len(w), problem.compressed.sources.size)
    )
    return first.concatenate(*others)


def make_columns(problem: Problem, w: NDArray[Any], sequences: Sequences) -> NDArray[Any]:
    """Return a column per unknown, then the rest of the targets, (W, N, T, K + 1).

    The columns are those of the inputs, the offset and the initial state.
    """
    from scipy.signal import lfilter  # noqa: PLC0415 - takes long to import

    sources, offset = sequences.sources, problem.options.offset
    responses = np.stack([lfilter([1.0], [1.0, -pole], sources, axis=1) for pole in w])
    used = [True] * len(problem.input_units) + [offset, problem.has_unknown_start]
    # An S_0 contributes S_0 w^k, and the response to an impulse at the first step is w^(k-1).
    rest = sequences.targets - problem.start * w[:, None, None] * responses[..., -1]
    columns = np.concatenate([responses[..., used], rest[..., None]], axis=3)
    if offset and not problem.has_unknown_start:
        columns[..., -2] = sources[..., -2]
    return columns


def make_rows(problem: Problem, w: NDArray[Any], sequences: Sequences) -> NDArray[Any]:
    """Return the columns at steps with targets, such that the noise of their rows is white.

    They are 0 where a sequence has no target.
    """
    steps = np.flatnonzero(sequences.has_target.any(axis=0))
    rows: NDArray[Any] = make_columns(problem, w, sequences)[:, :, steps]
    rows *= sequences.has_target[:, steps, None]
    return rows if problem.rho is None else rows[:, :, 1:] - problem.rho * rows[:, :, :-1]


def split_starts(columns: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the column of the initial state, and all others."""
    return columns[..., -2:-1], np.delete(columns, -2, axis=-1)


def share_of_start(start: NDArray[Any], columns: NDArray[Any]) -> NDArray[Any]:
    """Return the multiple (W, N, 1, K) of the start that is closest to each column."""
    squares = np.sum(start * start, axis=2, keepdims=True)
    products: NDArray[Any] = np.sum(start * columns, axis=2, keepdims=True)
    return products / np.where(squares != 0.0, squares, 1.0)


@np.errstate(over="ignore")  # far from the optimum
def _solve(problem: Problem, w: Array) -> Evaluation:
    factor, sizes = _factorize(problem, w)
    n = sizes.shape[1]
    columns, rest = factor[..., :n], factor[..., n : n + 1]
    left, s, right = np.linalg.svd(columns / sizes[:, None], full_matrices=False)
    is_sound = s > RANK_RTOL
    left, right = left * is_sound[:, None], np.swapaxes(right, 1, 2) / sizes[..., None]
    root = right * np.divide(1.0, s, out=np.zeros_like(s), where=is_sound)[:, None]
    weights = root @ (np.swapaxes(left, 1, 2) @ rest)
    theta = np.concatenate([weights, np.full((len(w), 1, 1), -1.0)], axis=1)
    residuals, change = factor[..., : n + 1] @ theta, factor[..., n + 1 :] @ theta
    cost = problem.cost_unit * np.sum(residuals**2, axis=(1, 2))
    perfect = tolerances.RESIDUAL_RTOL**2 * problem.scale
    cost = np.where(cost > perfect, cost, 0.0)
    rounding = tolerances.RESIDUAL_RTOL * np.sqrt(cost) * np.sqrt(problem.scale) + perfect
    free = change - left @ (np.swapaxes(left, 1, 2) @ change)
    return Evaluation(
        w=w,
        cost=cost,
        slope=2.0 * problem.cost_unit * np.sum(residuals * change, axis=(1, 2)),
        accuracy=tolerances.EQUAL_COST_RTOL * cost + rounding,
        theta=theta[..., 0],
        root=root,
        null=right * ~is_sound[:, None],
        rank=is_sound.sum(axis=1),
        condition=s.max(axis=1, initial=1.0) / np.maximum(s.min(axis=1, initial=1.0), 1e-300),
        speed=np.linalg.norm(free, axis=(1, 2)),
    )


def _factorize(problem: Problem, w: Array) -> tuple[Array, Array]:
    """Return the factor R of all columns and their slopes, and the norms of the columns."""
    factors, squares = [], []
    for block in problem.compressed.blocks():
        rows = make_rows(problem, w + IMAGINARY_STEP * 1j, block)
        squares.append(np.sum(rows.real**2, axis=(1, 2)))
        if problem.has_own_starts:  # project the others onto the complement of each start
            start, rows = split_starts(rows)
            rows -= start * share_of_start(start, rows)
            rows.imag -= start.real * share_of_start(start.real, rows.imag)
        rows = np.concatenate([rows.real, rows.imag / IMAGINARY_STEP], axis=3)
        factors.append(np.linalg.qr(rows.reshape(len(w), -1, rows.shape[3]), mode="r"))
    factor = np.asarray(np.linalg.qr(np.concatenate(factors, axis=1), mode="r"))
    sizes = np.sqrt(np.sum(squares, axis=0)[:, : factor.shape[2] // 2 - 1])
    return factor, np.where(sizes > 0.0, sizes, 1.0)
