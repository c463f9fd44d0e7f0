"""The reduced cost r(w): the lowest sum of squared residuals with w_rec = w, and its slope.

With w_rec given, the targets are linear in all other unknowns, and each unknown is the weight of a
column: an input weight of the filtered input, the offset of ones, an initial state of the response
to an impulse at the first target. Beside an unknown initial state, the offset is the weight of a
filtered constant: b = beta / (1 - w) has a pole at w = 1, and beta has none.

A QR decomposition of the columns A, the rest d of the targets, and the derivatives of both gives
everything else: no sum of squares is ever a difference of larger ones.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine.fit.problem import Problem
from service.engine.fit.sequences import BLOCK, Sequences, filter_recursively
from service.engine.types import Array

# Rounding errors of residuals relative to the targets; smaller residuals count as 0.
RESIDUAL_RTOL: Final = 1e-14
# Smaller singular values are rounding errors; the columns have a norm of at most 1.
RANK_RTOL: Final = 1e-13


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The linear problem solved at W values of w_rec."""

    w: Array  # (W,)
    cost: Array  # (W,) the sum of squares r
    slope: Array  # (W,) dr/dw
    theta: Array  # (W, K) the weights of the columns, without the start of a single sequence
    root: Array  # (W, K, K): root root' is the inverse of A'A
    null: Array  # (W, K, K) directions of theta that the targets do not determine
    rank: NDArray[np.intp]  # (W,) of the columns, scaled to a norm of 1
    condition: Array  # (W,) of the same
    speed: Array  # (W,) norm of the part of d prediction / dw that no column explains

    def __getitem__(self, where: slice | NDArray[np.bool_] | NDArray[np.intp]) -> "Evaluation":
        return Evaluation(*(array[where] for array in vars(self).values()))

    @staticmethod
    def concatenate(*parts: "Evaluation") -> "Evaluation":
        """Return all parts, in their order."""
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return Evaluation(*map(np.concatenate, columns))

    def merge(self, *others: "Evaluation") -> "Evaluation":
        """Return all of them sorted by w, each w once."""
        merged = Evaluation.concatenate(self, *others)
        return merged[np.unique(merged.w, return_index=True)[1]]


