"""The reduced cost r(w): the lowest sum of squared residuals with w_rec = w, and its slope.

With w_rec given, the targets are linear in all other unknowns, and each unknown is the weight of a
column: an input weight of the filtered input, the offset of ones, an initial state of the response
to an impulse at the first target. Beside an unknown initial state, the offset is the weight of a
filtered constant: b = beta / (1 - w) has a pole at w = 1, and beta has none.

A QR decomposition of the columns A, the rest d of the targets, and the derivatives of both gives
everything else: no sum of squares is ever a difference of larger ones.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.engine.fit.problem import Problem
from service.engine.fit.sequences import BLOCK, Sequences, differentiate_responses
from service.engine.types import Array

RESIDUAL_RTOL: Final = 1e-14
"""Rounding moves residuals by about this part of the targets; a smaller residual is 0."""

RANK_RTOL: Final = 1e-13
"""A smaller singular value of the columns, which have a norm of at most 1, is rounding."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The linear problem solved at W values of w_rec.

    Attributes
    ----------
    w, cost, slope
        (W,) the values, the sum of squares r and dr/dw.
    theta
        (W, K) the weights of the columns.
    root
        (W, K, K) with root root' the inverse of A'A.
    null
        (W, K, K) directions of theta that the targets do not determine.
    rank, condition
        (W,) of the columns, scaled.
    speed
        (W,) the norm of the part of d prediction / dw that no column can explain.
    """

    w: Array
    cost: Array
    slope: Array
    theta: Array
    root: Array
    null: Array
    rank: NDArray[np.intp]
    condition: Array
    speed: Array

    def __getitem__(self, where: slice | NDArray[np.bool_] | NDArray[np.intp]) -> "Evaluation":
        return Evaluation(*(getattr(self, field.name)[where] for field in fields(self)))

    @staticmethod
    def join(*parts: "Evaluation") -> "Evaluation":
        """Return all parts, sorted by w, each w once."""
        columns = ([getattr(part, field.name) for part in parts] for field in fields(Evaluation))
        joined = Evaluation(*map(np.concatenate, columns))
        return joined[np.unique(joined.w, return_index=True)[1]]


class ReducedCost:
    """The reduced cost of a problem, in units in which inputs and targets are at most 1.

    Attributes
    ----------
    center, unit, input_units
        What is subtracted from the targets, and what they and the inputs (q,) are divided by.
    scale
        The sum of squares of the targets and of a known initial state, in these units: rounding
        errors of costs are relative to it.
    sequences
        All sequences.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        has_target, has_start = ~np.isnan(problem.targets), problem.has_unknown_start
        known_start = 0.0 if has_start else float(problem.initial_state)
        self.center = float(np.mean(problem.targets[has_target])) if problem.offset else 0.0
        targets = np.where(has_target, problem.targets - self.center, 0.0)
        self.unit = max(float(np.max(np.abs(targets), initial=0.0)), abs(known_start)) or 1.0
        largest = np.max(np.abs(problem.inputs), axis=(0, 1), initial=0.0)
        self.input_units = np.where(largest > 0.0, largest, 1.0)
        self.start = known_start / self.unit
        targets = targets / self.unit
        self.scale = float(np.sum(targets**2)) + problem.n_targets * self.start**2
        self.has_own_starts = problem.initial_state == "each" and len(targets) > 1
        origin = np.zeros(len(targets), np.intp)
        if has_start:
            origin = np.argmax(has_target, axis=1)
            origin = origin if self.has_own_starts else np.full_like(origin, np.min(origin))
        inputs = problem.inputs / self.input_units
        self.sequences = Sequences(inputs, targets, has_target, np.ones(len(targets)), origin)
        self._compressed = self.sequences.compress()
        self._steps = np.flatnonzero(has_target.any(axis=0))
        self._has_ones = problem.offset and not has_start
        n_inputs = len(self.input_units)
        offset, start = [n_inputs] * problem.offset, [n_inputs + 1] * has_start
        self._used = [*range(n_inputs), *offset, *start]

    def columns(
        self,
        w: Array,
        sequences: Sequences,
        steps: NDArray[np.intp],
        responses: Array | None = None,
    ) -> Array:
        """Return the linear problem of some sequences at some steps.

        Parameters
        ----------
        responses
            Those of the sequences, if they are known.

        Returns
        -------
        columns : (W, N, len(steps), K + 1)
            A column per unknown, then the rest of the targets for them; 0 where there is none.
        """
        has_target = sequences.has_target[:, steps, None]
        responses = sequences.respond(w) if responses is None else responses
        responses = responses[:, :, steps] * has_target
        # An S_0 contributes S_0 w^k, and the response to an impulse at the first step is w^(k-1).
        known = self.start * w[:, None, None, None] * responses[..., -1:]
        rest = sequences.targets[:, steps, None] - known
        columns = np.concatenate([responses[..., self._used], rest], axis=3)
        if self._has_ones:
            columns[..., -2] = sequences.ones[:, None] * has_target[..., 0]
        return columns

    def _slopes(self, w: Array, sequences: Sequences, responses: Array) -> Array:
        """Return the derivatives of all columns with respect to w."""
        slopes = differentiate_responses(w, responses)
        has_target = sequences.has_target[:, self._steps, None]
        responses, slopes = (x[:, :, self._steps] * has_target for x in (responses, slopes))
        known = responses[..., -1:] + w[:, None, None, None] * slopes[..., -1:]
        columns = np.concatenate([slopes[..., self._used], -self.start * known], axis=3)
        if self._has_ones:
            columns[..., -2] = 0.0
        return columns

    def evaluate(self, w: Array) -> Evaluation:
        """Return the reduced cost and the weights of the columns at every w (W,), in order."""
        size = max(1, BLOCK // self._compressed.n_numbers)
        return Evaluation.join(
            *(self._solve(w[start : start + size]) for start in range(0, len(w), size))
        )

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
        factor, squares = np.empty((len(w), 0, 0)), np.zeros(())
        for block in self._compressed.blocks():
            part = self._compressed[block]
            responses = part.respond(w)
            values = self.columns(w, part, self._steps, responses)
            slopes = self._slopes(w, part, responses)
            n_unknowns = values.shape[3] - 1 - self.has_own_starts
            squares = squares + np.sum(values[..., :n_unknowns] ** 2, axis=(1, 2))
            if self.has_own_starts:
                values, slopes = _eliminate_starts(values, slopes)
            rows = np.concatenate([values, slopes], axis=3)
            if self.problem.rho is not None:
                rows = rows[:, :, 1:] - self.problem.rho * rows[:, :, :-1]
            rows = rows.reshape(len(w), -1, rows.shape[3])
            rows = np.concatenate([factor, rows], axis=1) if factor.size else rows
            factor = np.asarray(np.linalg.qr(rows, mode="r"))
        return factor, np.where(squares > 0.0, np.sqrt(squares), 1.0)

    def weights_of(self, at: Evaluation, sequences: Sequences) -> tuple[Array, Array, Array]:
        """Return the weights of all columns for each sequence, its own start included.

        Returns
        -------
        theta, root, null : (W, N, K), (W, N, K, K), (W, N, K, any)
            See `Evaluation`; N is 1 if all sequences share their weights.
        """
        if not self.has_own_starts:
            return at.theta[:, None], at.root[:, None], at.null[:, None]
        # The start is what the rest of the targets, less the other columns, has of its column.
        start, others = _split_starts(self.columns(at.w, sequences, self._steps))
        share = _share_of_start(start, others)[:, :, 0]
        on_columns = share[..., :-1]
        shape, n = share.shape, share.shape[2] - 1
        theta, root, null = np.empty(shape), np.zeros((*shape, n + 1)), np.empty((*shape, n))
        theta[..., :n] = at.theta[:, None]
        theta[..., n] = share[..., n] - np.sum(on_columns * theta[..., :n], axis=2)
        root[..., :n, :n], null[..., :n, :] = at.root[:, None], at.null[:, None]
        root[..., n, :n], null[..., n, :] = -on_columns @ at.root, -on_columns @ at.null
        root[..., n, n] = 1.0 / np.linalg.norm(start, axis=(2, 3))
        return theta, root, null


def _split_starts(columns: Array) -> tuple[Array, Array]:
    """Return the column of the start, and all others."""
    return columns[..., -2:-1], np.delete(columns, -2, axis=3)


def _eliminate_starts(values: Array, slopes: Array) -> tuple[Array, Array]:
    """Project what a start of its own can explain out of the columns of every sequence."""
    (start, values), (start_slope, slopes) = _split_starts(values), _split_starts(slopes)
    share = _share_of_start(start, values)
    slopes = slopes - start_slope * share
    return values - start * share, slopes - start * _share_of_start(start, slopes)


def _share_of_start(start: Array, columns: Array) -> Array:
    """Return the multiple (W, N, 1, K) of the start (W, N, T, 1) that is closest to each column."""
    squares = np.sum(start * start, axis=2, keepdims=True)
    products: Array = np.sum(start * columns, axis=2, keepdims=True)
    return products / np.where(squares > 0.0, squares, 1.0)
