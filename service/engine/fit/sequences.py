"""Scaled sequences, their responses, and the reduction of many sequences to few."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.engine.types import Array

BLOCK: Final = 1 << 18  # numbers filtered at a time; bounds the memory


def split(n: int, n_numbers: int) -> Iterator[slice]:
    """Yield slices of n items, each of which needs so many numbers, to process at a time."""
    size = max(1, BLOCK // n_numbers)
    return (slice(start, start + size) for start in range(0, n, size))


def filter_recursively(w: NDArray[Any], x: Array) -> NDArray[Any]:
    """Return p (W, N, T, K) with p_k = w p_(k-1) + x_k and p_(-1) = 0, for many w (W,).

    x is (N, T, K). All chunks are filtered in parallel, starting at 0; then the last value of each
    chunk is carried over to the next. This takes about 2 sqrt(T) numpy steps.
    """
    n_samples, n_steps, n_columns = x.shape
    length = math.isqrt(n_steps - 1) + 1
    n_chunks = -(-n_steps // length)
    factor = w[:, None, None, None]
    p = np.zeros((len(w), n_samples, n_chunks * length, n_columns), w.dtype)
    p[:, :, :n_steps] = x
    chunks = p.reshape(len(w), n_samples, n_chunks, length, n_columns)
    for k in range(1, length):
        chunks[..., k, :] += factor * chunks[..., k - 1, :]
    powers = factor ** np.arange(1, length + 1)[:, None]
    for c in range(1, n_chunks):
        chunks[:, :, c] += powers * chunks[:, :, c - 1, -1:]
    return p[:, :, :n_steps]


@dataclass(frozen=True, eq=False)
class Sequences:
    """N scaled sequences."""

    inputs: Array  # (N, T, q)
    targets: Array  # (N, T), 0 where there is none
    has_target: NDArray[np.bool_]  # (N, T)
    ones: Array  # (N,) the size of a 1 in each sequence
    origin: NDArray[np.intp]  # (N,) the step of the impulse that stands for the initial state

    def __getitem__(self, rows: slice | NDArray[np.intp] | NDArray[np.bool_]) -> "Sequences":
        return Sequences(*(array[rows] for array in vars(self).values()))

    @property
    def n_numbers(self) -> int:
        """The number of values to filter for one w."""
        return self.targets.size * int(self.inputs.shape[2] + 2)

    def blocks(self) -> Iterator["Sequences"]:
        """Yield some sequences at a time."""
        n_sequences = len(self.ones)
        return (self[rows] for rows in split(n_sequences, self.n_numbers // n_sequences))

    def respond(self, w: NDArray[Any]) -> NDArray[Any]:
        """Return the states for each input, a constant and an impulse, (W, N, T, q + 2)."""
        constant, impulse = np.zeros((2, *self.targets.shape, 1))
        constant[:] = self.ones[:, None, None]
        impulse[np.arange(len(impulse)), self.origin, 0] = self.ones
        return filter_recursively(w, np.concatenate([self.inputs, constant, impulse], axis=2))

    def compress(self) -> "Sequences":
        """Return fewer sequences with the same sum of squared residuals for every w.

        A residual is linear in (inputs, targets, 1) of its sequence, so the factor R of a QR
        decomposition replaces all sequences whose targets are at the same steps.
        """
        n_samples, n_steps, n_inputs = self.inputs.shape
        at = n_steps * n_inputs
        rows = np.column_stack([self.inputs.reshape(n_samples, at), self.targets, self.ones])
        patterns = np.column_stack([self.has_target, self.origin])
        _, first, group = np.unique(patterns, axis=0, return_index=True, return_inverse=True)
        parts = [rows[group.ravel() == i] for i in range(len(first))]
        parts = [np.linalg.qr(x, mode="r") if len(x) > 2 * x.shape[1] else x for x in parts]
        few, rows = self[np.repeat(first, [len(part) for part in parts])], np.concatenate(parts)
        inputs = rows[:, :at].reshape(few.inputs.shape)
        return replace(few, inputs=inputs, targets=rows[:, at:-1], ones=rows[:, -1])