class ReducedCost:
    """The reduced cost of a problem, in units in which inputs and targets are at most 1.

    ``center`` is subtracted from the targets, which are then divided by ``unit``, as the inputs are
    by ``input_units`` (q,). ``used`` lists the responses that are columns. Rounding errors of costs
    are relative to ``scale``, the sum of squares of the targets and of a known initial state.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem, offset = problem, problem.options.offset
        has_target, has_start = ~np.isnan(problem.targets), problem.has_unknown_start
        known_start = 0.0 if has_start else float(problem.options.initial_state)
        self.center = float(np.mean(problem.targets[has_target])) if offset else 0.0
        targets = np.where(has_target, problem.targets - self.center, 0.0)
        self.unit = max(float(np.max(np.abs(targets), initial=0.0)), abs(known_start)) or 1.0
        self.start, targets = known_start / self.unit, targets / self.unit
        largest = np.max(np.abs(problem.inputs), axis=(0, 1), initial=0.0)
        self.input_units = np.where(largest > 0.0, largest, 1.0)
        self.scale = float(np.sum(targets**2)) + problem.n_targets * self.start**2
        origin = np.argmax(has_target, axis=1) * has_start
        if not problem.has_own_starts:
            origin[:] = np.min(origin)
        inputs, ones = problem.inputs / self.input_units, np.ones(len(targets))
        self.sequences = Sequences(inputs, targets, has_target, ones, origin)
        self._compressed = self.sequences.compress()
        n_inputs = len(self.input_units)
        self.used = [*range(n_inputs), *[n_inputs] * offset, *[n_inputs + 1] * has_start]
        self._has_ones = offset and not has_start

    def evaluate(self, w: Array) -> Evaluation:
        """Return the reduced cost and the weights of the columns at every w (W,)."""
        size = max(1, BLOCK // self._compressed.n_numbers)
        parts = (self._solve(w[i : i + size]) for i in range(0, len(w), size))
        return Evaluation.concatenate(*parts)

    def columns(self, w: Array, sequences: Sequences) -> Array:
        """Return a column per unknown, then the rest of the targets, (W, N, T, K + 1)."""
        return self._arrange(w, sequences, sequences.respond(w))

    def _arrange(self, w: Array, sequences: Sequences, responses: Array) -> Array:
        # An S_0 contributes S_0 w^k, and the response to an impulse at the first step is w^(k-1).
        known = self.start * w[:, None, None] * responses[..., -1]
        rest = sequences.targets - known
        columns = np.concatenate([responses[..., self.used], rest[..., None]], axis=3)
        if self._has_ones:
            columns[..., -2] = sequences.ones[:, None]
        return columns

    def _differentiate(self, w: Array, responses: Array) -> Array:
        """Return the derivatives of all columns with respect to w."""
        # That of a response is the response to the response before it.
        before = np.zeros_like(responses)
        before[:, :, 1:] = responses[:, :, :-1]
        slopes = filter_recursively(w, before)
        known = responses[..., -1:] + w[:, None, None, None] * slopes[..., -1:]
        columns = np.concatenate([slopes[..., self.used], -self.start * known], axis=3)
        if self._has_ones:
            columns[..., -2] = 0.0
        return columns

    def _solve(self, w: Array) -> Evaluation:
        factor, sizes = self._factorize(w)
        n = sizes.shape[1]
        columns, rest, slopes, rest_slope = np.split(factor, [n, n + 1, 2 * n + 1], axis=2)
        left, s, right = np.linalg.svd(columns / sizes[:, None], full_matrices=False)
        is_sound = s > RANK_RTOL
        left, right = left * is_sound[:, None], np.swapaxes(right, 1, 2) / sizes[..., None]
        root = right * np.divide(1.0, s, out=np.zeros_like(s), where=is_sound)[:, None]
        theta = root @ (np.swapaxes(left, 1, 2) @ rest)
        residuals, change = rest - columns @ theta, rest_slope - slopes @ theta
        cost = np.sum(residuals**2, axis=(1, 2))
        free = change - left @ (np.swapaxes(left, 1, 2) @ change)
        return Evaluation(
            w=w,
            cost=np.where(cost > RESIDUAL_RTOL**2 * self.scale, cost, 0.0),
            slope=2.0 * np.sum(residuals * change, axis=(1, 2)),
            theta=theta[..., 0],
            root=root,
            null=right * ~is_sound[:, None],
            rank=is_sound.sum(axis=1),
            condition=s.max(axis=1, initial=1.0) / np.maximum(s.min(axis=1, initial=1.0), 1e-300),
            speed=np.linalg.norm(free, axis=(1, 2)),
        )

    def _factorize(self, w: Array) -> tuple[Array, Array]:
        """Return the factor R of all columns and their slopes, and the norms of the columns."""
        has_own_starts, rho = self.problem.has_own_starts, self.problem.rho
        n = len(self.used) - has_own_starts
        factors, squares = [], np.zeros((len(w), n))
        for block in self._compressed.blocks():
            responses = block.respond(w)
            values = self._arrange(w, block, responses)
            slopes = self._differentiate(w, responses)
            values, slopes = (_select_targets(each, block) for each in (values, slopes))
            squares += np.sum(values[..., :n] ** 2, axis=(1, 2))
            if has_own_starts:
                values, slopes = _eliminate_starts(values, slopes)
            rows = np.concatenate([values, slopes], axis=3)
            if rho is not None:
                rows = rows[:, :, 1:] - rho * rows[:, :, :-1]
            factors.append(np.linalg.qr(rows.reshape(len(w), -1, 2 * n + 2), mode="r"))
        factor = np.asarray(np.linalg.qr(np.concatenate(factors, axis=1), mode="r"))
        return factor, np.where(squares > 0.0, np.sqrt(squares), 1.0)

    def share_of_starts(self, w: Array, sequences: Sequences) -> tuple[Array, Array]:
        """Return the multiple (W, N, 1, K) of its start that is closest to each other column.

        The second array (W, N, 1) holds the norms of the starts.
        """
        columns = _select_targets(self.columns(w, sequences), sequences)
        start, others = _split_starts(columns)
        return _share_of_start(start, others), np.linalg.norm(start, axis=2)


def _select_targets(columns: Array, sequences: Sequences) -> Array:
    """Return the columns at steps with targets; 0 where a sequence has no target."""
    steps = np.flatnonzero(sequences.has_target.any(axis=0))
    selected: Array = columns[:, :, steps]
    selected *= sequences.has_target[:, steps, None]
    return selected


def _split_starts(columns: Array) -> tuple[Array, Array]:
    """Return the column of the start, and all others."""
    return columns[..., -2:-1], np.delete(columns, -2, axis=3)


def _eliminate_starts(values: Array, slopes: Array) -> tuple[Array, Array]:
    """Project the columns of every sequence onto the complement of its own start."""
    (start, values), (start_slope, slopes) = _split_starts(values), _split_starts(slopes)
    share = _share_of_start(start, values)
    slopes = slopes - start_slope * share
    return values - start * share, slopes - start * _share_of_start(start, slopes)


def _share_of_start(start: Array, columns: Array) -> Array:
    """Return the multiple (W, N, 1, K) of the start that is closest to each column."""
    squares = np.sum(start * start, axis=2, keepdims=True)
    products: Array = np.sum(start * columns, axis=2, keepdims=True)
    return products / np.where(squares > 0.0, squares, 1.0)
